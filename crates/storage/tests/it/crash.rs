//! `kill -9`: a child process writes and says what was acknowledged; it is killed; what it said
//! must be there.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use bson::{Bson, doc};
use storage::keys::{DataKeys, KeyError, KeyRing, TreeId};
use storage::{Direction, Durability, Encryption, Error, IndexBounds, Store, StoreOptions};

use crate::support::{TestKey, all, by_index, ids, raw, spec};

const PATH: &str = "STRONGROOM_TEST_CRASH_PATH";
const ENCRYPTED: &str = "STRONGROOM_TEST_CRASH_ENCRYPTED";
const INDEX: &str = "STRONGROOM_TEST_CRASH_INDEX";

/// Keys in files beside the dbpath, so that they outlive the child.
struct FileRing(std::path::PathBuf);

impl FileRing {
    fn file(&self, tree: TreeId) -> std::path::PathBuf {
        self.0.join(tree.to_string())
    }
}

impl KeyRing for FileRing {
    fn create(&self, tree: TreeId) -> Result<Arc<dyn DataKeys>, KeyError> {
        let mut key = [0x5A; 32];
        key[..16].copy_from_slice(&tree.0);
        std::fs::write(self.file(tree), key)?;
        Ok(Arc::new(TestKey(key)))
    }

    fn lookup(&self, tree: TreeId) -> Result<Option<Arc<dyn DataKeys>>, KeyError> {
        match std::fs::read(self.file(tree)) {
            Ok(key) => Ok(Some(Arc::new(TestKey(key.as_slice().try_into()?)))),
            Err(_) => Ok(None),
        }
    }

    fn rotate(&self, _: TreeId) -> Result<u32, KeyError> {
        Err("this ring has one key for each tree".into())
    }

    fn destroy(&self, tree: TreeId) -> Result<(), KeyError> {
        let _ = std::fs::remove_file(self.file(tree));
        Ok(())
    }

    fn trees(&self) -> Result<Vec<TreeId>, KeyError> {
        let names = std::fs::read_dir(&self.0)?.map_while(Result::ok);
        Ok(names
            .filter_map(|f| TreeId::from_hex(f.file_name().to_str()?))
            .collect())
    }
}

async fn open(path: &Path, encrypted: bool) -> Store {
    let dbpath = path.join("db");
    let keys = path.join("keys");
    std::fs::create_dir_all(&dbpath).unwrap();
    std::fs::create_dir_all(&keys).unwrap();
    let encryption = if encrypted {
        Encryption::Keys(Arc::new(FileRing(keys)))
    } else {
        Encryption::None
    };
    // Small, so that tables are written and merged meanwhile.
    let options = StoreOptions {
        cache_bytes: 32 << 20,
        memtable_bytes: 256 << 10,
        ..StoreOptions::default()
    };
    Store::open(dbpath, encryption, options).await.unwrap()
}

/// The child, when this binary is run as one. Writes until it is killed.
#[test]
fn child() {
    let Ok(path) = std::env::var(PATH) else {
        return;
    };
    let encrypted = std::env::var(ENCRYPTED).is_ok();
    let build_index = std::env::var(INDEX).is_ok();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let store = open(Path::new(&path), encrypted).await;
        let database = store.database_or_create("db").await.unwrap();
        let c = database.collection_or_create("c").await.unwrap();
        if build_index {
            say("ready");
            loop {
                let specification = spec(doc! { "key": { "v": 1 } });
                database
                    .create_indexes("c", &[specification])
                    .await
                    .unwrap();
                say("built");
                database.drop_index("c", "v_1").await.unwrap();
                say("dropped");
            }
        }
        let _ = database
            .create_indexes("c", &[spec(doc! { "key": { "w": 1 }, "unique": true })])
            .await
            .unwrap();
        let first = c.count() as i32;
        let mut tasks = Vec::new();
        for task in 0..4 {
            let database = database.clone();
            tasks.push(tokio::spawn(async move {
                for i in 0.. {
                    let id = first + i * 4 + task;
                    let document =
                        raw(doc! { "_id": id, "w": -id, "v": id % 100, "pad": "x".repeat(300) });
                    let durability = if i % 2 == 0 {
                        Durability::Immediate
                    } else {
                        Durability::Eventual
                    };
                    let written = database
                        .retry_write("c", durability, |txn, c| txn.insert(c, &document).map(drop))
                        .await;
                    match written {
                        Ok(()) if i % 2 == 0 => say(&id.to_string()),
                        // Written before the last crash, though nobody was told.
                        Ok(()) | Err(Error::DuplicateKey(_)) => {}
                        Err(error) => panic!("{error}"),
                    }
                }
            }));
        }
        for task in tasks {
            task.await.unwrap();
        }
    });
}

