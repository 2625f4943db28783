//! Data keys that are needed no more: looking for them, destroying them, and writing data anew so that there are some.
//!
//! After `rotateMasterKey` with `dataKeys` the older data keys of a tree are needed until its older tables have been
//! merged. With `rewrite` that is done at once, one tree after the other, beside the requests.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use document::ErrorCode;
use parking_lot::Mutex;
use storage::{Store, TreeId};
use tokio::sync::Notify;

use super::Encryption;
use crate::emit;
use crate::log::events;

/// How long after a rotation it is looked for the first time; then after twice as long, and so on.
const FIRST_LOOK: Duration = Duration::from_secs(60);
/// But at least so often. Looking reads the beginnings of the files of open trees.
const SLOWEST_LOOK: Duration = Duration::from_secs(3600);

/// What is to be done about data keys.
#[derive(Debug, Default)]
pub(super) struct Upkeep {
    /// The trees that are to be written anew, the one that is being written included.
    to_rewrite: Mutex<BTreeSet<TreeId>>,
    /// Told when there are new data keys, or trees to rewrite.
    changed: Notify,
}

impl Encryption {
    /// Notes that trees have new data keys: the older ones are destroyed once no file needs them. Those of `rewrite`
    /// are written anew for that, at once.
    pub(crate) fn data_keys_changed(&self, rewrite: &[TreeId]) {
        self.upkeep.to_rewrite.lock().extend(rewrite);
        self.upkeep.changed.notify_one();
    }

    /// How many trees are still to be written anew.
    pub(super) fn trees_to_rewrite(&self) -> usize {
        self.upkeep.to_rewrite.lock().len()
    }

    /// Destroys the data keys that no file needs any more, of all trees that are open: in others nothing changes. How
    /// many that were.
    pub async fn retire_data_keys(&self, store: &Store) -> usize {
        let mut destroyed = 0;
        for tree in self.keystore.trees_with_old_data_keys() {
            let tree = TreeId(tree.0);
            if store.is_tree_open(tree) {
                destroyed += retire(store, tree).await;
            }
        }
        destroyed
    }

    async fn rewrite_next(&self, store: &Store) -> bool {
        let next = self.upkeep.to_rewrite.lock().first().copied();
        let Some(tree) = next else {
            return false;
        };
        match store.rewrite(tree).await {
            Ok(()) => drop(retire(store, tree).await),
            Err(error) if is_no_fault(&error) => {}
            Err(error) => emit!(events::TREE_NOT_REWRITTEN, %tree, %error),
        }
        self.upkeep.to_rewrite.lock().remove(&tree);
        true
    }
}

async fn retire(store: &Store, tree: TreeId) -> usize {
    match store.retire_data_keys(tree).await {
        Ok(keys) if keys.is_empty() => 0,
        Ok(keys) => {
            emit!(events::DATA_KEYS_DESTROYED, %tree, dataKeys = keys.len());
            keys.len()
        }
        Err(error) if is_no_fault(&error) => 0,
        Err(error) => {
            emit!(events::DATA_KEYS_NOT_DESTROYED, %tree, %error);
            0
        }
    }
}

/// Whether the tree is locked, was dropped, or the server is stopping.
fn is_no_fault(error: &storage::Error) -> bool {
    matches!(
        error,
        storage::Error::Locked { .. }
            | storage::Error::Closed
            | storage::Error::Refused {
                code: ErrorCode::DatabaseNotFound,
                ..
            }
    )
}

/// Runs until it is aborted.
pub(super) async fn watch(encryption: Arc<Encryption>, store: Store) {
    let mut pause = FIRST_LOOK;
    loop {
        while encryption.rewrite_next(&store).await {}
        let are_old = !encryption.keystore.trees_with_old_data_keys().is_empty();
        let looking = async {
            match are_old {
                true => tokio::time::sleep(pause).await,
                false => std::future::pending().await,
            }
        };
        tokio::select! {
            () = looking => {
                encryption.retire_data_keys(&store).await;
                pause = (pause * 2).min(SLOWEST_LOOK);
            }
            () = encryption.upkeep.changed.notified() => pause = FIRST_LOOK,
        }
    }
}
