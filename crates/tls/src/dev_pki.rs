//! A certificate authority for the playground (`strongroom dev`) and for tests. Not for
//! production: its keys lie in clear beside its certificates.

use std::path::{Path, PathBuf};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use time::{Duration, OffsetDateTime};
use zeroize::Zeroizing;

use crate::{Error, Identity, IdentityFiles, Result, Trust, write_private};

/// How long the certificates of the playground are valid, in days.
const VALID_DAYS: i64 = 3650;

/// Certificates closer to their end than this are made anew at the next start, in days.
const RENEW_WITHIN_DAYS: i64 = 30;

/// A certificate authority in memory: its key is never written.
pub struct CertificateAuthority {
    certificate_pem: String,
    issuer: Issuer<'static, KeyPair>,
}

/// A certificate and its private key, both as PEM.
pub struct Issued {
    /// The certificate.
    pub certificate_pem: String,
    /// The private key, PKCS#8, in clear.
    pub key_pem: Zeroizing<String>,
}

/// The kind of a key pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyKind {
    /// ECDSA on P-256, signing with SHA-256. What a PyKMIP server needs: it has no cipher suite
    /// in common with rustls for an RSA certificate.
    P256,
    /// ECDSA on P-384, signing with SHA-384.
    P384,
    /// ECDSA on P-521, signing with SHA-256 as HashiCorp Vault does.
    P521,
    /// Ed25519.
    Ed25519,
    /// RSA of 2048 bits, signing with SHA-256.
    Rsa2048,
}

impl KeyKind {
    fn generate(self) -> Result<KeyPair> {
        Ok(KeyPair::generate_for(match self {
            Self::P256 => &rcgen::PKCS_ECDSA_P256_SHA256,
            Self::P384 => &rcgen::PKCS_ECDSA_P384_SHA384,
            Self::P521 => &rcgen::PKCS_ECDSA_P521_SHA256,
            Self::Ed25519 => &rcgen::PKCS_ED25519,
            Self::Rsa2048 => &rcgen::PKCS_RSA_SHA256,
        })?)
    }
}

/// What a certificate is for.
#[derive(Clone, Debug)]
pub struct Request {
    /// The key pair that is made for it.
    pub key_kind: KeyKind,
    /// The subject's common name.
    pub common_name: String,
    /// The host names and IP addresses of a server; empty for a client.
    pub subject_alt_names: Vec<String>,
    /// For the server's side of a connection.
    pub server_auth: bool,
    /// For the client's side of a connection.
    pub client_auth: bool,
    /// Valid from.
    pub not_before: OffsetDateTime,
    /// Valid to.
    pub not_after: OffsetDateTime,
}

impl Request {
    /// A server with these host names and IP addresses.
    pub fn server(names: &[&str]) -> Self {
        Self {
            common_name: names.first().copied().unwrap_or("server").to_owned(),
            subject_alt_names: names.iter().map(|name| (*name).to_owned()).collect(),
            server_auth: true,
            client_auth: false,
            ..Self::valid_now()
        }
    }

    /// A client of this name.
    pub fn client(common_name: &str) -> Self {
        Self {
            common_name: common_name.to_owned(),
            client_auth: true,
            ..Self::valid_now()
        }
    }

    fn valid_now() -> Self {
        let now = OffsetDateTime::now_utc();
        Self {
            key_kind: KeyKind::P256,
            common_name: String::new(),
            subject_alt_names: Vec::new(),
            server_auth: false,
            client_auth: false,
            // A day back, for peers whose clock is behind.
            not_before: now - Duration::days(1),
            not_after: now + Duration::days(VALID_DAYS),
        }
    }
}

impl CertificateAuthority {
    /// A new authority with a key of its own (ECDSA P-256).
    ///
    /// # Errors
    /// [`Error::Issue`].
    pub fn new(common_name: &str) -> Result<Self> {
        Self::with_key(common_name, KeyKind::P256)
    }

