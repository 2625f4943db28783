//! JSON: an object for each item, with `tag`, `type` (Structure if absent) and `value`.
//!
//! An object's members may come in any order, but what a value is depends on the two others. So a value is first passed
//! over, as a slice of the text, and read when they are known: nothing is built up that the limits have not seen. An item is
//! passed over once for each level that it is deep, of which there are no more than the limits allow.

use std::borrow::Cow;

use serde::Deserialize;
use serde::de::{Deserializer, Error as _, SeqAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

use super::names::{self, Reason};
use crate::error::{DecodeError, EncodeError};
use crate::limits::Limits;
use crate::registry::Tag;
use crate::ttlv::{Buffer, Element, ItemType, Newer, Writer};
use crate::version::ProtocolVersion;

/// The largest whole number that every JSON parser keeps exact.
const EXACT: i64 = 1 << 52;

/// How many characters of JSON stand for one byte at most, in a string: `\u0000`.
const ESCAPED: usize = 6;

/// Translates a message, or any other item, from JSON.
///
/// The limits are those of the message in TTLV; the text may have [`Limits::TEXT_FACTOR`] times as many bytes. Besides
/// the message and the names that lead to an item, no memory is needed but for the one value that is being read.
///
/// # Errors
/// What is wrong, and where.
pub fn to_ttlv(json: &str, limits: &Limits) -> Result<Buffer, DecodeError> {
    limits.check_text(json)?;
    // This passes over the whole text: what is read later is well-formed.
    let item: &RawValue = serde_json::from_str(json).map_err(|error| DecodeError::Text {
        encoding: "JSON",
        at: format!("line {} column {}", error.line(), error.column()),
        reason: "not well-formed".to_owned(),
    })?;
    let mut decoder = Decoder {
        writer: Writer::new(Buffer::new(), ProtocolVersion::V2_1, Newer::Keep),
        path: Vec::new(),
        items: 0,
        limits,
    };
    decoder.writer.mark_secret();
    decoder.item(item, None)?;
    decoder.writer.finish().map_err(|error| DecodeError::Text {
        encoding: "JSON",
        at: "the end".to_owned(),
        reason: error.to_string(),
    })
}

struct Decoder<'a> {
    writer: Writer,
    path: Vec<Tag>,
    items: usize,
    limits: &'a Limits,
}

/// An item whose members have not been read.
#[derive(Deserialize)]
struct Members<'a> {
    #[serde(borrow, default)]
    tag: Option<&'a RawValue>,
    #[serde(borrow, default, rename = "type")]
    item_type: Option<&'a RawValue>,
    #[serde(borrow, default)]
    value: Option<&'a RawValue>,
}

/// The items of a structure, read as they come.
struct Fields<'d, 'a> {
    decoder: &'d mut Decoder<'a>,
    /// What is wrong with one of them, for serde has no place for it.
    error: &'d mut Option<DecodeError>,
}

impl<'de> Visitor<'de> for Fields<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an array of items")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut fields: A) -> Result<(), A::Error> {
        let mut attribute = None;
        while let Some(field) = fields.next_element::<&RawValue>()? {
            match self.decoder.item(field, attribute) {
                Ok(None) => {}
                Ok(named) => attribute = named,
                Err(error) => {
                    *self.error = Some(error);
                    return Err(A::Error::custom("an item"));
                }
            }
        }
        Ok(())
    }
}

/// A string member.
fn text(member: &RawValue) -> Option<Cow<'_, str>> {
    // Borrowed where it has no escapes.
    serde_json::from_str::<&str>(member.get())
        .map(Cow::Borrowed)
        .or_else(|_| serde_json::from_str::<String>(member.get()).map(Cow::Owned))
        .ok()
}

