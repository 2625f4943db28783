//! Certificates and keys in every form, and what is wrong with the ones that are not right.

use std::fs;

use tls::{Error, IdentityFiles, Password};

use crate::data;

fn load(certificate: &str, key: &str, password: Option<&str>) -> Result<tls::Identity, Error> {
    IdentityFiles {
        certificate: data(certificate),
        key: Some(data(key)),
        password: password.map(Password::new),
    }
    .load()
}

#[test]
fn every_kind_of_key() {
    for kind in ["rsa2048", "p256", "p384", "p521", "ed25519"] {
        let identity = load(&format!("{kind}.pem"), &format!("{kind}.key"), None)
            .unwrap_or_else(|error| panic!("{kind}: {error}"));
        assert_eq!(identity.info.common_name.as_deref(), Some(kind));
        assert!(!identity.info.is_expired_at(time::OffsetDateTime::now_utc()));
    }
}

#[test]
fn every_form_of_a_key() {
    for (certificate, key) in [
        ("rsa2048.pem", "rsa2048.traditional.key"),
        ("rsa2048.pem", "rsa2048.aes128.key"),
        ("rsa2048.pem", "rsa2048.aes192.key"),
        ("rsa2048.pem", "rsa2048.aes256.key"),
        ("rsa2048.pem", "rsa2048.des3.key"),
        ("rsa2048.pem", "rsa2048.des.key"),
        ("p256.pem", "p256.sec1.key"),
        ("p256.pem", "p256.sec1.aes256.key"),
        ("p256.pem", "p256.pbes2.key"),
        ("p256.pem", "p256.pbes2-3des-sha1.key"),
        ("p256.pem", "p256.scrypt.key"),
    ] {
        load(certificate, key, Some("correct")).unwrap_or_else(|error| panic!("{key}: {error}"));
    }
}

#[test]
fn passwords() {
    for (certificate, key) in [
        ("rsa2048.pem", "rsa2048.aes256.key"),
        ("rsa2048.pem", "rsa2048.des3.key"),
        ("p256.pem", "p256.sec1.aes256.key"),
        ("p256.pem", "p256.pbes2.key"),
        ("p256.pem", "p256.scrypt.key"),
    ] {
        let missing = load(certificate, key, None).unwrap_err();
        assert!(
            matches!(missing, Error::PasswordMissing { .. }),
            "{key}: {missing}"
        );
        for password in ["", "wrong", "Correct"] {
            let wrong = load(certificate, key, Some(password)).unwrap_err();
            assert!(
                matches!(wrong, Error::PasswordWrong { .. }),
                "{key}: {wrong}"
            );
            assert!(wrong.to_string().contains(key));
        }
    }
}

#[test]
fn pbes1_gives_the_command() {
    for key in ["p256.pbes1.key", "p256.pbes1-pkcs12.key"] {
        let error = load("p256.pem", key, Some("correct")).unwrap_err();
        assert!(matches!(error, Error::Unsupported { .. }), "{error}");
        let message = error.to_string();
        assert!(
            message.contains("openssl pkey -in") && message.contains(key),
            "{message}"
        );
    }
}

#[test]
fn one_file_in_any_order() {
    let directory = tempfile::tempdir().unwrap();
    let read = |name: &str| fs::read_to_string(data(name)).unwrap();
    let (own, other, key) = (read("p256.pem"), read("p384.pem"), read("p256.key"));
    for (n, contents) in [
        format!("{own}{key}"),
        format!("{key}{own}"),
        format!("{own}{key}{other}"),
        format!("{other}{own}{key}"),
        format!("Bag Attributes\n    friendlyName: \u{e9}\n{key}\nsubject=CN = x\n{own}"),
        format!("{own}{key}").replace('\n', "\r\n"),
    ]
    .into_iter()
    .enumerate()
    {
        let path = directory.path().join("client.pem");
        fs::write(&path, contents).unwrap();
        let identity = IdentityFiles::combined(&path)
            .load()
            .unwrap_or_else(|error| panic!("form {n}: {error}"));
        assert_eq!(
            identity.info.common_name.as_deref(),
            Some("p256"),
            "form {n}"
        );
    }
}

#[test]
fn what_is_wrong_is_told_apart() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("client.pem");
    let combined = |contents: &[u8]| {
        fs::write(&path, contents).unwrap();
        IdentityFiles::combined(&path).load().unwrap_err()
    };
    let own = fs::read(data("p256.pem")).unwrap();

    let error = IdentityFiles::combined(directory.path().join("nowhere.pem"))
        .load()
        .unwrap_err();
    assert!(matches!(error, Error::Missing { .. }), "{error}");
    let error = IdentityFiles::combined(directory.path())
        .load()
        .unwrap_err();
    assert!(matches!(error, Error::Unreadable { .. }), "{error}");
    let error = combined(b"not a certificate");
    assert!(matches!(error, Error::NotPem { .. }), "{error}");
    let error = combined(b"");
    assert!(error.to_string().contains("it is empty"), "{error}");
    let error = combined(&[0x30, 0x82, 0x01, 0x00, 0x02]);
    assert!(error.to_string().contains("DER"), "{error}");
    let error = combined(&own);
    assert!(matches!(error, Error::NoPrivateKey { .. }), "{error}");
    let error = combined(&fs::read(data("p256.key")).unwrap());
    assert!(matches!(error, Error::NoCertificate { .. }), "{error}");
    let error = combined(&own[..own.len() - 30]);
    assert!(matches!(error, Error::Malformed { .. }), "{error}");
    let error = combined(b"-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----\n");
    assert!(matches!(error, Error::Malformed { .. }), "{error}");
    let error = combined(&[&own[..], &fs::read(data("p384.key")).unwrap()].concat());
    assert!(matches!(error, Error::KeyMismatch { .. }), "{error}");
    let error = combined(
        &[
            b"-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n".as_slice(),
            &fs::read(data("p256.key")).unwrap(),
        ]
        .concat(),
    );
    assert!(matches!(error, Error::BadCertificate { .. }), "{error}");
    let error = combined(
        &[
            own.as_slice(),
            b"-----BEGIN DSA PRIVATE KEY-----\nMAA=\n-----END DSA PRIVATE KEY-----\n",
        ]
        .concat(),
    );
    assert!(matches!(error, Error::Unsupported { .. }), "{error}");

    let huge = usize::try_from(tls::MAX_FILE_BYTES).unwrap() + 1;
    let error = combined(&vec![b'x'; huge]);
    assert!(matches!(error, Error::TooLarge { .. }), "{error}");
}

#[test]
fn nothing_shows_the_password() {
    let files = IdentityFiles {
        certificate: data("p256.pem"),
        key: Some(data("p256.pbes2.key")),
        password: Some(Password::new("s3cret-word")),
    };
    assert!(!format!("{files:?}").contains("s3cret-word"));
    let error = files.load().unwrap_err();
    assert!(!format!("{error} {error:?}").contains("s3cret-word"));
}
