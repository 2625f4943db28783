//! XML: an element for each item, named by its tag, with `type` (Structure if absent) and `value`.

use std::borrow::Cow;
use std::fmt::Write as _;

use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

use super::names::{self, Reason};
use crate::error::{DecodeError, EncodeError};
use crate::limits::Limits;
use crate::registry::Tag;
use crate::ttlv::{Buffer, Element, ItemType, Newer, Writer};
use crate::version::ProtocolVersion;

struct Frame {
    tag: Tag,
    start: usize,
    /// The attribute that the frame is about: it says what an Attribute Value means.
    attribute: Option<Tag>,
}

/// Translates a message, or any other item, from XML.
///
/// The limits are those of the message in TTLV. White space, comments and processing instructions between elements
/// are skipped; document types are refused.
///
/// # Errors
/// What is wrong, and where.
pub fn to_ttlv(xml: &str, limits: &Limits) -> Result<Buffer, DecodeError> {
    limits.check_text(xml)?;
    let mut reader = Reader::from_str(xml);
    let mut writer = Writer::new(Buffer::new(), ProtocolVersion::V2_1, Newer::Keep);
    writer.mark_secret();
    let mut open: Vec<Frame> = Vec::new();
    let mut items = 0_usize;
    let mut complete = false;
    loop {
        let at = reader.buffer_position();
        let fail = |reason: String| DecodeError::Text {
            encoding: "XML",
            at: format!("byte {at}"),
            reason,
        };
        let event = reader.read_event().map_err(|error| fail(syntax(&error)))?;
        match event {
            Event::Start(start) | Event::Empty(start) if complete => {
                let _ = start;
                return Err(fail("a second message".to_owned()));
            }
            Event::Start(start) => {
                begin(&start, &mut writer, &mut open, &mut items, limits, true)
                    .map_err(|error| error.into(fail))?;
            }
            Event::Empty(start) => {
                begin(&start, &mut writer, &mut open, &mut items, limits, false)
                    .map_err(|error| error.into(fail))?;
                complete = open.is_empty();
            }
            Event::End(_) => {
                if let Some(frame) = open.pop()
                    && frame.start != usize::MAX
                {
                    writer.close(frame.tag, frame.start);
                }
                complete = open.is_empty();
            }
            Event::Text(text) => {
                if !text.bytes().all(|byte| byte.is_ascii_whitespace()) {
                    return Err(fail("text between elements".to_owned()));
                }
            }
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
            Event::Eof if complete => break,
            Event::Eof => return Err(fail("the text ends before the message does".to_owned())),
            _ => return Err(fail("only elements belong in a message".to_owned())),
        }
        if writer.written() > limits.message_bytes {
            return Err(DecodeError::Limit {
                what: "bytes",
                max: limits.message_bytes,
            });
        }
    }
    writer.finish().map_err(|error| DecodeError::Text {
        encoding: "XML",
        at: "the end".to_owned(),
        reason: error.to_string(),
    })
}

/// The kind of syntax error, without the text that the parser quotes.
fn syntax(error: &quick_xml::Error) -> String {
    match error {
        quick_xml::Error::IllFormed(_) => "not well-formed".to_owned(),
        _ => "not XML".to_owned(),
    }
}

enum Failure {
    Limit(DecodeError),
    Reason(Reason),
}

impl Failure {
    fn into(self, fail: impl FnOnce(String) -> DecodeError) -> DecodeError {
        match self {
            Self::Limit(error) => error,
            Self::Reason(reason) => fail(reason.to_owned()),
        }
    }
}

impl From<Reason> for Failure {
    fn from(reason: Reason) -> Self {
        Self::Reason(reason)
    }
}

