//! A way to the server on which one answer gets lost.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::Mutex;

use kmip::registry::Operation;
use kmip::{Limits, RequestMessage};
use kmip_peer::read_message;
use rustls_pki_types::ServerName;
use tls::{ClientAuth, ClientTls, IdentityFiles, ServerTls, Trust};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::{TlsAcceptor, TlsConnector};

use crate::rig::Rig;

/// What becomes of the one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Loss {
    /// The server never gets it.
    Request,
    /// The server does it, and its answer never comes.
    Answer,
}

#[derive(Default)]
struct Traffic {
    /// The operations that were asked for, but for those by which versions are agreed on.
    seen: Vec<Operation>,
    /// Which of them is lost, and how.
    lost: Option<(usize, Loss)>,
}

/// Stands between the tool and the server of a rig; it ends when dropped.
pub(crate) struct Lossy {
    address: SocketAddr,
    traffic: Arc<Mutex<Traffic>>,
    task: JoinHandle<()>,
}

impl Lossy {
    pub(crate) async fn start(rig: &Rig) -> Self {
        let files = |name: &str| IdentityFiles::combined(rig.path(name));
        let here = ServerTls {
            identity: files("server.pem"),
            client_auth: ClientAuth::Required(Trust::only(rig.path("ca.pem"))),
        };
        let there = ClientTls {
            trust: Trust::only(rig.path("ca.pem")),
            identity: Some(files("client.pem")),
        };
        let acceptor = TlsAcceptor::from(here.load().unwrap().config);
        let connector = TlsConnector::from(there.load().unwrap().config);
        let (server, traffic) = (rig.address, Arc::new(Mutex::new(Traffic::default())));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen = traffic.clone();
        let task = tokio::spawn(async move {
            let mut all = JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                let (acceptor, connector) = (acceptor.clone(), connector.clone());
                all.spawn(carry(client, server, acceptor, connector, seen.clone()));
            }
        });
        Self {
            address,
            traffic,
            task,
        }
    }

    /// What to give the tool for this way.
    pub(crate) fn server(&self) -> String {
        self.address.to_string()
    }

    /// From now on, this one (from 0) is lost; what was seen before is forgotten.
    pub(crate) fn lose(&self, lost: Option<(usize, Loss)>) {
        *self.traffic.lock().unwrap() = Traffic {
            seen: Vec::new(),
            lost,
        };
    }

    /// What was asked for since then.
    pub(crate) fn seen(&self) -> Vec<Operation> {
        self.traffic.lock().unwrap().seen.clone()
    }
}

impl Drop for Lossy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Carries messages both ways until one side hangs up, or a message is to be lost.
async fn carry(
    client: TcpStream,
    server: SocketAddr,
    acceptor: TlsAcceptor,
    connector: TlsConnector,
    traffic: Arc<Mutex<Traffic>>,
) -> Option<()> {
    let mut client = acceptor.accept(client).await.ok()?;
    let tcp = TcpStream::connect(server).await.ok()?;
    let name = ServerName::from(server.ip());
    let mut server = connector.connect(name, tcp).await.ok()?;
    loop {
        let request = read_message(&mut client).await?;
        let loss = decide(&request, &traffic);
        if loss != Some(Loss::Request) {
            server.write_all(&request).await.ok()?;
            server.flush().await.ok()?;
            let answer = read_message(&mut server).await?;
            if loss.is_none() {
                client.write_all(&answer).await.ok()?;
                client.flush().await.ok()?;
                continue;
            }
        }
        client.get_ref().0.set_zero_linger().ok()?;
        return None;
    }
}

fn decide(request: &[u8], traffic: &Mutex<Traffic>) -> Option<Loss> {
    let message = RequestMessage::decode(request, &Limits::DEFAULT).unwrap();
    let operation = message.batch_items[0].payload.operation().unwrap();
    let mut traffic = traffic.lock().unwrap();
    if matches!(operation, Operation::DiscoverVersions | Operation::Query) {
        return None;
    }
    let number = traffic.seen.len();
    traffic.seen.push(operation);
    traffic
        .lost
        .filter(|(lost, _)| *lost == number)
        .map(|(_, loss)| loss)
}
