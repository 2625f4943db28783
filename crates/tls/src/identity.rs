//! A certificate chain with its private key.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::sign::CertifiedKey;
use rustls_pki_types::CertificateDer;

use crate::certificate::{CertificateInfo, public_key_info};
use crate::file::PemFile;
use crate::{Error, Password, Result, private_key, provider};

/// Where a certificate chain and its private key lie.
#[derive(Clone, Debug)]
pub struct IdentityFiles {
    /// PEM: the certificate, those between it and the root, and the private key unless `key`
    /// names a file of its own.
    pub certificate: PathBuf,
    /// PEM: the private key, when it is not in `certificate`.
    pub key: Option<PathBuf>,
    /// For an encrypted private key.
    pub password: Option<Password>,
}

/// A certificate chain with its private key, checked to belong together.
#[derive(Clone, Debug)]
pub struct Identity {
    /// What rustls signs with.
    pub certified_key: Arc<CertifiedKey>,
    /// What the end entity's certificate says.
    pub info: CertificateInfo,
}

impl IdentityFiles {
    /// Certificate and key in one file, the key in clear.
    pub fn combined(path: impl Into<PathBuf>) -> Self {
        Self {
            certificate: path.into(),
            key: None,
            password: None,
        }
    }

    /// Certificate and key in two files, the key in clear.
    pub fn apart(certificate: impl Into<PathBuf>, key: impl Into<PathBuf>) -> Self {
        Self {
            certificate: certificate.into(),
            key: Some(key.into()),
            password: None,
        }
    }

    /// Reads the files and checks that key and certificate belong together. The certificate of
    /// the key is put first, wherever it stands in the file.
    ///
    /// # Errors
    /// Every variant of [`Error`] that concerns a file.
    pub fn load(&self) -> Result<Identity> {
        let certificate_file = PemFile::read(&self.certificate)?;
        let mut chain = certificate_file.certificates()?;
        let (key_path, key) = match &self.key {
            None => (
                self.certificate.as_path(),
                private_key::find(&certificate_file, self.password.as_ref())?,
            ),
            Some(path) => {
                let file = PemFile::read(path)?;
                (
                    path.as_path(),
                    private_key::find(&file, self.password.as_ref())?,
                )
            }
        };
        let key = provider()
            .key_provider
            .load_private_key(key)
            .map_err(|error| Error::Unsupported {
                path: key_path.to_owned(),
                what: format!("its private key ({error})"),
                advice: "use an RSA key of 2048 to 8192 bits, an ECDSA key on P-256, P-384 or \
                         P-521, or an Ed25519 key"
                    .to_owned(),
            })?;
        if let Some(own) = key.public_key() {
            let position = self.position_of(&chain, own.as_ref(), key_path)?;
            chain.swap(0, position);
        }
        let info = chain
            .first()
            .map(CertificateInfo::from_der)
            .transpose()
            .and_then(|info| info.ok_or_else(|| "there is none".to_owned()))
            .map_err(|detail| self.bad_certificate(detail))?;
        Ok(Identity {
            certified_key: Arc::new(CertifiedKey::new(chain, key)),
            info,
        })
    }

    /// The files that [`IdentityFiles::load`] reads.
    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        std::iter::once(self.certificate.as_path()).chain(self.key.as_deref())
    }

    fn position_of(
        &self,
        chain: &[CertificateDer<'static>],
        public_key: &[u8],
        key_path: &Path,
    ) -> Result<usize> {
        for (position, certificate) in chain.iter().enumerate() {
            let info =
                public_key_info(certificate).map_err(|detail| self.bad_certificate(detail))?;
            if info == public_key {
                return Ok(position);
            }
        }
        Err(Error::KeyMismatch {
            certificate: self.certificate.clone(),
            key: key_path.to_owned(),
        })
    }

    fn bad_certificate(&self, detail: String) -> Error {
        Error::BadCertificate {
            path: self.certificate.clone(),
            detail,
        }
    }
}
