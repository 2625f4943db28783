//! One connection: handshake, identity, then one request after the other.

use std::sync::Arc;
use std::time::Duration;

use kmip::ttlv::{HEADER_BYTES, message_bytes};
use tls::CertificateInfo;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use zeroize::Zeroizing;

use crate::service::{Reply, Service};

/// How long a client may take for what.
#[derive(Clone, Copy)]
pub(crate) struct Deadlines {
    pub(crate) handshake: Duration,
    pub(crate) idle: Duration,
    pub(crate) message: Duration,
}

/// Serves one client until it leaves, misbehaves or the server stops. The error says why, for the log.
pub(crate) async fn serve(
    tcp: TcpStream,
    config: Arc<rustls::ServerConfig>,
    service: Arc<Service>,
    deadlines: Deadlines,
    mut stopping: watch::Receiver<()>,
) -> Result<(), String> {
    let _ = tcp.set_nodelay(true);
    let mut stream = timeout(deadlines.handshake, TlsAcceptor::from(config).accept(tcp))
        .await
        .map_err(|_| "the TLS handshake took too long".to_owned())?
        .map_err(|error| format!("TLS failed: {error}"))?;
    let owner: Arc<str> = identity(&stream)?.into();
    loop {
        let mut header = [0_u8; HEADER_BYTES];
        // Between two requests, and only there, a stop ends the connection.
        let first = tokio::select! {
            _ = stopping.changed() => return goodbye(stream, deadlines).await,
            first = timeout(deadlines.idle, stream.read(&mut header)) => first,
        };
        let got = match first {
            Err(_) => return goodbye(stream, deadlines).await,
            Ok(Ok(0)) => return Ok(()),
            Ok(Ok(got)) => got,
            Ok(Err(error)) if error.kind() == std::io::ErrorKind::UnexpectedEof => return Ok(()),
            Ok(Err(error)) => return Err(error.to_string()),
        };
        let request = timeout(
            deadlines.message,
            receive(&mut stream, header, got, &service),
        )
        .await
        .map_err(|_| "a request was not sent in time".to_owned())??;
        let handler = (service.clone(), owner.clone());
        // Requests wait for the disk: not on a thread that others wait for.
        let Reply { message, close } = tokio::task::spawn_blocking(move || {
            let (service, owner) = handler;
            service.handle(&owner, &request)
        })
        .await
        .map_err(|error| format!("a request failed: {error}"))?;
        timeout(deadlines.message, async {
            stream.write_all(message.as_slice()).await?;
            stream.flush().await
        })
        .await
        .map_err(|_| "an answer was not taken in time".to_owned())?
        .map_err(|error| error.to_string())?;
        if close {
            goodbye(stream, deadlines).await?;
            return Err("closed after a request that is no KMIP message".to_owned());
        }
    }
}

/// The common name of the client's certificate.
fn identity(stream: &TlsStream<TcpStream>) -> Result<String, String> {
    let (_, session) = stream.get_ref();
    let certificate = session
        .peer_certificates()
        .and_then(<[_]>::first)
        .ok_or_else(|| "the client has no certificate".to_owned())?;
    let info = CertificateInfo::from_der(certificate)?;
    info.common_name
        .filter(|name| !name.is_empty())
        .ok_or_else(|| "the client's certificate has no common name".to_owned())
}

/// The rest of the message whose first `got` bytes are there.
async fn receive(
    stream: &mut TlsStream<TcpStream>,
    mut header: [u8; HEADER_BYTES],
    got: usize,
    service: &Service,
) -> Result<Zeroizing<Vec<u8>>, String> {
    if let Some(rest) = header.get_mut(got..) {
        stream
            .read_exact(rest)
            .await
            .map_err(|error| error.to_string())?;
    }
    let total = message_bytes(header, service.limits()).map_err(|error| error.to_string())?;
    let mut request = Zeroizing::new(vec![0; total]);
    let (start, rest) = request.split_at_mut(HEADER_BYTES.min(total));
    start.copy_from_slice(&header);
    stream
        .read_exact(rest)
        .await
        .map_err(|error| error.to_string())?;
    Ok(request)
}

/// Tells the client that nothing more will come, if it still listens.
async fn goodbye(mut stream: TlsStream<TcpStream>, deadlines: Deadlines) -> Result<(), String> {
    let _ = timeout(deadlines.message, stream.shutdown()).await;
    Ok(())
}
