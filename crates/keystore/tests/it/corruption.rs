//! Damage, a wrong master key and forgery are three errors.

use std::fs;

use aws_lc_rs::digest::{SHA256, digest};
use keystore::{Error, FILE_NAME, Keystore};

use crate::support::*;

fn file_with_keys() -> (tempfile::TempDir, Vec<u8>) {
    let (dbpath, keystore) = created();
    keystore.create_data_key(tree(1)).unwrap();
    keystore.create_data_key(tree(2)).unwrap();
    let own = keystore::MasterKeyRef::key_file(1);
    keystore
        .set_tree_master_key(tree(2), own, &master(9))
        .unwrap();
    let bytes = fs::read(dbpath.path().join(FILE_NAME)).unwrap();
    (dbpath, bytes)
}

#[test]
fn every_changed_byte_is_damage_whatever_the_key() {
    let (dbpath, good) = file_with_keys();
    let path = dbpath.path().join(FILE_NAME);
    for at in 0..good.len() {
        for flip in [0x01, 0x80] {
            let mut bytes = good.clone();
            bytes[at] ^= flip;
            fs::write(&path, &bytes).unwrap();
            for key in [1, 2] {
                let error = Keystore::open(dbpath.path(), &master(key)).unwrap_err();
                assert!(matches!(error, Error::Corrupt { .. }), "{at}: {error}");
            }
            assert!(matches!(
                Keystore::inspect(dbpath.path()),
                Err(Error::Corrupt { .. })
            ));
        }
    }
}

#[test]
fn every_truncation_and_extension_is_damage() {
    let (dbpath, good) = file_with_keys();
    let path = dbpath.path().join(FILE_NAME);
    let mut cases: Vec<_> = (0..good.len()).map(|len| good[..len].to_vec()).collect();
    cases.push([&good[..], &[0]].concat());
    cases.push([&good[..], &good[..]].concat());
    for bytes in cases {
        fs::write(&path, &bytes).unwrap();
        let error = Keystore::open(dbpath.path(), &master(1)).unwrap_err();
        assert!(
            matches!(error, Error::Corrupt { .. }),
            "{}: {error}",
            bytes.len()
        );
    }
}

#[test]
fn another_master_key_is_not_damage() {
    let (dbpath, _) = file_with_keys();
    let error = Keystore::open(dbpath.path(), &master(2)).unwrap_err();
    assert!(matches!(error, Error::WrongKey { .. }));
    let message = error.to_string();
    assert!(
        message.contains("id-1") && message.contains("undamaged"),
        "{message}"
    );
    assert!(Keystore::open(dbpath.path(), &master(1)).is_ok());
}

/// Somebody who changes the file and computes the digest anew is found out by the master key: nothing
/// that he changes is ever believed.
#[test]
fn a_forged_file_never_opens() {
    let (dbpath, good) = file_with_keys();
    let path = dbpath.path().join(FILE_NAME);
    let header_len = u32::from_be_bytes(good[12..16].try_into().unwrap()) as usize;
    let mut tampered = 0;
    for at in 0..good.len() - 32 {
        let mut bytes = good[..good.len() - 32].to_vec();
        bytes[at] ^= 0x01;
        let digest = digest(&SHA256, &bytes);
        bytes.extend_from_slice(digest.as_ref());
        fs::write(&path, &bytes).unwrap();
        let error = Keystore::open(dbpath.path(), &master(1)).unwrap_err();
        if at >= 20 + header_len {
            assert!(matches!(error, Error::Tampered { .. }), "{at}: {error}");
        }
        tampered += usize::from(matches!(error, Error::Tampered { .. }));
    }
    // The body, and in the header every value that is valid otherwise, too.
    assert!(tampered > good.len() - 32 - 20 - header_len);
}
