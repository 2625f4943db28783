//! Secrets in files that others can read are none.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::rig::Rig;

fn open_to(path: &Path, mode: u32) {
    std::fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

/// A file with a secret, the changes of the configuration that lead to it, the exit status, and what the message names.
type Case = (
    &'static str,
    &'static [(&'static str, &'static str)],
    i32,
    &'static str,
);

/// Refused at a start and by `check`, with what is to be done; fine once it is done.
#[test]
fn refused_until_they_are_private() {
    let cases: [Case; 6] = [
        ("server.pem", &[], 4, "tls.certificateFile"),
        (
            "server-key.pem",
            &[("server.pem\n", "server.pem\n  keyFile: server-key.pem\n")],
            4,
            "tls.keyFile",
        ),
        (
            "key-password",
            &[(
                "server.pem\n",
                "server.pem\n  keyPasswordFile: key-password\n",
            )],
            4,
            "tls.keyPasswordFile",
        ),
        (
            "passphrase",
            &[("    file: kek\n", "    passphrase: {file: passphrase}\n")],
            5,
            "storage.key.passphrase",
        ),
        ("kek", &[], 5, "kek"),
        (
            "audit-key",
            &[(
                "  file: audit/audit.log\n",
                "  file: audit/audit.log\n  hmacKeyFile: audit-key\n",
            )],
            7,
            "audit.hmacKeyFile",
        ),
    ];
    for (file, changes, status, named) in cases {
        let rig = Rig::new();
        for (from, to) in changes {
            rig.configure(from, to);
        }
        let path = rig.path().join(file);
        match file {
            "server-key.pem" => {
                std::fs::copy(rig.layout().server(), &path).unwrap();
            }
            "passphrase" | "key-password" => {
                tls::write_private(&path, b"open sesame\n").unwrap();
            }
            "audit-key" => {
                let key = "A".repeat(43) + "=\n";
                tls::write_private(&path, key.as_bytes()).unwrap();
            }
            _ => {}
        }
        let config = rig.layout().config();
        let config = config.to_str().unwrap();
        for mode in [0o644, 0o640, 0o604] {
            open_to(&path, mode);
            for arguments in [vec!["--config", config], vec!["check", "--config", config]] {
                let (got, complaint) = rig.fails(&arguments);
                assert_eq!(got, status, "{file}: {complaint}");
                for expected in [named, "chmod 600", file, &format!("mode {mode:o}")] {
                    assert!(complaint.contains(expected), "{expected}: {complaint}");
                }
                assert!(!complaint.contains("sesame"), "{complaint}");
            }
        }
        open_to(&path, 0o600);
        let said = rig.ok(&["check", "--config", config]);
        assert!(said.contains("1 clients"), "{said}");
    }
}

/// The commands that use the authority's key, and its passphrase, refuse them.
#[test]
fn the_authoritys_key() {
    let rig = Rig::new();
    let directory = rig.path().to_str().unwrap();
    let key = rig.path().join("pki/ca-key.pem");
    open_to(&key, 0o644);
    for arguments in [
        ["client", "add", "db"],
        ["client", "renew", "strongroom"],
        ["client", "revoke", "strongroom"],
        ["server", "renew", "--days=3"],
    ] {
        let arguments = [arguments.as_slice(), &["--dir", directory]].concat();
        let (status, complaint) = rig.fails(&arguments);
        assert_eq!(status, 4, "{complaint}");
        let advice = format!("chmod 600 {}", key.display());
        assert!(complaint.contains(&advice), "{complaint}");
    }
    assert!(!rig.layout().issued("db").exists());
    open_to(&key, 0o600);
    let passphrase = rig.path().join("passphrase");
    tls::write_private(&passphrase, b"open sesame\n").unwrap();
    open_to(&passphrase, 0o644);
    let option = ["--ca-passphrase-file", passphrase.to_str().unwrap()];
    let arguments = [&["client", "add", "db", "--dir", directory], &option[..]].concat();
    let (status, complaint) = rig.fails(&arguments);
    assert!(
        status == 2 && complaint.contains("chmod 600"),
        "{complaint}"
    );
    rig.client(&["add", "db"]);
}

/// A key that is opened to others while the server runs is found at the next reload; the one before stays in use.
#[tokio::test]
async fn found_by_a_reload() {
    let rig = Rig::new();
    let server = rig.start();
    open_to(&rig.layout().server(), 0o644);
    let line = server.reload();
    assert!(
        line.contains("stay as they were") && line.contains("chmod 600"),
        "{line}"
    );
    let mut session = rig.connect(&server, "strongroom").await;
    session.query().await.unwrap();
    open_to(&rig.layout().server(), 0o600);
    let line = server.reload();
    assert!(line.contains("read again"), "{line}");
    server.stop();
}
