//! Commands on one directory at the same time.

use std::collections::BTreeSet;
use std::process::{Child, Command, Stdio};

use kmipd::pki::{Index, Kind};

use crate::rig::{Rig, kmipd};

fn spawn(arguments: &[&str]) -> Child {
    Command::new(env!("CARGO_BIN_EXE_kmipd"))
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Each certificate that is issued is in the index, with a serial number of its own: otherwise it could not be revoked.
#[test]
fn clients_added_and_revoked() {
    const NEW: usize = 8;
    let rig = Rig::new();
    let directory = rig.path().to_str().unwrap();
    let names: Vec<String> = (0..NEW).map(|n| format!("db-{n}")).collect();
    for name in &names[..NEW / 2] {
        rig.client(&["add", name]);
    }
    let mut children = Vec::new();
    for (n, name) in names.iter().enumerate() {
        let what = if n < NEW / 2 { "revoke" } else { "add" };
        children.push(spawn(&["client", what, name, "--dir", directory]));
    }
    children.push(spawn(&["server", "renew", "--dir", directory]));
    for child in children {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{output:?}");
    }
    let index = Index::read(&rig.path().join("pki/index.json")).unwrap();
    let serials: BTreeSet<&str> = index
        .certificates
        .iter()
        .map(|entry| entry.serial.as_str())
        .collect();
    // The first server's and client's, and the server's new one.
    assert_eq!(index.certificates.len(), NEW + 3);
    assert_eq!(serials.len(), index.certificates.len());
    for (n, name) in names.iter().enumerate() {
        let entry = index
            .certificates
            .iter()
            .find(|entry| entry.kind == Kind::Client && entry.name == *name)
            .unwrap();
        assert_eq!(entry.revoked_unix_secs.is_some(), n < NEW / 2, "{name}");
        assert_eq!(rig.layout().issued(name).exists(), n >= NEW / 2, "{name}");
    }
    // One list for each revocation, and the first one.
    assert_eq!(index.crl_number as usize, 1 + NEW / 2);
}

/// Of two who add the same client, one is told that there is one already.
#[test]
fn one_name_twice() {
    let rig = Rig::new();
    let directory = rig.path().to_str().unwrap();
    let children: Vec<Child> = (0..2)
        .map(|_| spawn(&["client", "add", "twin", "--dir", directory]))
        .collect();
    let mut failed = Vec::new();
    for child in children {
        let output = child.wait_with_output().unwrap();
        if !output.status.success() {
            failed.push(String::from_utf8(output.stderr).unwrap());
        }
    }
    assert!(
        failed.len() == 1 && failed[0].contains("already"),
        "{failed:?}"
    );
    assert_eq!(rig.client(&["list"]).matches("client  twin").count(), 1);
}

/// Two who make a directory: one of them has it.
#[test]
fn one_directory_twice() {
    let parent = tempfile::tempdir().unwrap();
    let directory = parent.path().join("kmipd");
    let directory = directory.to_str().unwrap();
    let children: Vec<Child> = (0..2)
        .map(|_| spawn(&["init", directory, "--san", "localhost"]))
        .collect();
    let succeeded = children
        .into_iter()
        .map(|child| child.wait_with_output().unwrap())
        .filter(|output| output.status.success())
        .count();
    assert_eq!(succeeded, 1);
    // What is there belongs together.
    let output = kmipd(&["client", "add", "db", "--dir", directory]);
    assert!(output.status.success(), "{output:?}");
}
