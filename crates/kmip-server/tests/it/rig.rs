//! A server of one's own for each test, and clients with certificates that it trusts.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use kmip::{Limits, RequestMessage, ResponseMessage};
use kmip_client::{Client, ClientConfig, ServerAddress, Session, VersionPolicy};
use kmip_server::{Server, ServerConfig};
use tempfile::TempDir;
use tls::dev_pki::{CertificateAuthority, Request};
use tls::{ClientAuth, ClientTls, IdentityFiles, ServerTls, Trust};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// No test waits for it, unless it fails: a disk that is busy may take seconds for a sync.
const GENEROUS: Duration = Duration::from_secs(300);

/// Certificates and a directory for a server.
pub(crate) struct Rig {
    directory: TempDir,
    authority: CertificateAuthority,
}

/// A server that runs until it is stopped or dropped.
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
}

impl Rig {
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let authority = CertificateAuthority::new("test CA").unwrap();
        std::fs::write(directory.path().join("ca.pem"), authority.certificate_pem()).unwrap();
        authority
            .issue(&Request::server(&["localhost", "127.0.0.1", "::1"]))
            .unwrap()
            .write_combined(&directory.path().join("server.pem"))
            .unwrap();
        Self {
            directory,
            authority,
        }
    }

    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    pub(crate) fn ca(&self) -> PathBuf {
        self.path().join("ca.pem")
    }

    pub(crate) fn server_config(&self, store: &str) -> ServerConfig {
        let tls = ServerTls {
            identity: IdentityFiles::combined(self.path().join("server.pem")),
            client_auth: ClientAuth::Required(Trust::only(self.ca())),
        };
        ServerConfig {
            handshake_timeout: GENEROUS,
            message_timeout: GENEROUS,
            ..ServerConfig::new(([127, 0, 0, 1], 0).into(), tls, self.path().join(store))
        }
    }

    pub(crate) async fn start(&self) -> Running {
        self.start_with(self.server_config("kmip")).await
    }

    pub(crate) async fn start_with(&self, config: ServerConfig) -> Running {
        let server = Server::bind(config).await.unwrap();
        let address = server.local_addr();
        let (stop, stopped) = oneshot::channel::<()>();
        let task = tokio::spawn(server.run(async move {
            let _ = stopped.await;
        }));
        Running {
            address,
            stop: Some(stop),
            task,
        }
    }

    pub(crate) fn client_tls(&self, common_name: &str) -> ClientTls {
        let path = self.path().join(format!("{common_name}.pem"));
        if !path.exists() {
            self.authority
                .issue(&Request::client(common_name))
                .unwrap()
                .write_combined(&path)
                .unwrap();
        }
        ClientTls {
            trust: Trust::only(self.ca()),
            identity: Some(IdentityFiles::combined(path)),
        }
    }

    pub(crate) fn client_config(&self, servers: &[SocketAddr]) -> ClientConfig {
        let servers = servers
            .iter()
            .map(|address| ServerAddress::parse(&address.to_string(), 1).unwrap())
            .collect();
        ClientConfig {
            connect_timeout: GENEROUS,
            operation_timeout: GENEROUS,
            max_backoff: Duration::from_millis(20),
            ..ClientConfig::new(servers, self.client_tls("db-1"))
        }
    }

    pub(crate) async fn connect(&self, server: &Running) -> Session {
        self.connect_as(server, "db-1", VersionPolicy::Negotiate)
            .await
    }

    pub(crate) async fn connect_as(
        &self,
        server: &Running,
        common_name: &str,
        version: VersionPolicy,
    ) -> Session {
        let config = ClientConfig {
            tls: self.client_tls(common_name),
            version,
            ..self.client_config(&[server.address])
        };
        Client::new(config).unwrap().connect().await.unwrap()
    }
}

impl Running {
    /// Stops it, and waits until it has.
    pub(crate) async fn stop(mut self) {
        drop(self.stop.take());
        (&mut self.task).await.unwrap();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A port of one's own: bound, so that nobody else gets it, but not listened on, so that connections are refused. A
/// server can be started on it any number of times.
pub(crate) struct Reserved {
    pub(crate) address: SocketAddr,
    _socket: TcpSocket,
}

impl Reserved {
    pub(crate) fn new() -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_reuseaddr(true).unwrap();
        socket.bind(([127, 0, 0, 1], 0).into()).unwrap();
        Self {
            address: socket.local_addr().unwrap(),
            _socket: socket,
        }
    }
}

/// A connection without a client's help.
pub(crate) async fn raw(rig: &Rig, server: &Running) -> TlsStream<TcpStream> {
    raw_as(rig, server, "raw").await
}

/// The same, as somebody else.
pub(crate) async fn raw_as(rig: &Rig, server: &Running, common_name: &str) -> TlsStream<TcpStream> {
    let config = rig.client_tls(common_name).load().unwrap().config;
    let tcp = TcpStream::connect(server.address).await.unwrap();
    TlsConnector::from(config)
        .connect("localhost".try_into().unwrap(), tcp)
        .await
        .unwrap()
}

/// Reads one response.
pub(crate) async fn answer(stream: &mut TlsStream<TcpStream>) -> ResponseMessage {
    let mut header = [0; 8];
    stream.read_exact(&mut header).await.unwrap();
    let total = kmip::ttlv::message_bytes(header, &Limits::DEFAULT).unwrap();
    let mut message = header.to_vec();
    message.resize(total, 0);
    stream.read_exact(&mut message[8..]).await.unwrap();
    ResponseMessage::decode(&message, &Limits::DEFAULT).unwrap()
}

/// Sends a request and reads its response.
pub(crate) async fn ask(
    stream: &mut TlsStream<TcpStream>,
    request: &RequestMessage,
) -> ResponseMessage {
    stream
        .write_all(request.encode().unwrap().as_slice())
        .await
        .unwrap();
    stream.flush().await.unwrap();
    answer(stream).await
}
