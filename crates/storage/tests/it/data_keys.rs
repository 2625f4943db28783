//! Data keys that change, and data keys that are lost.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use bson::doc;
use document::ErrorCode;
use storage::keys::{DataKeyState, DataKeys, KeyError, KeyLocked, KeyRing, TreeId};
use storage::{Encryption, Error, Store, StoreOptions};
use zeroize::Zeroizing;

use crate::support::{all, insert};

type Keys = Mutex<HashMap<(TreeId, u32), [u8; 32]>>;

/// A ring in memory whose keys can be rotated, retired, and locked away.
#[derive(Default)]
struct Ring {
    keys: Arc<Keys>,
    locked: Mutex<Vec<TreeId>>,
}

struct Tree {
    tree: TreeId,
    keys: Arc<Keys>,
}

impl DataKeys for Tree {
    fn active(&self) -> u32 {
        let keys = self.keys.lock().unwrap();
        keys.keys()
            .filter(|(tree, _)| *tree == self.tree)
            .map(|(_, id)| *id)
            .max()
            .unwrap_or(0)
    }

    fn state(&self, id: u32) -> DataKeyState {
        match self.key(id) {
            Some(_) if id == self.active() => DataKeyState::Active,
            Some(_) => DataKeyState::DecryptOnly,
            None => DataKeyState::Unknown,
        }
    }

    fn key(&self, id: u32) -> Option<Zeroizing<[u8; 32]>> {
        self.keys
            .lock()
            .unwrap()
            .get(&(self.tree, id))
            .map(|key| Zeroizing::new(*key))
    }
}

impl Ring {
    fn numbers(&self, tree: TreeId) -> Vec<u32> {
        let keys = self.keys.lock().unwrap();
        let mut ids: Vec<_> = keys
            .keys()
            .filter(|(t, _)| *t == tree)
            .map(|(_, id)| *id)
            .collect();
        ids.sort_unstable();
        ids
    }

    fn tree(&self, tree: TreeId) -> Arc<dyn DataKeys> {
        Arc::new(Tree {
            tree,
            keys: Arc::clone(&self.keys),
        })
    }
}

impl KeyRing for Ring {
    fn create(&self, tree: TreeId) -> Result<Arc<dyn DataKeys>, KeyError> {
        self.keys.lock().unwrap().insert((tree, 1), [1; 32]);
        Ok(self.tree(tree))
    }

    fn lookup(&self, tree: TreeId) -> Result<Option<Arc<dyn DataKeys>>, KeyError> {
        if self.locked.lock().unwrap().contains(&tree) {
            let reason = "its master key was revoked: bring it back".to_owned();
            return Err(Box::new(KeyLocked { reason }));
        }
        Ok((!self.numbers(tree).is_empty()).then(|| self.tree(tree)))
    }

    fn rotate(&self, tree: TreeId) -> Result<u32, KeyError> {
        let id = self.numbers(tree).last().ok_or("no such tree")? + 1;
        self.keys.lock().unwrap().insert((tree, id), [id as u8; 32]);
        Ok(id)
    }

    fn retire(&self, tree: TreeId, id: u32) -> Result<(), KeyError> {
        self.keys
            .lock()
            .unwrap()
            .remove(&(tree, id))
            .map(drop)
            .ok_or("no such key".into())
    }

    fn destroy(&self, tree: TreeId) -> Result<(), KeyError> {
        self.keys.lock().unwrap().retain(|(t, _), _| *t != tree);
        Ok(())
    }

    fn trees(&self) -> Result<Vec<TreeId>, KeyError> {
        let keys = self.keys.lock().unwrap();
        Ok(keys.keys().map(|(tree, _)| *tree).collect())
    }
}

async fn open(path: &std::path::Path, ring: &Arc<Ring>) -> storage::Result<Store> {
    // Nothing is written to tables or merged but when a test asks for it.
    let options = StoreOptions::default();
    Store::open(
        path,
        Encryption::Keys(Arc::clone(ring) as Arc<dyn KeyRing>),
        options,
    )
    .await
}

