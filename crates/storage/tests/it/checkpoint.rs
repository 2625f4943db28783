//! Checkpoints: whole, of one instant, and recognisable when they are not whole.

use std::collections::HashMap;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU64, Ordering};
use std::time::Duration;

use bson::doc;
use document::ErrorCode;
use storage::backup::{self, Manifest, MasterKey};
use storage::{
    CheckpointOptions, CheckpointReport, Database, Durability, Error, KeystoreCopy, Store,
};

use crate::support::{Fixture, all, insert, raw};

/// The master key that the manifests of these tests name.
fn master_key() -> MasterKey {
    MasterKey {
        provider: "kmip".to_owned(),
        key_id: Some("17".to_owned()),
        key_name: None,
        generation: 1,
        servers: Vec::new(),
        wrap_on_server: Some(false),
        cipher_mode: "AES256-GCM".to_owned(),
    }
}

/// Options with a keystore of a few bytes, if the store needs one.
fn options(store: &Store) -> CheckpointOptions {
    let mut options = CheckpointOptions {
        server_version: "0.0.0".to_owned(),
        ..CheckpointOptions::default()
    };
    if store.is_encrypted() {
        options.keystore = Some(Box::new(|directory| {
            std::fs::write(directory.join("keystore"), "wrapped keys")?;
            Ok(KeystoreCopy {
                dbpath_id: "id".to_owned(),
                master_key: master_key(),
                database_keys: Vec::new(),
            })
        }));
    }
    options
}

async fn checkpoint(store: &Store, to: &Path) -> CheckpointReport {
    store.checkpoint(to, options(store)).await.unwrap()
}

/// Opens a backup as the dbpath that it is, with the keys of the original.
async fn open(fixture: &Fixture, path: &Path) -> Store {
    Store::open(path, fixture.encryption(), fixture.options.clone())
        .await
        .unwrap()
}

fn no_progress(_: backup::Progress) -> storage::Result<()> {
    Ok(())
}

async fn set(database: &Database, id: i32, value: i32, durability: Durability) {
    let document = raw(doc! { "_id": id, "value": value, "pad": "x".repeat(200) });
    database
        .retry_write("c", durability, |txn, collection| {
            let key = storage::RecordId::new(document.get("_id").unwrap().unwrap())?;
            if !txn.replace(collection, &key, &document)? {
                txn.insert(collection, &document)?;
            }
            Ok::<_, Error>(())
        })
        .await
        .unwrap();
}

/// The value of each document.
fn values(database: &Database) -> HashMap<i32, i32> {
    all(database, "c")
        .iter()
        .map(|document| {
            (
                document.get_i32("_id").unwrap(),
                document.get_i32("value").unwrap(),
            )
        })
        .collect()
}

