//! Events in, lines out.

use std::sync::atomic::AtomicUsize;

use serde_json::Value;
use tracing::subscriber::with_default;

use super::*;
use crate::config::LogRotate;

fn options(path: Option<PathBuf>) -> SystemLogOptions {
    SystemLogOptions {
        path,
        append: true,
        rotate: LogRotate::Rename,
        verbosity: 0,
        quiet: false,
    }
}

/// Runs `events` under a log of their own, and returns its lines.
fn lines(options: &SystemLogOptions, events: impl FnOnce(&LogHandle)) -> Vec<Value> {
    let dir = tempfile::tempdir().unwrap();
    let path = options
        .path
        .clone()
        .unwrap_or_else(|| dir.path().join("log"));
    let options = SystemLogOptions {
        path: Some(path.clone()),
        ..options.clone()
    };
    let (handle, subscriber) = build(&options).unwrap();
    with_default(subscriber, || events(&handle));
    let text = std::fs::read_to_string(path).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn a_line_has_mongodbs_shape() {
    let lines = lines(&options(None), |_| {
        let span = tracing::info_span!(target: "NETWORK", "connection", ctx = "conn7");
        let _entered = span.enter();
        emit!(events::CONNECTION_ACCEPTED, remote = %"127.0.0.1:1", connectionId = 7_u64, ok = true, ratio = 0.5);
    });
    let line = &lines[0];
    assert_eq!(line["s"], "I");
    assert_eq!(line["c"], "NETWORK");
    assert_eq!(line["id"], events::CONNECTION_ACCEPTED.id);
    assert_eq!(line["ctx"], "conn7");
    assert_eq!(line["msg"], "Connection accepted");
    let attributes =
        serde_json::json!({"remote": "127.0.0.1:1", "connectionId": 7, "ok": true, "ratio": 0.5});
    assert_eq!(line["attr"], attributes);
    let time = line["t"]["$date"].as_str().unwrap();
    assert!(
        time.ends_with("+00:00") && time.len() == "2026-11-23T18:00:00.000+00:00".len(),
        "{time}"
    );
}

#[test]
fn a_document_stays_one() {
    let lines = lines(&options(None), |_| {
        tracing::info!(
            options_json = r#"{"net":{"port":1}}"#,
            other_json = "{}\n,",
            "m"
        );
    });
    let attributes = serde_json::json!({"options": {"net": {"port": 1}}, "other_json": "{}\n,"});
    assert_eq!(lines[0]["attr"], attributes);
}

#[test]
fn a_value_cannot_forge_a_line() {
    let lines = lines(&options(None), |_| {
        tracing::info!(
            name = "a\"}\n{\"s\":\"F\"}\u{1b}[2J",
            "quoted \"message\"\n"
        );
    });
    assert_eq!(lines.len(), 1);
    assert_eq!(lines[0]["attr"]["name"], "a\"}\n{\"s\":\"F\"}\u{1b}[2J");
    assert_eq!(lines[0]["msg"], "quoted \"message\"\n");
}

#[test]
fn verbosity_and_quiet_decide_what_is_written() {
    let count = |verbosity: u8, quiet: bool| {
        let options = SystemLogOptions {
            verbosity,
            quiet,
            ..options(None)
        };
        let lines = lines(&options, |_| {
            tracing::warn!("w");
            emit!(events::CONNECTION_ENDED);
            tracing::debug!(target: "STORAGE", "d");
            tracing::trace!(target: "storage::tree", "t");
            tracing::debug!(target: "rustls::client", "theirs");
            tracing::warn!(target: "rustls::client", "theirs, and serious");
        });
        lines
            .iter()
            .map(|line| line["s"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
            .join(" ")
    };
    assert_eq!(count(0, false), "W I W");
    assert_eq!(count(0, true), "W W");
    assert_eq!(count(1, false), "W I D1 W");
    assert_eq!(count(5, false), "W I D1 D3 W");
}

#[test]
fn verbosity_changes_while_running() {
    let lines = lines(&options(None), |handle| {
        let debug = |n: u64| tracing::debug!(target: "STORAGE", n, "d");
        debug(1);
        handle.set_verbosity(1);
        debug(2);
        handle.set_verbosity(0);
        debug(3);
    });
    assert_eq!(lines.len(), 1);
    assert_eq!(lines[0]["attr"]["n"], 2);
}

#[test]
fn nothing_is_evaluated_when_the_level_is_off() {
    static EVALUATED: AtomicUsize = AtomicUsize::new(0);
    fn expensive() -> u64 {
        EVALUATED.fetch_add(1, Ordering::Relaxed);
        1
    }
    let lines = lines(&options(None), |_| {
        emit!(events::COMMAND_FAILED, code = expensive())
    });
    assert!(lines.is_empty());
    assert_eq!(EVALUATED.load(Ordering::Relaxed), 0);
}

#[test]
fn long_values_are_cut_and_say_so() {
    let long = "x".repeat(100_000);
    let lines = lines(&options(None), |_| {
        tracing::info!(value = long.as_str(), "m")
    });
    assert_eq!(
        lines[0]["attr"]["value"].as_str().unwrap().len(),
        line::MAX_STRING_BYTES
    );
    assert_eq!(lines[0]["truncated"]["value"]["size"], 100_000);
}

#[test]
fn startup_warnings_and_recent_lines_are_kept() {
    let dir = tempfile::tempdir().unwrap();
    let (handle, subscriber) = build(&options(Some(dir.path().join("log")))).unwrap();
    with_default(subscriber, || {
        emit!(events::NO_ACCESS_CONTROL, startupWarning = true);
        for n in 0..2000_u64 {
            tracing::info!(n, "m");
        }
    });
    let warnings = handle.startup_warnings();
    assert_eq!(warnings.len(), 1);
    let warning: Value = serde_json::from_str(&warnings[0]).unwrap();
    assert_eq!(warning["tags"], serde_json::json!(["startupWarnings"]));
    let recent = handle.recent_lines();
    assert_eq!(recent.len(), 1024);
    assert!(recent.last().unwrap().contains("\"n\":1999"));
}

#[test]
fn rotation_renames_or_reopens() {
    for rotate in [LogRotate::Rename, LogRotate::Reopen] {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        let options = SystemLogOptions {
            rotate,
            ..options(Some(path.clone()))
        };
        let after = lines(&options, |handle| {
            tracing::info!("before");
            if rotate == LogRotate::Reopen {
                std::fs::rename(&path, dir.path().join("log.1")).unwrap();
            }
            handle.rotate().unwrap();
            handle.rotate().unwrap();
            tracing::info!("after");
        });
        let last = after.last().unwrap();
        assert_eq!(last["msg"], "after");
        let mut all = String::new();
        for entry in std::fs::read_dir(dir.path()).unwrap() {
            all.push_str(&std::fs::read_to_string(entry.unwrap().path()).unwrap());
        }
        for message in ["before", "after"] {
            assert_eq!(
                all.matches(&format!("\"msg\":\"{message}\"")).count(),
                1,
                "{rotate:?} {message}"
            );
        }
        assert_eq!(all.matches("Log file rotated").count(), 2);
    }
}

#[test]
fn the_log_of_the_last_run_is_appended_to_or_set_aside() {
    for (append, files) in [(true, 1), (false, 2)] {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        std::fs::write(&path, "{\"s\":\"I\"}\n").unwrap();
        let options = SystemLogOptions {
            append,
            ..options(Some(path))
        };
        let lines = lines(&options, |_| tracing::info!("m"));
        assert_eq!(lines.len(), if append { 2 } else { 1 });
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), files);
    }
}

#[test]
fn a_log_file_that_cannot_be_opened_is_named() {
    let error = build(&options(Some("/nowhere/at/all/log".into())))
        .err()
        .unwrap()
        .to_string();
    assert!(
        error.contains("/nowhere/at/all/log") && error.contains("systemLog.path"),
        "{error}"
    );
}
