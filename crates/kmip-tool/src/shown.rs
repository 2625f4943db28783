//! Values as they are shown: for people, and in JSON.

use std::fmt;

use kmip::registry::{Tag, enumeration_of, mask_of};
use kmip::ttlv::{Element, ItemType};
use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Serialize, Serializer};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use zeroize::Zeroizing;

use crate::page::escaped;
use crate::secrecy::Secrecy;

/// The value of an item.
pub(crate) enum Shown {
    Text(Zeroizing<String>),
    /// The name of an enumeration's value, or a time.
    Word(String),
    /// The names of a mask's bits.
    Words(Vec<String>),
    Number(i64),
    Boolean(bool),
    /// In hexadecimal.
    Bytes(Zeroizing<String>),
    /// So many bytes, which are not shown.
    Hidden(usize),
    Structure(Vec<(String, Self)>),
}

impl Shown {
    /// The value of an item that was checked. `meaning` says which enumeration or mask it is of.
    pub(crate) fn new(element: &Element<'_>, meaning: Tag, secrecy: Secrecy) -> Self {
        if secrecy.hides(element) {
            return Self::Hidden(element.raw().len());
        }
        let shown = match element.item_type() {
            ItemType::Structure => element.structure().map(|fields| {
                let within = secrecy.within(element.tag());
                let mut attribute = None;
                let fields = fields.map(|field| {
                    let meaning = match (field.tag(), attribute) {
                        (Tag::AttributeValue, Some(attribute)) => attribute,
                        (tag, _) => tag,
                    };
                    if field.tag() == Tag::AttributeName {
                        attribute = field.text().ok().and_then(attribute_tag);
                    }
                    (field.tag().to_string(), Self::new(&field, meaning, within))
                });
                Self::Structure(fields.collect())
            }),
            ItemType::Integer => element.integer().map(|value| match mask_of(meaning) {
                Some(_) => Self::Words(bits(meaning, value)),
                None => Self::Number(value.into()),
            }),
            ItemType::LongInteger => element.long_integer().map(Self::Number),
            ItemType::Enumeration => element
                .enumeration()
                .map(|code| Self::Word(enumeration(meaning, code))),
            ItemType::Boolean => element.boolean().map(Self::Boolean),
            ItemType::TextString => element
                .text()
                .map(|text| Self::Text(Zeroizing::new(text.to_owned()))),
            ItemType::BigInteger | ItemType::ByteString => {
                Ok(Self::Bytes(hexadecimal(element.raw())))
            }
            ItemType::DateTime => element
                .date_time()
                .map(|seconds| Self::Word(date_time(seconds))),
            ItemType::Interval => element.interval().map(|value| Self::Number(value.into())),
            ItemType::DateTimeExtended => element
                .date_time_extended()
                .map(|microseconds| Self::Word(date_time_extended(microseconds))),
        };
        // Cannot fail on an item that was checked.
        shown.unwrap_or(Self::Hidden(element.raw().len()))
    }

    /// On one line; structures of a name or the like as that name alone.
    pub(crate) fn one_line(&self) -> String {
        self.to_string()
    }
}

/// The tag of the attribute with this name of 1.x.
fn attribute_tag(name: &str) -> Option<Tag> {
    match kmip::AttributeName::from_1_x(name) {
        kmip::AttributeName::Standard(tag) => Some(tag),
        _ => None,
    }
}

/// Bytes in hexadecimal, in one wiped allocation.
pub(crate) fn hexadecimal(bytes: &[u8]) -> Zeroizing<String> {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |value: u8| char::from(DIGITS.get(usize::from(value)).copied().unwrap_or(b'?'));
    let mut text = Zeroizing::new(String::with_capacity(bytes.len().saturating_mul(2)));
    for byte in bytes {
        text.push(digit(byte >> 4));
        text.push(digit(byte & 0xF));
    }
    text
}

fn enumeration(meaning: Tag, code: u32) -> String {
    let name = if matches!(meaning, Tag::AttributeReference | Tag::Tag) {
        Tag(code).name()
    } else {
        enumeration_of(meaning).and_then(|table| table.name_of(code))
    };
    name.map_or_else(|| format!("0x{code:08X}"), str::to_owned)
}