impl Decoder<'_> {
    fn fail(&self, reason: Reason) -> DecodeError {
        let path: Vec<String> = self.path.iter().map(ToString::to_string).collect();
        let at = if path.is_empty() {
            "the beginning".to_owned()
        } else {
            path.join("/")
        };
        DecodeError::Text {
            encoding: "JSON",
            at,
            reason: reason.to_owned(),
        }
    }

    const fn too_long(&self) -> DecodeError {
        DecodeError::Limit {
            what: "bytes",
            max: self.limits.message_bytes,
        }
    }

    /// Reads one item; returns the attribute that it names, if it is an Attribute Name.
    fn item(
        &mut self,
        item: &RawValue,
        attribute: Option<Tag>,
    ) -> Result<Option<Tag>, DecodeError> {
        self.items += 1;
        if self.items > self.limits.items {
            return Err(DecodeError::Limit {
                what: "items",
                max: self.limits.items,
            });
        }
        if !item.get().starts_with('{') {
            return Err(self.fail("an item is an object"));
        }
        let members: Members<'_> = serde_json::from_str(item.get())
            .map_err(|_| self.fail("an item's tag, type and value appear once each"))?;
        let tag = members
            .tag
            .and_then(text)
            .ok_or_else(|| self.fail("an item without a tag"))?;
        let tag = names::tag_from_text(&tag).map_err(|reason| self.fail(reason))?;
        self.path.push(tag);
        let item_type = match members.item_type {
            None => ItemType::Structure,
            Some(name) => text(name)
                .and_then(|name| ItemType::from_name(&name))
                .ok_or_else(|| self.fail("not an item type"))?,
        };
        let value = members
            .value
            .ok_or_else(|| self.fail("an item without a value"))?;
        let mut named = None;
        if item_type == ItemType::Structure {
            self.structure(tag, value)?;
        } else {
            if value.get().len() / ESCAPED > self.limits.message_bytes {
                return Err(self.too_long());
            }
            // An array or an object is no value of these types, and would be built up.
            let value = match value.get().as_bytes().first() {
                Some(b'{' | b'[') => Value::Null,
                _ => serde_json::from_str(value.get())
                    .map_err(|_| self.fail("neither a string nor a number nor a Boolean"))?,
            };
            self.leaf(tag, item_type, &value, names::meaning(tag, attribute))
                .map_err(|reason| self.fail(reason))?;
            if tag == Tag::AttributeName {
                named = value.as_str().and_then(names::attribute_of);
            }
        }
        if self.writer.written() > self.limits.message_bytes {
            return Err(self.too_long());
        }
        self.path.pop();
        Ok(named)
    }

    /// Recursion ends: at the limit of the depth.
    fn structure(&mut self, tag: Tag, value: &RawValue) -> Result<(), DecodeError> {
        let max = self.limits.depth.min(Limits::MAX_DEPTH);
        if self.path.len() > max {
            return Err(DecodeError::Limit {
                what: "levels of nesting",
                max,
            });
        }
        let start = self.writer.open(tag);
        let mut error = None;
        let fields = Fields {
            decoder: self,
            error: &mut error,
        };
        let read = serde_json::Deserializer::from_str(value.get()).deserialize_seq(fields);
        if let Some(error) = error {
            return Err(error);
        }
        read.map_err(|_| self.fail("a structure's value is an array"))?;
        self.writer.close(tag, start);
        Ok(())
    }

    fn leaf(
        &mut self,
        tag: Tag,
        item_type: ItemType,
        value: &Value,
        meaning: Tag,
    ) -> Result<(), Reason> {
        let writer = &mut self.writer;
        match item_type {
            ItemType::Structure => {}
            ItemType::Integer => {
                let number = match value {
                    Value::String(text) => names::integer_from_text(meaning, text, '|')?,
                    value => value
                        .as_i64()
                        .and_then(|n| i32::try_from(n).ok())
                        .ok_or("not a number of 32 bits")?,
                };
                writer.integer(tag, number);
            }
            ItemType::LongInteger => {
                let number = match value {
                    Value::String(text) => names::long_from_text(text)?,
                    value => value.as_i64().ok_or("not a number of 64 bits")?,
                };
                writer.long_integer(tag, number);
            }
            ItemType::BigInteger => {
                writer.big_integer(tag, &names::big_integer_from_text(string(value)?)?)
            }
            ItemType::Enumeration => {
                let code = match value {
                    Value::String(text) => names::enumeration_from_text(meaning, text)?,
                    value => value
                        .as_u64()
                        .and_then(|n| u32::try_from(n).ok())
                        .ok_or("not a number of 32 bits")?,
                };
                writer.enumeration_code(tag, code);
            }
            ItemType::Boolean => {
                let boolean = match value {
                    Value::Bool(boolean) => *boolean,
                    value => names::boolean_from_text(string(value)?)?,
                };
                writer.boolean(tag, boolean);
            }
            ItemType::TextString => writer.text(tag, string(value)?),
            ItemType::ByteString => writer.bytes(tag, &names::bytes_from_text(string(value)?)?),
            ItemType::DateTime => {
                writer.date_time(tag, names::date_time_from_text(string(value)?)?)
            }
            ItemType::Interval => {
                let seconds = match value {
                    Value::String(text) => names::interval_from_text(text)?,
                    value => value
                        .as_u64()
                        .and_then(|n| u32::try_from(n).ok())
                        .ok_or("not a number of 32 bits")?,
                };
                writer.interval(tag, seconds);
            }
            ItemType::DateTimeExtended => {
                let microseconds = match value {
                    Value::String(text) => names::date_time_extended_from_text(text)?,
                    value => value.as_i64().ok_or("not a number of 64 bits")?,
                };
                writer.date_time_extended(tag, microseconds);
            }
        }
        Ok(())
    }
}

