//! The running server: from an open keystore to its last connection.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use query::filter::Matcher;
use storage::{PartialFilter, Store, StoreOptions};
use tokio::sync::watch;

use crate::emit;
use crate::log::events;
use crate::net::Listener;
use crate::startup::{self, Opened};
use crate::state::{Server, StartUp};

/// How often cursors are looked at that nobody uses any more.
const REAP_EVERY: Duration = Duration::from_secs(60);

/// Opens the data behind an open keystore.
///
/// # Errors
///
/// What the storage layer finds wrong with the dbpath.
pub async fn open_store(
    dbpath: &Path,
    opened: &Opened,
    commit_interval: Duration,
) -> storage::Result<Store> {
    let options = StoreOptions {
        commit_interval,
        partial_filters: Some(Arc::new(|expression| {
            let matcher = Matcher::parse(expression).map_err(|error| error.to_string())?;
            Ok(Arc::new(Partial(matcher)) as Arc<dyn PartialFilter>)
        })),
        ..StoreOptions::default()
    };
    let encryption = startup::storage_encryption(opened.encryption.as_ref());
    let store = Store::open(dbpath, encryption, options).await?;
    emit!(events::STORE_OPENED, databases = store.databases().len());
    Ok(store)
}

/// A `partialFilterExpression`.
struct Partial(Matcher);

impl PartialFilter for Partial {
    fn matches(&self, document: &bson::RawDocument) -> bool {
        // Only `$expr` can fail, and it is refused in these expressions.
        self.0.matches(document).unwrap_or(false)
    }
}

/// Serves clients from `store` until `shutdown` says `true`, then closes the store.
///
/// # Errors
///
/// What closing the store meets: the data is whole, but a part of it is in the log only.
pub async fn serve(
    listener: Listener,
    store: Store,
    start_up: StartUp,
    shutdown: watch::Receiver<bool>,
) -> storage::Result<()> {
    let server = Arc::new(Server::new(store, start_up));
    for address in listener.addresses() {
        emit!(events::LISTENING, %address);
    }
    emit!(
        events::WAITING_FOR_CONNECTIONS,
        port = listener
            .addresses()
            .first()
            .map_or(0, std::net::SocketAddr::port)
    );
    let reaper = tokio::spawn(reap(Arc::clone(&server)));
    listener.serve(Arc::clone(&server), shutdown).await;
    reaper.abort();
    server.store.close().await?;
    emit!(events::STORE_CLOSED);
    Ok(())
}

async fn reap(server: Arc<Server>) {
    loop {
        tokio::time::sleep(REAP_EVERY).await;
        let closed = server.cursors.close_idle(server.start_up.cursor_timeout);
        if closed > 0 {
            emit!(events::CURSORS_CLOSED, closed);
        }
    }
}

/// Tells `stop` once SIGINT or SIGTERM asks the process to stop.
///
/// # Errors
///
/// The signals cannot be listened to.
pub fn stop_on_signal(stop: Arc<watch::Sender<bool>>) -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::spawn(async move {
        let signal = tokio::select! {
            _ = interrupt.recv() => "SIGINT",
            _ = terminate.recv() => "SIGTERM",
        };
        emit!(events::SHUTDOWN_REQUESTED, signal);
        // The receivers may all be gone: then there is nothing left to stop.
        let _ = stop.send(true);
    });
    Ok(())
}
