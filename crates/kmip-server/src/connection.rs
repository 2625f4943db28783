//! One connection: handshake, identity, then one request after the other.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use kmip::ttlv::{HEADER_BYTES, message_bytes};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use zeroize::Zeroizing;

use crate::answering::Reply;
use crate::clients::{Clients, Connected};
use crate::group_commit::{GroupCommit, Made};
use crate::identity::Peer;
use crate::refusals::{Refusals, Refused};
use crate::service::{Begun, Received, Service, items_in};
use crate::stats::Counter;
use crate::waiting::Waiting;

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
    pub(crate) group_commit: GroupCommit,
    pub(crate) clients: Arc<Clients>,
    pub(crate) handshakes: Arc<Waiting>,
    /// Those between two requests.
    pub(crate) idle: Arc<Waiting>,
    pub(crate) refusals: Refusals,
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
    let stream = shake_hands(tcp, config, &shared, &mut stopping).await?;
    let peer = match peer(&stream, address) {
        Ok(peer) => Arc::new(peer),
        Err(error) => {
            stats.handshakes_failed.add_one();
            return Err(error);
        }
    };
    let name = shared.service.authority().counted_as(&peer);
    let Some(client) = shared.clients.connect(name) else {
        stats.connections_refused.add_one();
        goodbye(stream, deadlines).await?;
        return Err(
            "the client has as many connections as the limit for each client allows".to_owned(),
        );
    };
    let Some(place) = place(&shared).await else {
        stats.connections_refused.add_one();
        goodbye(stream, deadlines).await?;
        return Err("the server has as many connections as its limit allows".to_owned());
    };
    let _counted = Counted::new(&stats.connections);
    let connection = Connection {
        stream,
        peer,
        client,
        place,
    };
    connection.converse(shared, stopping).await
}

/// A place for a new connection. If all are taken, the one that has been idle for the longest goes.
async fn place(shared: &Shared) -> Option<OwnedSemaphorePermit> {
    let places = &shared.places;
    if let Ok(place) = places.clone().try_acquire_owned() {
        return Some(place);
    }
    if !shared.idle.make_room() {
        return None;
    }
    // It may take a moment until it is gone.
    let free = timeout(shared.deadlines.handshake, places.clone().acquire_owned());
    free.await.ok()?.ok()
}

/// A client that has been admitted.
struct Connection {
    stream: TlsStream<TcpStream>,
    peer: Arc<Peer>,
    client: Connected,
    /// Given up when it ends.
    place: OwnedSemaphorePermit,
}

impl Connection {
    /// One request after the other.
    async fn converse(
        self,
        shared: Arc<Shared>,
        mut stopping: watch::Receiver<()>,
    ) -> Result<(), String> {
        let Self {
            mut stream,
            peer,
            client,
            place,
        } = self;
        let deadlines = shared.deadlines;
        loop {
            let mut header = [0_u8; HEADER_BYTES];
            let mut idle = shared.idle.enter();
            // Between two requests, and only there, a stop or somebody else's need ends the connection.
            let first = tokio::select! {
                _ = stopping.changed() => return goodbye(stream, deadlines).await,
                () = idle.evicted() => {
                    drop(place);
                    shared.service.stats().connections_evicted.add_one();
                    goodbye(stream, deadlines).await?;
                    return Err("it was idle for the longest, and another client needs its place".to_owned());
                }
                first = timeout(deadlines.idle, stream.read(&mut header)) => first,
            };
            drop(idle);
            let got = match first {
                Err(_) => return goodbye(stream, deadlines).await,
                Ok(Ok(0)) => return Ok(()),
                Ok(Ok(got)) => got,
                Ok(Err(error)) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
                    return Ok(());
                }
                Ok(Err(error)) => return Err(error.to_string()),
            };
            let request = timeout(
                deadlines.message,
                receive(&mut stream, header, got, &shared.service),
            )
            .await
            .map_err(|_| "a request was not sent in time".to_owned())??;
            let reply = answer(&shared, &peer, &client, request).await?;
            timeout(deadlines.message, async {
                stream.write_all(reply.message.as_slice()).await?;
                stream.flush().await
            })
            .await
            .map_err(|_| "an answer was not taken in time".to_owned())?
            .map_err(|error| error.to_string())?;
            if reply.close {
                goodbye(stream, deadlines).await?;
                return Err(
                    "closed after a request that is no KMIP message, or of a client that is refused"
                        .to_owned(),
                );
            }
        }
    }
}

/// What goes back to the client; the audit knows of it.
async fn answer(
    shared: &Arc<Shared>,
    peer: &Arc<Peer>,
    client: &Connected,
    request: Zeroizing<Vec<u8>>,
) -> Result<Reply, String> {
    let reply = if client.may_ask(items_in(&request, shared.service.limits())) {
        match shared.service.begin(peer, &request) {
            Begun::Answered(reply) => reply,
            Begun::Change(request) => {
                let under_way = Counted::new(&shared.service.stats().requests_under_way);
                let made = shared.group_commit.make(peer.clone(), request).await;
                drop(under_way);
                match made.map_err(|error| failed(&error))? {
                    Made::Answered(reply) => reply,
                    Made::NotHere(request) => go_on(shared, peer, request).await?,
                }
            }
            Begun::Slow(request) => go_on(shared, peer, request).await?,
        }
    } else {
        shared.service.throttle(&request)
    };
    if let Some((kind, version)) = reply.unheard {
        let refused = Refused {
            kind,
            peer: peer.clone(),
            version,
            count: 1,
        };
        let due = shared
            .refusals
            .count(client.name(), refused, Instant::now());
        if let Some(refused) = due {
            let shared = shared.clone();
            tokio::task::spawn_blocking(move || shared.service.tell_unheard(&refused))
                .await
                .map_err(|error| failed(&error))?;
        }
    }
    Ok(reply)
}

/// Answers a request on a thread that may block: others wait for this one.
async fn go_on(shared: &Arc<Shared>, peer: &Arc<Peer>, request: Received) -> Result<Reply, String> {
    let (shared, peer) = (shared.clone(), peer.clone());
    tokio::task::spawn_blocking(move || {
        let _under_way = Counted::new(&shared.service.stats().requests_under_way);
        shared.service.go_on(&peer, request)
    })
    .await
    .map_err(|error| failed(&error))
}

fn failed(error: &dyn std::error::Error) -> String {
    format!("a request failed: {error}")
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