fn string(value: &Value) -> Result<&str, Reason> {
    value.as_str().ok_or("not a string")
}

/// Translates an item that [`check`](crate::ttlv::check()) has accepted to JSON, on one line.
///
/// # Errors
/// None for an item that was checked.
pub fn from_ttlv(element: &Element<'_>) -> Result<String, EncodeError> {
    let mut out = String::with_capacity(element.raw().len().saturating_mul(4));
    write_element(element, None, &mut out).map_err(|_| EncodeError::Unencodable {
        what: "an item that was not checked",
    })?;
    Ok(out)
}

fn write_element(
    element: &Element<'_>,
    attribute: Option<Tag>,
    out: &mut String,
) -> Result<(), DecodeError> {
    let tag = element.tag();
    out.push_str("{\"tag\":\"");
    out.push_str(&names::tag_to_text(tag));
    out.push('"');
    if element.item_type() == ItemType::Structure {
        out.push_str(",\"value\":[");
        let mut attribute = None;
        for (index, field) in element.structure()?.enumerate() {
            if index > 0 {
                out.push(',');
            }
            write_element(&field, attribute, out)?;
            if field.tag() == Tag::AttributeName {
                attribute = field.text().ok().and_then(names::attribute_of);
            }
        }
        out.push_str("]}");
        return Ok(());
    }
    out.push_str(",\"type\":\"");
    out.push_str(element.item_type().name());
    out.push_str("\",\"value\":");
    let value = json_value(element, names::meaning(tag, attribute))?;
    out.push_str(&value.to_string());
    out.push('}');
    Ok(())
}

