//! The server's side.

use std::path::PathBuf;
use std::sync::Arc;

use rustls::RootCertStore;
use rustls::server::WebPkiClientVerifier;
use rustls::sign::SingleCertAndKey;

use crate::certificate::CertificateInfo;
use crate::{Error, IdentityFiles, Reloading, Result, RevocationLists, Trust, provider};

/// What a server wants to know about its clients.
#[derive(Clone, Debug)]
pub enum ClientAuth {
    /// Nothing: no certificate is asked for.
    None,
    /// A certificate is asked for; one that is presented must be trusted.
    Optional(Trust),
    /// Nobody without a trusted certificate.
    Required(Trust),
    /// Nobody without a trusted certificate of which a list says that it is not revoked. There must be a list of each
    /// authority that issues certificates to clients.
    Unrevoked {
        /// Whom to trust.
        trust: Trust,
        /// PEM: the revocation lists (`X509 CRL`). A list whose time for an update has passed still holds.
        crl_file: PathBuf,
    },
}

/// Where a TLS server's files lie.
#[derive(Clone, Debug)]
pub struct ServerTls {
    /// The server's certificate and key.
    pub identity: IdentityFiles,
    /// Whether clients present certificates.
    pub client_auth: ClientAuth,
}

/// What [`ServerTls::load`] made of the files.
#[derive(Clone, Debug)]
pub struct LoadedServer {
    /// For `tokio_rustls::TlsAcceptor`.
    pub config: Arc<rustls::ServerConfig>,
    /// The certificate that is presented.
    pub certificate: CertificateInfo,
}

impl ServerTls {
    /// Reads the files.
    ///
    /// # Errors
    /// See [`crate::Error`].
    pub fn load(&self) -> Result<LoadedServer> {
        let identity = self.identity.load()?;
        let builder = rustls::ServerConfig::builder_with_provider(provider())
            .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])?;
        let builder = match &self.client_auth {
            ClientAuth::None => builder.with_no_client_auth(),
            ClientAuth::Optional(trust) => builder.with_client_cert_verifier(
                verifier(trust.load()?)
                    .allow_unauthenticated()
                    .build()
                    .map_err(|error| rustls::Error::General(error.to_string()))?,
            ),
            ClientAuth::Required(trust) => builder.with_client_cert_verifier(
                verifier(trust.load()?)
                    .build()
                    .map_err(|error| rustls::Error::General(error.to_string()))?,
            ),
            ClientAuth::Unrevoked { trust, crl_file } => builder.with_client_cert_verifier(
                verifier(trust.load()?)
                    .with_crls(RevocationLists::read(crl_file)?.der)
                    .only_check_end_entity_revocation()
                    .build()
                    .map_err(|error| Error::Malformed {
                        path: crl_file.clone(),
                        detail: format!("its revocation lists cannot be used: {error}"),
                    })?,
            ),
        };
        let mut config =
            builder.with_cert_resolver(Arc::new(SingleCertAndKey::from(identity.certified_key)));
        // A resumed session is not looked at again: whose certificate is revoked would get in with it.
        config.session_storage = Arc::new(rustls::server::NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        Ok(LoadedServer {
            config: Arc::new(config),
            certificate: identity.info,
        })
    }

    /// The same, read again whenever a file changes.
    ///
    /// # Errors
    /// See [`crate::Error`].
    pub fn reloading(self) -> Result<Reloading<LoadedServer>> {
        let mut paths: Vec<PathBuf> = self.identity.paths().map(PathBuf::from).collect();
        match &self.client_auth {
            ClientAuth::None => {}
            ClientAuth::Optional(trust) | ClientAuth::Required(trust) => {
                paths.extend(trust.paths().map(PathBuf::from));
            }
            ClientAuth::Unrevoked { trust, crl_file } => {
                paths.extend(trust.paths().map(PathBuf::from));
                paths.push(crl_file.clone());
            }
        }
        Reloading::new(paths, move || self.load())
    }
}

fn verifier(roots: RootCertStore) -> rustls::server::ClientCertVerifierBuilder {
    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider())
}
