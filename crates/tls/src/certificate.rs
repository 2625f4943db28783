//! What a certificate says about itself.

use rustls_pki_types::CertificateDer;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use x509_parser::prelude::{FromDer, X509Certificate};

/// The parts of a certificate that people and policies look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateInfo {
    /// The subject, as `CN=..., O=...`.
    pub subject: String,
    /// The issuer, in the same form.
    pub issuer: String,
    /// The subject's (first) common name: the identity of a KMIP client.
    pub common_name: Option<String>,
    /// Valid from, in seconds since 1970.
    pub not_before_unix_secs: i64,
    /// Valid to, in seconds since 1970.
    pub not_after_unix_secs: i64,
}

impl CertificateInfo {
    /// Parses the certificate.
    ///
    /// # Errors
    /// What is wrong with it, for a message.
    pub fn from_der(der: &CertificateDer<'_>) -> Result<Self, String> {
        let (_, certificate) = X509Certificate::from_der(der).map_err(|error| error.to_string())?;
        let subject = certificate.subject();
        Ok(Self {
            subject: subject.to_string(),
            issuer: certificate.issuer().to_string(),
            common_name: subject
                .iter_common_name()
                .find_map(|name| name.as_str().ok())
                .map(str::to_owned),
            not_before_unix_secs: certificate.validity().not_before.timestamp(),
            not_after_unix_secs: certificate.validity().not_after.timestamp(),
        })
    }

    /// Whether the certificate has expired by `now`.
    pub fn is_expired_at(&self, now: OffsetDateTime) -> bool {
        now.unix_timestamp() > self.not_after_unix_secs
    }

    /// Valid to, as RFC 3339, for messages.
    pub fn not_after(&self) -> String {
        OffsetDateTime::from_unix_timestamp(self.not_after_unix_secs)
            .ok()
            .and_then(|time| time.format(&Rfc3339).ok())
            .unwrap_or_else(|| self.not_after_unix_secs.to_string())
    }
}

/// The DER of the SubjectPublicKeyInfo; not through webpki, which refuses X.509 version 1, and
/// version 1 is what `openssl x509 -req` without extensions wrote for decades.
pub(crate) fn public_key_info(der: &CertificateDer<'_>) -> Result<Vec<u8>, String> {
    let (_, certificate) = X509Certificate::from_der(der).map_err(|error| error.to_string())?;
    Ok(certificate.public_key().raw.to_vec())
}
