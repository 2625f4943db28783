//! Listening, admitting connections, and stopping.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use storage::CheckpointReport;
use tls::{CertificateInfo, LoadedServer, Reloading};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::{JoinHandle, JoinSet};
use tracing::{debug, info, warn};

use crate::clients::Clients;
use crate::connection::{self, Deadlines, Shared};
use crate::group_commit::GroupCommit;
use crate::refusals::{self, Refusals, Refused};
use crate::service::Service;
use crate::stats::Stats;
use crate::store::{ObjectStore, OnProgress};
use crate::waiting::Waiting;
use crate::{Error, ServerConfig};

/// After an error of `accept` (too many open files, say): a pause, so that the loop does not spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// The part of the time for a stop in which batches go on; the rest is for their last item and the answer.
const DRAIN_PART: f64 = 0.75;

/// For the last word to an audit whose disk may hang.
const LAST_WORD: Duration = Duration::from_secs(1);

/// A KMIP server that listens.
pub struct Server {
    listener: TcpListener,
    local_addr: SocketAddr,
    tls: Arc<Reloading<LoadedServer>>,
    service: Arc<Service>,
    group_commit: GroupCommit,
    config: ServerConfig,
}

/// Looks at a server that runs, and makes it read its certificates again. Clones are of the same server.
#[derive(Clone)]
pub struct ServerHandle {
    tls: Arc<Reloading<LoadedServer>>,
    service: Arc<Service>,
}

impl ServerHandle {
    /// Reads certificate, key, authorities and revocation lists again. Connections that are there stay. (A new
    /// connection sees changed files without this, too.)
    ///
    /// # Errors
    /// The files cannot be used, and the ones before stay in use.
    pub fn reload_tls(&self) -> Result<CertificateInfo, Error> {
        Ok(self.tls.reload()?.certificate.clone())
    }

    /// The certificate that is presented to clients.
    pub fn certificate(&self) -> CertificateInfo {
        self.tls.current().value.certificate.clone()
    }

    /// What the server counts.
    pub fn stats(&self) -> &Arc<Stats> {
        self.service.stats()
    }

    /// How many objects there are, those of all tenants, destroyed ones included.
    pub fn objects(&self) -> u64 {
        self.service.objects().count()
    }

    /// Whether the last write of objects and the last sync went well. After a sync that failed, nothing is written any
    /// more, and every request that rests on what may be lost is refused: only a restart helps.
    pub fn is_store_healthy(&self) -> bool {
        self.service.store().is_healthy()
    }

    /// How many writes and syncs of objects have failed.
    pub fn store_failures(&self) -> u64 {
        self.service.store().failures()
    }
}

impl ServerHandle {
    /// Copies all objects, as they are at one instant, into a directory that is empty or does not exist (its parent
    /// does), outside the server's own, while the server works. All that was answered before the call is in it. It
    /// stays encrypted: the key-encryption key opens it. `storage::backup` verifies and restores it.
    ///
    /// # Errors
    /// [`StoreError`](crate::StoreError) in [`Error::Store`]: the directory is not empty, cannot be written, or another
    /// backup is under way.
    pub async fn backup(
        &self,
        to: &Path,
        progress: Option<OnProgress>,
    ) -> Result<CheckpointReport, Error> {
        Ok(self.service.store().backup(to, progress).await?)
    }
}

