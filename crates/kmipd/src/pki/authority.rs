//! The authority: ECDSA on P-256, which PyKMIP and every other implementation can use.

use std::path::Path;

use aws_lc_rs::digest::{SHA256, digest};
use pkcs8::EncryptedPrivateKeyInfoRef;
use pkcs8::der::Encode;
use pkcs8::pkcs5::pbes2;
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, DnType,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose,
    PKCS_ECDSA_P256_SHA256, RevokedCertParams, SerialNumber,
};
use time::{Duration, OffsetDateTime};
use tls::{CertificateId, CertificateInfo, Password, write_private};
use zeroize::Zeroizing;

use super::{Entry, Index, Kind, Layout, PkiError};

/// How long what is valid, in days.
pub struct Lifetimes;

impl Lifetimes {
    /// The authority.
    pub const CA_DAYS: u32 = 3650;
    /// The server's certificate.
    pub const SERVER_DAYS: u32 = 825;
    /// A client's certificate.
    pub const CLIENT_DAYS: u32 = 365;
    /// Longer than any authority lives.
    pub const MAX_DAYS: u32 = Self::CA_DAYS;
}

/// Rounds of PBKDF2-HMAC-SHA-256 for the authority's key: OWASP's advice of 2023.
const PBKDF2_ROUNDS: u32 = 600_000;

/// The authority, with its key in memory.
pub struct Authority {
    certificate_pem: String,
    not_after_unix_secs: i64,
    issuer: Issuer<'static, KeyPair>,
}

/// A certificate that has been issued.
pub(super) struct Issued {
    /// The certificate, the authority's, and the key.
    pub(super) pem: Zeroizing<String>,
    pub(super) entry: Entry,
}

impl Authority {
    /// Makes one, and writes its certificate and key. The key is encrypted (PKCS #8, PBES2) if there is a
    /// passphrase.
    ///
    /// # Errors
    /// See [`PkiError`].
    pub fn create(
        layout: &Layout,
        common_name: &str,
        passphrase: Option<&str>,
    ) -> Result<Self, PkiError> {
        let now = OffsetDateTime::now_utc();
        let mut params = CertificateParams::default();
        params
            .distinguished_name
            .push(DnType::CommonName, common_name);
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.not_before = now - Duration::hours(1);
        params.not_after = now + Duration::days(i64::from(Lifetimes::CA_DAYS));
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let certificate_pem = params.self_signed(&key)?.pem();
        let key_pem = match passphrase {
            None => Zeroizing::new(key.serialize_pem()),
            Some(passphrase) => encrypt(&key, passphrase)?,
        };
        write_private(&layout.ca_key(), key_pem.as_bytes())?;
        write_private(&layout.ca(), certificate_pem.as_bytes())?;
        let not_after_unix_secs = params.not_after.unix_timestamp();
        Ok(Self {
            certificate_pem,
            not_after_unix_secs,
            issuer: Issuer::new(params, key),
        })
    }

    /// Reads certificate and key.
    ///
    /// # Errors
    /// See [`PkiError`]; [`tls::Error::PasswordMissing`] and [`tls::Error::PasswordWrong`] in [`PkiError::Tls`].
    pub fn open(layout: &Layout, passphrase: Option<&str>) -> Result<Self, PkiError> {
        layout.check()?;
        let read = |path: &Path| {
            std::fs::read_to_string(path).map_err(|source| PkiError::io(path, source))
        };
        crate::secret::check_private(&layout.ca_key()).map_err(PkiError::Exposed)?;
        let certificate_pem = read(&layout.ca())?;
        let password = passphrase.map(Password::new);
        let key = tls::load_private_key(&layout.ca_key(), password.as_ref())?;
        let key = KeyPair::try_from(&key)?;
        let (_, info, _) = describe(&certificate_pem)?;
        Ok(Self {
            not_after_unix_secs: info.not_after_unix_secs,
            issuer: Issuer::from_ca_cert_pem(&certificate_pem, key)?,
            certificate_pem,
        })
    }

    pub(super) fn issue_client(&self, name: &str, days: u32) -> Result<Issued, PkiError> {
        let params = CertificateParams::new(Vec::new())?;
        let usage = ExtendedKeyUsagePurpose::ClientAuth;
        self.issue(params, Kind::Client, name, &[], usage, days)
    }

    pub(super) fn issue_server(&self, names: &[String], days: u32) -> Result<Issued, PkiError> {
        let Some(first) = names.first() else {
            return Err(PkiError::Invalid(
                "the server's certificate needs a host name or an address (--san)".to_owned(),
            ));
        };
        let params = CertificateParams::new(names)?;
        let usage = ExtendedKeyUsagePurpose::ServerAuth;
        self.issue(params, Kind::Server, first, names, usage, days)
    }

