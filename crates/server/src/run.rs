//! The running server: from an open store to its last connection.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use storage::Store;
use tokio::sync::watch;

use crate::net::Listener;
use crate::state::{Server, StartUp};

/// How often cursors are looked at that nobody uses any more.
const REAP_EVERY: Duration = Duration::from_secs(60);

/// Serves clients from `store` until `shutdown` says `true`, then closes the store.
///
/// # Errors
///
/// What closing the store meets: the data is whole, but a part of it is in the log only.
pub async fn serve(
    listener: Listener,
    store: Store,
    start_up: StartUp,
    mut shutdown: watch::Receiver<bool>,
) -> storage::Result<()> {
    let server = Arc::new(Server::new(store, start_up));
    for address in listener.addresses() {
        tracing::info!(target: "NETWORK", id = 23_016_u32, %address, "Waiting for connections");
    }
    let reaper = tokio::spawn(reap(Arc::clone(&server)));
    listener.serve(Arc::clone(&server), shutdown.clone()).await;
    let _ = shutdown.wait_for(|stop| *stop).await;
    reaper.abort();
    server.store.close().await
}

async fn reap(server: Arc<Server>) {
    loop {
        tokio::time::sleep(REAP_EVERY).await;
        let closed = server.cursors.close_idle();
        if closed > 0 {
            tracing::info!(target: "QUERY", id = 25_001_u32, closed, "Closed cursors that nobody used");
        }
    }
}

/// Binds the addresses, so that a port that is taken is found before anything else is done.
pub async fn bind(addresses: &[SocketAddr]) -> std::io::Result<Listener> {
    Listener::bind(addresses).await
}
