//! A KMIP server that does what a test tells it to.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use kmip::operations::{DiscoverVersionsResponse, RequestPayload, ResponsePayload};
use kmip::registry::{Operation, ResultReason};
use kmip::{DateTime, Limits, ProtocolVersion, RequestMessage, ResponseBatchItem, ResponseMessage};
use tls::{ClientAuth, IdentityFiles, ServerTls, Trust};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::rig::Rig;

/// What the peer does with a request.
pub(crate) enum Act {
    /// Answers with this payload.
    Answer(ResponsePayload),
    /// Refuses.
    Refuse(ResultReason),
    /// Sends these bytes, whatever they are, and goes on.
    Bytes(Vec<u8>),
    /// Sends these bytes and closes the connection.
    BytesThenClose(Vec<u8>),
    /// Sends the answer, one byte at a time.
    Trickle(ResponsePayload),
    /// Closes the connection without an answer.
    Close,
    /// Resets the connection without an answer.
    Reset,
    /// Never answers.
    Silence,
}

type Script = dyn Fn(&Request) -> Act + Send + Sync;

/// A request as the peer sees it.
pub(crate) struct Request {
    /// Which connection it came on, from 0.
    pub(crate) connection: usize,
    pub(crate) version: ProtocolVersion,
    pub(crate) payload: RequestPayload,
}

/// A running peer; it ends when dropped.
pub(crate) struct Peer {
    pub(crate) address: SocketAddr,
    seen: Arc<Mutex<Vec<Operation>>>,
    connections: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl Peer {
    /// A server for `localhost` and `127.0.0.1` that wants the rig's clients.
    pub(crate) async fn start(
        rig: &Rig,
        script: impl Fn(&Request) -> Act + Send + Sync + 'static,
    ) -> Self {
        let names = tls::dev_pki::Request::server(&["localhost", "127.0.0.1"]);
        Self::start_with(&rig.server_file(&names), &rig.ca(), script).await
    }

    pub(crate) async fn start_with(
        certificate: &Path,
        client_ca: &Path,
        script: impl Fn(&Request) -> Act + Send + Sync + 'static,
    ) -> Self {
        let tls = ServerTls {
            identity: IdentityFiles::combined(certificate),
            client_auth: ClientAuth::Required(Trust::only(client_ca)),
        };
        let acceptor = TlsAcceptor::from(tls.load().unwrap().config);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let connections = Arc::new(AtomicUsize::new(0));
        let script: Arc<Script> = Arc::new(script);
        let task = tokio::spawn({
            let (seen, connections) = (seen.clone(), connections.clone());
            async move {
                let mut serving = tokio::task::JoinSet::new();
                while let Ok((tcp, _)) = listener.accept().await {
                    let number = connections.fetch_add(1, Ordering::SeqCst);
                    let (acceptor, script, seen) = (acceptor.clone(), script.clone(), seen.clone());
                    serving.spawn(async move {
                        if let Ok(stream) = acceptor.accept(tcp).await {
                            serve(stream, number, &*script, &seen).await;
                        }
                    });
                }
            }
        });
        Self {
            address,
            seen,
            connections,
            task,
        }
    }

    /// How often the operation was asked for, on all connections.
    pub(crate) fn count(&self, operation: Operation) -> usize {
        self.seen
            .lock()
            .unwrap()
            .iter()
            .filter(|seen| **seen == operation)
            .count()
    }

    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(
    mut stream: TlsStream<TcpStream>,
    connection: usize,
    script: &Script,
    seen: &Mutex<Vec<Operation>>,
) {
    while let Some((version, payload)) = read(&mut stream).await {
        seen.lock().unwrap().extend(payload.operation());
        let act = script(&Request {
            connection,
            version,
            payload,
        });
        let (bytes, close) = match act {
            Act::Answer(payload) => (encode(version, ResponseBatchItem::success(payload)), false),
            Act::Refuse(reason) => (
                encode(version, ResponseBatchItem::failure(None, reason, "no")),
                false,
            ),
            Act::Bytes(bytes) => (bytes, false),
            Act::BytesThenClose(bytes) => (bytes, true),
            Act::Trickle(payload) => {
                for byte in encode(version, ResponseBatchItem::success(payload)) {
                    stream.write_all(&[byte]).await.unwrap();
                    stream.flush().await.unwrap();
                }
                continue;
            }
            Act::Close => (Vec::new(), true),
            Act::Reset => {
                let (tcp, _) = stream.get_ref();
                tcp.set_zero_linger().unwrap();
                return;
            }
            Act::Silence => {
                std::future::pending::<()>().await;
                return;
            }
        };
        if stream.write_all(&bytes).await.is_err() {
            return;
        }
        let _ = stream.flush().await;
        if close {
            let _ = stream.shutdown().await;
            return;
        }
    }
}

async fn read(stream: &mut TlsStream<TcpStream>) -> Option<(ProtocolVersion, RequestPayload)> {
    let mut header = [0; 8];
    stream.read_exact(&mut header).await.ok()?;
    let total = kmip::ttlv::message_bytes(header, &Limits::DEFAULT).unwrap();
    let mut message = header.to_vec();
    message.resize(total, 0);
    stream.read_exact(&mut message[8..]).await.ok()?;
    let request = RequestMessage::decode(&message, &Limits::DEFAULT).unwrap();
    let item = request.batch_items.into_iter().next().unwrap();
    Some((request.header.protocol_version, item.payload))
}

/// A response message.
pub(crate) fn encode(version: ProtocolVersion, item: ResponseBatchItem) -> Vec<u8> {
    ResponseMessage::new(version, DateTime(0), vec![item])
        .encode()
        .unwrap()
        .as_slice()
        .to_vec()
}

/// Agrees on this version; `None` if the request is for something else.
pub(crate) fn agree(request: &Request, version: ProtocolVersion) -> Option<Act> {
    matches!(request.payload, RequestPayload::DiscoverVersions(_)).then(|| {
        Act::Answer(
            DiscoverVersionsResponse {
                protocol_versions: vec![version],
            }
            .into(),
        )
    })
}
