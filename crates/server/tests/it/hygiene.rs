//! A master key that the test knows, on our own KMIP server: no trace of it in the log at its most
//! talkative, in what the server tells, or on its disk.

use std::fmt::Write;

use mongodb::bson::{Document, doc};

use crate::crud::exercise;
use crate::encrypted::find;
use crate::support::{Kmip, Strongroomd};

/// 32 bytes without a pattern.
const KEY: [u8; 32] = *b"\x8a\x1f\xc3\x07\xee\x52\xb9\x66\xd4\x0d\x91\x3b\xf8\x27\xa5\x7c\
                         \x13\xe9\x48\xb2\x5f\x9d\x04\xc6\x71\xda\x3e\x85\x2b\x60\xfc\x97";

/// Every window of 16 bytes, as it is and in hexadecimal.
fn needles() -> Vec<Vec<u8>> {
    let mut needles = Vec::new();
    for window in KEY.windows(16) {
        let mut hex = String::new();
        for byte in window {
            write!(hex, "{byte:02x}").unwrap();
        }
        needles.push(window.to_vec());
        needles.push(hex.to_uppercase().into_bytes());
        needles.push(hex.into_bytes());
        let list = format!("{:?}", window.get(..8).unwrap());
        needles.push(list.trim_matches(['[', ']']).as_bytes().to_vec());
    }
    needles
}

#[test]
fn a_known_master_key_leaves_no_trace() {
    let directory = tempfile::tempdir().unwrap();
    let kmip_directory = tempfile::tempdir().unwrap();
    let kmip = Kmip::start(kmip_directory.path());
    let mut options = kmip.options();
    options.extend(["--kmipKeyIdentifier".to_owned(), kmip.register(&KEY)]);
    options.push("-vvvvv".to_owned());

    let server = Strongroomd::start(directory.path(), &options);
    let client = server.client();
    exercise(&client.database("wombat_database"));
    let _ = client
        .database("wombat_database")
        .collection::<Document>("people")
        .find_one(doc! { "$nonsense": 1 })
        .run();
    let admin = client.database("admin");
    let mut told = server.output();
    for command in ["serverStatus", "getCmdLineOpts"] {
        let answer = admin.run_command(doc! { command: 1 }).run().unwrap();
        told.push_str(&format!("{answer:?}"));
    }
    assert!(told.contains("\"s\":\"D"), "it is talkative");
    server.stop();
    for needle in needles() {
        let found = find(directory.path(), &needle);
        assert_eq!(found, None);
        let in_told = told
            .as_bytes()
            .windows(needle.len())
            .any(|part| part == needle);
        assert!(!in_told, "{}", String::from_utf8_lossy(&needle));
    }
}
