//! What the tests share.

use keystore::{Cipher, HistoryReason, Keystore, MasterKey, MasterKeyRef, TreeId, key_name};
use tempfile::TempDir;
use uuid::Uuid;

pub(crate) const DBPATH_ID: Uuid = Uuid::from_u128(0x1234);

pub(crate) fn master(byte: u8) -> MasterKey {
    MasterKey::from_slice(&[byte; 32]).unwrap()
}

pub(crate) fn tree(byte: u8) -> TreeId {
    TreeId([byte; 16])
}

/// A master key on a KMIP server, of the given generation.
pub(crate) fn kmip_key(generation: u32) -> MasterKeyRef {
    let name = key_name(DBPATH_ID, generation);
    let identifier = format!("id-{generation}");
    MasterKeyRef::kmip(generation, Some(name), Some(identifier)).unwrap()
}

pub(crate) fn dbpath() -> TempDir {
    tempfile::tempdir().unwrap()
}

/// A dbpath with a keystore under `master(1)` and no data keys.
pub(crate) fn created() -> (TempDir, Keystore) {
    let dbpath = dbpath();
    let keystore = Keystore::create(
        dbpath.path(),
        DBPATH_ID,
        Cipher::Aes256Gcm,
        kmip_key(1),
        &master(1),
    )
    .unwrap();
    (dbpath, keystore)
}

/// Puts the keystore under `master(number)`, of that generation.
pub(crate) fn rewrap(keystore: &Keystore, number: u8) {
    let key = kmip_key(u32::from(number));
    keystore
        .rewrap(key, &master(number), HistoryReason::Rotated)
        .unwrap();
}

/// Trees, key ids, states and keys.
pub(crate) type Contents = Vec<(TreeId, u32, keystore::KeyState, [u8; 32])>;

/// Everything that a keystore holds, comparable. No tree may be locked.
pub(crate) fn contents(keystore: &Keystore) -> Contents {
    let mut all = Vec::new();
    for tree in keystore.tree_ids() {
        for (id, state, key) in keystore.data_keys(tree).unwrap() {
            all.push((tree, id, state, *key.expose()));
        }
    }
    all
}
