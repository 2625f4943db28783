//! The audit log of the running server.

use std::path::Path;

use kmip_client::NewSymmetricKey;

use crate::rig::Rig;

/// Creates keys and reads them; returns their identifiers, and their material in the forms that a leak could have.
async fn work(rig: &Rig, keys: std::ops::Range<usize>) -> (Vec<String>, Vec<String>) {
    let server = rig.start();
    let mut session = rig.connect(&server, "strongroom").await;
    let (mut ids, mut material) = (Vec::new(), Vec::new());
    for n in keys {
        let key = NewSymmetricKey::aes256(format!("secret name {n}"));
        let id = session.create_symmetric_key(&key).await.unwrap();
        let key = session.get_symmetric_key(&id).await.unwrap();
        let hex: String = key
            .material
            .expose()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        material.push(hex);
        ids.push(id);
    }
    server.stop();
    (ids, material)
}

fn verify(log: &Path) -> Result<String, (i32, String)> {
    let output = crate::rig::kmipd(&["audit", "verify", log.to_str().unwrap()]);
    if output.status.success() {
        Ok(String::from_utf8(output.stdout).unwrap())
    } else {
        Err((
            output.status.code().unwrap(),
            String::from_utf8(output.stderr).unwrap(),
        ))
    }
}

#[tokio::test]
async fn says_who_did_what_and_shows_what_was_done_to_it() {
    let rig = Rig::new();
    let (ids, material) = work(&rig, 0..3).await;
    let log = rig.audit_log();
    let whole = std::fs::read_to_string(&log).unwrap();
    let said = verify(&log).unwrap();
    assert!(
        said.contains("is whole") && !said.contains("half a line"),
        "{said}"
    );
    for id in &ids {
        let line = whole
            .lines()
            .find(|line| line.contains(id) && line.contains("\"Get\""))
            .unwrap();
        for expected in [
            "\"event\":\"operation\"",
            "\"client\":\"strongroom\"",
            "\"tenant\":\"default\"",
            "\"role\":\"database\"",
            "\"address\":\"127.0.0.1:",
            "\"status\":\"Success\"",
            "\"version\":\"2.1\"",
        ] {
            assert!(line.contains(expected), "{expected} in {line}");
        }
    }
    for secret in material.iter().map(String::as_str).chain(["secret name"]) {
        assert!(!whole.contains(secret), "{secret}");
    }
    assert!(
        whole
            .lines()
            .next()
            .unwrap()
            .contains("\"event\":\"start\"")
    );
    assert!(whole.lines().last().unwrap().contains("\"event\":\"stop\""));

    let lines: Vec<&str> = whole.lines().collect();
    let tamper = |lines: &[&str]| {
        std::fs::write(&log, format!("{}\n", lines.join("\n"))).unwrap();
        let (status, complaint) = verify(&log).unwrap_err();
        assert_eq!(status, 8, "{complaint}");
        complaint
    };
    let edited = lines[3].replace("strongroom", "somebody-else");
    let mut changed = lines.clone();
    changed[3] = &edited;
    assert!(tamper(&changed).contains("line 4"));
    let mut deleted = lines.clone();
    deleted.remove(2);
    assert!(tamper(&deleted).contains("line 3"));
    let mut reordered = lines.clone();
    reordered.swap(4, 5);
    assert!(tamper(&reordered).contains("line 5"));
    assert!(tamper(&lines[..lines.len() - 2]).contains("its end is missing"));
    std::fs::write(&log, &whole).unwrap();
    verify(&log).unwrap();
}

#[tokio::test]
async fn with_a_key_and_over_several_files() {
    let rig = Rig::new();
    let key = "A".repeat(43) + "=";
    tls::write_private(&rig.path().join("audit-key"), key.as_bytes()).unwrap();
    rig.configure(
        "  file: audit/audit.log\n",
        "  file: audit/audit.log\n  hmacKeyFile: audit-key\n  rotateSize: 2KiB\n  fsync: always\n",
    );
    work(&rig, 0..2).await;
    work(&rig, 2..4).await;
    let mut files: Vec<String> = std::fs::read_dir(rig.path().join("audit"))
        .unwrap()
        .map(|entry| entry.unwrap().path().to_str().unwrap().to_owned())
        .filter(|path| !path.ends_with(".head"))
        .collect();
    assert!(files.len() > 2, "{files:?}");
    files.sort();
    files.reverse();
    let key_file = rig.path().join("audit-key");
    let key_file = key_file.to_str().unwrap();
    let mut arguments = vec!["audit", "verify", "--hmac-key-file", key_file];
    arguments.extend(files.iter().map(String::as_str));
    let said = rig.ok(&arguments);
    assert!(said.contains("number 1 "), "{said}");
    let (status, complaint) = verify(Path::new(&files[0])).unwrap_err();
    assert!(
        status == 8 && complaint.contains("--hmac-key-file"),
        "{complaint}"
    );
}

#[tokio::test]
async fn nothing_is_done_that_is_not_in_it() {
    let rig = Rig::new();
    // A device that is always full; not a file that is locked, renamed or has an end.
    rig.configure("  file: audit/audit.log\n", "  file: /dev/full\n");
    let (status, complaint) = rig.fails(&["--config", rig.layout().config().to_str().unwrap()]);
    assert_eq!(status, 7, "{complaint}");
}