/// The number and files of each key of a tree.
async fn in_use(store: &Store, tree: TreeId) -> Vec<(u32, bool, bool)> {
    let in_use = store.data_keys_in_use(tree).await.unwrap();
    assert_eq!(in_use.unattributed_files, 0);
    in_use
        .keys
        .iter()
        .map(|key| (key.id, key.active, key.files > 0))
        .collect()
}

#[tokio::test]
async fn a_new_data_key_is_used_for_what_is_written_from_then_on() {
    let directory = tempfile::tempdir().unwrap();
    let ring = Arc::new(Ring::default());
    let store = open(directory.path(), &ring).await.unwrap();
    let database = store.database_or_create("d").await.unwrap();
    let documents = |from: i32| -> Vec<_> {
        (from..from + 300)
            .map(|id| doc! { "_id": id, "pad": "d".repeat(400) })
            .collect()
    };
    insert(&database, "c", &documents(0)).await;
    let tree = store.tree_of("d").unwrap();
    assert_eq!(store.name_of(tree).as_deref(), Some("d"));
    store.rewrite(tree).await.unwrap();
    assert_eq!(in_use(&store, tree).await, [(1, true, true)]);

    assert_eq!(store.rotate_data_key(tree).await.unwrap(), 2);
    // Log and manifest are under the new key at once, tables from before under the old one.
    assert_eq!(
        in_use(&store, tree).await,
        [(1, false, true), (2, true, true)]
    );
    let before = store.data_keys_in_use(tree).await.unwrap();
    assert_eq!(before.old().collect::<Vec<_>>(), [1]);
    assert!(before.keys[1].files >= 2, "{before:?}");
    insert(&database, "c", &documents(300)).await;
    let after = store.data_keys_in_use(tree).await.unwrap();
    assert!(
        after.keys[0].bytes <= before.keys[0].bytes,
        "{before:?}, {after:?}"
    );
    // A key that is in use is not retired.
    assert_eq!(store.retire_data_keys(tree).await.unwrap(), [0_u32; 0]);
    assert_eq!(all(&database, "c").len(), 600);

    // Both keys are needed until everything was written anew.
    drop(database);
    store.close().await.unwrap();
    let store = open(directory.path(), &ring).await.unwrap();
    assert_eq!(
        all(&store.database("d").await.unwrap().unwrap(), "c").len(),
        600
    );
    store.rewrite(tree).await.unwrap();
    assert_eq!(in_use(&store, tree).await, [(2, true, true)]);
    assert_eq!(store.retire_data_keys(tree).await.unwrap(), [1]);
    assert_eq!(ring.numbers(tree), [2]);
    assert_eq!(store.retire_data_keys(tree).await.unwrap(), [0_u32; 0]);
    assert_eq!(
        all(&store.database("d").await.unwrap().unwrap(), "c").len(),
        600
    );

    // Every tree: the server's own, too, and one that nothing was ever written to.
    store.database_or_create("empty").await.unwrap();
    assert_eq!(store.trees().len(), 3);
    for tree in store.trees() {
        let old = ring.numbers(tree);
        let id = store.rotate_data_key(tree).await.unwrap();
        store.rewrite(tree).await.unwrap();
        assert_eq!(in_use(&store, tree).await, [(id, true, true)]);
        assert_eq!(store.retire_data_keys(tree).await.unwrap(), old);
    }
    store.close().await.unwrap();
    // The old keys are gone for good, and nothing needed them.
    let store = open(directory.path(), &ring).await.unwrap();
    assert_eq!(store.databases(), ["d", "empty"]);
    let database = store.database("d").await.unwrap().unwrap();
    assert_eq!(all(&database, "c").len(), 600);
    insert(&database, "c", &documents(600)).await;
    store.close().await.unwrap();
}

#[tokio::test]
async fn a_store_in_clear_has_no_data_keys() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(directory.path(), Encryption::None, StoreOptions::default())
        .await
        .unwrap();
    let tree = store.server_tree();
    for error in [
        store.rotate_data_key(tree).await.unwrap_err(),
        store.retire_data_keys(tree).await.unwrap_err(),
    ] {
        assert_eq!(error.code(), ErrorCode::IllegalOperation);
    }
    assert!(store.data_keys_in_use(tree).await.unwrap().keys.is_empty());
    let error = store.data_keys_in_use(TreeId([9; 16])).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::DatabaseNotFound);
    store.close().await.unwrap();
}

