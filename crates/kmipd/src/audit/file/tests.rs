use std::fs;

use super::super::line::ChainKey;
use super::super::verify;
use super::AuditFile;

const BODY: &str = r#"{"time":"t","event":"operation"}"#;

/// A line that is in the file is told as such, whatever becomes of the rotation behind it; which happens later.
fn goes_on_until_it_can_rotate(obstacle: &str) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("audit.log");
    let obstacle = directory.path().join(obstacle);
    let file = AuditFile::open(&path, ChainKey::none(), 400).unwrap();
    fs::create_dir(&obstacle).unwrap();
    for _ in 0..20 {
        file.append(BODY).unwrap();
        assert!(!file.is_broken());
    }
    file.sync().unwrap();
    assert!(file.rotation_failures().get() > 1);
    assert!(fs::metadata(&path).unwrap().len() > 400);
    fs::remove_dir(&obstacle).unwrap();
    for _ in 0..20 {
        file.append(BODY).unwrap();
    }
    let full = directory.path().join("audit.log.000000000001");
    let mut files = vec![path];
    for entry in fs::read_dir(&directory).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|end| end != "log") {
            files.push(path);
        }
    }
    assert!(files.contains(&full), "{files:?}");
    let proof = verify(&files, &ChainKey::none()).unwrap();
    assert_eq!(proof.lines, 40);
}

#[test]
fn the_old_file_cannot_be_renamed() {
    goes_on_until_it_can_rotate("audit.log.000000000001");
}

#[test]
fn the_new_file_cannot_be_made() {
    goes_on_until_it_can_rotate("audit.log.next");
}

#[test]
fn a_file_that_is_renamed_and_cannot_be_replaced_takes_no_more() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("audit.log");
    let file = AuditFile::open(&path, ChainKey::none(), 0).unwrap();
    file.append(BODY).unwrap();
    let moved = directory.path().join("audit.log.1");
    fs::rename(&path, &moved).unwrap();
    fs::create_dir(&path).unwrap();
    file.reopen().unwrap_err();
    assert!(file.is_broken());
    file.append(BODY).unwrap_err();
    fs::remove_dir(&path).unwrap();
    file.append(BODY).unwrap();
    let proof = verify(&[moved, path], &ChainKey::none()).unwrap();
    assert_eq!(proof.lines, 2);
}

/// The system says once that it could not write; whoever waits for the same lines later must not be told that all is well.
#[test]
fn lines_that_a_sync_has_lost_stay_lost() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("audit.log");
    let file = AuditFile::open(&path, ChainKey::none(), 0).unwrap();
    file.append(BODY).unwrap();
    file.lose(1);
    assert!(file.is_broken() && !file.is_quick());
    for _ in 0..2 {
        let error = file.sync().unwrap_err().to_string();
        assert!(error.contains("earlier sync"), "{error}");
    }
    // The file goes on behind them.
    file.append(BODY).unwrap();
    file.sync().unwrap();
    assert!(!file.is_broken());
    assert_eq!(verify(&[path], &ChainKey::none()).unwrap().lines, 2);
}

/// A file that is nearly full makes the next line wait for the disk.
#[test]
fn quick_until_it_is_nearly_full() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("audit.log");
    let file = AuditFile::open(&path, ChainKey::none(), 2 << 20).unwrap();
    assert!(file.is_quick());
    let long = format!(
        r#"{{"time":"t","event":"operation","x":"{}"}}"#,
        "x".repeat(400_000)
    );
    for _ in 0..3 {
        file.append(&long).unwrap();
    }
    assert!(!file.is_quick());
    let endless = AuditFile::open(&directory.path().join("b.log"), ChainKey::none(), 0).unwrap();
    endless.append(&long).unwrap();
    assert!(endless.is_quick());
}
