//! The published cases, and the variables in them.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::tree::{Node, parse};

/// A case: requests, and what is to come back.
#[derive(Clone)]
pub(crate) struct Case {
    /// `v1.4/CS-BC-M-1-14.xml`.
    pub(crate) file: String,
    pub(crate) exchanges: Vec<(Node, Node)>,
    /// Everything in it, to look for words.
    pub(crate) text: String,
}

/// The folder of the published cases: below `STRONGROOM_SHARED`, or `shared` beside one of the folders above this
/// package. `None` when it is not on this machine.
fn cases_dir() -> Option<PathBuf> {
    if let Some(shared) = std::env::var_os("STRONGROOM_SHARED") {
        return Some(Path::new(&shared).join("cases/kmip")).filter(|dir| dir.is_dir());
    }
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .map(|dir| dir.join("shared/cases/kmip"))
        .find(|dir| dir.is_dir())
}

/// All of them, in order.
pub(crate) fn cases() -> Option<Vec<Case>> {
    let dir = cases_dir()?;
    let mut files = Vec::new();
    for version in fs::read_dir(&dir).expect("the folder of cases").flatten() {
        if version.path().is_dir() {
            let entries = fs::read_dir(version.path()).expect("a version's folder");
            files.extend(entries.flatten().map(|file| file.path()));
        }
    }
    files.retain(|file| file.extension().is_some_and(|extension| extension == "xml"));
    files.sort();
    Some(files.iter().map(|path| read(&dir, path)).collect())
}

fn read(dir: &Path, path: &Path) -> Case {
    let text = fs::read_to_string(path).expect("a case");
    let file = path.strip_prefix(dir).expect("below it");
    let mut messages = Vec::new();
    let mut root = parse(&text);
    while let [only] = root.children.as_slice()
        && !only.tag.ends_with("Message")
    {
        root = only.clone();
    }
    for message in root.children {
        if message.tag == "RequestMessage" || message.tag == "ResponseMessage" {
            messages.push(message);
        }
    }
    let mut exchanges = Vec::new();
    let mut messages = messages.into_iter().peekable();
    while let Some(message) = messages.next() {
        if message.tag == "RequestMessage" {
            let is_answered = messages
                .peek()
                .is_some_and(|next| next.tag == "ResponseMessage");
            let response = if is_answered { messages.next() } else { None };
            exchanges.push((message, response.unwrap_or_default()));
        }
    }
    Case {
        file: file.display().to_string(),
        exchanges,
        text,
    }
}

impl Case {
    /// The same in a newer version: one that changes nothing about it.
    pub(crate) fn in_minor_version(&self, folder: &str, minor: &str) -> Self {
        let mut case = self.clone();
        let (_, name) = case.file.split_once('/').expect("a folder");
        case.file = format!("{folder}/{name}");
        for (request, response) in &mut case.exchanges {
            for message in [request, response] {
                message.visit_mut(&mut |node| {
                    if node.tag == "ProtocolVersionMinor" {
                        node.value = minor.to_owned();
                    }
                });
            }
        }
        case
    }
}

/// What variables stand for, and what the server has made in the place of what the published server made.
#[derive(Default)]
pub(crate) struct Variables {
    bound: HashMap<String, String>,
    /// The last value of each tag in a response: for variables that no response names.
    last: HashMap<String, String>,
    /// How many seconds the server's clock is ahead.
    pub(crate) ahead: i64,
}

impl Variables {
    pub(crate) fn bind(&mut self, name: &str, value: &str) {
        self.bound.insert(name.to_owned(), value.to_owned());
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.bound.get(name).map(String::as_str)
    }

    pub(crate) fn saw(&mut self, node: &Node) {
        let last = &mut self.last;
        node.visit(&mut |node| {
            last.insert(node.tag.clone(), node.value.clone());
        });
    }

    /// The value to send.
    pub(crate) fn fill(&self, node: &Node) -> String {
        let value = &node.value;
        if let Some(offset) = value.strip_prefix("$NOW") {
            return self.moment(offset);
        }
        if let Some(bound) = self.get(value) {
            return bound.to_owned();
        }
        if value.starts_with('$') {
            return self.last.get(&node.tag).unwrap_or(value).clone();
        }
        value.clone()
    }

    /// Now, so many seconds later or earlier.
    fn moment(&self, offset: &str) -> String {
        let offset = offset.replace(' ', "");
        let offset: i64 = if offset.is_empty() {
            0
        } else {
            offset.parse().expect("seconds")
        };
        let now = OffsetDateTime::now_utc().unix_timestamp() + self.ahead;
        OffsetDateTime::from_unix_timestamp(now + offset)
            .expect("a time of our century")
            .format(&Rfc3339)
            .expect("formats")
    }
}
