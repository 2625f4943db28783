//! The process is stopped at every step of a first start. The next start goes through, by itself, with
//! one key on the server, and finds what was stored.

use std::env;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use keystore::{TreeId, failpoint};
use kmip_client::ServerAddress;
use tls::{ClientTls, IdentityFiles, Trust};

use super::support::*;
use crate::startup::{KmipOptions, open};

/// The steps at which one start after another is stopped.
const CRASHES: [&[&str]; 14] = [
    &["keystore.before_write", "keystore.before_write"],
    &["keystore.half_written", "keystore.half_written"],
    &["keystore.synced"],
    &["keystore.renamed"],
    &["kmip.before_create", "kmip.before_create"],
    &["kmip.created"],
    &["kmip.activated"],
    &["startup.before_keystore", "startup.before_keystore"],
    &["kmip.created", "kmip.activated", "startup.before_keystore"],
    // In the second write, which completes the keystore.
    &["kmip.created", "keystore.before_write"],
    &["kmip.created", "keystore.half_written"],
    &["kmip.created", "keystore.synced"],
    &["kmip.created", COMPLETE],
    &[COMPLETE, COMPLETE],
];
/// The first time a dbpath gets to it, its keystore announces a key; the second time, it is complete.
const COMPLETE: &str = "keystore.renamed";
/// Tells the child process where everything is.
const DIRECTORY: &str = "STARTUP_TEST_DIRECTORY";
const PORT: &str = "STARTUP_TEST_PORT";

/// What [`World::kmip`] is, for a process that only knows where it lies.
fn options_of_child() -> Option<(PathBuf, KmipOptions)> {
    let directory = PathBuf::from(env::var_os(DIRECTORY)?);
    let port = env::var(PORT).unwrap().parse().unwrap();
    let tls = ClientTls {
        trust: Trust::only(directory.join("ca.pem")),
        identity: Some(IdentityFiles::combined(directory.join("client.pem"))),
    };
    let server = ServerAddress::parse("127.0.0.1", port).unwrap();
    let mut options = KmipOptions::new(vec![server], tls);
    options.connect_timeout = CONNECT_TIMEOUT;
    Some((directory.join("db"), options))
}

async fn crash_at(world: &World, step: &str) {
    let mut child = Command::new(env::current_exe().unwrap());
    child
        .args([
            "startup::tests::crash::at_every_step",
            "--exact",
            "--nocapture",
        ])
        .env(DIRECTORY, world.path(""))
        .env(PORT, world.address.port().to_string())
        .env(failpoint::VARIABLE, step)
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let status = tokio::task::spawn_blocking(move || child.status())
        .await
        .unwrap()
        .unwrap();
    assert!(status.code().is_none(), "did not stop at {step}: {status}");
}

#[tokio::test(flavor = "multi_thread")]
async fn at_every_step() {
    if let Some((dbpath, kmip)) = options_of_child() {
        open(&dbpath, Some(&encrypted(kmip))).await.unwrap();
        return;
    }
    let world = World::new().await;
    for steps in CRASHES {
        fs::remove_dir_all(world.dbpath()).unwrap();
        fs::create_dir(world.dbpath()).unwrap();
        for step in steps {
            crash_at(&world, step).await;
        }

        let opened = world.open(world.kmip()).await.unwrap();
        let complete = steps.len() == 2 && steps[1] == COMPLETE;
        assert_eq!(opened.fresh, !complete, "{steps:?}");
        let keystore = opened.keystore.clone().unwrap();
        keystore.create_data_key(TreeId([1; 16])).unwrap();
        let identifier = identifier(&opened);
        let name = keystore.info().master_key.name.unwrap();
        drop((opened, keystore));

        let keys = world.session().await.locate_by_name(&name).await.unwrap();
        assert_eq!(keys.len(), 1, "{steps:?}: one key, no orphan");
        assert_eq!(keys[0].unique_identifier, identifier, "{steps:?}");
        let again = world.open(world.kmip()).await.unwrap();
        assert_eq!(self::identifier(&again), identifier, "{steps:?}");
        assert_eq!(again.keystore.unwrap().tree_ids().len(), 1, "{steps:?}");
    }
    // Each dbpath has one key, and nobody has any other.
    assert_eq!(world.keys_made(), CRASHES.len() as u64);
}
