//! Trusted roots.

use tls::{Error, Trust};

use crate::data;

#[test]
fn a_file_of_several() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ca.pem");
    let bundle: String = ["p256.pem", "rsa2048.pem", "p521.pem", "ed25519.pem"]
        .iter()
        .map(|name| std::fs::read_to_string(data(name)).unwrap())
        .collect();
    std::fs::write(&path, bundle).unwrap();
    assert_eq!(Trust::only(&path).load().unwrap().len(), 4);
    assert!(Trust::system_and(Some(path)).load().unwrap().len() >= 4);
}

#[test]
fn a_file_without_a_certificate() {
    let error = Trust::only(data("p256.key")).load().unwrap_err();
    assert!(matches!(error, Error::NoCertificate { .. }), "{error}");
    assert!(error.to_string().contains("PRIVATE KEY"), "{error}");
}

#[test]
fn nobody() {
    let error = Trust {
        system_roots: false,
        ca_file: None,
    }
    .load()
    .unwrap_err();
    assert!(matches!(error, Error::NoRoots { .. }), "{error}");
}
