//! Accepting connections.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::budget::Budget;
use super::connection;
use crate::emit;
use crate::log::events;
use crate::state::{Counters, Server};

/// How long connections may take to finish their commands when the server stops.
const DRAIN: Duration = Duration::from_secs(10);

/// The bound sockets.
#[derive(Debug)]
pub struct Listener {
    sockets: Vec<TcpListener>,
}

impl Listener {
    /// Binds every address.
    ///
    /// # Errors
    ///
    /// The first address that cannot be bound, and why.
    pub async fn bind(addresses: &[SocketAddr]) -> Result<Self, (SocketAddr, std::io::Error)> {
        let mut sockets = Vec::with_capacity(addresses.len());
        for address in addresses {
            sockets.push(
                TcpListener::bind(address)
                    .await
                    .map_err(|error| (*address, error))?,
            );
        }
        Ok(Self { sockets })
    }

    /// Where the server can be reached; with the port that the system chose where 0 was asked for.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.sockets
            .iter()
            .filter_map(|socket| socket.local_addr().ok())
            .collect()
    }

    /// Serves until `shutdown` says `true`, then lets commands that run finish.
    pub async fn serve(self, server: Arc<Server>, shutdown: watch::Receiver<bool>) {
        let budget = Budget::default();
        let mut acceptors = JoinSet::new();
        for socket in self.sockets {
            acceptors.spawn(accept(
                socket,
                Arc::clone(&server),
                budget.clone(),
                shutdown.clone(),
            ));
        }
        while acceptors.join_next().await.is_some() {}
    }
}

async fn accept(
    socket: TcpListener,
    server: Arc<Server>,
    budget: Budget,
    mut shutdown: watch::Receiver<bool>,
) {
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = socket.accept() => accepted,
            _ = shutdown.wait_for(|stop| *stop) => break,
            Some(_) = connections.join_next() => continue,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // Out of file descriptors, most likely: wait for some to come back.
                emit!(events::ACCEPT_FAILED, %error);
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let open = server.counters.connections.load(Ordering::Relaxed);
        if open >= server.start_up.max_connections as u64 {
            emit!(events::CONNECTION_REFUSED, remote = %peer, open);
            continue;
        }
        // Small answers must not wait for more.
        let _ = stream.set_nodelay(true);
        Counters::add(&server.counters.connections, 1);
        Counters::add(&server.counters.connections_total, 1);
        let (server, budget, shutdown) = (Arc::clone(&server), budget.clone(), shutdown.clone());
        connections.spawn(async move {
            let counted = CountedConnection(Arc::clone(&server));
            connection::serve(stream, peer, server, budget, shutdown).await;
            drop(counted);
        });
    }
    let drained = async { while connections.join_next().await.is_some() {} };
    let _ = tokio::time::timeout(DRAIN, drained).await;
}

/// Counts a connection down also when its task panics.
struct CountedConnection(Arc<Server>);

impl Drop for CountedConnection {
    fn drop(&mut self) {
        self.0.counters.connections.fetch_sub(1, Ordering::Relaxed);
    }
}
