//! A message as a tree of elements.

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

/// An element: its tag, its type, and its value or its children.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Node {
    pub(crate) tag: String,
    pub(crate) item_type: String,
    pub(crate) value: String,
    /// The code of a tag without a name.
    code: String,
    pub(crate) children: Vec<Node>,
}

impl Node {
    pub(crate) fn child(&self, tag: &str) -> Option<&Node> {
        self.children.iter().find(|child| child.tag == tag)
    }

    pub(crate) fn all<'a>(&'a self, tag: &'a str) -> impl Iterator<Item = &'a Node> {
        self.children.iter().filter(move |child| child.tag == tag)
    }

    /// The value of a child; empty if there is none.
    pub(crate) fn text(&self, tag: &str) -> &str {
        self.child(tag).map_or("", |child| &child.value)
    }

    /// Every element below, itself included.
    pub(crate) fn visit<'a>(&'a self, seen: &mut impl FnMut(&'a Node)) {
        seen(self);
        for child in &self.children {
            child.visit(seen);
        }
    }

    /// Every element below, itself included, to be changed.
    pub(crate) fn visit_mut(&mut self, change: &mut impl FnMut(&mut Node)) {
        change(self);
        for child in &mut self.children {
            child.visit_mut(change);
        }
    }

    /// As XML, each value as `fill` gives it.
    pub(crate) fn to_xml(&self, fill: &mut impl FnMut(&Node) -> String) -> String {
        let mut xml = String::new();
        self.write(&mut xml, fill);
        xml
    }

    fn write(&self, xml: &mut String, fill: &mut impl FnMut(&Node) -> String) {
        xml.push('<');
        xml.push_str(&self.tag);
        if !self.code.is_empty() {
            xml.push_str(&format!(" tag=\"{}\"", self.code));
        }
        if self.item_type == "Structure" {
            xml.push('>');
            for child in &self.children {
                child.write(xml, fill);
            }
            xml.push_str(&format!("</{}>", self.tag));
            return;
        }
        let value = quick_xml::escape::escape(fill(self)).into_owned();
        xml.push_str(&format!(" type=\"{}\" value=\"{value}\"/>", self.item_type));
    }

    /// For a message of the test.
    pub(crate) fn shown(&self) -> String {
        if self.item_type == "Structure" {
            let children: Vec<String> = self.children.iter().map(Self::shown).collect();
            return format!("{}{{{}}}", self.tag, children.join(" "));
        }
        let value: String = self.value.chars().take(60).collect();
        format!("{}={value}", self.tag)
    }
}

/// Reads a document; the root is an element without a tag.
pub(crate) fn parse(xml: &str) -> Node {
    let mut reader = Reader::from_str(xml);
    let mut open = vec![Node::default()];
    loop {
        match reader.read_event().expect("well-formed XML") {
            Event::Start(start) => open.push(element(&start)),
            Event::Empty(start) => {
                let node = element(&start);
                open.last_mut().expect("the root").children.push(node);
            }
            Event::End(_) => {
                let node = open.pop().expect("an open element");
                open.last_mut().expect("the root").children.push(node);
            }
            Event::Eof => return open.pop().expect("the root"),
            _ => {}
        }
    }
}

fn element(start: &BytesStart<'_>) -> Node {
    let mut node = Node {
        tag: start.name().as_ref().to_owned(),
        item_type: "Structure".to_owned(),
        ..Node::default()
    };
    for attribute in start.attributes() {
        let attribute = attribute.expect("an attribute");
        let value = attribute
            .normalized_value(quick_xml::XmlVersion::Implicit1_0)
            .expect("a value");
        match attribute.key.as_ref() {
            "tag" => node.code = value.into_owned(),
            "type" => node.item_type = value.into_owned(),
            "value" => node.value = value.into_owned(),
            _ => {}
        }
    }
    if node.tag == "AttributeName" {
        // White space in the names of attributes is an accident of the published files.
        node.value = node.value.split_whitespace().collect::<Vec<_>>().join(" ");
    }
    node.value = canonical(&node.item_type, &node.value);
    node
}

/// The same for every way of writing a value.
fn canonical(item_type: &str, value: &str) -> String {
    if value.starts_with('$') {
        return value.to_owned();
    }
    match item_type {
        "Integer" => {
            let mut words: Vec<&str> = value
                .split([' ', '|'])
                .filter(|word| !word.is_empty())
                .collect();
            words.sort_unstable();
            words.join(" ")
        }
        "ByteString" | "BigInteger" => value.to_lowercase(),
        _ => value.to_owned(),
    }
}
