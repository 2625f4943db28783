//! A connection for one message that the client library did not write.

use std::net::SocketAddr;

use kmip::ttlv::{HEADER_BYTES, message_bytes};
use kmip_client::{ErrorKind, ServerAddress};
use rustls_pki_types::ServerName;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tracing::debug;
use zeroize::Zeroizing;

use crate::failure::{Cause, Failure};
use crate::limits::ANSWERS;
use crate::tool::Tool;

/// What answers is not KMIP.
pub(crate) fn not_kmip(server: &ServerAddress, why: &str) -> Failure {
    failed(server, ErrorKind::Protocol, why)
}

fn failed(server: &ServerAddress, kind: ErrorKind, why: &str) -> Failure {
    Failure::new(Cause::Kmip(kind), format!("KMIP server {server}: {why}"))
}

/// Sends the message and reads what answers it.
///
/// The client connects first: it finds the server of the list that works, and says what is wrong with certificates.
/// A server that it cannot talk to, but whose TLS works, is sent the message nevertheless.
pub(crate) async fn send(
    tool: &Tool<'_>,
    request: &[u8],
) -> Result<(ServerAddress, Zeroizing<Vec<u8>>), Failure> {
    let (server, address) = match tool.client()?.connect().await {
        Ok(session) => (session.server().clone(), session.address()),
        Err(error) => {
            let is_connected = matches!(
                error.kind(),
                ErrorKind::Protocol
                    | ErrorKind::NoCommonVersion
                    | ErrorKind::AuthenticationFailed
                    | ErrorKind::Refused { .. }
            );
            match (error.server().cloned(), error.address()) {
                (Some(server), Some(address)) if is_connected => (server, address),
                _ => return Err(error.into()),
            }
        }
    };
    let limit = tool.config.operation_timeout;
    let answer = match tokio::time::timeout(limit, exchange(tool, &server, address, request)).await
    {
        Ok(answer) => answer?,
        Err(_) => {
            return Err(failed(
                &server,
                ErrorKind::Timeout,
                &format!("no answer within {} ms", limit.as_millis()),
            )
            .advise("raise --kmipConnectTimeoutMS, which is the limit here, too"));
        }
    };
    debug!(%server, sent = request.len(), received = answer.len(), "exchanged a message");
    Ok((server, answer))
}

async fn exchange(
    tool: &Tool<'_>,
    server: &ServerAddress,
    address: SocketAddr,
    request: &[u8],
) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let lost = |error: std::io::Error| {
        failed(
            server,
            ErrorKind::ConnectionLost,
            &format!("the connection broke: {error}"),
        )
    };
    let loaded = tool.config.tls.load().map_err(|error| {
        let message = error.to_string();
        Failure::new(Cause::TlsFile(error), message)
    })?;
    let name = ServerName::try_from(server.host().to_owned())
        .map_err(|_| Failure::options(format!("{server} is not a host name or IP address")))?;
    let tcp = TcpStream::connect(address).await.map_err(lost)?;
    let mut stream = TlsConnector::from(loaded.config)
        .connect(name, tcp)
        .await
        .map_err(lost)?;
    // In one piece: there are servers that lose the framing otherwise.
    stream.write_all(request).await.map_err(lost)?;
    stream.flush().await.map_err(lost)?;
    let mut header = [0_u8; HEADER_BYTES];
    stream.read_exact(&mut header).await.map_err(lost)?;
    let total = message_bytes(header, &ANSWERS).map_err(|error| {
        not_kmip(
            server,
            &format!("what answers does not speak KMIP: {error}"),
        )
    })?;
    let mut message = Zeroizing::new(vec![0_u8; total]);
    let (start, rest) = message.split_at_mut(HEADER_BYTES.min(total));
    start.copy_from_slice(header.get(..start.len()).unwrap_or_default());
    stream.read_exact(rest).await.map_err(lost)?;
    Ok(message)
}
