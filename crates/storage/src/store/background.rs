//! What goes on beside the requests: syncing logs, closing idle databases.

use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use futures_util::future::join_all;

use super::{StoreInner, blocking};
use crate::database::DatabaseInner;
use crate::error::{Error, Result};

/// How often idle databases and counts in doubt are looked for.
const HOUSEKEEPING: Duration = Duration::from_secs(1);

pub(super) fn start(store: &Arc<StoreInner>) -> tokio::task::JoinHandle<()> {
    let interval = store
        .shared
        .options
        .commit_interval
        .max(Duration::from_millis(1));
    tokio::spawn(run(Arc::downgrade(store), interval))
}

async fn run(store: Weak<StoreInner>, interval: Duration) {
    let mut ticks = tokio::time::interval(interval);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut kept_house = Instant::now();
    loop {
        ticks.tick().await;
        let Some(store) = store.upgrade() else { return };
        if let Err(error) = store.sync_all().await
            && !matches!(error, Error::Closed)
        {
            tracing::error!(%error, "syncing the log of a database failed");
        }
        if kept_house.elapsed() >= HOUSEKEEPING {
            store.keep_house().await;
            kept_house = Instant::now();
        }
    }
}

impl StoreInner {
    /// Makes what was committed durable, in every database that has something to sync.
    pub(super) async fn sync_all(&self) -> Result<()> {
        let unsynced: Vec<Arc<DatabaseInner>> = {
            let databases = self.databases.read();
            let open = databases.values().filter_map(|entry| entry.opened());
            open.filter(|database| database.is_unsynced()).collect()
        };
        let synced = unsynced
            .into_iter()
            .map(|database| blocking(move || database.sync()));
        join_all(synced)
            .await
            .into_iter()
            .find(Result::is_err)
            .unwrap_or(Ok(()))
    }

    async fn keep_house(&self) {
        let idle = self.shared.options.close_idle_after;
        let entries: Vec<_> = self.databases.read().values().cloned().collect();
        for entry in entries {
            if let Some(database) = entry.opened()
                && let Err(error) = database.settle_counts()
            {
                tracing::warn!(tree = %entry.tree, %error, "settling counts");
            }
            if let Err(error) = entry.close_if_idle(idle).await {
                tracing::warn!(tree = %entry.tree, %error, "closing an idle database");
            }
        }
    }
}