/// Every task writes a number to the first database, then to the second, then the next number. So at
/// any instant the first is ahead by one or not at all, and neither is behind what was acknowledged
/// before the checkpoint was asked for.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn databases_are_of_one_instant_while_they_are_written_to() {
    const TASKS: i32 = 6;
    for encrypted in [false, true] {
        let fixture = Fixture::new(encrypted);
        let store = fixture.open().await;
        let first = store.database_or_create("first").await.unwrap();
        let second = store.database_or_create("second").await.unwrap();
        for database in [&first, &second] {
            insert(database, "c", &[]).await;
        }
        let stop = Arc::new(AtomicBool::new(false));
        let acknowledged: Arc<Vec<AtomicI32>> =
            Arc::new((0..TASKS).map(|_| AtomicI32::new(0)).collect());
        let tasks: Vec<_> = (0..TASKS)
            .map(|task| {
                let (first, second) = (first.clone(), second.clone());
                let (stop, acknowledged) = (Arc::clone(&stop), Arc::clone(&acknowledged));
                tokio::spawn(async move {
                    let mut value = 0;
                    while !stop.load(Ordering::Relaxed) {
                        value += 1;
                        let durability = match value % 3 {
                            0 => Durability::Immediate,
                            _ => Durability::Eventual,
                        };
                        set(&first, task, value, durability).await;
                        set(&second, task, value, durability).await;
                        acknowledged[task as usize].store(value, Ordering::SeqCst);
                    }
                })
            })
            .collect();
        let backups = tempfile::tempdir().unwrap();
        let mut taken = Vec::new();
        for number in 0..6 {
            // Other databases come and go meanwhile.
            let other = format!("other{}", number % 3);
            insert(
                &store.database_or_create(&other).await.unwrap(),
                "c",
                &[doc! { "_id": number }],
            )
            .await;
            let before: Vec<i32> = acknowledged
                .iter()
                .map(|a| a.load(Ordering::SeqCst))
                .collect();
            let to = backups.path().join(number.to_string());
            let report = checkpoint(&store, &to).await;
            let keys = fixture
                .ring
                .as_ref()
                .map(|ring| ring.keys.lock().unwrap().clone());
            assert_eq!(report.path, to.canonicalize().unwrap());
            assert_eq!(report.master_key.is_some(), encrypted);
            if number % 2 == 1 {
                store.drop_database(&other).await.unwrap();
            }
            // As the keystore is: with the keys of the databases that were there.
            taken.push((to, before, keys));
        }
        stop.store(true, Ordering::Relaxed);
        for task in tasks {
            task.await.unwrap();
        }
        store.close().await.unwrap();
        for (number, (to, before, keys)) in taken.into_iter().enumerate() {
            let checked = backup::verify(&to, &mut no_progress).unwrap();
            assert!(checked.problems.is_empty(), "{:?}", checked.problems);
            assert!(checked.unexpected.is_empty(), "{:?}", checked.unexpected);
            if let Some(ring) = &fixture.ring {
                *ring.keys.lock().unwrap() = keys.unwrap();
            }
            let copy = open(&fixture, &to).await;
            let other = copy
                .database(&format!("other{}", number % 3))
                .await
                .unwrap();
            assert!(!all(&other.unwrap(), "c").is_empty());
            let first = values(&copy.database("first").await.unwrap().unwrap());
            let second = values(&copy.database("second").await.unwrap().unwrap());
            for task in 0..TASKS {
                let a = first.get(&task).copied().unwrap_or(0);
                let b = second.get(&task).copied().unwrap_or(0);
                assert!(a == b || a == b + 1, "task {task}: {a} and {b}");
                let before = before[task as usize];
                assert!(
                    b >= before,
                    "task {task}: {b}, and {before} was acknowledged"
                );
            }
            copy.close().await.unwrap();
        }
    }
}

#[tokio::test]
async fn idle_databases_are_in_it_and_stay_closed() {
    const DATABASES: i32 = 40;
    let mut fixture = Fixture::new(true);
    fixture.options.close_idle_after = Duration::ZERO;
    let store = fixture.open().await;
    for number in 0..DATABASES {
        let database = store
            .database_or_create(&format!("d{number}"))
            .await
            .unwrap();
        // In tables and in the log.
        let documents: Vec<_> = (0..100 + number)
            .map(|id| doc! { "_id": id, "pad": "y".repeat(500) })
            .collect();
        insert(&database, "c", &documents).await;
        // As idleness does, without waiting for it.
        drop(database);
        store.close_database(&format!("d{number}")).await.unwrap();
    }
    let ring = fixture.ring.clone().unwrap();
    // A key that is not there shows that nothing is opened; and such a database is copied, too.
    let lost = store.tree_of("d7").unwrap();
    let key = ring.keys.lock().unwrap().remove(&lost).unwrap();
    let backups = tempfile::tempdir().unwrap();
    let to = backups.path().join("b");
    checkpoint(&store, &to).await;
    ring.keys.lock().unwrap().insert(lost, key);
    for number in 0..DATABASES {
        assert!(store.drop_database(&format!("d{number}")).await.unwrap());
        let tree = ring.keys.lock().unwrap().len();
        assert_eq!(tree as i32, DATABASES - number);
    }
    store.close().await.unwrap();

    // The keys of the dropped databases are gone with them, and so are their files' contents.
    let copy = open(&fixture, &to).await;
    let error = copy.database("d3").await.err().unwrap();
    assert!(matches!(error, Error::Locked { .. }), "{error:?}");
    assert_eq!(error.code(), ErrorCode::KeyNotFound);
    copy.close().await.unwrap();
}