/// One line in one write, whole or not at all.
fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    out.write_all(format!("said {line}\n").as_bytes()).unwrap();
    out.flush().unwrap();
}

/// Ends the child whatever becomes of the test.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Runs a child until it has said `lines` things, kills it, and gives all that it said.
fn run_and_kill(path: &Path, encrypted: bool, index: bool, lines: usize) -> Vec<String> {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["crash::child", "--exact", "--nocapture", "--test-threads=1"]);
    command
        .env(PATH, path)
        .stdout(Stdio::piped())
        .stdin(Stdio::null());
    if encrypted {
        command.env(ENCRYPTED, "1");
    }
    if index {
        command.env(INDEX, "1");
    }
    let mut child = Killed(command.spawn().unwrap());
    let mut out = BufReader::new(child.0.stdout.take().unwrap());
    let mut said = Vec::new();
    let mut line = String::new();
    loop {
        line.clear();
        if out.read_line(&mut line).unwrap() == 0 {
            break;
        }
        // The harness writes to the same stream.
        if let Some((_, what)) = line.split_once("said ") {
            said.push(what.trim_end().to_owned());
        }
        if said.len() == lines {
            child.0.kill().unwrap();
        }
    }
    assert!(said.len() >= lines, "the child ended early: {said:?}");
    said
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
}

#[test]
fn acknowledged_writes_survive() {
    for encrypted in [false, true] {
        let directory = tempfile::tempdir().unwrap();
        let mut acknowledged = Vec::new();
        for round in 0..4 {
            let said = run_and_kill(directory.path(), encrypted, false, 150 + 300 * round);
            acknowledged.extend(said.iter().map(|id| Bson::Int32(id.parse().unwrap())));
            runtime().block_on(async {
                let store = open(directory.path(), encrypted).await;
                let database = store.database("db").await.unwrap().unwrap();
                let documents = all(&database, "c");
                let mut found = ids(&documents);
                for id in &acknowledged {
                    assert!(found.contains(id), "round {round}: {id} is lost");
                }
                // The count and the index agree with what is there.
                let collection = database.collection("c").unwrap();
                assert_eq!(collection.count(), found.len() as u64, "round {round}");
                let snapshot = database.snapshot().unwrap();
                let bounds = IndexBounds::all();
                found.reverse();
                let by_w = by_index(&snapshot, "c", "w_1", &bounds, Direction::Forward);
                assert_eq!(ids(&by_w), found, "round {round}");
                drop(snapshot);
                // Once closed, once not: the next child recovers from either.
                if round % 2 == 0 {
                    store.close().await.unwrap();
                } else {
                    store.sync_all().await.unwrap();
                }
            });
        }
    }
}

#[test]
fn an_index_is_whole_or_absent() {
    let directory = tempfile::tempdir().unwrap();
    runtime().block_on(async {
        let store = open(directory.path(), true).await;
        let database = store.database_or_create("db").await.unwrap();
        let documents: Vec<_> = (0..4000).map(|i| doc! { "_id": i, "v": i % 10 }).collect();
        crate::support::insert(&database, "c", &documents).await;
        store.close().await.unwrap();
    });
    for lines in [1, 2, 3, 1] {
        run_and_kill(directory.path(), true, true, lines);
        runtime().block_on(async {
            let store = open(directory.path(), true).await;
            let database = store.database("db").await.unwrap().unwrap();
            let collection = database.collection("c").unwrap();
            assert_eq!(collection.count(), 4000);
            let snapshot = database.snapshot().unwrap();
            if let Some(index) = collection.index("v_1") {
                assert!(index.is_ready());
                let bounds = IndexBounds::all();
                let found = by_index(&snapshot, "c", "v_1", &bounds, Direction::Forward);
                assert_eq!(found.len(), 4000);
                drop(snapshot);
                database.drop_index("c", "v_1").await.unwrap();
            }
            store.close().await.unwrap();
        });
    }
}