fn json_value(element: &Element<'_>, meaning: Tag) -> Result<Value, DecodeError> {
    Ok(match element.item_type() {
        ItemType::Structure => Value::Null,
        ItemType::Integer => {
            let number = element.integer()?;
            names::mask_to_text(meaning, number, "|").map_or_else(|| number.into(), Value::String)
        }
        ItemType::LongInteger => long(element.long_integer()?),
        ItemType::BigInteger => Value::String(format!("0x{}", hex::encode(element.raw()))),
        ItemType::Enumeration => {
            Value::String(names::enumeration_to_text(meaning, element.enumeration()?))
        }
        ItemType::Boolean => Value::Bool(element.boolean()?),
        ItemType::TextString => Value::String(element.text()?.to_owned()),
        ItemType::ByteString => Value::String(hex::encode(element.raw())),
        ItemType::DateTime => Value::String(names::date_time_to_text(element.date_time()?)),
        ItemType::Interval => element.interval()?.into(),
        ItemType::DateTimeExtended => Value::String(names::date_time_extended_to_text(
            element.date_time_extended()?,
        )),
    })
}

/// A number where every parser keeps it exact, hexadecimal elsewhere.
fn long(number: i64) -> Value {
    if (-EXACT..=EXACT).contains(&number) {
        number.into()
    } else {
        Value::String(format!("0x{number:016X}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ttlv::check;

    #[test]
    fn every_type_comes_back() {
        let json = concat!(
            r#"{"tag":"RequestMessage","value":["#,
            r#"{"tag":"BatchCount","type":"Integer","value":-1},"#,
            r#"{"tag":"CryptographicUsageMask","type":"Integer","value":"Encrypt|Decrypt"},"#,
            r#"{"tag":"UsageLimitsTotal","type":"LongInteger","value":"0x8000000000000000"},"#,
            r#"{"tag":"UsageLimitsTotal","type":"LongInteger","value":-5},"#,
            r#"{"tag":"Modulus","type":"BigInteger","value":"0x00000000000000ff"},"#,
            r#"{"tag":"Operation","type":"Enumeration","value":"Create"},"#,
            r#"{"tag":"Operation","type":"Enumeration","value":"0x80000007"},"#,
            r#"{"tag":"Fresh","type":"Boolean","value":true},"#,
            r#"{"tag":"NameValue","type":"TextString","value":"a \"\u0000\n"},"#,
            r#"{"tag":"KeyMaterial","type":"ByteString","value":"00ff"},"#,
            r#"{"tag":"TimeStamp","type":"DateTime","value":"1970-01-01T00:00:00Z"},"#,
            r#"{"tag":"LeaseTime","type":"Interval","value":4294967295},"#,
            r#"{"tag":"Attribute","value":[{"tag":"AttributeName","type":"TextString","value":"State"},"#,
            r#"{"tag":"AttributeValue","type":"Enumeration","value":"PreActive"}]},"#,
            r#"{"tag":"0x540001","value":[]}]}"#,
        );
        let ttlv = to_ttlv(json, &Limits::DEFAULT).unwrap();
        assert_eq!(
            from_ttlv(&check(ttlv.as_slice(), &Limits::DEFAULT).unwrap()).unwrap(),
            json
        );
    }

    #[test]
    fn what_is_wrong_is_said_without_the_value() {
        for (json, reason) in [
            ("", "not well-formed"),
            ("[]", "an item is an object"),
            (r#"{"tag":"BatchItem","value":[]"#, "not well-formed"),
            (r#"{"tag":"BatchItem","value":[]} {}"#, "not well-formed"),
            (
                r#"{"tag":"BatchItem","tag":"Swordfish","value":[]}"#,
                "once each",
            ),
            (
                r#"{"tag":"BatchItem","value":[[]]}"#,
                "at BatchItem: an item is an object",
            ),
            (
                r#"{"tag":"NameValue","type":"TextString","value":{"swordfish":[]}}"#,
                "not a string",
            ),
            (
                r#"{"tag":"NameValue","type":"TextString","value":"\ud800"}"#,
                "neither a string",
            ),
            (r#"{"value":[]}"#, "without a tag"),
            (r#"{"tag":"Swordfish","value":[]}"#, "not the name of a tag"),
            (
                r#"{"tag":"BatchItem"}"#,
                "at BatchItem: an item without a value",
            ),
            (r#"{"tag":"BatchItem","value":"swordfish"}"#, "is an array"),
            (
                r#"{"tag":"Key","type":"ByteString","value":"swordfish"}"#,
                "not hexadecimal",
            ),
            (
                r#"{"tag":"Key","type":"ByteString","value":7}"#,
                "not a string",
            ),
            (
                r#"{"tag":"BatchCount","type":"Integer","value":4294967296}"#,
                "32 bits",
            ),
            (
                r#"{"tag":"BatchItem","value":[{"tag":"Operation","type":"Enumeration","value":"swordfish"}]}"#,
                "at BatchItem/Operation: not a value",
            ),
        ] {
            let error = to_ttlv(json, &Limits::DEFAULT).unwrap_err().to_string();
            assert!(error.contains(reason), "{json}: {error}");
            assert!(!error.to_lowercase().contains("swordfish"), "{error}");
        }
    }

    /// Members in any order, blanks anywhere, escapes in names.
    #[test]
    fn any_json_of_the_message_will_do() {
        let plain = r#"{"tag":"Attribute","value":[{"tag":"AttributeName","type":"TextString","value":"State"},{"tag":"AttributeValue","type":"Enumeration","value":"Active"}]}"#;
        let odd = r#"
            { "value" : [
                { "value": "St\u0061te", "other": [1, {"tag": "x"}], "type": "TextString", "t\u0061g": "AttributeName" } ,
                { "type": "Enumeration", "value": "Active", "tag": "Attribut\u0065Value" }
            ], "tag" : "Attribute" }
        "#;
        let limits = Limits::DEFAULT;
        assert_eq!(
            to_ttlv(odd, &limits).unwrap().as_slice(),
            to_ttlv(plain, &limits).unwrap().as_slice()
        );
    }

    #[test]
    fn limits_hold() {
        let limit = |json: &str, what, max| {
            assert_eq!(
                to_ttlv(json, &Limits::DEFAULT).unwrap_err(),
                DecodeError::Limit { what, max }
            );
        };
        let nested = |depth: usize| {
            format!(
                "{}{}",
                r#"{"tag":"BatchItem","value":["#.repeat(depth),
                "]}".repeat(depth)
            )
        };
        assert!(to_ttlv(&nested(32), &Limits::DEFAULT).is_ok());
        limit(&nested(40), "levels of nesting", 32);
        limit(&nested(100_000), "levels of nesting", 32);
        let many = |count: usize, item: &str| {
            let items = vec![item; count].join(",");
            format!(r#"{{"tag":"BatchItem","value":[{items}]}}"#)
        };
        let empty = r#"{"tag":"BatchItem","value":[]}"#;
        assert!(to_ttlv(&many(9_999, empty), &Limits::DEFAULT).is_ok());
        limit(&many(10_000, empty), "items", 10_000);
        let text = format!(
            r#"{{"tag":"NameValue","type":"TextString","value":"{}"}}"#,
            "x".repeat(1 << 18)
        );
        limit(&many(8, &text), "bytes", 1 << 20);
        let long = format!(
            r#"{{"tag":"NameValue","type":"TextString","value":"{}"}}"#,
            "x".repeat(8 << 20)
        );
        limit(&long, "bytes", 1 << 20);
    }

    /// What is read is bounded before anything is read, and what is passed over is not built up.
    #[test]
    fn long_texts_are_refused_unread() {
        let limits = Limits {
            message_bytes: 1 << 10,
            ..Limits::DEFAULT
        };
        // Not even JSON.
        let text = "[".repeat(Limits::TEXT_FACTOR * limits.message_bytes + 1);
        assert_eq!(
            to_ttlv(&text, &limits).unwrap_err(),
            DecodeError::Limit {
                what: "bytes of text",
                max: Limits::TEXT_FACTOR << 10
            }
        );
        assert!(matches!(
            to_ttlv(&text[1..], &limits).unwrap_err(),
            DecodeError::Text { .. }
        ));
    }
}