/// Reads an element's beginning: opens a structure, or writes an item.
fn begin(
    start: &BytesStart<'_>,
    writer: &mut Writer,
    open: &mut Vec<Frame>,
    items: &mut usize,
    limits: &Limits,
    has_end: bool,
) -> Result<(), Failure> {
    *items += 1;
    if *items > limits.items {
        return Err(Failure::Limit(DecodeError::Limit {
            what: "items",
            max: limits.items,
        }));
    }
    if open.last().is_some_and(|frame| frame.start == usize::MAX) {
        return Err(Failure::Reason(
            "an element inside one that is no structure",
        ));
    }
    let (mut tag, mut item_type, mut value) = (None, ItemType::Structure, None);
    for attribute in start.attributes() {
        let attribute = attribute.map_err(|_| "malformed attributes")?;
        let text: Cow<'_, str> = attribute
            .normalized_value(XmlVersion::Implicit1_0)
            .map_err(|_| "a malformed attribute value")?;
        match attribute.key.local_name().as_ref() {
            "tag" => tag = Some(names::tag_from_text(&text)?),
            "type" => item_type = ItemType::from_name(&text).ok_or("not an item type")?,
            "value" => value = Some(text),
            _ => {}
        }
    }
    let name = start.local_name();
    let tag = match (name.as_ref(), tag) {
        ("TTLV", Some(tag)) => tag,
        ("TTLV", None) => return Err(Failure::Reason("TTLV without a tag")),
        (name, _) => names::tag_from_text(name)?,
    };
    if item_type == ItemType::Structure {
        let max = limits.depth.min(Limits::MAX_DEPTH);
        if open.len() >= max {
            return Err(Failure::Limit(DecodeError::Limit {
                what: "levels of nesting",
                max,
            }));
        }
        let start = writer.open(tag);
        if has_end {
            open.push(Frame {
                tag,
                start,
                attribute: None,
            });
        } else {
            writer.close(tag, start);
        }
        return Ok(());
    }
    let text = value.ok_or("an item without a value")?;
    let attribute = open.last().and_then(|frame| frame.attribute);
    write_item(
        tag,
        item_type,
        &text,
        names::meaning(tag, attribute),
        writer,
    )?;
    if tag == Tag::AttributeName
        && let Some(frame) = open.last_mut()
    {
        frame.attribute = names::attribute_of(&text);
    }
    if has_end {
        // An item with an end tag of its own: `<X …></X>`.
        open.push(Frame {
            tag,
            start: usize::MAX,
            attribute: None,
        });
    }
    Ok(())
}

fn write_item(
    tag: Tag,
    item_type: ItemType,
    text: &str,
    meaning: Tag,
    writer: &mut Writer,
) -> Result<(), Reason> {
    match item_type {
        ItemType::Structure => {}
        ItemType::Integer => writer.integer(tag, names::integer_from_text(meaning, text, ' ')?),
        ItemType::LongInteger => writer.long_integer(tag, names::long_from_text(text)?),
        ItemType::BigInteger => writer.big_integer(tag, &names::big_integer_from_text(text)?),
        ItemType::Enumeration => {
            writer.enumeration_code(tag, names::enumeration_from_text(meaning, text)?)
        }
        ItemType::Boolean => writer.boolean(tag, names::boolean_from_text(text)?),
        ItemType::TextString => writer.text(tag, text),
        ItemType::ByteString => writer.bytes(tag, &names::bytes_from_text(text)?),
        ItemType::DateTime => writer.date_time(tag, names::date_time_from_text(text)?),
        ItemType::Interval => writer.interval(tag, names::interval_from_text(text)?),
        ItemType::DateTimeExtended => {
            writer.date_time_extended(tag, names::date_time_extended_from_text(text)?);
        }
    }
    Ok(())
}

/// Translates an item that [`check`](crate::ttlv::check()) has accepted to XML, indented by two blanks.
///
/// # Errors
/// When a text has control characters, which XML cannot express.
pub fn from_ttlv(element: &Element<'_>) -> Result<String, EncodeError> {
    let mut out = String::with_capacity(element.raw().len().saturating_mul(4));
    write_element(element, None, 0, &mut out)?;
    Ok(out)
}

