//! Which certificate authorities are trusted.

use std::path::{Path, PathBuf};

use rustls::RootCertStore;

use crate::file::PemFile;
use crate::{Error, Result};

/// Which certificate authorities are trusted.
#[derive(Clone, Debug)]
pub struct Trust {
    /// The roots that the operating system trusts.
    pub system_roots: bool,
    /// PEM: certificates trusted in addition.
    pub ca_file: Option<PathBuf>,
}

impl Trust {
    /// The system's roots, and those of the file if there is one.
    pub fn system_and(ca_file: Option<PathBuf>) -> Self {
        Self {
            system_roots: true,
            ca_file,
        }
    }

    /// Nobody but the authorities in the file.
    pub fn only(ca_file: impl Into<PathBuf>) -> Self {
        Self {
            system_roots: false,
            ca_file: Some(ca_file.into()),
        }
    }

    /// Reads the file and the system's roots. A root of the system's that cannot be parsed is
    /// passed over; one of the file's is an error, because somebody meant it.
    ///
    /// # Errors
    /// What is wrong with the file, or [`Error::NoRoots`].
    pub fn load(&self) -> Result<RootCertStore> {
        let mut roots = RootCertStore::empty();
        if let Some(path) = &self.ca_file {
            for certificate in PemFile::read(path)?.certificates()? {
                roots
                    .add(certificate)
                    .map_err(|error| Error::BadCertificate {
                        path: path.clone(),
                        detail: error.to_string(),
                    })?;
            }
        }
        let mut detail = String::new();
        if self.system_roots {
            let system = rustls_native_certs::load_native_certs();
            if let Some(error) = system.errors.first() {
                detail = format!(" ({error})");
            }
            roots.add_parsable_certificates(system.certs);
        }
        if roots.is_empty() {
            return Err(Error::NoRoots { detail });
        }
        Ok(roots)
    }

    /// The files that [`Trust::load`] reads and that may change: not the system's.
    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        self.ca_file.as_deref().into_iter()
    }
}
