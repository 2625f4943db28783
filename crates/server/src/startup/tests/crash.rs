//! The process is stopped at every step of a first start. The next start goes through, by itself, with
//! one key on the server, and finds what was stored.

use std::env;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use keystore::{TreeId, failpoint};
use kmip_client::ServerAddress;
use tls::{ClientTls, IdentityFiles, Trust};

use super::support::*;
use crate::startup::{KmipOptions, open};

/// Every step at which a first start may be stopped, and whether there is a key on the server by then.
const STEPS: [(&str, bool); 8] = [
    ("keystore.before_write", false),
    ("keystore.half_written", false),
    ("keystore.synced", false),
    ("keystore.renamed", false),
    ("kmip.before_create", false),
    ("kmip.created", true),
    ("kmip.activated", true),
    ("startup.before_keystore", true),
];
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
    Some((directory.join("db"), KmipOptions::new(vec![server], tls)))
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
    for (step, has_key) in STEPS {
        let world = World::new().await;
        let empty = world.kmip_files();
        crash_at(&world, step).await;
        assert_eq!(world.kmip_files() > empty, has_key, "{step}");
        // Twice at the same step, if it comes to it again.
        if !has_key {
            crash_at_again(&world, step).await;
        }

        let opened = world.open(world.kmip()).await.unwrap();
        assert!(opened.fresh, "{step}");
        let keystore = opened.keystore.clone().unwrap();
        keystore.create_data_key(TreeId([1; 16])).unwrap();
        let identifier = identifier(&opened);
        let name = keystore.info().master_key.name.unwrap();
        drop((opened, keystore));

        let keys = world.session().await.locate_by_name(&name).await.unwrap();
        assert_eq!(keys.len(), 1, "{step}: one key, no orphan");
        let again = world.open(world.kmip()).await.unwrap();
        assert_eq!(self::identifier(&again), identifier, "{step}");
        assert_eq!(again.keystore.unwrap().tree_ids().len(), 1, "{step}");
        let after = world.kmip_files();
        assert!(after > empty, "{step}");
    }
}

/// Before there is a key, a second start passes the same points, or goes through.
async fn crash_at_again(world: &World, step: &str) {
    // An announcement is not written twice: there, the second file is the complete keystore.
    if step == "kmip.before_create" || !world.dbpath().join(keystore::FILE_NAME).exists() {
        crash_at(world, step).await;
    }
}