#[tokio::test]
async fn a_restored_backup_has_everything() {
    for encrypted in [false, true] {
        let fixture = Fixture::new(encrypted);
        let store = fixture.open().await;
        for name in ["open", "idle", "empty"] {
            let database = store.database_or_create(name).await.unwrap();
            if name != "empty" {
                let documents: Vec<_> = (0..300)
                    .map(|id| doc! { "_id": id, "name": name, "pad": "z".repeat(300) })
                    .collect();
                insert(&database, "c", &documents).await;
            }
        }
        store.close_database("idle").await.unwrap();
        let elsewhere = tempfile::tempdir().unwrap();
        let (to, dbpath) = (elsewhere.path().join("backup"), elsewhere.path().join("db"));
        let heard = Arc::new(AtomicU64::new(0));
        let mut options = options(&store);
        let listener = Arc::clone(&heard);
        options.progress = Some(Arc::new(move |at| {
            assert!(at.files <= at.files_total);
            listener.fetch_max(at.bytes, Ordering::Relaxed);
        }));
        let report = store.checkpoint(&to, options).await.unwrap();
        assert!(heard.load(Ordering::Relaxed) > 0);
        // What is written later is not in it.
        insert(
            &store.database("open").await.unwrap().unwrap(),
            "c",
            &[doc! { "_id": "later" }],
        )
        .await;
        store.close().await.unwrap();
        assert!(!fixture.directory.path().join("checkpoint").exists());

        let manifest = Manifest::read(&to).unwrap();
        assert_eq!(
            (manifest.bytes, manifest.files.len() as u64),
            (report.bytes, report.files)
        );
        assert_eq!(manifest.master_key, encrypted.then(master_key));
        private(&to, false);
        let restored = backup::restore(&to, &dbpath, &mut no_progress).unwrap();
        assert_eq!(restored, manifest);
        private(&dbpath, true);
        assert!(!dbpath.join("backup.json").exists());
        let copy = open(&fixture, &dbpath).await;
        assert_eq!(copy.databases(), ["empty", "idle", "open"]);
        for name in ["open", "idle"] {
            let database = copy.database(name).await.unwrap().unwrap();
            assert_eq!(all(&database, "c").len(), 300);
            assert_eq!(database.collection("c").unwrap().count(), 300);
        }
        copy.close().await.unwrap();
        // Neither the original nor the backup was touched.
        let checked = backup::verify(&to, &mut no_progress).unwrap();
        assert!(checked.problems.is_empty() && checked.unexpected.is_empty());
        // Not over something else.
        let error = backup::restore(&to, &dbpath, &mut no_progress).unwrap_err();
        assert!(matches!(error, Error::NotEmpty { .. }), "{error:?}");
    }
}

/// Whether nobody else can read what is there.
fn private(directory: &Path, top: bool) {
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    if top {
        assert_eq!(mode(directory), 0o700, "{}", directory.display());
    }
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            private(&path, true);
        } else if !path.ends_with("keystore") {
            assert_eq!(mode(&path), 0o600, "{}", path.display());
        }
    }
}

