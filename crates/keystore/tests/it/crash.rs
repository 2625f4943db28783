//! The process is stopped at each step of a write: afterwards there is the old keystore or the new one.

use std::env;
use std::path::Path;
use std::process::{Command, Stdio};

use keystore::{Cipher, Keystore, failpoint};

use crate::support::*;

const STEPS: [&str; 4] = [
    "keystore.before_write",
    "keystore.half_written",
    "keystore.synced",
    "keystore.renamed",
];
/// Tells the child process which dbpath to work on.
const DBPATH: &str = "KEYSTORE_TEST_DBPATH";

/// Runs the test `name` of this binary in a process of its own that stops at `step`.
fn run_child(name: &str, dbpath: &Path, step: &str) {
    let status = Command::new(env::current_exe().unwrap())
        .args([name, "--exact", "--nocapture"])
        .env(DBPATH, dbpath)
        .env(failpoint::VARIABLE, step)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .unwrap();
    assert!(
        status.code().is_none(),
        "{name} did not stop at {step}: {status}"
    );
}

fn child_dbpath() -> Option<std::path::PathBuf> {
    env::var_os(DBPATH).map(Into::into)
}

#[test]
fn announce_and_create() {
    if let Some(dbpath) = child_dbpath() {
        if Keystore::inspect(&dbpath).unwrap().is_none() {
            Keystore::announce(&dbpath, DBPATH_ID, Cipher::Aes256Gcm, kmip_key(1)).unwrap();
        }
        Keystore::create(
            &dbpath,
            DBPATH_ID,
            Cipher::Aes256Gcm,
            kmip_key(1),
            &master(1),
        )
        .unwrap();
        return;
    }
    for step in STEPS {
        let dbpath = dbpath();
        run_child("crash::announce_and_create", dbpath.path(), step);
        let header = Keystore::inspect(dbpath.path()).unwrap();
        match step {
            "keystore.renamed" => assert_eq!(header.unwrap().pending(), Some(&kmip_key(1))),
            _ => assert!(header.is_none(), "{step}"),
        }
        // The next attempt goes through the rest, whatever was left behind.
        if header_is_missing(dbpath.path()) {
            Keystore::announce(dbpath.path(), DBPATH_ID, Cipher::Aes256Gcm, kmip_key(1)).unwrap();
        }
        run_child("crash::announce_and_create", dbpath.path(), step);
        if step == "keystore.renamed" {
            Keystore::open(dbpath.path(), &master(1)).unwrap();
        } else {
            let (id, cipher) = (DBPATH_ID, Cipher::Aes256Gcm);
            Keystore::create(dbpath.path(), id, cipher, kmip_key(1), &master(1)).unwrap();
        }
        assert_eq!(leftovers(dbpath.path()), Vec::<String>::new());
    }
}

/// At no moment is there no announcement: a key that was created under the first Name is found.
#[test]
fn announce_another() {
    let another = |dbpath: &Path| {
        Keystore::announce_another(dbpath, Cipher::Aes256Gcm, kmip_key(2)).unwrap();
    };
    if let Some(dbpath) = child_dbpath() {
        return another(&dbpath);
    }
    for step in STEPS {
        let dbpath = dbpath();
        Keystore::announce(dbpath.path(), DBPATH_ID, Cipher::Aes256Gcm, kmip_key(1)).unwrap();
        run_child("crash::announce_another", dbpath.path(), step);
        let header = Keystore::inspect(dbpath.path()).unwrap().unwrap();
        let expected = if step == "keystore.renamed" { 2 } else { 1 };
        assert_eq!(header.pending(), Some(&kmip_key(expected)), "{step}");
        another(dbpath.path());
        assert_eq!(leftovers(dbpath.path()), Vec::<String>::new());
    }
}

#[test]
fn data_keys_and_rewrap() {
    if let Some(dbpath) = child_dbpath() {
        let keystore = Keystore::open(&dbpath, &master(1)).unwrap();
        match keystore.tree_ids().len() {
            1 => drop(keystore.create_data_key(tree(2)).unwrap()),
            _ => rewrap(&keystore, 2),
        }
        return;
    }
    for step in STEPS {
        let (dbpath, keystore) = created();
        keystore.create_data_key(tree(1)).unwrap();
        let before = contents(&keystore);
        drop(keystore);

        run_child("crash::data_keys_and_rewrap", dbpath.path(), step);
        let keystore = Keystore::open(dbpath.path(), &master(1)).unwrap();
        assert_eq!(contents(&keystore)[..1], before);
        let expected = 1 + usize::from(step == "keystore.renamed");
        assert_eq!(keystore.tree_ids().len(), expected, "{step}");
        if expected == 1 {
            keystore.create_data_key(tree(2)).unwrap();
        }
        let before = contents(&keystore);
        drop(keystore);

        // Stops while the copy of the previous keystore is written, and after: the old key stays valid.
        run_child("crash::data_keys_and_rewrap", dbpath.path(), step);
        run_child(
            "crash::data_keys_and_rewrap",
            dbpath.path(),
            "keystore.previous_kept",
        );
        let keystore = Keystore::open(dbpath.path(), &master(1)).unwrap();
        assert_eq!(contents(&keystore), before);
        rewrap(&keystore, 2);
        let keystore = Keystore::open(dbpath.path(), &master(2)).unwrap();
        assert_eq!(contents(&keystore), before);
        assert_eq!(leftovers(dbpath.path()), [keystore::PREVIOUS_FILE_NAME]);
    }
}

fn header_is_missing(dbpath: &Path) -> bool {
    Keystore::inspect(dbpath).unwrap().is_none()
}

/// What lies in the dbpath besides the keystore.
fn leftovers(dbpath: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(dbpath).unwrap();
    entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name != keystore::FILE_NAME)
        .collect()
}
