//! The same with encryption, the master key on our own KMIP server, and a restart.

use std::path::Path;

use mongodb::bson::{Document, doc};

use crate::crud::exercise;
use crate::support::{Kmip, Strongroomd};

#[test]
fn an_application_and_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let kmip = Kmip::start(directory.path());
    let options = kmip.options();

    let server = Strongroomd::start(directory.path(), &options);
    let database = server.client().database("wombat_database");
    exercise(&database);
    drop(database);
    server.stop();
    for needle in ["wombat_database", "people", "by_name"] {
        let found = find(&directory.path().join("db"), needle.as_bytes());
        assert_eq!(found, None, "{needle} can be read");
    }

    let server = Strongroomd::start(directory.path(), &options);
    let people = server
        .client()
        .database("wombat_database")
        .collection::<Document>("people");
    assert_eq!(people.count_documents(doc! {}).run().unwrap(), 902);
    let ada = people
        .find_one(doc! { "name": "Ada" })
        .run()
        .unwrap()
        .unwrap();
    assert_eq!(ada.get_str("name").unwrap(), "Ada");
    server.stop();
}

/// The first file below the directory that holds the bytes.
pub(crate) fn find(directory: &Path, needle: &[u8]) -> Option<String> {
    std::fs::read_dir(directory).unwrap().find_map(|entry| {
        let path = entry.unwrap().path();
        if path.is_dir() {
            return find(&path, needle);
        }
        let content = std::fs::read(&path).unwrap();
        let holds = content.windows(needle.len()).any(|window| window == needle);
        holds.then(|| path.display().to_string())
    })
}
