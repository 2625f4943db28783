//! The playground, with a database that only looks at what it is given.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

use keystore::TreeId;
use parking_lot::Mutex;

use super::*;
use crate::exit::ExitStatus;

/// Standard output of the playground.
#[derive(Clone, Default)]
struct Out(Arc<Mutex<Vec<u8>>>);

impl Write for Out {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Out {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().clone()).unwrap()
    }
}

fn options(directory: &Path) -> DevOptions {
    DevOptions {
        directory: directory.to_path_buf(),
        // Not the default: tests must not care about what else runs on the machine.
        port: Some(0),
    }
}

/// Runs the playground with a database that does `serve` and ends.
async fn play<T>(
    directory: &Path,
    serve: impl FnOnce(&Database) -> T,
) -> Result<(T, String), DevError> {
    let out = Out::default();
    let mut result = None;
    run(
        &options(directory),
        out.clone(),
        async |mut database: Database| {
            result = Some(serve(&database));
            assert_eq!(
                out.text(),
                "",
                "nothing is said before the database is ready"
            );
            std::mem::replace(&mut database.ready, Box::new(|| ()))();
            Ok::<_, anyhow::Error>(())
        },
    )
    .await?;
    Ok((result.unwrap(), out.text()))
}

#[tokio::test(flavor = "multi_thread")]
async fn it_finds_its_data_again() {
    let parent = tempfile::tempdir().unwrap();
    let directory = parent.path().join("play");
    let tree = TreeId([1; 16]);
    let ((port, master_key), text) = play(&directory, |database| {
        assert!(database.opened.fresh);
        let keystore = database.opened.keystore.as_ref().unwrap();
        keystore.create_data_key(tree).unwrap();
        (database.port, keystore.info().master_key)
    })
    .await
    .unwrap();
    let identifier = master_key.identifier.clone().unwrap();
    for expected in [
        &format!("mongodb://127.0.0.1:{port}/"),
        &identifier,
        "(new)",
        "Ctrl-C",
        "playing only",
        "play/data",
        "play/kmip",
        "play/pki",
        "play/strongroomd.conf",
    ] {
        assert!(text.contains(expected), "{expected} is not in: {text}");
    }
    assert!(!text.contains("instead"), "{text}");
    let mode = fs::metadata(&directory).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);

    let ((), text) = play(&directory, |database| {
        assert!(!database.opened.fresh);
        let keystore = database.opened.keystore.as_ref().unwrap();
        assert_eq!(keystore.tree_ids(), [tree]);
        assert_eq!(keystore.info().master_key, master_key);
    })
    .await
    .unwrap();
    assert!(text.contains("(found again)"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_configuration_says_what_runs() {
    let parent = tempfile::tempdir().unwrap();
    let (config, _) = play(parent.path(), |database| {
        let text = fs::read_to_string(&database.config_path).unwrap();
        let kmip = database
            .opened
            .encryption
            .as_ref()
            .unwrap()
            .status()
            .kmip
            .unwrap();
        (text, database.port, database.dbpath.clone(), kmip.server)
    })
    .await
    .unwrap();
    let (text, port, dbpath, kmip) = config;
    let yaml: serde_json::Value = serde_saphyr::from_str(&text).unwrap();
    assert_eq!(yaml["net"]["port"], port);
    assert_eq!(yaml["storage"]["dbPath"], dbpath.to_str().unwrap());
    assert_eq!(yaml["security"]["enableEncryption"], true);
    let section = &yaml["security"]["kmip"];
    let server = format!(
        "{}:{}",
        section["serverName"].as_str().unwrap(),
        section["port"]
    );
    assert_eq!(server, kmip);
    for file in ["serverCAFile", "clientCertificateFile"] {
        assert!(
            Path::new(section[file].as_str().unwrap()).is_file(),
            "{file}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn it_runs_once_at_a_time() {
    let parent = tempfile::tempdir().unwrap();
    let directory = parent.path().to_path_buf();
    run(
        &options(&directory),
        Out::default(),
        async |_database: Database| {
            let error = play(&directory, |_| ()).await.unwrap_err();
            assert_eq!(error.exit_status(), ExitStatus::DbpathLocked, "{error}");
            Ok::<_, anyhow::Error>(())
        },
    )
    .await
    .unwrap();
    play(&directory, |_| ()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn it_leaves_other_directories_alone() {
    let parent = tempfile::tempdir().unwrap();
    fs::write(parent.path().join("thesis.tex"), "").unwrap();
    let error = play(parent.path(), |_| ()).await.unwrap_err();
    assert!(matches!(error, DevError::NotAPlayground { .. }), "{error}");
    assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_that_is_taken_is_refused_before_anything_is_made() {
    let parent = tempfile::tempdir().unwrap();
    let listener = std::net::TcpListener::bind((HOST, 0)).unwrap();
    let mut options = options(parent.path());
    options.port = Some(listener.local_addr().unwrap().port());
    let serve = async |_database: Database| Ok::<_, anyhow::Error>(());
    let error = run(&options, Out::default(), serve).await.unwrap_err();
    assert_eq!(error.exit_status(), ExitStatus::CannotListen, "{error}");
    assert!(error.to_string().contains("--port"), "{error}");
    assert!(!parent.path().join("pki").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_error_of_the_database_is_passed_on() {
    let parent = tempfile::tempdir().unwrap();
    let serve = async |_database: Database| Err(anyhow::anyhow!("the disk is full"));
    let error = run(&options(parent.path()), Out::default(), serve)
        .await
        .unwrap_err();
    assert_eq!(error.to_string(), "the disk is full");
    play(parent.path(), |_| ()).await.unwrap();
}
