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
        // A password would not help: nobody is asked for one.
        for password in [Some("correct"), None] {
            let error = load("p256.pem", key, password).unwrap_err();
            assert!(matches!(error, Error::Unsupported { .. }), "{error}");
            let message = error.to_string();
            assert!(
                message.contains("openssl pkey -in") && message.contains(key),
                "{message}"
            );
        }
    }
}

/// OpenSSL's own form, with a line that says how it is encrypted, and is wrong.
#[test]
fn a_damaged_line_of_the_legacy_form() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("key.pem");
    let load = |key: &str, from: &str, to: &str, password: Option<&str>| {
        let key = fs::read_to_string(data(key)).unwrap();
        assert!(key.contains(from), "{from}");
        fs::write(&path, key.replacen(from, to, 1)).unwrap();
        IdentityFiles {
            certificate: data("rsa2048.pem"),
            key: Some(path.clone()),
            password: password.map(Password::new),
        }
        .load()
        .unwrap_err()
    };
    let iv = |key: &str| {
        let key = fs::read_to_string(data(key)).unwrap();
        let line = key.lines().find(|line| line.starts_with("DEK-Info:"));
        line.unwrap().split_once(',').unwrap().1.to_owned()
    };
    for (key, expected) in [("rsa2048.aes256.key", 16), ("rsa2048.des3.key", 8)] {
        let iv = iv(key);
        assert_eq!(iv.len(), 2 * expected);
        let bytes = |n: usize| "ab".repeat(n);
        for (wrong, what) in [
            (String::new(), "none"),
            (iv[2..].to_owned(), "one byte short"),
            (format!("{iv}00"), "one byte long"),
            (bytes(24 - expected), "that of the other cipher"),
            (bytes(4), "shorter than the salt"),
            (bytes(40), "longer than any"),
            (iv[1..].to_owned(), "half a byte"),
            (format!("+{}", &iv[1..]), "a sign"),
            (format!("g{}", &iv[1..]), "no digit"),
        ] {
            for password in [Some("correct"), None] {
                let error = load(key, &iv, &wrong, password);
                assert!(
                    matches!(error, Error::Malformed { .. }),
                    "{key}, {what}: {error}"
                );
                assert!(error.to_string().contains("IV"), "{what}: {error}");
            }
        }
        // What is encrypted comes in whole blocks.
        let text = fs::read_to_string(data(key)).unwrap();
        let last = text.lines().rfind(|line| !line.starts_with('-')).unwrap();
        let error = load(key, last, "", Some("correct"));
        assert!(
            matches!(error, Error::Malformed { .. } | Error::PasswordWrong { .. }),
            "{key}: {error}"
        );
    }
    let error = load("rsa2048.aes256.key", "AES-256-CBC", "IDEA-CBC", None);
    assert!(matches!(error, Error::Unsupported { .. }), "{error}");
    assert!(error.to_string().contains("openssl pkey -in"), "{error}");
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