    /// A new authority with a key of that kind.
    ///
    /// # Errors
    /// [`Error::Issue`].
    pub fn with_key(common_name: &str, key_kind: KeyKind) -> Result<Self> {
        let mut params = CertificateParams::default();
        params
            .distinguished_name
            .push(DnType::CommonName, common_name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let valid = Request::valid_now();
        params.not_before = valid.not_before;
        params.not_after = valid.not_after;
        let key = key_kind.generate()?;
        let certificate_pem = params.self_signed(&key)?.pem();
        Ok(Self {
            certificate_pem,
            issuer: Issuer::new(params, key),
        })
    }

    /// The authority's certificate.
    pub fn certificate_pem(&self) -> &str {
        &self.certificate_pem
    }

    /// A revocation list with these serial numbers, PEM.
    ///
    /// # Errors
    /// [`Error::Issue`].
    pub fn revocation_list(&self, serials: &[Vec<u8>]) -> Result<String> {
        let now = OffsetDateTime::now_utc();
        let list = rcgen::CertificateRevocationListParams {
            this_update: now - Duration::days(1),
            next_update: now + Duration::days(VALID_DAYS),
            crl_number: rcgen::SerialNumber::from(u64::try_from(now.unix_timestamp()).unwrap_or(0)),
            issuing_distribution_point: None,
            revoked_certs: serials
                .iter()
                .map(|serial| rcgen::RevokedCertParams {
                    serial_number: rcgen::SerialNumber::from_slice(serial),
                    revocation_time: now,
                    reason_code: None,
                    invalidity_date: None,
                })
                .collect(),
            key_identifier_method: rcgen::KeyIdMethod::Sha256,
        };
        Ok(list.signed_by(&self.issuer)?.pem()?)
    }

    /// Issues a certificate with a new key.
    ///
    /// # Errors
    /// [`Error::Issue`], for a name that is not one.
    pub fn issue(&self, request: &Request) -> Result<Issued> {
        let mut params = CertificateParams::new(request.subject_alt_names.clone())?;
        params
            .distinguished_name
            .push(DnType::CommonName, request.common_name.as_str());
        params.is_ca = IsCa::ExplicitNoCa;
        params.use_authority_key_identifier_extension = true;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        if request.server_auth {
            params
                .extended_key_usages
                .push(ExtendedKeyUsagePurpose::ServerAuth);
        }
        if request.client_auth {
            params
                .extended_key_usages
                .push(ExtendedKeyUsagePurpose::ClientAuth);
        }
        params.not_before = request.not_before;
        params.not_after = request.not_after;
        let key = request.key_kind.generate()?;
        let certificate_pem = params.signed_by(&key, &self.issuer)?.pem();
        Ok(Issued {
            certificate_pem,
            key_pem: Zeroizing::new(key.serialize_pem()),
        })
    }
}

impl Issued {
    /// Certificate and key in one file of mode 0600: what `kmipClientCertificateFile` names.
    ///
    /// # Errors
    /// [`Error::Unwritable`].
    pub fn write_combined(&self, path: &Path) -> Result<()> {
        let text = Zeroizing::new(format!("{}{}", self.certificate_pem, self.key_pem.as_str()));
        write_private(path, text.as_bytes())
    }
}

/// The files of the playground.
#[derive(Clone, Debug)]
pub struct DevPki {
    /// The authority's certificate.
    pub ca: PathBuf,
    /// The KMIP server's certificate and key: `localhost`, `127.0.0.1`, `::1`.
    pub server: PathBuf,
    /// The database server's certificate and key as a KMIP client.
    pub client: PathBuf,
}

impl DevPki {
    /// The files in `directory`, made if they are missing, damaged or about to expire. The
    /// directory is made with mode 0700. All three are made together, and the authority's key
    /// is thrown away: it can issue nothing else.
    ///
    /// # Errors
    /// [`Error::Unwritable`], [`Error::Issue`].
    pub fn open_or_create(directory: &Path, client_common_name: &str) -> Result<Self> {
        let pki = Self {
            ca: directory.join("ca.pem"),
            server: directory.join("kmip-server.pem"),
            client: directory.join("kmip-client.pem"),
        };
        if !pki.is_usable(client_common_name) {
            pki.create(directory, client_common_name)?;
        }
        Ok(pki)
    }

    fn is_usable(&self, client_common_name: &str) -> bool {
        let soon = OffsetDateTime::now_utc() + Duration::days(RENEW_WITHIN_DAYS);
        let lasts = |identity: &Identity| !identity.info.is_expired_at(soon);
        Trust::only(&self.ca).load().is_ok()
            && IdentityFiles::combined(&self.server)
                .load()
                .is_ok_and(|server| lasts(&server))
            && IdentityFiles::combined(&self.client)
                .load()
                .is_ok_and(|client| {
                    lasts(&client) && client.info.common_name.as_deref() == Some(client_common_name)
                })
    }

    fn create(&self, directory: &Path, client_common_name: &str) -> Result<()> {
        let mut builder = std::fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder
            .create(directory)
            .map_err(|source| Error::Unwritable {
                path: directory.to_owned(),
                source,
            })?;
        // An interrupted run must not leave the old authority beside the new certificates.
        if let Err(source) = std::fs::remove_file(&self.ca)
            && source.kind() != std::io::ErrorKind::NotFound
        {
            return Err(Error::Unwritable {
                path: self.ca.clone(),
                source,
            });
        }
        let authority = CertificateAuthority::new("Strongroom playground CA")?;
        authority
            .issue(&Request::server(&["localhost", "127.0.0.1", "::1"]))?
            .write_combined(&self.server)?;
        authority
            .issue(&Request::client(client_common_name))?
            .write_combined(&self.client)?;
        // Last: whoever finds it finds the others of the same authority.
        write_private(&self.ca, authority.certificate_pem().as_bytes())
    }
}
