//! Responses as text. What is hidden is replaced by a text that says so.

use kmip::ProtocolVersion;
use kmip::registry::Tag;
use kmip::text;
use kmip::ttlv::{Buffer, Element, Newer, Writer, check};
use zeroize::Zeroizing;

use super::Format;
use crate::failure::{Cause, Failure};
use crate::limits::ANSWERS;
use crate::page::escaped;
use crate::secrecy::Secrecy;
use crate::shown::{Shown, hexadecimal};

/// The message in this form.
pub(crate) fn of(
    element: &Element<'_>,
    format: Format,
    show_material: bool,
) -> Result<Zeroizing<String>, Failure> {
    match format {
        Format::Tree => Ok(tree(element, Secrecy::showing(show_material))),
        Format::Xml => {
            let censored = censored(element, show_material)?;
            let element = censored.element()?;
            text::xml::from_ttlv(&element)
                .map(Zeroizing::new)
                .map_err(unprintable)
        }
        Format::Json => {
            let mut json = json(element, show_material)?;
            json.push('\n');
            Ok(json)
        }
        Format::Hex => {
            // The outer item's header is not in its value.
            let mut whole = hexadecimal(&header(element));
            whole.reserve_exact(element.raw().len().saturating_mul(2).saturating_add(1));
            whole.push_str(&hexadecimal(element.raw()));
            whole.push('\n');
            Ok(whole)
        }
    }
}

/// The message in KMIP's JSON.
pub(crate) fn json(
    element: &Element<'_>,
    show_material: bool,
) -> Result<Zeroizing<String>, Failure> {
    let censored = censored(element, show_material)?;
    let element = censored.element()?;
    text::json::from_ttlv(&element)
        .map(Zeroizing::new)
        .map_err(unprintable)
}

fn unprintable(error: impl std::fmt::Display) -> Failure {
    Failure::new(
        Cause::Output,
        format!("the response cannot be printed so: {error}"),
    )
    .advise("choose another --output")
}

fn header(element: &Element<'_>) -> [u8; 8] {
    let [_, t0, t1, t2] = element.tag().0.to_be_bytes();
    let length = u32::try_from(element.raw().len()).unwrap_or(u32::MAX);
    let [l0, l1, l2, l3] = length.to_be_bytes();
    [t0, t1, t2, element.item_type().code(), l0, l1, l2, l3]
}

/// A message without what is hidden.
struct Censored(Buffer);

impl Censored {
    fn element(&self) -> Result<Element<'_>, Failure> {
        // The texts in the place of what is hidden may be longer than that.
        let limits = kmip::Limits {
            message_bytes: usize::MAX,
            ..ANSWERS
        };
        check(self.0.as_slice(), &limits).map_err(unprintable)
    }
}

fn censored(element: &Element<'_>, show_material: bool) -> Result<Censored, Failure> {
    let mut writer = Writer::new(Buffer::new(), ProtocolVersion::V2_1, Newer::Keep);
    copy(element, Secrecy::showing(show_material), &mut writer);
    writer.finish().map(Censored).map_err(unprintable)
}

fn copy(element: &Element<'_>, secrecy: Secrecy, writer: &mut Writer) {
    if secrecy.hides(element) {
        let text = format!("({} bytes, hidden: --show-material)", element.raw().len());
        writer.text(element.tag(), &text);
        return;
    }
    match element.structure() {
        Ok(fields) => writer.structure(element.tag(), |writer| {
            let within = secrecy.within(element.tag());
            for field in fields {
                copy(&field, within, writer);
            }
        }),
        Err(_) => {
            if let Ok(item) = kmip::ttlv::Item::from_element(element) {
                item.write(writer);
            }
        }
    }
}

/// One item a line.
fn tree(element: &Element<'_>, secrecy: Secrecy) -> Zeroizing<String> {
    let room = element.raw().len().saturating_mul(4).saturating_add(4096);
    let mut out = Zeroizing::new(String::with_capacity(room));
    branch(element, element.tag(), secrecy, 0, &mut out);
    out
}

fn branch(
    element: &Element<'_>,
    meaning: Tag,
    secrecy: Secrecy,
    depth: usize,
    out: &mut Zeroizing<String>,
) {
    for _ in 0..depth {
        out.push_str("  ");
    }
    out.push_str(&element.tag().to_string());
    let Ok(fields) = element.structure() else {
        out.push_str(": ");
        match Shown::new(element, meaning, secrecy) {
            // Not through another text that would not be wiped.
            Shown::Bytes(hex) => out.push_str(&hex),
            Shown::Text(text) => {
                out.push('"');
                out.push_str(&escaped(&text).to_string());
                out.push('"');
            }
            shown => out.push_str(&shown.one_line()),
        }
        out.push('\n');
        return;
    };
    out.push('\n');
    let within = secrecy.within(element.tag());
    let mut attribute = None;
    for field in fields {
        let meaning = match (field.tag(), attribute) {
            (Tag::AttributeValue, Some(attribute)) => attribute,
            (tag, _) => tag,
        };
        branch(&field, meaning, within, depth + 1, out);
        if field.tag() == Tag::AttributeName {
            attribute =
                field
                    .text()
                    .ok()
                    .and_then(|name| match kmip::AttributeName::from_1_x(name) {
                        kmip::AttributeName::Standard(tag) => Some(tag),
                        _ => None,
                    });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RESPONSE: &str = r#"<ResponseMessage>
  <ResponseHeader>
    <TimeStamp type="DateTime" value="2026-11-23T18:00:00Z"/>
  </ResponseHeader>
  <BatchItem>
    <Operation type="Enumeration" value="Get"/>
    <ResultMessage type="TextString" value="a&#10;b"/>
    <ResponsePayload>
      <Attribute>
        <AttributeName type="TextString" value="State"/>
        <AttributeValue type="Enumeration" value="Active"/>
      </Attribute>
      <KeyMaterial type="ByteString" value="c0ffee"/>
    </ResponsePayload>
  </BatchItem>
</ResponseMessage>
"#;

    fn printed(format: Format, show_material: bool) -> String {
        let ttlv = text::xml::to_ttlv(RESPONSE, &ANSWERS).unwrap();
        let element = check(ttlv.as_slice(), &ANSWERS).unwrap();
        of(&element, format, show_material).unwrap().to_string()
    }

    #[test]
    fn a_tree() {
        assert_eq!(
            printed(Format::Tree, false),
            "\
ResponseMessage
  ResponseHeader
    TimeStamp: 2026-11-23T18:00:00Z
  BatchItem
    Operation: Get
    ResultMessage: \"a\\nb\"
    ResponsePayload
      Attribute
        AttributeName: \"State\"
        AttributeValue: Active
      KeyMaterial: (3 bytes, hidden)
"
        );
        assert!(printed(Format::Tree, true).contains("KeyMaterial: c0ffee\n"));
    }

    #[test]
    fn shown_as_it_is_or_with_material_hidden() {
        assert_eq!(printed(Format::Xml, true), RESPONSE);
        let hidden = printed(Format::Xml, false);
        let expected = RESPONSE.replace(
            r#"type="ByteString" value="c0ffee""#,
            r#"type="TextString" value="(3 bytes, hidden: --show-material)""#,
        );
        assert_eq!(hidden, expected);
        let json: serde_json::Value = serde_json::from_str(&printed(Format::Json, false)).unwrap();
        assert!(!json.to_string().contains("c0ffee"));
        let hex = printed(Format::Hex, true);
        let ttlv = text::xml::to_ttlv(RESPONSE, &ANSWERS).unwrap();
        assert_eq!(hex.trim(), hex::encode(ttlv.as_slice()));
    }
}
