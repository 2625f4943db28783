//! The KMIP server of the playground, in this process.

use std::net::SocketAddr;

use kmip_server::{Server, ServerConfig};
use tls::dev_pki::DevPki;
use tls::{ClientAuth, IdentityFiles, ServerTls, Trust};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::{DevError, HOST, Layout};
use crate::emit;
use crate::log::events;

/// The running server.
pub(super) struct Kmip {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

/// Starts the server on a free port, over mutual TLS.
pub(super) async fn start(layout: &Layout, pki: &DevPki) -> Result<Kmip, DevError> {
    let tls = ServerTls {
        identity: IdentityFiles::combined(&pki.server),
        client_auth: ClientAuth::Required(Trust::only(&pki.ca)),
    };
    let any_port = format!("{HOST}:0");
    let listen = any_port
        .parse()
        .map_err(|error| DevError::KmipServer(anyhow::Error::new(error)))?;
    let server = Server::bind(ServerConfig::new(listen, tls, layout.kmip_store()))
        .await
        .map_err(|error| DevError::KmipServer(error.into()))?;
    let address = server.local_addr();
    let (stop, stopped) = oneshot::channel();
    let task = tokio::spawn(server.run(async {
        // A sender that is gone means the same: nobody needs the server any longer.
        let _ = stopped.await;
    }));
    Ok(Kmip {
        address,
        stop,
        task,
    })
}

impl Kmip {
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Stops it, and waits until it has stopped.
    pub(super) async fn stop(self) {
        let _ = self.stop.send(());
        if let Err(error) = self.task.await {
            emit!(events::PLAYGROUND_KMIP_FAILED, %error);
        }
    }
}
