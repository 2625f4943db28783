//! A KMIP server that does what a test tells it to.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use kmip::operations::{DiscoverVersionsResponse, RequestPayload, ResponsePayload};
use kmip::registry::{Operation, ResultReason};
use kmip::{DateTime, Limits, ProtocolVersion, RequestMessage, ResponseBatchItem, ResponseMessage};
use tls::{ClientAuth, IdentityFiles, ServerTls, Trust};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// What the peer does with a request.
pub enum Act {
    /// Answers with this payload.
    Answer(ResponsePayload),
    /// Answers with these items.
    Items(Vec<ResponseBatchItem>),
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
    /// Sends these bytes and resets the connection.
    BytesThenReset(Vec<u8>),
    /// Sends the answer one byte at a time, with a pause after each, and never gets to its end.
    Drip(ResponsePayload),
    /// Never answers.
    Silence,
}

type Script = dyn Fn(&Request) -> Act + Send + Sync;

/// A request as the peer sees it.
pub struct Request {
    /// Which connection it came on, from 0.
    pub connection: usize,
    /// The server that the client wants to talk to, by its name (Server Name Indication); `None` if it says nothing, as
    /// for an IP address.
    pub server_name: Option<String>,
    /// The version of the request's header.
    pub version: ProtocolVersion,
    /// That of the first item.
    pub payload: RequestPayload,
    /// All of it.
    pub message: RequestMessage,
}

/// Where a test has its certificates.
pub trait Certificates {
    /// Issues a certificate for a server, and returns the file of it and its key.
    fn server_file(&self, request: &tls::dev_pki::Request) -> PathBuf;
    /// The file of the authority that clients' certificates come from.
    fn ca(&self) -> PathBuf;
}

/// A running peer; it ends when dropped.
pub struct Peer {
    /// Where it listens.
    pub address: SocketAddr,
    seen: Arc<Mutex<Vec<Operation>>>,
    connections: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl Peer {
    /// A server for `localhost` and `127.0.0.1` that wants the test's clients.
    pub async fn start(
        certificates: &impl Certificates,
        script: impl Fn(&Request) -> Act + Send + Sync + 'static,
    ) -> Self {
        let names = tls::dev_pki::Request::server(&["localhost", "127.0.0.1"]);
        let certificate = certificates.server_file(&names);
        Self::start_with(&certificate, &certificates.ca(), script).await
    }

    /// A server with this certificate that wants clients of this authority.
    pub async fn start_with(
        certificate: &Path,
        client_ca: &Path,
        script: impl Fn(&Request) -> Act + Send + Sync + 'static,
    ) -> Self {
        let tls = ServerTls {
            identity: IdentityFiles::combined(certificate),
            client_auth: ClientAuth::Required(Trust::only(client_ca)),
        }
        .reloading()
        .unwrap();
        // Read again for each connection: certificates are renewed, and expire, in the middle of a test.
        Self::start_on(
            free_port().await,
            move || tls.current().value.config.clone(),
            script,
        )
    }

    /// A server on a listener of the test's, with whatever TLS it wants at the moment.
    pub fn start_on(
        listener: TcpListener,
        tls: impl Fn() -> Arc<rustls::ServerConfig> + Send + 'static,
        script: impl Fn(&Request) -> Act + Send + Sync + 'static,
    ) -> Self {
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
                    let (acceptor, script, seen) =
                        (TlsAcceptor::from(tls()), script.clone(), seen.clone());
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
    pub fn count(&self, operation: Operation) -> usize {
        self.seen
            .lock()
            .unwrap()
            .iter()
            .filter(|seen| **seen == operation)
            .count()
    }

    /// How many connections there have been.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A listener on a port that nobody else has.
pub async fn free_port() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").await.unwrap()
}

async fn serve(
    mut stream: TlsStream<TcpStream>,
    connection: usize,
    script: &Script,
    seen: &Mutex<Vec<Operation>>,
) {
    let server_name = stream.get_ref().1.server_name().map(str::to_owned);
    while let Some(message) = read(&mut stream).await {
        let version = message.header.protocol_version;
        let operations = message.batch_items.iter();
        seen.lock()
            .unwrap()
            .extend(operations.filter_map(|item| item.payload.operation()));
        let act = script(&Request {
            connection,
            server_name: server_name.clone(),
            version,
            payload: message.batch_items[0].payload.clone(),
            message,
        });
        let (bytes, close) = match act {
            Act::Answer(payload) => (encode(version, ResponseBatchItem::success(payload)), false),
            Act::Refuse(reason) => (
                encode(version, ResponseBatchItem::failure(None, reason, "no")),
                false,
            ),
            Act::Items(items) => (encode_all(version, items), false),
            Act::Bytes(bytes) => (bytes, false),
            Act::BytesThenClose(bytes) => (bytes, true),
            Act::Trickle(payload) => {
                for byte in encode(version, ResponseBatchItem::success(payload)) {
                    stream.write_all(&[byte]).await.unwrap();
                    stream.flush().await.unwrap();
                }
                continue;
            }
            Act::Drip(payload) => {
                let bytes = encode(version, ResponseBatchItem::success(payload));
                for byte in &bytes[..bytes.len() - 1] {
                    if stream.write_all(&[*byte]).await.is_err() || stream.flush().await.is_err() {
                        return;
                    }
                    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
                }
                std::future::pending::<()>().await;
                return;
            }
            Act::Close => (Vec::new(), true),
            Act::Reset => {
                reset(&stream);
                return;
            }
            Act::BytesThenReset(bytes) => {
                let _ = stream.write_all(&bytes).await;
                let _ = stream.flush().await;
                reset(&stream);
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

fn reset(stream: &TlsStream<TcpStream>) {
    let (tcp, _) = stream.get_ref();
    tcp.set_zero_linger().unwrap();
}

async fn read(stream: &mut TlsStream<TcpStream>) -> Option<RequestMessage> {
    let message = read_message(stream).await?;
    Some(RequestMessage::decode(&message, &Limits::DEFAULT).unwrap())
}

/// The bytes of the next message; `None` if the other side has hung up.
pub async fn read_message(stream: &mut (impl AsyncRead + Unpin)) -> Option<Vec<u8>> {
    let mut header = [0; 8];
    stream.read_exact(&mut header).await.ok()?;
    let total = kmip::ttlv::message_bytes(header, &Limits::DEFAULT).unwrap();
    let mut message = header.to_vec();
    message.resize(total, 0);
    stream.read_exact(&mut message[8..]).await.ok()?;
    Some(message)
}

/// A response message.
pub fn encode(version: ProtocolVersion, item: ResponseBatchItem) -> Vec<u8> {
    encode_all(version, vec![item])
}

/// A response message of several items.
pub fn encode_all(version: ProtocolVersion, items: Vec<ResponseBatchItem>) -> Vec<u8> {
    ResponseMessage::new(version, DateTime(0), items)
        .encode()
        .unwrap()
        .as_slice()
        .to_vec()
}

/// Agrees on this version; `None` if the request is for something else.
pub fn agree(request: &Request, version: ProtocolVersion) -> Option<Act> {
    matches!(request.payload, RequestPayload::DiscoverVersions(_)).then(|| {
        Act::Answer(
            DiscoverVersionsResponse {
                protocol_versions: vec![version],
            }
            .into(),
        )
    })
}