fn bits(meaning: Tag, value: i32) -> Vec<String> {
    let bits = value.cast_unsigned();
    let mut rest = bits;
    let mut names = Vec::new();
    for entry in mask_of(meaning).map_or(&[][..], |mask| mask.entries) {
        if bits & entry.code != 0 {
            names.push(entry.name.to_owned());
            rest &= !entry.code;
        }
    }
    if rest != 0 {
        names.push(format!("0x{rest:08X}"));
    }
    names
}

/// RFC 3339, UTC; the number where that cannot express it.
pub(crate) fn date_time(seconds: i64) -> String {
    OffsetDateTime::from_unix_timestamp(seconds)
        .ok()
        .filter(|time| (0..=9999).contains(&time.year()))
        .and_then(|time| time.format(&Rfc3339).ok())
        .unwrap_or_else(|| format!("@{seconds}"))
}

fn date_time_extended(microseconds: i64) -> String {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(microseconds) * 1000)
        .ok()
        .filter(|time| (0..=9999).contains(&time.year()))
        .and_then(|time| time.format(&Rfc3339).ok())
        .unwrap_or_else(|| format!("@{microseconds}us"))
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write!(f, "{}", escaped(text)),
            Self::Word(word) => f.write_str(word),
            Self::Words(words) if words.is_empty() => f.write_str("none"),
            Self::Words(words) => f.write_str(&words.join(", ")),
            Self::Number(number) => write!(f, "{number}"),
            Self::Boolean(value) => write!(f, "{value}"),
            Self::Bytes(hex) => f.write_str(hex),
            Self::Hidden(bytes) => write!(f, "({bytes} bytes, hidden)"),
            Self::Structure(fields) => {
                for (n, (name, value)) in fields.iter().enumerate() {
                    let separator = if n == 0 { "" } else { ", " };
                    write!(f, "{separator}{} ", escaped(name))?;
                    match value {
                        Self::Structure(_) => write!(f, "({value})")?,
                        value => write!(f, "{value}")?,
                    }
                }
                Ok(())
            }
        }
    }
}

impl Serialize for Shown {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(text) | Self::Bytes(text) => serializer.serialize_str(text),
            Self::Word(word) => serializer.serialize_str(word),
            Self::Words(words) => words.serialize(serializer),
            Self::Number(number) => serializer.serialize_i64(*number),
            Self::Boolean(value) => serializer.serialize_bool(*value),
            Self::Hidden(bytes) => {
                let mut map = serializer.serialize_map(Some(1))?;
                map.serialize_entry("hiddenBytes", bytes)?;
                map.end()
            }
            Self::Structure(fields) => Grouped(fields).serialize(serializer),
        }
    }
}

/// Fields by name. One that is there more than once is an array, at the place of its first occurrence.
struct Grouped<'a>(&'a [(String, Shown)]);

impl Serialize for Grouped<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (n, (name, value)) in self.0.iter().enumerate() {
            let is_first = self.0.iter().take(n).all(|(other, _)| other != name);
            if !is_first {
                continue;
            }
            let mut same = self.0.iter().filter(|(other, _)| other == name);
            if same.nth(1).is_some() {
                map.serialize_entry(name, &All(self.0, name))?;
            } else {
                map.serialize_entry(name, value)?;
            }
        }
        map.end()
    }
}

/// Every value of this name, as an array.
struct All<'a>(&'a [(String, Shown)], &'a str);

impl Serialize for All<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut sequence = serializer.serialize_seq(None)?;
        for (_, value) in self.0.iter().filter(|(name, _)| name == self.1) {
            sequence.serialize_element(value)?;
        }
        sequence.end()
    }
}

#[cfg(test)]
mod tests {
    use kmip::Limits;
    use kmip::text::xml;
    use kmip::ttlv::check;

    use super::*;

    fn shown(xml: &str, secrecy: Secrecy) -> Shown {
        let ttlv = xml::to_ttlv(xml, &Limits::DEFAULT).unwrap();
        let element = check(ttlv.as_slice(), &Limits::DEFAULT).unwrap();
        Shown::new(&element, element.tag(), secrecy)
    }