    fn issue(
        &self,
        mut params: CertificateParams,
        kind: Kind,
        name: &str,
        names: &[String],
        usage: ExtendedKeyUsagePurpose,
        days: u32,
    ) -> Result<Issued, PkiError> {
        if !(1..=Lifetimes::MAX_DAYS).contains(&days) {
            return Err(PkiError::Invalid(format!(
                "a certificate can be valid for 1 to {} days, not {days}",
                Lifetimes::MAX_DAYS
            )));
        }
        let now = OffsetDateTime::now_utc();
        let wanted = now + Duration::days(i64::from(days));
        let last = OffsetDateTime::from_unix_timestamp(self.not_after_unix_secs).unwrap_or(wanted);
        params.distinguished_name.push(
            DnType::CommonName,
            name.chars().take(64).collect::<String>(),
        );
        params.is_ca = IsCa::ExplicitNoCa;
        params.use_authority_key_identifier_extension = true;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![usage];
        params.serial_number = Some(serial_number()?);
        // An hour back, for peers whose clock is behind.
        params.not_before = now - Duration::hours(1);
        params.not_after = wanted.min(last);
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let certificate_pem = params.signed_by(&key, &self.issuer)?.pem();
        let (sha256, info, id) = describe(&certificate_pem)?;
        let key_pem = Zeroizing::new(key.serialize_pem());
        Ok(Issued {
            pem: Zeroizing::new(format!(
                "{certificate_pem}{}{}",
                self.certificate_pem,
                key_pem.as_str()
            )),
            entry: Entry {
                kind,
                name: name.to_owned(),
                names: names.to_vec(),
                serial: id.serial_hex(),
                sha256,
                not_before_unix_secs: info.not_before_unix_secs,
                not_after_unix_secs: info.not_after_unix_secs,
                revoked_unix_secs: None,
            },
        })
    }

    /// The list of all certificates of the index that are revoked, PEM.
    pub(super) fn revocation_list(&self, index: &Index) -> Result<String, PkiError> {
        let now = OffsetDateTime::now_utc();
        let time = |secs: i64| OffsetDateTime::from_unix_timestamp(secs).unwrap_or(now);
        let mut revoked_certs = Vec::new();
        for entry in &index.certificates {
            if let Some(at) = entry.revoked_unix_secs {
                let serial = hex::decode(&entry.serial).map_err(|_| {
                    PkiError::Unreadable(format!("the serial number of \"{}\"", entry.name))
                })?;
                revoked_certs.push(RevokedCertParams {
                    serial_number: SerialNumber::from(serial),
                    revocation_time: time(at),
                    reason_code: None,
                    invalidity_date: None,
                });
            }
        }
        let list = CertificateRevocationListParams {
            this_update: now - Duration::hours(1),
            // It is written when a certificate is revoked, and never by the clock.
            next_update: time(self.not_after_unix_secs).max(now + Duration::days(1)),
            crl_number: SerialNumber::from(index.crl_number),
            issuing_distribution_point: None,
            revoked_certs,
            key_identifier_method: KeyIdMethod::Sha256,
        };
        Ok(list.signed_by(&self.issuer)?.pem()?)
    }
}

/// 20 bytes at most, positive (RFC 5280, section 4.1.2.2), 126 of the bits random.
fn serial_number() -> Result<SerialNumber, PkiError> {
    let mut serial = [0_u8; 16];
    getrandom::fill(&mut serial).map_err(|error| PkiError::Unreadable(error.to_string()))?;
    if let Some(first) = serial.first_mut() {
        *first = (*first & 0x7f) | 0x40;
    }
    Ok(SerialNumber::from(serial.to_vec()))
}

/// SHA-256, contents and serial number of a certificate.
fn describe(pem: &str) -> Result<(String, CertificateInfo, CertificateId), PkiError> {
    use rustls_pki_types::CertificateDer;
    use rustls_pki_types::pem::PemObject;
    let der = CertificateDer::from_pem_slice(pem.as_bytes())
        .map_err(|error| PkiError::Unreadable(error.to_string()))?;
    let info = CertificateInfo::from_der(&der).map_err(PkiError::Unreadable)?;
    let id = CertificateId::of_certificate(&der).map_err(PkiError::Unreadable)?;
    Ok((hex::encode(digest(&SHA256, &der)), info, id))
}