fn write_element(
    element: &Element<'_>,
    attribute: Option<Tag>,
    depth: usize,
    out: &mut String,
) -> Result<(), EncodeError> {
    let tag = element.tag();
    // Writing to a String cannot fail, and the accessors cannot on an element that was checked.
    for _ in 0..depth {
        out.push_str("  ");
    }
    let name = tag.name();
    let _ = match name {
        Some(name) => write!(out, "<{name}"),
        None => write!(out, "<TTLV tag=\"{}\"", names::tag_to_text(tag)),
    };
    if let Ok(fields) = element.structure() {
        if element.raw().is_empty() {
            out.push_str("/>\n");
            return Ok(());
        }
        out.push_str(">\n");
        let mut attribute = None;
        for field in fields {
            write_element(&field, attribute, depth + 1, out)?;
            if field.tag() == Tag::AttributeName {
                attribute = field.text().ok().and_then(names::attribute_of);
            }
        }
        for _ in 0..depth {
            out.push_str("  ");
        }
        let _ = writeln!(out, "</{}>", name.unwrap_or("TTLV"));
        return Ok(());
    }
    let _ = write!(out, " type=\"{}\" value=\"", element.item_type());
    write_value(element, names::meaning(tag, attribute), out)?;
    out.push_str("\"/>\n");
    Ok(())
}

fn write_value(element: &Element<'_>, meaning: Tag, out: &mut String) -> Result<(), EncodeError> {
    let unencodable = |_| EncodeError::Unencodable {
        what: "an item that was not checked",
    };
    let _ = match element.item_type() {
        ItemType::Structure => Ok(()),
        ItemType::Integer => {
            let value = element.integer().map_err(unencodable)?;
            match names::mask_to_text(meaning, value, " ") {
                Some(names) => out.write_str(&names),
                None => write!(out, "{value}"),
            }
        }
        ItemType::LongInteger => write!(out, "{}", element.long_integer().map_err(unencodable)?),
        ItemType::Enumeration => {
            let code = element.enumeration().map_err(unencodable)?;
            out.write_str(&names::enumeration_to_text(meaning, code))
        }
        ItemType::Boolean => write!(out, "{}", element.boolean().map_err(unencodable)?),
        ItemType::TextString => {
            return escape(element.text().map_err(unencodable)?, element.tag(), out);
        }
        ItemType::BigInteger | ItemType::ByteString => {
            for byte in element.raw() {
                let _ = write!(out, "{byte:02x}");
            }
            Ok(())
        }
        ItemType::DateTime => out.write_str(&names::date_time_to_text(
            element.date_time().map_err(unencodable)?,
        )),
        ItemType::Interval => write!(out, "{}", element.interval().map_err(unencodable)?),
        ItemType::DateTimeExtended => {
            let value = element.date_time_extended().map_err(unencodable)?;
            out.write_str(&names::date_time_extended_to_text(value))
        }
    };
    Ok(())
}

