//! One connection: handshake, identity, then one request after the other.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use kmip::ttlv::{HEADER_BYTES, message_bytes};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, watch};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use zeroize::Zeroizing;

use crate::clients::Clients;
use crate::handshakes::Handshakes;
use crate::identity::Peer;
use crate::service::{Reply, Service};
use crate::stats::Counter;

/// How long a client may take for what.
#[derive(Clone, Copy)]
pub(crate) struct Deadlines {
    pub(crate) handshake: Duration,
    pub(crate) idle: Duration,
    pub(crate) message: Duration,
}

/// What all connections share.
pub(crate) struct Shared {
    pub(crate) service: Arc<Service>,
    pub(crate) clients: Arc<Clients>,
    pub(crate) handshakes: Arc<Handshakes>,
    pub(crate) places: Arc<Semaphore>,
    pub(crate) deadlines: Deadlines,
}

/// Counts for as long as it lives.
struct Counted<'a>(&'a Counter);

impl<'a> Counted<'a> {
    fn new(counter: &'a Counter) -> Self {
        counter.add_one();
        Self(counter)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.subtract_one();
    }
}

/// Serves one client until it leaves, misbehaves or the server stops. The error says why, for the log.
pub(crate) async fn serve(
    tcp: TcpStream,
    address: SocketAddr,
    config: Arc<rustls::ServerConfig>,
    shared: Arc<Shared>,
    mut stopping: watch::Receiver<()>,
) -> Result<(), String> {
    let _ = tcp.set_nodelay(true);
    let stats = shared.service.stats().clone();
    let deadlines = shared.deadlines;
    let mut stream = shake_hands(tcp, config, &shared, &mut stopping).await?;
    let peer = match peer(&stream, address) {
        Ok(peer) => Arc::new(peer),
        Err(error) => {
            stats.handshakes_failed.add_one();
            return Err(error);
        }
    };
    let Ok(_place) = shared.places.try_acquire() else {
        stats.connections_refused.add_one();
        goodbye(stream, deadlines).await?;
        return Err("the server has as many connections as its limit allows".to_owned());
    };
    let Some(client) = shared.clients.connect(peer.label()) else {
        stats.connections_refused.add_one();
        goodbye(stream, deadlines).await?;
        return Err(
            "the client has as many connections as the limit for each client allows".to_owned(),
        );
    };
    let _counted = Counted::new(&stats.connections);
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
            receive(&mut stream, header, got, &shared.service),
        )
        .await
        .map_err(|_| "a request was not sent in time".to_owned())??;
        let Reply { message, close } = if client.may_ask() {
            let handler = (shared.clone(), peer.clone());
            // Requests wait for the disk: not on a thread that others wait for.
            tokio::task::spawn_blocking(move || {
                let (shared, peer) = handler;
                shared.service.handle(&peer, &request)
            })
            .await
            .map_err(|error| format!("a request failed: {error}"))?
        } else {
            shared.service.throttle(&request)
        };
        timeout(deadlines.message, async {
            stream.write_all(message.as_slice()).await?;
            stream.flush().await
        })
        .await
        .map_err(|_| "an answer was not taken in time".to_owned())?
        .map_err(|error| error.to_string())?;
        if close {
            goodbye(stream, deadlines).await?;
            return Err(
                "closed after a request that is no KMIP message, or of a client that is refused"
                    .to_owned(),
            );
        }
    }
}

async fn shake_hands(
    tcp: TcpStream,
    config: Arc<rustls::ServerConfig>,
    shared: &Shared,
    stopping: &mut watch::Receiver<()>,
) -> Result<TlsStream<TcpStream>, String> {
    let stats = shared.service.stats();
    let _counted = Counted::new(&stats.handshakes);
    let mut place = shared.handshakes.enter();
    tokio::select! {
        () = place.evicted() => {
            stats.handshakes_abandoned.add_one();
            Err("the TLS handshake made room for others".to_owned())
        }
        _ = stopping.changed() => Err("the server stops".to_owned()),
        shaken = timeout(shared.deadlines.handshake, TlsAcceptor::from(config).accept(tcp)) => {
            match shaken {
                Err(_) => {
                    stats.handshakes_abandoned.add_one();
                    Err("the TLS handshake took too long".to_owned())
                }
                Ok(Err(error)) => {
                    stats.handshakes_failed.add_one();
                    Err(format!("TLS failed: {error}"))
                }
                Ok(Ok(stream)) => Ok(stream),
            }
        }
    }
}

/// Who the client says it is, as TLS has verified it.
fn peer(stream: &TlsStream<TcpStream>, address: SocketAddr) -> Result<Peer, String> {
    let (_, session) = stream.get_ref();
    let certificate = session
        .peer_certificates()
        .and_then(<[_]>::first)
        .ok_or_else(|| "the client has no certificate".to_owned())?;
    Peer::new(address, certificate)
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
