//! Which certificate a server shows, whether it is trusted or not: to tell an operator whose it is.

use std::sync::Arc;

use kmip_client::ServerAddress;
use parking_lot::Mutex;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{DigitallySignedStruct, SignatureScheme};
use tls::CertificateInfo;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::startup::KmipOptions;

/// Makes a connection of its own for a look at the certificate, and closes it. `None` if it did not come to
/// that.
pub(super) async fn certificate(
    server: &ServerAddress,
    kmip: &KmipOptions,
) -> Option<CertificateInfo> {
    let seen = Arc::new(Mutex::new(None));
    let mut config = rustls::ClientConfig::clone(&*kmip.tls.load().ok()?.config);
    let roots = Arc::new(kmip.tls.trust.load().ok()?);
    let provider = Arc::clone(config.crypto_provider());
    let judge = WebPkiServerVerifier::builder_with_provider(roots, provider)
        .build()
        .ok()?;
    let witness = Witness {
        judge,
        seen: Arc::clone(&seen),
    };
    config
        .dangerous()
        .set_certificate_verifier(Arc::new(witness));
    let name = ServerName::try_from(server.host().to_owned()).ok()?;
    let handshake = async {
        let stream = TcpStream::connect((server.host(), server.port())).await?;
        let connector = TlsConnector::from(Arc::new(config));
        connector.connect(name, stream).await.map(drop)
    };
    // Whether it succeeds was found out before; what was seen on the way counts.
    let _ = tokio::time::timeout(kmip.connect_timeout, handshake).await;
    let seen = seen.lock().take();
    CertificateInfo::from_der(&seen?).ok()
}

/// Notes the certificate and leaves the judgement to the one who knows: it accepts nothing by itself.
#[derive(Debug)]
struct Witness {
    judge: Arc<WebPkiServerVerifier>,
    seen: Arc<Mutex<Option<CertificateDer<'static>>>>,
}

impl ServerCertVerifier for Witness {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        *self.seen.lock() = Some(end_entity.clone().into_owned());
        self.judge
            .verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.judge
            .verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.judge
            .verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.judge.supported_verify_schemes()
    }
}
