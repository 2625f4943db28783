//! Where the published test cases are, and how to read them.

use std::fs;
use std::path::{Path, PathBuf};

use quick_xml::Reader;
use quick_xml::events::Event;

/// The folder of the published cases: below `STRONGROOM_SHARED`, or `shared` beside one of the folders above this
/// package. `None` when it is not on this machine.
pub(crate) fn cases_dir() -> Option<PathBuf> {
    if let Some(shared) = std::env::var_os("STRONGROOM_SHARED") {
        return Some(Path::new(&shared).join("cases/kmip")).filter(|dir| dir.is_dir());
    }
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .map(|dir| dir.join("shared/cases/kmip"))
        .find(|dir| dir.is_dir())
}

/// A message of a case.
pub(crate) struct Message {
    /// `v1.4/TC_311_14….xml`.
    pub(crate) file: String,
    /// Its place in the file, counted from 0.
    pub(crate) place: usize,
    /// It, with the variables filled in.
    pub(crate) xml: String,
    /// Whether it is a request.
    pub(crate) is_request: bool,
}

/// All messages of all cases; `None` when they are not on this machine.
pub(crate) fn messages() -> Option<Vec<Message>> {
    let dir = cases_dir()?;
    let mut files = Vec::new();
    for version in fs::read_dir(&dir).expect("the folder of cases").flatten() {
        if version.path().is_dir() {
            for file in fs::read_dir(version.path())
                .expect("a version's folder")
                .flatten()
            {
                files.push(file.path());
            }
        }
    }
    files.retain(|file| file.extension().is_some_and(|extension| extension == "xml"));
    files.sort();
    let mut messages = Vec::new();
    for path in files {
        let text = fs::read_to_string(&path).expect("a case");
        let file = path
            .strip_prefix(&dir)
            .expect("below it")
            .display()
            .to_string();
        for (place, (is_request, xml)) in split(&text).into_iter().enumerate() {
            messages.push(Message {
                file: file.clone(),
                place,
                xml: fill_in(&xml),
                is_request,
            });
        }
    }
    Some(messages)
}

/// Cuts the messages out of a case.
fn split(text: &str) -> Vec<(bool, String)> {
    let mut reader = Reader::from_str(text);
    let mut messages = Vec::new();
    let mut begin = 0;
    loop {
        let before = reader.buffer_position() as usize;
        match reader.read_event().expect("a well-formed case") {
            Event::Start(start) if is_message(start.name().as_ref()) => begin = before,
            Event::End(end) if is_message(end.name().as_ref()) => {
                let xml = text[begin..reader.buffer_position() as usize].to_owned();
                messages.push((end.name().as_ref() == "RequestMessage", xml));
            }
            Event::Eof => return messages,
            _ => {}
        }
    }
}

fn is_message(name: &str) -> bool {
    name == "RequestMessage" || name == "ResponseMessage"
}

/// Fills the variables in: a time by a time, bytes by the bytes of the variable's name. Texts may stay.
fn fill_in(xml: &str) -> String {
    let mut filled = String::with_capacity(xml.len());
    for element in xml.split_inclusive('>') {
        if element.contains("<AttributeName") {
            // White space in the names of attributes is an accident of the published files.
            filled.push_str(&element.split_whitespace().collect::<Vec<_>>().join(" "));
            continue;
        }
        let Some((head, value)) = element.split_once("value=\"$") else {
            filled.push_str(element);
            continue;
        };
        let (variable, tail) = value.split_once('"').expect("a closed value");
        let value = if head.contains("\"DateTime\"") {
            let offset: i64 = match variable.strip_prefix("NOW").expect("a time") {
                "" => 0,
                offset => offset.replace(' ', "").parse().expect("seconds"),
            };
            let time = 1_600_000_000 + offset;
            time::OffsetDateTime::from_unix_timestamp(time)
                .expect("a time of our century")
                .format(&time::format_description::well_known::Rfc3339)
                .expect("formats")
        } else if head.contains("\"ByteString\"") {
            hex::encode(variable)
        } else {
            format!("${variable}")
        };
        filled.push_str(&format!("{head}value=\"{value}\"{tail}"));
    }
    filled
}

/// An item of XML, read by other means than the library's, with its value in canonical form.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Node {
    tag: String,
    item_type: String,
    value: String,
    children: Vec<Node>,
}

/// Reads XML for comparison.
pub(crate) fn tree(xml: &str) -> Node {
    let mut reader = Reader::from_str(xml);
    let root = Node {
        tag: String::new(),
        item_type: String::new(),
        value: String::new(),
        children: Vec::new(),
    };
    let mut open = vec![root];
    loop {
        match reader.read_event().expect("well-formed XML") {
            Event::Start(start) => open.push(node(&start)),
            Event::Empty(start) => {
                let node = node(&start);
                open.last_mut().expect("the root").children.push(node);
            }
            Event::End(_) => {
                let node = open.pop().expect("an open element");
                open.last_mut().expect("the root").children.push(node);
            }
            Event::Eof => {
                return open
                    .pop()
                    .and_then(|mut root| root.children.pop())
                    .expect("an item");
            }
            _ => {}
        }
    }
}

fn node(start: &quick_xml::events::BytesStart<'_>) -> Node {
    let mut node = Node {
        tag: start.name().as_ref().to_owned(),
        item_type: "Structure".to_owned(),
        value: String::new(),
        children: Vec::new(),
    };
    for attribute in start.attributes() {
        let attribute = attribute.expect("an attribute");
        let value = attribute
            .normalized_value(quick_xml::XmlVersion::Implicit1_0)
            .expect("a value");
        match attribute.key.as_ref() {
            "tag" => node.tag = value.to_lowercase(),
            "type" => node.item_type = value.into_owned(),
            "value" => node.value = value.into_owned(),
            _ => {}
        }
    }
    node.value = canonical(&node.item_type, &node.value);
    node
}

/// The same for every way of writing a value.
fn canonical(item_type: &str, value: &str) -> String {
    match item_type {
        "Integer" => {
            let mut words: Vec<&str> = value.split_ascii_whitespace().collect();
            words.sort_unstable();
            words.join(" ")
        }
        "ByteString" => value.to_lowercase(),
        "BigInteger" => {
            let digits = value.to_lowercase();
            let length = digits.len().next_multiple_of(16);
            let fill = if matches!(digits.as_bytes().first(), Some(b'8'..=b'9' | b'a'..=b'f')) {
                'f'
            } else {
                '0'
            };
            format!("{}{digits}", fill.to_string().repeat(length - digits.len()))
        }
        "DateTime" => value.replace("+00:00", "Z"),
        _ => value.to_owned(),
    }
}
