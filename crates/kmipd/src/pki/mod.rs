//! The certificates: an authority of its own, the server's certificate and those of clients, revocation.
//!
//! ```text
//! DIR/pki/ca.pem          the authority's certificate: what clients trust
//! DIR/pki/ca-key.pem      its key, mode 0600, encrypted if a passphrase was given. Better kept elsewhere
//! DIR/pki/index.json      every certificate that it has issued
//! DIR/pki/crl.pem         the revocation list
//! DIR/pki/lock            held by the command that changes one of them
//! DIR/server.pem          the server's certificate and key
//! DIR/issued/NAME.pem     a client's certificate, the authority's, and its key: to be taken to the client
//! DIR/clients/NAME.yaml   what the client may do
//! ```

mod authority;
mod error;
mod index;

pub use authority::{Authority, Lifetimes};
pub use error::PkiError;
pub use index::{Entry, Index, Kind};

use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use time::OffsetDateTime;
use tls::write_private;

use crate::files::make_directory;

/// How long a command waits for another one; each takes milliseconds.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often it looks.
const PAUSE: Duration = Duration::from_millis(20);

/// A directory that `kmipd init` has made.
#[derive(Clone, Debug)]
pub struct Layout {
    directory: PathBuf,
}

impl Layout {
    /// That directory.
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self {
            directory: directory.into(),
        }
    }

    /// The directory.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The configuration.
    pub fn config(&self) -> PathBuf {
        self.directory.join("kmipd.yaml")
    }

    /// The authority's certificate.
    pub fn ca(&self) -> PathBuf {
        self.directory.join("pki/ca.pem")
    }

    pub(crate) fn ca_key(&self) -> PathBuf {
        self.directory.join("pki/ca-key.pem")
    }

    pub(crate) fn index(&self) -> PathBuf {
        self.directory.join("pki/index.json")
    }

    /// The revocation list.
    pub fn crl(&self) -> PathBuf {
        self.directory.join("pki/crl.pem")
    }

    /// The server's certificate and key.
    pub fn server(&self) -> PathBuf {
        self.directory.join("server.pem")
    }

    /// Makes the commands that issue and revoke wait for each other: without it, two at the same time would write the
    /// index one over the other, and a certificate that is not in it cannot be revoked. Ends when it is dropped.
    ///
    /// # Errors
    /// [`PkiError::Busy`] after half a minute; [`PkiError::Io`].
    pub fn lock(&self) -> Result<File, PkiError> {
        let path = self.directory.join("pki/lock");
        let failed = |source| PkiError::io(&path, source);
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(failed)?;
        let end = Instant::now() + PATIENCE;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(file),
                Err(TryLockError::WouldBlock) if Instant::now() < end => {
                    std::thread::sleep(PAUSE);
                }
                Err(TryLockError::WouldBlock) => {
                    return Err(PkiError::Busy {
                        directory: self.directory.join("pki"),
                    });
                }
                Err(TryLockError::Error(source)) => return Err(failed(source)),
            }
        }
    }

    /// A client's certificate and key.
    pub fn issued(&self, name: &str) -> PathBuf {
        self.directory.join("issued").join(format!("{name}.pem"))
    }

    /// What a client may do.
    pub fn client(&self, name: &str) -> PathBuf {
        self.directory.join("clients").join(format!("{name}.yaml"))
    }

    /// Whether it is such a directory, with the authority in it.
    ///
    /// # Errors
    /// [`PkiError::NotInitialised`].
    pub fn check(&self) -> Result<(), PkiError> {
        for missing in [self.ca(), self.ca_key(), self.index()] {
            if !missing.exists() {
                return Err(PkiError::NotInitialised {
                    directory: self.directory.clone(),
                    missing,
                });
            }
        }
        Ok(())
    }

    pub(crate) fn make_directories(&self) -> Result<(), PkiError> {
        for name in ["", "pki", "issued", "clients"] {
            let directory = self.directory.join(name);
            make_directory(&directory).map_err(|source| PkiError::io(&directory, source))?;
        }
        Ok(())
    }
}

/// Longest name of a client, as X.509 has it for common names (RFC 5280, ub-common-name).
const MAX_NAME_CHARS: usize = 64;

/// Whether the name can be a common name and a file's name.
///
/// # Errors
/// [`PkiError::Name`].
pub fn check_name(name: &str) -> Result<(), PkiError> {
    let is_fine = |character: char| {
        character.is_ascii_alphanumeric() || matches!(character, '-' | '_' | '.' | '@')
    };
    if name.is_empty()
        || name.len() > MAX_NAME_CHARS
        || name.starts_with(['.', '-'])
        || !name.chars().all(is_fine)
    {
        return Err(PkiError::Name {
            name: name.chars().take(MAX_NAME_CHARS).collect(),
        });
    }
    Ok(())
}

/// Issues a client's certificate, and writes it with its key to `issued/NAME.pem`.
///
/// # Errors
/// See [`PkiError`].
pub fn issue_client(
    layout: &Layout,
    authority: &Authority,
    index: &mut Index,
    name: &str,
    days: u32,
) -> Result<Entry, PkiError> {
    check_name(name)?;
    let issued = authority.issue_client(name, days)?;
    // In the index first: a certificate that is not there cannot be revoked.
    index.add(issued.entry.clone());
    index.write(&layout.index())?;
    write_private(&layout.issued(name), issued.pem.as_bytes())?;
    Ok(issued.entry)
}

/// Issues the server's certificate, and writes it with its key to `server.pem`.
///
/// # Errors
/// See [`PkiError`].
pub fn issue_server(
    layout: &Layout,
    authority: &Authority,
    index: &mut Index,
    names: &[String],
    days: u32,
) -> Result<Entry, PkiError> {
    let issued = authority.issue_server(names, days)?;
    index.add(issued.entry.clone());
    index.write(&layout.index())?;
    write_private(&layout.server(), issued.pem.as_bytes())?;
    Ok(issued.entry)
}

/// Writes the revocation list anew, with every certificate that the index says is revoked.
///
/// # Errors
/// See [`PkiError`].
pub fn write_crl(
    layout: &Layout,
    authority: &Authority,
    index: &mut Index,
) -> Result<(), PkiError> {
    index.crl_number += 1;
    let pem = authority.revocation_list(index)?;
    index.write(&layout.index())?;
    write_private(&layout.crl(), pem.as_bytes())?;
    Ok(())
}

/// Revokes every certificate of a client that has not expired, and takes away what it may do. Returns how many.
///
/// # Errors
/// See [`PkiError`].
pub fn revoke_client(
    layout: &Layout,
    authority: &Authority,
    index: &mut Index,
    name: &str,
) -> Result<usize, PkiError> {
    let now = OffsetDateTime::now_utc().unix_timestamp();
    let mut count = 0;
    for entry in index.of_client_mut(name) {
        if entry.revoked_unix_secs.is_none() {
            entry.revoked_unix_secs = Some(now);
            count += 1;
        }
    }
    if count == 0 {
        return Err(PkiError::NoClient {
            name: name.to_owned(),
        });
    }
    write_crl(layout, authority, index)?;
    // Whoever reads its rule from now on finds none; the list holds against copies of the certificate.
    for path in [layout.client(name), layout.issued(name)] {
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(PkiError::io(&path, error));
            }
            _ => {}
        }
    }
    Ok(count)
}
