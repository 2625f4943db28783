//! The playground's certificates.

use std::fs;

use tls::dev_pki::DevPki;
use tls::{IdentityFiles, Trust};

#[test]
fn made_once_and_kept() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path().join("pki");
    let first = DevPki::open_or_create(&directory, "strongroom").unwrap();
    let server = fs::read(&first.server).unwrap();
    let again = DevPki::open_or_create(&directory, "strongroom").unwrap();
    assert_eq!(fs::read(&again.server).unwrap(), server);

    let client = IdentityFiles::combined(&first.client).load().unwrap();
    assert_eq!(client.info.common_name.as_deref(), Some("strongroom"));
    IdentityFiles::combined(&first.server).load().unwrap();
    assert_eq!(Trust::only(&first.ca).load().unwrap().len(), 1);
}

#[test]
fn made_anew_when_damaged() {
    let directory = tempfile::tempdir().unwrap();
    let pki = DevPki::open_or_create(directory.path(), "strongroom").unwrap();
    let ca = fs::read(&pki.ca).unwrap();
    fs::write(&pki.client, "").unwrap();
    DevPki::open_or_create(directory.path(), "strongroom").unwrap();
    IdentityFiles::combined(&pki.client).load().unwrap();
    assert_ne!(
        fs::read(&pki.ca).unwrap(),
        ca,
        "all three come from one authority"
    );
}

#[cfg(unix)]
#[test]
fn only_the_owner_can_read_them() {
    use std::os::unix::fs::PermissionsExt;
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path().join("pki");
    let pki = DevPki::open_or_create(&directory, "strongroom").unwrap();
    for path in [&pki.ca, &pki.server, &pki.client] {
        assert_eq!(
            fs::metadata(path).unwrap().permissions().mode() & 0o777,
            0o600,
            "{path:?}"
        );
    }
    assert_eq!(
        fs::metadata(&directory).unwrap().permissions().mode() & 0o777,
        0o700
    );
    assert_eq!(
        fs::read_dir(&directory).unwrap().count(),
        3,
        "no temporary file stays"
    );
}
