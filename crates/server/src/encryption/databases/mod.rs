//! Databases with a master key of their own ("bring your own key"): which of them are locked, and why.
//!
//! The keystore knows which trees have a master key of their own; here is what became of those keys on
//! the KMIP servers. A key that is missing, revoked, wrong or out of reach locks its database and no
//! other: the storage layer asks the ring of data keys, and that asks [`OwnKeys::check`].
//!
//! | file | holds |
//! |---|---|
//! | `unlock` | fetching the keys: at start, and again for those that were not to be had |
//! | `look` | looking at the keys of open databases, and locking those whose key is lost |
//! | `change` | `setDatabaseMasterKey`, and `rotateMasterKey` with `database` |
//! | `watch` | the task that does the former two while the server runs |

mod change;
mod look;
mod unlock;
mod watch;

use std::collections::BTreeMap;

use bson::{Document, RawDocumentBuf, doc};
use keystore::{TreeId, TreeMasterKey};
use parking_lot::Mutex;
use storage::Store;
use storage::keys::KeyLocked;
use time::OffsetDateTime;
use tokio::sync::Notify;

pub use change::{ChangedKey, DatabaseKey};
pub(super) use watch::watch;

use super::Encryption;
use super::status::date;

/// What is known of the master keys that trees have of their own.
#[derive(Debug, Default)]
pub(super) struct OwnKeys {
    trees: Mutex<BTreeMap<TreeId, Seen>>,
    /// Held while a tree is locked, unlocked, or put under another key.
    changing: tokio::sync::Mutex<()>,
    /// Told when a tree has come under a key of its own, or was locked.
    changed: Notify,
}

/// What was seen of a tree's key last.
#[derive(Clone, Debug, Default)]
struct Seen {
    /// The key's state in KMIP's words; `None` if nobody has said.
    state: Option<String>,
    at: Option<OffsetDateTime>,
    /// Set while the tree is locked.
    locked: Option<Locked>,
}

#[derive(Clone, Debug)]
struct Locked {
    reason: String,
    since: OffsetDateTime,
}

/// What is new about a tree that is locked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum News {
    /// That it is.
    Locked,
    /// Why.
    Reason,
}

impl OwnKeys {
    /// Lets the storage layer have the data keys of a tree, or says why not.
    pub(super) fn check(&self, tree: TreeId) -> Result<(), KeyLocked> {
        let trees = self.trees.lock();
        let locked = trees.get(&tree).and_then(|seen| seen.locked.as_ref());
        match locked {
            None => Ok(()),
            Some(locked) => Err(KeyLocked {
                reason: locked.reason.clone(),
            }),
        }
    }

    /// Notes that a tree's key is there and its data keys are at hand. Whether it was locked.
    fn unlocked(&self, tree: TreeId, state: Option<String>) -> bool {
        let seen = Seen {
            state,
            at: Some(OffsetDateTime::now_utc()),
            locked: None,
        };
        let before = self.trees.lock().insert(tree, seen);
        before.is_some_and(|before| before.locked.is_some())
    }

    /// Notes why a tree is locked. What of it is news.
    fn locked(&self, tree: TreeId, reason: String, state: Option<String>) -> Option<News> {
        let now = OffsetDateTime::now_utc();
        let mut trees = self.trees.lock();
        let seen = trees.entry(tree).or_default();
        if state.is_some() {
            seen.state = state;
            seen.at = Some(now);
        }
        match &mut seen.locked {
            Some(locked) => {
                let is_news = locked.reason != reason;
                locked.reason = reason;
                is_news.then_some(News::Reason)
            }
            locked @ None => {
                *locked = Some(Locked { reason, since: now });
                Some(News::Locked)
            }
        }
    }

    /// Forgets a tree that was dropped, or has no key of its own any more.
    fn forget(&self, tree: TreeId) {
        self.trees.lock().remove(&tree);
    }

    fn is_locked(&self, tree: TreeId) -> bool {
        let trees = self.trees.lock();
        trees.get(&tree).is_some_and(|seen| seen.locked.is_some())
    }
}

impl Encryption {
    /// `encryptionAtRest.databases` of `serverStatus`: the databases with a key of their own.
    pub fn databases(&self, store: &Store) -> Vec<RawDocumentBuf> {
        let own = self.keystore.tree_master_keys();
        if own.is_empty() {
            return Vec::new();
        }
        let mut own: BTreeMap<_, _> = own.iter().map(|own| (own.tree, own)).collect();
        let seen = self.own.trees.lock().clone();
        let names = store.databases().into_iter();
        let entries = names.filter_map(|name| {
            let own = own.remove(&TreeId(store.tree_of(&name)?.0))?;
            let seen = seen.get(&own.tree).cloned().unwrap_or_default();
            let mut entry = entry(name, own, seen);
            let lineage = self.keystore.tree_lineage(own.tree).ok();
            if let Some(pending) = lineage.and_then(|lineage| lineage.pending) {
                entry.insert("announcedMasterKey", pending.to_string());
            }
            RawDocumentBuf::try_from(&entry).ok()
        });
        entries.collect()
    }
}

fn entry(name: String, own: &TreeMasterKey, seen: Seen) -> Document {
    let mut entry = doc! {
        "name": name,
        "keyId": own.key.identifier.clone(),
        "keyName": own.key.name.clone(),
        "generation": i64::from(own.key.generation),
        "wrappedOnServer": own.key.is_wrapped_on_server(),
        "locked": seen.locked.is_some() || !own.is_unlocked,
    };
    if let Some(state) = seen.state {
        entry.insert("keyState", state);
    }
    if let Some(at) = seen.at {
        entry.insert("keyStateSeen", date(at));
    }
    if let Some(locked) = seen.locked {
        entry.insert("reason", locked.reason);
        entry.insert("since", date(locked.since));
    }
    entry
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_has_a_reason_and_is_news_once() {
        let (own, tree) = (OwnKeys::default(), TreeId([1; 16]));
        own.check(tree).unwrap();
        let lock = |reason: &str| own.locked(tree, reason.into(), Some("Gone".into()));
        assert_eq!(lock("gone"), Some(News::Locked));
        assert_eq!(lock("gone"), None);
        assert_eq!(lock("revoked"), Some(News::Reason));
        assert_eq!(own.check(tree).unwrap_err().reason, "revoked");
        own.check(TreeId([2; 16])).unwrap();
        assert!(own.unlocked(tree, Some("Active".into())));
        own.check(tree).unwrap();
        assert!(!own.unlocked(tree, None));
    }
}
