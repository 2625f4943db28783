//! Which certificates have been issued, and which are revoked.

use std::path::Path;

use serde::{Deserialize, Serialize};
use tls::write_private;

use super::PkiError;

/// All certificates that the authority has issued, oldest first.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Index {
    /// Of the revocation list that was written last.
    pub crl_number: u64,
    /// The certificates.
    pub certificates: Vec<Entry>,
}

/// What a certificate is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Kind {
    /// The server's side.
    Server,
    /// A client's side.
    Client,
}

/// One certificate.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Entry {
    /// What it is for.
    pub kind: Kind,
    /// Its common name.
    pub name: String,
    /// A server's host names and addresses.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<String>,
    /// Its serial number, hexadecimal.
    pub serial: String,
    /// SHA-256 of its DER, hexadecimal.
    pub sha256: String,
    /// Valid from, in seconds since 1970.
    pub not_before_unix_secs: i64,
    /// Valid to, in seconds since 1970.
    pub not_after_unix_secs: i64,
    /// When it was revoked, in seconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked_unix_secs: Option<i64>,
}

impl Index {
    /// Reads the file.
    ///
    /// # Errors
    /// [`PkiError::Io`], [`PkiError::Index`].
    pub fn read(path: &Path) -> Result<Self, PkiError> {
        let text = std::fs::read(path).map_err(|source| PkiError::io(path, source))?;
        serde_json::from_slice(&text).map_err(|error| PkiError::Index {
            path: path.to_owned(),
            problem: error.to_string(),
        })
    }

    /// Writes the file, in one step.
    ///
    /// # Errors
    /// [`PkiError::Tls`] with what the operating system said.
    pub fn write(&self, path: &Path) -> Result<(), PkiError> {
        let mut text = serde_json::to_vec_pretty(self).map_err(|error| PkiError::Index {
            path: path.to_owned(),
            problem: error.to_string(),
        })?;
        text.push(b'\n');
        Ok(write_private(path, &text)?)
    }

    /// One more.
    pub fn add(&mut self, entry: Entry) {
        self.certificates.push(entry);
    }

    /// Whether a client has a certificate that is not revoked.
    pub fn has_client(&self, name: &str) -> bool {
        self.certificates.iter().any(|entry| {
            entry.kind == Kind::Client && entry.name == name && entry.revoked_unix_secs.is_none()
        })
    }

    /// The server's newest certificate.
    pub fn server(&self) -> Option<&Entry> {
        self.certificates
            .iter()
            .rev()
            .find(|entry| entry.kind == Kind::Server)
    }

    pub(super) fn of_client_mut(&mut self, name: &str) -> impl Iterator<Item = &mut Entry> {
        self.certificates
            .iter_mut()
            .filter(move |entry| entry.kind == Kind::Client && entry.name == name)
    }
}
