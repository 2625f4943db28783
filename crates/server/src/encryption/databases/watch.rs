//! The task that looks after the keys of databases while the server runs.

use std::sync::Arc;
use std::time::Duration;

use storage::Store;
use tokio::time::Instant;

use super::super::Encryption;

/// A locked database is tried again after this time, then after twice as long, and so on.
const FIRST_RETRY: Duration = Duration::from_secs(1);
/// But at least so often.
const SLOWEST_RETRY: Duration = Duration::from_secs(60);

/// Runs until it is aborted.
pub(crate) async fn watch(encryption: Arc<Encryption>, store: Store) {
    let polling = encryption.policy().and_then(|policy| policy.polling);
    let mut next_look = polling.map(|interval| Instant::now() + interval);
    let mut pause = FIRST_RETRY;
    let mut next_try = Instant::now() + pause;
    loop {
        let is_locked = !encryption.locked_trees().is_empty();
        let due = match (is_locked, next_look) {
            (true, Some(look)) => Some(look.min(next_try)),
            (true, None) => Some(next_try),
            (false, look) => look,
        };
        tokio::select! {
            () = sleep_until(due) => {}
            // One more is locked, or has a key of its own: the pause begins anew.
            () = encryption.own.changed.notified() => {
                pause = FIRST_RETRY;
                next_try = Instant::now() + pause;
                continue;
            }
        }
        let now = Instant::now();
        if let (Some(interval), Some(look)) = (polling, next_look)
            && look <= now
        {
            encryption.look_at_own_keys(&store).await;
            next_look = Some(Instant::now() + interval);
        }
        if is_locked && next_try <= now {
            pause = match encryption.unlock_again().await {
                true => (pause * 2).min(SLOWEST_RETRY),
                false => FIRST_RETRY,
            };
            next_try = Instant::now() + pause;
        }
    }
}

async fn sleep_until(due: Option<Instant>) {
    match due {
        Some(due) => tokio::time::sleep_until(due).await,
        None => std::future::pending().await,
    }
}