    #[test]
    fn every_type() {
        let value = shown(
            r#"<ResponsePayload>
                <CryptographicLength type="Integer" value="256"/>
                <CryptographicUsageMask type="Integer" value="Encrypt Decrypt 0x40000000"/>
                <UsageLimitsTotal type="LongInteger" value="-5"/>
                <State type="Enumeration" value="Active"/>
                <State type="Enumeration" value="0x80000001"/>
                <Fresh type="Boolean" value="true"/>
                <NameValue type="TextString" value="a&#10;b"/>
                <DigestValue type="ByteString" value="00ff"/>
                <InitialDate type="DateTime" value="2026-11-23T18:00:00Z"/>
                <LeaseTime type="Interval" value="60"/>
                <Attribute>
                  <AttributeName type="TextString" value="State"/>
                  <AttributeValue type="Enumeration" value="PreActive"/>
                </Attribute>
            </ResponsePayload>"#,
            Secrecy::Judged,
        );
        assert_eq!(
            serde_json::to_value(&value).unwrap(),
            serde_json::json!({
                "CryptographicLength": 256,
                "CryptographicUsageMask": ["Encrypt", "Decrypt", "0x40000000"],
                "UsageLimitsTotal": -5,
                "State": ["Active", "0x80000001"],
                "Fresh": true,
                "NameValue": "a\nb",
                "DigestValue": "00ff",
                "InitialDate": "2026-11-23T18:00:00Z",
                "LeaseTime": 60,
                "Attribute": {"AttributeName": "State", "AttributeValue": "PreActive"},
            })
        );
        let line = value.one_line();
        assert!(line.contains("NameValue a\\nb, DigestValue 00ff"), "{line}");
        assert!(line.contains("(AttributeName State, "), "{line}");
    }

    #[test]
    fn what_is_not_known_to_be_public_is_hidden() {
        let xml = r#"<ResponsePayload>
            <SymmetricKey><KeyBlock>
              <KeyFormatType type="Enumeration" value="Raw"/>
              <KeyValue><KeyMaterial type="ByteString" value="c0ffee"/></KeyValue>
            </KeyBlock></SymmetricKey>
            <PrivateKey><KeyBlock><KeyValue><KeyMaterial>
              <D type="BigInteger" value="00000000c0ffee00"/>
              <RecommendedCurve type="Enumeration" value="P_256"/>
            </KeyMaterial></KeyValue></KeyBlock></PrivateKey>
            <PublicKey><KeyBlock><KeyValue><KeyMaterial type="ByteString" value="0b0b"/></KeyValue></KeyBlock></PublicKey>
            <Certificate><CertificateValue type="ByteString" value="0a0a"/></Certificate>
            <OpaqueObject><OpaqueDataValue type="ByteString" value="c0ffee"/></OpaqueObject>
            <Data type="ByteString" value="c0ffee"/>
            <Password type="TextString" value="c0ffee"/>
            <TTLV tag="0x540001" type="ByteString" value="c0ffee"/>
        </ResponsePayload>"#;
        let hidden = shown(xml, Secrecy::showing(false));
        let json = serde_json::to_string(&hidden).unwrap();
        for text in [&json, &hidden.one_line()] {
            assert!(
                !text.contains("c0ffee") && text.contains("0b0b") && text.contains("0a0a"),
                "{text}"
            );
        }
        assert!(
            json.contains(r#""KeyMaterial":{"hiddenBytes":3}"#),
            "{json}"
        );
        assert!(
            json.contains(r#""RecommendedCurve":{"hiddenBytes":4}"#),
            "{json}"
        );
        let open = shown(xml, Secrecy::showing(true));
        assert_eq!(open.one_line().matches("c0ffee").count(), 6);
    }

    /// Whatever well-formed item a server sends is shown, without a panic.
    #[test]
    fn any_item() {
        bolero::check!()
            .with_iterations(2_000)
            .with_type::<Vec<u8>>()
            .for_each(|bytes| {
                // Mostly noise; the header makes some of it items.
                let mut item = vec![0x42, 0x00, 0x7C, 0x01];
                item.extend((bytes.len() as u32).to_be_bytes());
                item.extend(bytes);
                for candidate in [&item, bytes] {
                    if let Ok(element) = check(candidate, &Limits::DEFAULT) {
                        let shown = Shown::new(&element, element.tag(), Secrecy::Judged);
                        let _ = shown.one_line();
                        serde_json::to_string(&shown).unwrap();
                    }
                }
            });
    }
}