#[tokio::test]
async fn destinations_that_cannot_be_are_refused() {
    let fixture = Fixture::new(false);
    let store = fixture.open().await;
    insert(
        &store.database_or_create("d").await.unwrap(),
        "c",
        &[doc! { "_id": 1 }],
    )
    .await;
    let elsewhere = tempfile::tempdir().unwrap();
    let at = |name: &str| elsewhere.path().join(name);
    std::fs::create_dir(at("full")).unwrap();
    std::fs::write(at("full").join("x"), "").unwrap();
    std::fs::write(at("file"), "").unwrap();
    std::fs::create_dir(at("interrupted")).unwrap();
    std::fs::write(at("interrupted").join("strongroom.incomplete"), "backup\n").unwrap();
    std::os::unix::fs::symlink(fixture.directory.path(), at("link")).unwrap();
    let dbpath = fixture.directory.path();
    for (to, code, text) in [
        (
            PathBuf::from("relative"),
            ErrorCode::InvalidPath,
            "absolute",
        ),
        (at("full"), ErrorCode::InvalidPath, "not empty"),
        (at("file"), ErrorCode::InvalidPath, "not a directory"),
        (at("interrupted"), ErrorCode::InvalidPath, "did not finish"),
        (at("no/such"), ErrorCode::NonExistentPath, "create"),
        (dbpath.to_owned(), ErrorCode::InvalidPath, "dbpath"),
        (dbpath.join("trees/b"), ErrorCode::InvalidPath, "dbpath"),
        (at("link").join("b"), ErrorCode::InvalidPath, "dbpath"),
        (
            at("full/..").join("link/b"),
            ErrorCode::InvalidPath,
            "dbpath",
        ),
    ] {
        let error = store.checkpoint(&to, options(&store)).await.unwrap_err();
        assert_eq!(error.code(), code, "{}: {error}", to.display());
        assert!(
            error.to_string().contains(text),
            "{}: {error}",
            to.display()
        );
    }
    assert!(!fixture.directory.path().join("checkpoint").exists());
    // An empty directory is as good as none.
    std::fs::create_dir(at("empty")).unwrap();
    checkpoint(&store, &at("empty")).await;
    store.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_checkpoint_that_is_given_up_leaves_nothing() {
    let fixture = Fixture::new(false);
    let store = fixture.open().await;
    let database = store.database_or_create("d").await.unwrap();
    let documents: Vec<_> = (0..500)
        .map(|id| doc! { "_id": id, "pad": "p".repeat(500) })
        .collect();
    insert(&database, "c", &documents).await;
    let elsewhere = tempfile::tempdir().unwrap();

    // Cancelled, and the store closed, in the middle of it.
    for way in ["cancel", "close"] {
        let to = elsewhere.path().join(way);
        let (reached, mut at) = tokio::sync::mpsc::unbounded_channel();
        let go_on = Arc::new(AtomicBool::new(false));
        let mut options = options(&store);
        let waits = Arc::clone(&go_on);
        options.progress = Some(Arc::new(move |_| {
            let _ = reached.send(());
            while !waits.load(Ordering::Acquire) {
                std::thread::sleep(Duration::from_millis(1));
            }
        }));
        let (copying, path) = (store.clone(), to.clone());
        let task = tokio::spawn(async move { copying.checkpoint(path, options).await });
        at.recv().await.unwrap();
        assert!(to.join("strongroom.incomplete").exists());
        assert!(matches!(
            backup::verify(&to, &mut no_progress),
            Err(Error::Incomplete { .. })
        ));
        assert!(matches!(Store::inspect(&to), Err(Error::Incomplete { .. })));
        // One at a time.
        let second = store.checkpoint(
            elsewhere.path().join("second"),
            CheckpointOptions::default(),
        );
        assert_eq!(
            second.await.unwrap_err().code(),
            ErrorCode::ConflictingOperationInProgress
        );
        if way == "cancel" {
            task.abort();
            assert!(task.await.unwrap_err().is_cancelled());
            go_on.store(true, Ordering::Release);
            // Ends when the other one has cleared up.
            while store
                .checkpoint(elsewhere.path().join("next"), CheckpointOptions::default())
                .await
                .is_err()
            {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        } else {
            let closing = tokio::spawn({
                let store = store.clone();
                async move { store.close().await }
            });
            while !matches!(store.database("d").await, Err(Error::Closed)) {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            go_on.store(true, Ordering::Release);
            let error = task.await.unwrap().unwrap_err();
            assert!(matches!(error, Error::Closed), "{error:?}");
            closing.await.unwrap().unwrap();
        }
        assert!(!to.exists(), "{way}");
    }
    assert!(!fixture.directory.path().join("checkpoint").exists());
}

#[tokio::test]
async fn what_an_interruption_leaves_is_known() {
    let fixture = Fixture::new(false);
    let store = fixture.open().await;
    insert(
        &store.database_or_create("d").await.unwrap(),
        "c",
        &[doc! { "_id": 1 }],
    )
    .await;
    let elsewhere = tempfile::tempdir().unwrap();
    let to = elsewhere.path().join("b");
    checkpoint(&store, &to).await;
    store.close().await.unwrap();

    // A crash in the middle of a backup: links in the dbpath, which the next start removes.
    let staging = fixture.directory.path().join("checkpoint");
    std::fs::create_dir_all(staging.join("x/sstables")).unwrap();
    fixture.open().await.close().await.unwrap();
    assert!(!staging.exists());

    // A restore that is stopped after some files.
    let dbpath = elsewhere.path().join("db");
    let mut files = 0;
    let stopped = backup::restore(&to, &dbpath, &mut |at| {
        files = at.files;
        if at.files >= 2 {
            Err(Error::Closed)
        } else {
            Ok(())
        }
    });
    assert!(matches!(stopped, Err(Error::Closed)) && files >= 2);
    for refused in [
        Store::inspect(&dbpath).err(),
        Store::open(&dbpath, fixture.encryption(), fixture.options.clone())
            .await
            .err(),
    ] {
        let error = refused.unwrap();
        assert!(
            matches!(
                error,
                Error::Incomplete {
                    what: "restore",
                    ..
                }
            ),
            "{error:?}"
        );
        assert!(error.to_string().contains("strongroom restore"), "{error}");
    }
    // It can be repeated.
    backup::restore(&to, &dbpath, &mut no_progress).unwrap();
    let copy = open(&fixture, &dbpath).await;
    let database = copy.database("d").await.unwrap().unwrap();
    assert_eq!(all(&database, "c"), [doc! { "_id": 1 }]);
    copy.close().await.unwrap();
}

#[tokio::test]
async fn damage_is_found() {
    let fixture = Fixture::new(true);
    let store = fixture.open().await;
    insert(
        &store.database_or_create("d").await.unwrap(),
        "c",
        &[doc! { "_id": 1 }],
    )
    .await;
    let elsewhere = tempfile::tempdir().unwrap();
    let to = elsewhere.path().join("b");
    checkpoint(&store, &to).await;
    store.close().await.unwrap();
    let manifest = Manifest::read(&to).unwrap();
    assert!(
        manifest
            .files
            .iter()
            .any(|file| file.path.ends_with(".sst"))
    );
    for (number, file) in manifest.files.iter().enumerate() {
        let path = to.join(&file.path);
        let whole = std::fs::read(&path).unwrap();
        let mut flipped = whole.clone();
        if let Some(byte) = flipped.last_mut() {
            *byte ^= 1;
        }
        let mut shorter = whole.clone();
        shorter.pop();
        for (damage, word) in [
            (Some(flipped), "SHA-256"),
            (Some(shorter), "bytes"),
            (None, "missing"),
        ] {
            match damage {
                Some(bytes) if bytes == whole => continue,
                Some(bytes) => std::fs::write(&path, bytes).unwrap(),
                None => std::fs::remove_file(&path).unwrap(),
            }
            let checked = backup::verify(&to, &mut no_progress).unwrap();
            assert_eq!(checked.problems.len(), 1, "{:?}", checked.problems);
            assert_eq!(checked.problems[0].file, file.path);
            assert!(
                checked.problems[0].problem.contains(word),
                "{:?}",
                checked.problems
            );
            let dbpath = elsewhere.path().join(format!("db{number}{word}"));
            let error = backup::restore(&to, &dbpath, &mut no_progress).unwrap_err();
            assert!(
                matches!(&error, Error::BackupDamaged { file: f, .. } if *f == file.path),
                "{error:?}"
            );
            assert!(Store::inspect(&dbpath).is_err());
        }
        std::fs::write(&path, whole).unwrap();
    }
    // A link that leads elsewhere is not followed, and what nobody knows is told.
    let file = to.join(&manifest.files[0].path);
    std::fs::rename(&file, elsewhere.path().join("moved")).unwrap();
    std::os::unix::fs::symlink(elsewhere.path().join("moved"), &file).unwrap();
    std::fs::write(to.join("README"), "").unwrap();
    let checked = backup::verify(&to, &mut no_progress).unwrap();
    assert_eq!(checked.problems.len(), 1);
    assert_eq!(checked.unexpected, ["README"]);
    std::fs::write(to.join("backup.json"), "{").unwrap();
    let error = backup::verify(&to, &mut no_progress).unwrap_err();
    assert!(matches!(error, Error::NotABackup { .. }), "{error:?}");
}
