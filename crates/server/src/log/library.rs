//! What the libraries of ours say at level info and above, and the identifier that the server gives it.
//!
//! A library knows nothing of the server's identifiers. Its messages are constant texts, so the line of one gets the
//! identifier, message and component of the event that it means; a test reads the libraries' sources and finds whatever
//! has none.

use super::events::{self, LogEvent};

/// The crate, a part of the message, and the event that it means.
const MEANINGS: &[(&str, &str, LogEvent)] = &[
    (
        "keystore",
        "Keys cannot be locked into memory",
        events::MEMORY_NOT_LOCKED,
    ),
    (
        "keystore",
        "not needed and may be destroyed",
        events::KEY_NOT_NEEDED,
    ),
    (
        "keystore",
        "A KMIP server could not be asked for a key",
        events::KMIP_ATTEMPT_FAILED,
    ),
    (
        "keystore",
        "A KMIP server did not give a key that it has",
        events::KMIP_ATTEMPT_FAILED,
    ),
    (
        "kmip_client",
        "a KMIP server cannot be used",
        events::KMIP_ATTEMPT_FAILED,
    ),
    (
        "kmip_client",
        "changed TLS files cannot be used",
        events::TLS_FILES_NOT_USED,
    ),
    (
        "kmip_client",
        "was lost; the object was found by its name",
        events::ANSWER_RECOVERED,
    ),
    (
        "kmip_client",
        "was lost; the new key was found by the link",
        events::ANSWER_RECOVERED,
    ),
    (
        "storage",
        "syncing the log of a database failed",
        events::SYNC_FAILED,
    ),
    ("storage", "settling counts", events::COUNTS_NOT_SETTLED),
    (
        "storage",
        "closing an idle database",
        events::DATABASE_NOT_CLOSED,
    ),
    (
        "storage",
        "closing a dropped database",
        events::DATABASE_NOT_CLOSED,
    ),
    (
        "storage",
        "left for the next start to remove",
        events::LEFT_FOR_NEXT_START,
    ),
    ("storage", "not a tree: left alone", events::NOT_A_TREE),
    (
        "storage",
        "removing what an interrupted creation or drop left",
        events::LEFTOVER_REMOVED,
    ),
];

/// The event that a library's message means; `None` for one that has none, such as what is said for debugging.
pub(super) fn meaning(target: &str, level: tracing::Level, message: &str) -> Option<LogEvent> {
    if level > tracing::Level::INFO {
        return None;
    }
    let of = target.split("::").next()?;
    MEANINGS
        .iter()
        .find(|(krate, part, _)| *krate == of && message.contains(part))
        .map(|(_, _, event)| *event)
}

/// The Rust files below a directory.
#[cfg(test)]
pub(super) fn source_files(directory: &std::path::Path) -> Vec<std::path::PathBuf> {
    let (mut files, mut directories) = (Vec::new(), vec![directory.to_path_buf()]);
    while let Some(directory) = directories.pop() {
        for entry in std::fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => directories.push(path),
                false if path.extension() == Some("rs".as_ref()) => files.push(path),
                false => {}
            }
        }
    }
    files
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use tracing::Level;

    use super::*;

    /// What a source says at level info and above: the texts within each call.
    fn said(source: &str) -> Vec<String> {
        let mut said = Vec::new();
        for call in ["info!(", "warn!(", "error!("] {
            for (at, _) in source.match_indices(call) {
                let before = source[..at].chars().next_back();
                // `emit!` has an identifier; `compile_error!` and the like say nothing at run time.
                if before.is_some_and(|c| c.is_ascii_alphanumeric() || c == '_') {
                    continue;
                }
                let rest = &source[at + call.len()..];
                let end = rest
                    .find(");")
                    .or_else(|| rest.find("),"))
                    .unwrap_or(rest.len());
                let texts: Vec<_> = rest[..end].split('"').skip(1).step_by(2).collect();
                said.push(texts.concat());
            }
        }
        said
    }

    #[test]
    fn whatever_libraries_say_has_an_identifier() {
        let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let mut found = vec![false; MEANINGS.len()];
        for (directory, krate) in [
            ("keystore", "keystore"),
            ("kmip-client", "kmip_client"),
            ("kmip", "kmip"),
            ("tls", "tls"),
            ("wire", "wire"),
            ("query", "query"),
            ("document", "document"),
            ("storage", "storage"),
        ] {
            for file in source_files(&crates.join(directory).join("src")) {
                let source = std::fs::read_to_string(&file).unwrap();
                for text in said(&source) {
                    let at = MEANINGS
                        .iter()
                        .position(|(of, part, _)| *of == krate && text.contains(part));
                    match at {
                        Some(at) => found[at] = true,
                        None => panic!("no identifier for {text:?} of {}", file.display()),
                    }
                }
            }
        }
        for (is_found, (krate, part, _)) in found.iter().zip(MEANINGS) {
            assert!(is_found, "{krate} does not say {part:?} any more");
        }
    }

    /// What this crate says itself has an identifier: nothing but `emit!` is used at these levels.
    #[test]
    fn the_server_says_nothing_without_an_identifier() {
        let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        for file in source_files(&sources) {
            let path = file.to_string_lossy().into_owned();
            if path.contains("/log/") || path.ends_with("tests.rs") {
                continue;
            }
            let source = std::fs::read_to_string(&file).unwrap();
            let said = said(&source);
            assert!(said.is_empty(), "{path}: {said:?}");
        }
    }

    #[test]
    fn meanings() {
        let id = |target, level, message| meaning(target, level, message).map(|event| event.id);
        let message = "a KMIP server cannot be used";
        let expected = Some(events::KMIP_ATTEMPT_FAILED.id);
        assert_eq!(id("kmip_client::client", Level::WARN, message), expected);
        assert_eq!(id("kmip_client::client", Level::DEBUG, message), None);
        assert_eq!(id("storage::store", Level::WARN, message), None);
        let message = "the answer to Create was lost; the object was found by its name";
        let expected = Some(events::ANSWER_RECOVERED.id);
        assert_eq!(id("kmip_client", Level::INFO, message), expected);
    }
}