#[tokio::test]
async fn a_database_whose_key_is_lost_is_the_only_one_that_suffers() {
    let directory = tempfile::tempdir().unwrap();
    let ring = Arc::new(Ring::default());
    let store = open(directory.path(), &ring).await.unwrap();
    for name in ["tenant", "other"] {
        let database = store.database_or_create(name).await.unwrap();
        insert(&database, "c", &[doc! { "_id": name }]).await;
    }
    let held = store.database("tenant").await.unwrap().unwrap();
    let tree = store.tree_of("tenant").unwrap();
    ring.locked.lock().unwrap().push(tree);
    // Open, it is still there; closed by force, it is not, for those who have it neither.
    assert!(store.database("tenant").await.is_ok());
    assert!(store.close_database("tenant").await.unwrap());
    assert!(!store.close_database("nobody").await.unwrap());
    assert!(matches!(held.snapshot().err(), Some(Error::Closed)));
    let check_locked = async |store: &Store| {
        for error in [
            store.database("tenant").await.err().unwrap(),
            store.database_or_create("tenant").await.err().unwrap(),
            store.rotate_data_key(tree).await.err().unwrap(),
            store.data_keys_in_use(tree).await.err().unwrap(),
        ] {
            assert_eq!(error.code(), ErrorCode::KeyNotFound);
            assert!(error.to_string().contains("bring it back"), "{error}");
        }
        assert_eq!(store.databases(), ["other", "tenant"]);
        assert!(store.size_on_disk("tenant").await.unwrap().unwrap() > 0);
        assert_eq!(store.size_on_disk("nobody").await.unwrap(), None);
        let other = store.database("other").await.unwrap().unwrap();
        assert_eq!(all(&other, "c"), [doc! { "_id": "other" }]);
    };
    check_locked(&store).await;
    store.sync_all().await.unwrap();
    store.close().await.unwrap();
    let store = open(directory.path(), &ring).await.unwrap();
    check_locked(&store).await;

    // The key is back: so is the database.
    ring.locked.lock().unwrap().clear();
    let tenant = store.database("tenant").await.unwrap().unwrap();
    assert_eq!(all(&tenant, "c"), [doc! { "_id": "tenant" }]);

    // Lost for good, it can be dropped.
    ring.locked.lock().unwrap().push(tree);
    store.close_database("tenant").await.unwrap();
    assert!(store.drop_database("tenant").await.unwrap());
    assert_eq!(store.databases(), ["other"]);
    assert!(ring.numbers(tree).is_empty());
    store.close().await.unwrap();
}

/// What was copied before a drop cannot be read with the keys that are left after it.
#[tokio::test]
async fn files_from_before_a_drop_do_not_open_afterwards() {
    let directory = tempfile::tempdir().unwrap();
    let ring = Arc::new(Ring::default());
    let store = open(directory.path(), &ring).await.unwrap();
    let database = store.database_or_create("gone").await.unwrap();
    insert(&database, "c", &[doc! { "_id": 1 }]).await;
    drop(database);
    store.close().await.unwrap();
    // As a thief of disks has it: all files, but not the keys.
    let copied = tempfile::tempdir().unwrap();
    copy(directory.path(), copied.path());

    let store = open(directory.path(), &ring).await.unwrap();
    assert!(store.drop_database("gone").await.unwrap());
    store.close().await.unwrap();
    let store = open(copied.path(), &ring).await.unwrap();
    assert_eq!(store.databases(), ["gone"]);
    let error = store.database("gone").await.err().unwrap();
    assert!(matches!(error, Error::Locked { .. }), "{error:?}");
    assert!(error.to_string().contains("destroyed"), "{error}");
    store.close().await.unwrap();
}

fn copy(from: &std::path::Path, to: &std::path::Path) {
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            std::fs::create_dir(&target).unwrap();
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}
