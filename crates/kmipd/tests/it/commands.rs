//! Commands and configurations that are refused, and what `init` leaves behind.

use std::os::unix::fs::PermissionsExt;

use crate::rig::Rig;

#[test]
fn what_init_makes() {
    let rig = Rig::new();
    let directory = rig.path().to_str().unwrap();
    for (name, mode) in [
        ("pki/ca-key.pem", 0o600),
        ("server.pem", 0o600),
        ("issued/strongroom.pem", 0o600),
        ("kek", 0o600),
        ("kmipd.yaml", 0o600),
        ("clients/strongroom.yaml", 0o600),
        ("pki/ca.pem", 0o600),
        ("pki/crl.pem", 0o600),
        ("pki/index.json", 0o600),
        ("pki/lock", 0o600),
        ("pki", 0o700),
        ("issued", 0o700),
        ("clients", 0o700),
    ] {
        let permissions = std::fs::metadata(rig.path().join(name))
            .unwrap()
            .permissions();
        assert_eq!(permissions.mode() & 0o777, mode, "{name}");
    }
    let said = rig.ok(&["check", "--config", rig.layout().config().to_str().unwrap()]);
    assert!(
        said.contains("1 clients") && !said.contains("Warning"),
        "{said}"
    );
    assert!(!rig.path().join("data").exists(), "a look must not write");
    let listed = rig.client(&["list"]);
    for expected in ["server  localhost", "client  strongroom", "valid"] {
        assert!(listed.contains(expected), "{expected} in {listed}");
    }
    let (status, complaint) = rig.fails(&["init", directory, "--san", "localhost"]);
    assert!(
        status == 2 && complaint.contains("not empty"),
        "{complaint}"
    );
    let other = tempfile::tempdir().unwrap();
    let (status, complaint) = rig.fails(&["init", other.path().to_str().unwrap()]);
    assert!(status == 2 && complaint.contains("--san"), "{complaint}");
}

#[test]
fn a_passphrase_for_the_authoritys_key() {
    let directory = tempfile::tempdir().unwrap();
    let passphrase = directory.path().join("passphrase");
    tls::write_private(&passphrase, b"open sesame\n").unwrap();
    let passphrase = passphrase.to_str().unwrap();
    let dir = directory.path().join("kmipd");
    let dir = dir.to_str().unwrap();
    let rig = Rig::new();
    rig.ok(&[
        "init",
        dir,
        "--san",
        "localhost",
        "--ca-passphrase-file",
        passphrase,
    ]);
    let (status, complaint) = rig.fails(&["client", "add", "db", "--dir", dir]);
    assert!(status == 4 && complaint.contains("password"), "{complaint}");
    rig.ok(&[
        "client",
        "add",
        "db",
        "--dir",
        dir,
        "--ca-passphrase-file",
        passphrase,
    ]);
}

#[test]
fn configurations_that_are_refused() {
    let rig = Rig::new();
    let config = rig.layout().config();
    let config = config.to_str().unwrap();
    let whole = std::fs::read_to_string(config).unwrap();
    for (from, to, status, named) in [
        ("tenants:", "tenats:", 3, "tenats"),
        (
            "  certificateFile:",
            "  certificatFile:",
            3,
            "certificatFile",
        ),
        ("audit:\n", "audit:\n  file: b\n", 3, "file"),
        (
            "operations: [all]",
            "operations: [al]",
            2,
            "roles.admin.operations",
        ),
        ("  - default", "  - other", 2, "clients.strongroom.tenant"),
        ("server.pem", "missing.pem", 4, "missing.pem"),
        ("pki/crl.pem", "pki/ca.pem", 2, "tls.crlFile"),
        (
            "    file: kek\n",
            "    passphrase: {environment: NO_SUCH_VARIABLE}\n",
            5,
            "NO_SUCH_VARIABLE",
        ),
        (
            "  file: audit/audit.log",
            "  file: a\n  hmacKeyFile: server.pem",
            7,
            "audit.hmacKeyFile",
        ),
    ] {
        assert!(whole.contains(from), "{from}");
        std::fs::write(config, whole.replace(from, to)).unwrap();
        for arguments in [vec!["--config", config], vec!["check", "--config", config]] {
            let (got, complaint) = rig.fails(&arguments);
            assert_eq!(got, status, "{to}: {complaint}");
            assert!(complaint.contains(named), "{named} in {complaint}");
        }
    }
}

#[test]
fn clients_that_cannot_be_added() {
    let rig = Rig::new();
    let directory = rig.path().to_str().unwrap();
    for (arguments, named) in [
        (vec!["../up"], "cannot be a client's name"),
        (vec!["db", "--tenant", "none"], "clients.db.tenant"),
        (vec!["db", "--role", "none"], "clients.db.role"),
        (vec!["db", "--days", "0"], "1 to 3650 days"),
        (vec!["strongroom"], "already"),
    ] {
        let arguments = [
            &["client", "add"],
            arguments.as_slice(),
            &["--dir", directory],
        ]
        .concat();
        let (status, complaint) = rig.fails(&arguments);
        assert_eq!(status, 2, "{complaint}");
        assert!(complaint.contains(named), "{named} in {complaint}");
    }
    assert!(!rig.layout().issued("db").exists());
    let (_, complaint) = rig.fails(&["client", "revoke", "nobody", "--dir", directory]);
    assert!(complaint.contains("nobody"), "{complaint}");
}
