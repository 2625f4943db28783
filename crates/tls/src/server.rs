//! The server's side.

use std::path::PathBuf;
use std::sync::Arc;

use rustls::RootCertStore;
use rustls::server::WebPkiClientVerifier;
use rustls::sign::SingleCertAndKey;

use crate::certificate::CertificateInfo;
use crate::{IdentityFiles, Reloading, Result, Trust, provider};

/// What a server wants to know about its clients.
#[derive(Clone, Debug)]
pub enum ClientAuth {
    /// Nothing: no certificate is asked for.
    None,
    /// A certificate is asked for; one that is presented must be trusted.
    Optional(Trust),
    /// Nobody without a trusted certificate.
    Required(Trust),
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
        };
        let config =
            builder.with_cert_resolver(Arc::new(SingleCertAndKey::from(identity.certified_key)));
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
        if let ClientAuth::Optional(trust) | ClientAuth::Required(trust) = &self.client_auth {
            paths.extend(trust.paths().map(PathBuf::from));
        }
        Reloading::new(paths, move || self.load())
    }
}

fn verifier(roots: RootCertStore) -> rustls::server::ClientCertVerifierBuilder {
    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider())
}
