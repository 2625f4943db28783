//! The client's side.

use std::path::PathBuf;
use std::sync::Arc;

use rustls::client::Resumption;
use rustls::sign::SingleCertAndKey;

use crate::certificate::CertificateInfo;
use crate::{IdentityFiles, Reloading, Result, Trust, provider};

/// Where a TLS client's files lie.
#[derive(Clone, Debug)]
pub struct ClientTls {
    /// Whom to trust.
    pub trust: Trust,
    /// The certificate to present when the server asks for one.
    pub identity: Option<IdentityFiles>,
}

/// What [`ClientTls::load`] made of the files.
#[derive(Clone, Debug)]
pub struct LoadedClient {
    /// For `tokio_rustls::TlsConnector`.
    pub config: Arc<rustls::ClientConfig>,
    /// The certificate that is presented.
    pub certificate: Option<CertificateInfo>,
}

impl ClientTls {
    /// Reads the files. Sessions are not resumed: a resumed session would not look at the
    /// server's certificate again, nor would the server look at ours.
    ///
    /// # Errors
    /// See [`crate::Error`].
    pub fn load(&self) -> Result<LoadedClient> {
        let roots = self.trust.load()?;
        let identity = self
            .identity
            .as_ref()
            .map(IdentityFiles::load)
            .transpose()?;
        let builder = rustls::ClientConfig::builder_with_provider(provider())
            .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])?
            .with_root_certificates(roots);
        let (mut config, certificate) = match identity {
            None => (builder.with_no_client_auth(), None),
            Some(identity) => (
                builder.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(
                    identity.certified_key,
                ))),
                Some(identity.info),
            ),
        };
        config.resumption = Resumption::disabled();
        Ok(LoadedClient {
            config: Arc::new(config),
            certificate,
        })
    }

    /// The same, read again whenever a file changes.
    ///
    /// # Errors
    /// See [`crate::Error`].
    pub fn reloading(self) -> Result<Reloading<LoadedClient>> {
        let mut paths: Vec<PathBuf> = self.trust.paths().map(PathBuf::from).collect();
        if let Some(identity) = &self.identity {
            paths.extend(identity.paths().map(PathBuf::from));
        }
        Reloading::new(paths, move || self.load())
    }
}
