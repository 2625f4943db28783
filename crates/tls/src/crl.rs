//! Certificate revocation lists (RFC 5280, section 5).

use std::collections::HashSet;
use std::path::Path;

use rustls_pki_types::{CertificateDer, CertificateRevocationListDer};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use x509_parser::prelude::{CertificateRevocationList, FromDer, X509Certificate};

use crate::file::PemFile;
use crate::{Error, Result};

/// What a revocation list names a certificate by.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CertificateId {
    /// The issuer's name, DER.
    pub issuer: Vec<u8>,
    /// The serial number, big-endian, without leading zeros.
    pub serial: Vec<u8>,
}

impl CertificateId {
    fn new(issuer: &[u8], serial: &[u8]) -> Self {
        let zeros = serial.iter().take_while(|byte| **byte == 0).count();
        Self {
            issuer: issuer.to_vec(),
            serial: serial.get(zeros..).unwrap_or_default().to_vec(),
        }
    }

    /// That of a certificate.
    ///
    /// # Errors
    /// What is wrong with the certificate, for a message.
    pub fn of_certificate(der: &CertificateDer<'_>) -> std::result::Result<Self, String> {
        let (_, certificate) = X509Certificate::from_der(der).map_err(|error| error.to_string())?;
        Ok(Self::new(
            certificate.issuer().as_raw(),
            certificate.raw_serial(),
        ))
    }

    /// The serial number in hexadecimal digits.
    pub fn serial_hex(&self) -> String {
        self.serial
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }
}

/// The revocation lists of a file. The signatures are not checked here: rustls does, when it is given the lists for a
/// handshake.
#[derive(Clone, Debug, Default)]
pub struct RevocationLists {
    /// For rustls.
    pub(crate) der: Vec<CertificateRevocationListDer<'static>>,
    revoked: HashSet<CertificateId>,
    next_update_unix_secs: Option<i64>,
}

impl RevocationLists {
    /// Reads a PEM file of one list or more (`X509 CRL`).
    ///
    /// # Errors
    /// What is wrong with the file.
    pub fn read(path: &Path) -> Result<Self> {
        Self::of_file(&PemFile::read(path)?)
    }

    pub(crate) fn of_file(file: &PemFile) -> Result<Self> {
        let mut lists = Self::default();
        for block in &file.blocks {
            if block.label != "X509 CRL" {
                continue;
            }
            let (_, list) =
                CertificateRevocationList::from_der(&block.contents).map_err(|error| {
                    Error::Malformed {
                        path: file.path.clone(),
                        detail: format!("a revocation list in it cannot be read: {error}"),
                    }
                })?;
            let issuer = list.issuer().as_raw();
            lists.revoked.extend(
                list.iter_revoked_certificates()
                    .map(|revoked| CertificateId::new(issuer, revoked.raw_serial())),
            );
            let next = list.next_update().map(|time| time.timestamp());
            lists.next_update_unix_secs = match (lists.next_update_unix_secs, next) {
                (Some(a), Some(b)) => Some(a.min(b)),
                (a, b) => a.or(b),
            };
            lists
                .der
                .push(CertificateRevocationListDer::from(block.contents.to_vec()));
        }
        if lists.der.is_empty() {
            return Err(Error::NoRevocationList {
                path: file.path.clone(),
                found: file.labels(),
            });
        }
        Ok(lists)
    }

    /// Whether one of the lists names the certificate.
    pub fn contains(&self, certificate: &CertificateId) -> bool {
        self.revoked.contains(certificate)
    }

    /// How many certificates are revoked.
    pub fn len(&self) -> usize {
        self.revoked.len()
    }

    /// Whether no certificate is revoked.
    pub fn is_empty(&self) -> bool {
        self.revoked.is_empty()
    }

    /// When the first of the lists says that it will have been replaced, if that has passed: RFC 3339.
    pub fn overdue_at(&self, now: OffsetDateTime) -> Option<String> {
        let next = OffsetDateTime::from_unix_timestamp(self.next_update_unix_secs?).ok()?;
        (next < now).then(|| next.format(&Rfc3339).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whatever the file holds: an error or lists, never a panic.
    #[test]
    fn any_bytes() {
        let authority = crate::dev_pki::CertificateAuthority::new("CA").unwrap();
        let serial = [1, 2, 3];
        let valid = authority.revocation_list(&[serial.to_vec()]).unwrap();
        let file = PemFile::parse(Path::new("crl.pem"), valid.as_bytes()).unwrap();
        let lists = RevocationLists::of_file(&file).unwrap();
        assert_eq!(lists.len(), 1);
        assert!(lists.overdue_at(OffsetDateTime::now_utc()).is_none());
        let der = file.blocks[0].contents.clone();
        bolero::check!()
            .with_iterations(1_000)
            .with_type::<Vec<(u16, u8)>>()
            .for_each(|edits| {
                let mut bytes = der.to_vec();
                for (position, value) in edits {
                    let position = usize::from(*position) % bytes.len();
                    bytes[position] = *value;
                }
                let pem = pem::encode(&pem::Pem::new("X509 CRL", bytes));
                let file = PemFile::parse(Path::new("crl.pem"), pem.as_bytes()).unwrap();
                let _ = RevocationLists::of_file(&file);
            });
    }
}