impl Server {
    /// Reads the certificates, opens the objects and listens. Connections are answered once
    /// [`Server::run`] runs.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn bind(config: ServerConfig) -> Result<Self, Error> {
        let tls = Arc::new(config.tls.clone().reloading()?);
        let store = ObjectStore::open(&config.directory, &config.key).await?;
        let service = Service::open(store, config.limits)?
            .under(config.authority.clone(), config.audit.clone())
            .within(config.request_timeout)
            .bounded(config.crypto)
            .timed(config.clock.clone());
        let service = Arc::new(service);
        let group_commit =
            GroupCommit::start(service.clone()).map_err(|source| Error::Thread { source })?;
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
            group_commit,
            config,
        })
    }

    /// The address it listens on, with the port that it got.
    pub fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// For whoever looks after the server while it runs.
    pub fn handle(&self) -> ServerHandle {
        ServerHandle {
            tls: self.tls.clone(),
            service: self.service.clone(),
        }
    }

    /// Serves until `shutdown` completes; then stops listening, lets the requests that are under
    /// way finish for at most `drain_timeout`, closes all connections and returns. Every change that was
    /// answered is durable already. Batches are ended before their next item when most of that time is over. What is
    /// still under way afterwards ([`Stats::requests_under_way`]) ends with the process, and gets no answer.
    pub async fn run(self, shutdown: impl Future<Output = ()>) {
        let Self {
            listener,
            local_addr,
            tls,
            service,
            group_commit,
            config,
        } = self;
        info!(address = %local_addr, "KMIP server listening");
        let stats = service.stats().clone();
        let shared = Arc::new(Shared {
            service,
            group_commit,
            clients: Clients::new(config.max_connections_per_client, config.request_rate),
            handshakes: Waiting::new(config.max_handshakes),
            idle: Waiting::new(usize::MAX),
            refusals: Refusals::default(),
            places: Arc::new(Semaphore::new(config.max_connections)),
            deadlines: Deadlines {
                handshake: config.handshake_timeout,
                idle: config.idle_timeout,
                message: config.message_timeout,
            },
        });
        // Dropped at the end: every connection sees it.
        let (stop, stopping) = watch::channel(());
        let mut connections = JoinSet::new();
        let mut upkeep = tokio::time::interval(refusals::PAUSE);
        upkeep.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        tokio::pin!(shutdown);
        loop {
            tokio::select! {
                () = &mut shutdown => break,
                Some(ended) = connections.join_next(), if !connections.is_empty() => {
                    if let Err(error) = ended {
                        warn!(%error, "a KMIP connection ended badly");
                    }
                }
                _ = upkeep.tick() => {
                    shared.service.streams().sweep();
                    tell(&shared, shared.refusals.due(Instant::now()));
                }
                accepted = listener.accept() => match accepted {
                    Err(error) => {
                        warn!(%error, "cannot accept KMIP connections");
                        tokio::time::sleep(ACCEPT_PAUSE).await;
                    }
                    Ok((tcp, peer)) => {
                        stats.accepted.add_one();
                        connections.spawn(serve(tcp, peer, &tls, shared.clone(), stopping.clone()));
                    }
                }
            }
        }
        drop(listener);
        let batches = config.drain_timeout.mul_f64(DRAIN_PART);
        if let Some(end) = Instant::now().checked_add(batches) {
            shared.service.budget().stop_at(end);
        }
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
        if let Some(told) = tell(&shared, shared.refusals.rest()) {
            let _ = tokio::time::timeout(LAST_WORD, told).await;
        }
        if let Err(error) = shared.service.store().close().await {
            warn!(%error, "the store is not closed cleanly; what was answered is in it");
        }
        info!(address = %local_addr, "KMIP server stopped");
    }
}

/// Tells the audit, where it may block.
fn tell(shared: &Arc<Shared>, refused: Vec<Refused>) -> Option<JoinHandle<()>> {
    if refused.is_empty() {
        return None;
    }
    let shared = shared.clone();
    Some(tokio::task::spawn_blocking(move || {
        for refused in refused {
            shared.service.tell_unheard(&refused);
        }
    }))
}

fn serve(
    tcp: TcpStream,
    peer: SocketAddr,
    tls: &Reloading<LoadedServer>,
    shared: Arc<Shared>,
    stopping: watch::Receiver<()>,
) -> impl Future<Output = ()> + Send + use<> {
    let current = tls.current();
    if let Some(error) = current.stale {
        warn!(%error, "changed TLS files cannot be used; the ones read before are kept");
    }
    let config = current.value.config.clone();
    async move {
        match connection::serve(tcp, peer, config, shared, stopping).await {
            Ok(()) => debug!(%peer, "KMIP connection closed"),
            Err(reason) => info!(%peer, reason, "KMIP connection ended"),
        }
    }
}
