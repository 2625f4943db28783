//! Files that change while the program runs.

use std::sync::Arc;

use tls::dev_pki::{CertificateAuthority, Request};
use tls::{ClientTls, IdentityFiles, Trust};

#[test]
fn a_renewed_certificate_is_taken_and_a_broken_one_is_not() {
    let directory = tempfile::tempdir().unwrap();
    let (ca, client) = (
        directory.path().join("ca.pem"),
        directory.path().join("client.pem"),
    );
    let authority = CertificateAuthority::new("test CA").unwrap();
    std::fs::write(&ca, authority.certificate_pem()).unwrap();
    let issue = |name: &str| {
        authority
            .issue(&Request::client(name))
            .unwrap()
            .write_combined(&client)
            .unwrap();
    };
    issue("first");
    let reloading = ClientTls {
        trust: Trust::only(&ca),
        identity: Some(IdentityFiles::combined(&client)),
    }
    .reloading()
    .unwrap();
    let name = |loaded: &tls::LoadedClient| {
        loaded
            .certificate
            .clone()
            .and_then(|info| info.common_name)
            .unwrap()
    };

    let first = reloading.current();
    assert_eq!(name(&first.value), "first");
    assert!(
        Arc::ptr_eq(&first.value, &reloading.current().value),
        "unchanged: not read again"
    );

    issue("second");
    let second = reloading.current();
    assert!(second.stale.is_none());
    assert_eq!(name(&second.value), "second");

    std::fs::write(&client, "half a file").unwrap();
    let broken = reloading.current();
    assert!(matches!(broken.stale, Some(tls::Error::NotPem { .. })));
    assert_eq!(name(&broken.value), "second");

    std::fs::remove_file(&client).unwrap();
    assert!(matches!(
        reloading.current().stale,
        Some(tls::Error::Missing { .. })
    ));

    issue("third");
    let third = reloading.current();
    assert!(third.stale.is_none());
    assert_eq!(name(&third.value), "third");

    std::fs::write(&ca, "").unwrap();
    assert!(
        reloading.current().stale.is_some(),
        "the CA file is watched as well"
    );
}