fn escape(text: &str, tag: Tag, out: &mut String) -> Result<(), EncodeError> {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            // As they are, a parser would turn them into blanks.
            '\t' => out.push_str("&#9;"),
            '\n' => out.push_str("&#10;"),
            '\r' => out.push_str("&#13;"),
            '\0'..='\x1F' | '\u{FFFE}' | '\u{FFFF}' => {
                return Err(EncodeError::ControlCharacters { tag });
            }
            c => out.push(c),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ttlv::check;

    fn round_trip(xml: &str) -> String {
        let ttlv = to_ttlv(xml, &Limits::DEFAULT).unwrap();
        from_ttlv(&check(ttlv.as_slice(), &Limits::DEFAULT).unwrap()).unwrap()
    }

    #[test]
    fn every_type_comes_back() {
        let xml = "<RequestMessage>
  <BatchCount type=\"Integer\" value=\"-1\"/>
  <CryptographicUsageMask type=\"Integer\" value=\"Encrypt Decrypt 0x80000000\"/>
  <UsageLimitsTotal type=\"LongInteger\" value=\"-9223372036854775808\"/>
  <Modulus type=\"BigInteger\" value=\"00000000000000ff\"/>
  <Operation type=\"Enumeration\" value=\"Create\"/>
  <Operation type=\"Enumeration\" value=\"0x80000007\"/>
  <AttributeReference type=\"Enumeration\" value=\"State\"/>
  <Fresh type=\"Boolean\" value=\"true\"/>
  <NameValue type=\"TextString\" value=\"a &lt;&quot;&amp;&#10;é\"/>
  <KeyMaterial type=\"ByteString\" value=\"00ff\"/>
  <TimeStamp type=\"DateTime\" value=\"1970-01-01T00:00:00Z\"/>
  <LeaseTime type=\"Interval\" value=\"4294967295\"/>
  <SubmissionDate type=\"DateTimeExtended\" value=\"1970-01-01T00:00:00.000001Z\"/>
  <Attribute>
    <AttributeName type=\"TextString\" value=\"State\"/>
    <AttributeValue type=\"Enumeration\" value=\"PreActive\"/>
  </Attribute>
  <VendorExtension>
    <TTLV tag=\"0x540001\" type=\"TextString\" value=\"na\"/>
    <TTLV tag=\"0x540002\"/>
  </VendorExtension>
</RequestMessage>
";
        assert_eq!(round_trip(xml), xml);
    }

    #[test]
    fn what_is_wrong_is_said_without_the_value() {
        for (xml, reason) in [
            ("<RequestMessage>", "ends before"),
            ("<RequestMessage></BatchItem>", "not well-formed"),
            ("<Nonsense/>", "not the name of a tag"),
            ("<TTLV/>", "without a tag"),
            (
                "<Operation type=\"Enumeration\" value=\"Swordfish\"/>",
                "not a value",
            ),
            ("<Operation type=\"Enumeration\"/>", "without a value"),
            (
                "<Operation type=\"Swordfish\" value=\"\"/>",
                "not an item type",
            ),
            (
                "<KeyMaterial type=\"ByteString\" value=\"0\"/>",
                "not hexadecimal",
            ),
            ("<BatchItem>swordfish</BatchItem>", "text between"),
            (
                "<!DOCTYPE x [<!ENTITY a \"swordfish\">]><BatchItem/>",
                "only elements",
            ),
            ("<BatchItem/><BatchItem/>", "a second message"),
            (
                "<Key type=\"ByteString\" value=\"00\"><BatchItem/></Key>",
                "no structure",
            ),
            ("", "ends before"),
        ] {
            let error = to_ttlv(xml, &Limits::DEFAULT).unwrap_err().to_string();
            assert!(error.contains(reason), "{xml}: {error}");
            assert!(!error.to_lowercase().contains("swordfish"), "{error}");
        }
    }

    #[test]
    fn limits_hold() {
        let deep = "<BatchItem>".repeat(100) + &"</BatchItem>".repeat(100);
        assert_eq!(
            to_ttlv(&deep, &Limits::DEFAULT).unwrap_err(),
            DecodeError::Limit {
                what: "levels of nesting",
                max: 32
            }
        );
        let many = format!("<BatchItem>{}</BatchItem>", "<BatchItem/>".repeat(20_000));
        assert_eq!(
            to_ttlv(&many, &Limits::DEFAULT).unwrap_err(),
            DecodeError::Limit {
                what: "items",
                max: 10_000
            }
        );
        let long = format!(
            "<NameValue type=\"TextString\" value=\"{}\"/>",
            "x".repeat(2 << 20)
        );
        assert_eq!(
            to_ttlv(&long, &Limits::DEFAULT).unwrap_err(),
            DecodeError::Limit {
                what: "bytes",
                max: 1 << 20
            }
        );
    }
}