fn encrypt(key: &KeyPair, passphrase: &str) -> Result<Zeroizing<String>, PkiError> {
    let failed = |error: &dyn std::fmt::Display| PkiError::Encrypt(error.to_string());
    let (mut salt, mut iv) = ([0_u8; 16], [0_u8; 16]);
    getrandom::fill(&mut salt)
        .and_then(|()| getrandom::fill(&mut iv))
        .map_err(|error| failed(&error))?;
    let parameters = pbes2::Parameters::generate_pbkdf2_sha256_aes256cbc(PBKDF2_ROUNDS, &salt, iv)
        .map_err(|error| failed(&error))?;
    let encrypted = parameters
        .encrypt(passphrase, key.serialized_der())
        .map_err(|error| failed(&error))?;
    let info = EncryptedPrivateKeyInfoRef {
        encryption_algorithm: parameters.into(),
        encrypted_data: pkcs8::der::asn1::OctetStringRef::new(&encrypted)
            .map_err(|error| failed(&error))?,
    };
    let der = info.to_der().map_err(|error| failed(&error))?;
    Ok(Zeroizing::new(pem::encode(&pem::Pem::new(
        "ENCRYPTED PRIVATE KEY",
        der,
    ))))
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use tls::{ClientAuth, IdentityFiles, ServerTls, Trust};

    use super::*;
    use crate::pki::{check_name, issue_client, issue_server, revoke_client, write_crl};

    fn layout(directory: &Path) -> Layout {
        let layout = Layout::new(directory);
        layout.make_directories().unwrap();
        layout
    }

    #[test]
    fn issued_revoked_and_opened_again() {
        let directory = tempfile::tempdir().unwrap();
        let layout = layout(directory.path());
        let authority = Authority::create(&layout, "test CA", None).unwrap();
        let mut index = Index::default();
        let names = ["localhost".to_owned(), "::1".to_owned()];
        issue_server(&layout, &authority, &mut index, &names, 30).unwrap();
        write_crl(&layout, &authority, &mut index).unwrap();
        let first = issue_client(&layout, &authority, &mut index, "db-1", 30).unwrap();
        let authority = Authority::open(&layout, None).unwrap();
        let second = issue_client(&layout, &authority, &mut index, "db-1", 30).unwrap();
        assert_ne!(first.serial, second.serial);

        let identity = IdentityFiles::combined(layout.issued("db-1"))
            .load()
            .unwrap();
        assert_eq!(identity.info.common_name.as_deref(), Some("db-1"));
        // With the chain, for clients that send it.
        assert_eq!(identity.certified_key.cert.len(), 2);
        let tls = ServerTls {
            identity: IdentityFiles::combined(layout.server()),
            client_auth: ClientAuth::Unrevoked {
                trust: Trust::only(layout.ca()),
                crl_file: layout.crl(),
            },
        };
        tls.load().unwrap();

        assert_eq!(
            revoke_client(&layout, &authority, &mut index, "db-1").unwrap(),
            2
        );
        let index = Index::read(&layout.index()).unwrap();
        assert!(!index.has_client("db-1"));
        assert_eq!(index.crl_number, 2);
        let lists = tls::RevocationLists::read(&layout.crl()).unwrap();
        assert_eq!(lists.len(), 2);
        let id = CertificateId::of_certificate(&identity.certified_key.cert[0]).unwrap();
        assert!(lists.contains(&id));
        tls.load().unwrap();
    }

    #[test]
    fn a_passphrase_for_the_key() {
        let directory = tempfile::tempdir().unwrap();
        let layout = layout(directory.path());
        Authority::create(&layout, "test CA", Some("open sesame")).unwrap();
        Index::default().write(&layout.index()).unwrap();
        let key = std::fs::read_to_string(layout.ca_key()).unwrap();
        assert!(key.contains("ENCRYPTED PRIVATE KEY"), "{key}");
        Authority::open(&layout, Some("open sesame")).unwrap();
        assert!(matches!(
            Authority::open(&layout, Some("open rice")),
            Err(PkiError::Tls(tls::Error::PasswordWrong { .. }))
        ));
        assert!(matches!(
            Authority::open(&layout, None),
            Err(PkiError::Tls(tls::Error::PasswordMissing { .. }))
        ));
    }

    #[test]
    fn names() {
        for name in ["db-1", "a", "app.example.com", "x@y", "A_b"] {
            check_name(name).unwrap();
        }
        for name in [
            "",
            ".hidden",
            "../up",
            "a/b",
            "a b",
            "-x",
            &"n".repeat(65),
            "ä",
        ] {
            check_name(name).unwrap_err();
        }
    }

    #[test]
    fn not_a_directory_of_ours() {
        let directory = tempfile::tempdir().unwrap();
        let error = Authority::open(&Layout::new(directory.path()), None)
            .err()
            .unwrap();
        assert!(matches!(error, PkiError::NotInitialised { .. }));
        assert_eq!(
            Layout::new("/x").issued("a"),
            PathBuf::from("/x/issued/a.pem")
        );
    }
}
