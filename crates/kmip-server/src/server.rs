//! Listening, admitting connections, and stopping.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tls::{LoadedServer, Reloading};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tracing::{debug, info, warn};

use crate::connection::{self, Deadlines};
use crate::service::Service;
use crate::store::FileStore;
use crate::{Error, ServerConfig};

/// After an error of `accept` (too many open files, say): a pause, so that the loop does not spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A KMIP server that listens.
pub struct Server {
    listener: TcpListener,
    local_addr: SocketAddr,
    tls: Reloading<LoadedServer>,
    service: Arc<Service>,
    config: ServerConfig,
}

impl Server {
    /// Reads the certificates, opens the objects and listens. Connections are answered once
    /// [`Server::run`] runs.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn bind(config: ServerConfig) -> Result<Self, Error> {
        let tls = config.tls.clone().reloading()?;
        let store = FileStore::open(&config.directory, config.key_file.as_deref())?;
        let service = Arc::new(Service::open(store, config.limits)?);
        let listen = |source| Error::Listen {
            address: config.listen,
            source,
        };
        let listener = TcpListener::bind(config.listen).await.map_err(listen)?;
        let local_addr = listener.local_addr().map_err(listen)?;
        Ok(Self {
            listener,
            local_addr,
            tls,
            service,
            config,
        })
    }

    /// The address it listens on, with the port that it got.
    pub fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// Serves until `shutdown` completes; then stops listening, lets the requests that are under
    /// way finish for at most `drain_timeout`, closes all connections and returns. Every change that was
    /// answered is durable already.
    pub async fn run(self, shutdown: impl Future<Output = ()>) {
        let Self {
            listener,
            local_addr,
            tls,
            service,
            config,
        } = self;
        info!(address = %local_addr, "KMIP server listening");
        let permits = Arc::new(Semaphore::new(config.max_connections));
        let deadlines = Deadlines {
            handshake: config.handshake_timeout,
            idle: config.idle_timeout,
            message: config.message_timeout,
        };
        // Dropped at the end: every connection sees it.
        let (stop, stopping) = watch::channel(());
        let mut connections = JoinSet::new();
        tokio::pin!(shutdown);
        loop {
            tokio::select! {
                () = &mut shutdown => break,
                Some(ended) = connections.join_next(), if !connections.is_empty() => {
                    if let Err(error) = ended {
                        warn!(%error, "a KMIP connection ended badly");
                    }
                }
                accepted = listener.accept() => match accepted {
                    Err(error) => {
                        warn!(%error, "cannot accept KMIP connections");
                        tokio::time::sleep(ACCEPT_PAUSE).await;
                    }
                    Ok((tcp, peer)) => {
                        let Ok(permit) = permits.clone().try_acquire_owned() else {
                            warn!(%peer, limit = config.max_connections, "too many KMIP connections");
                            continue;
                        };
                        let connection = serve(tcp, peer, &tls, &service, deadlines, stopping.clone());
                        connections.spawn(async move {
                            connection.await;
                            drop(permit);
                        });
                    }
                }
            }
        }
        drop(listener);
        drop(stop);
        let drained = tokio::time::timeout(config.drain_timeout, async {
            while connections.join_next().await.is_some() {}
        });
        if drained.await.is_err() {
            warn!(
                connections = connections.len(),
                "KMIP connections are cut off"
            );
            connections.shutdown().await;
        }
        info!(address = %local_addr, "KMIP server stopped");
    }
}

fn serve(
    tcp: TcpStream,
    peer: SocketAddr,
    tls: &Reloading<LoadedServer>,
    service: &Arc<Service>,
    deadlines: Deadlines,
    stopping: watch::Receiver<()>,
) -> impl Future<Output = ()> + Send + use<> {
    let current = tls.current();
    if let Some(error) = current.stale {
        warn!(%error, "changed TLS files cannot be used; the ones read before are kept");
    }
    let config = current.value.config.clone();
    let service = service.clone();
    async move {
        match connection::serve(tcp, config, service, deadlines, stopping).await {
            Ok(()) => debug!(%peer, "KMIP connection closed"),
            Err(reason) => info!(%peer, reason, "KMIP connection ended"),
        }
    }
}
