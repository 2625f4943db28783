//! Values as text: what XML and JSON have in common.

use std::fmt::Write as _;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::attributes::tag_of_name;
use crate::registry::{Tag, enumeration_of, mask_of};

/// Why a value cannot be read. Says what it should be, never what it is.
pub(super) type Reason = &'static str;

/// The tag that says which enumeration or mask a value is of: in 1.x's Attribute, that of the attribute.
pub(super) fn meaning(tag: Tag, attribute: Option<Tag>) -> Tag {
    match (tag, attribute) {
        (Tag::AttributeValue, Some(attribute)) => attribute,
        _ => tag,
    }
}

/// The tag of the attribute whose name in 1.x is `name`; any white space counts as one blank.
pub(super) fn attribute_of(name: &str) -> Option<Tag> {
    tag_of_name(name).or_else(|| {
        let collapsed = name.split_ascii_whitespace().collect::<Vec<_>>().join(" ");
        tag_of_name(&collapsed)
    })
}

/// Whether the values of the enumeration are tags.
fn is_tag_enumeration(meaning: Tag) -> bool {
    matches!(meaning, Tag::AttributeReference | Tag::Tag)
}

fn hexadecimal(text: &str) -> Option<u64> {
    u64::from_str_radix(text.strip_prefix("0x")?, 16).ok()
}

pub(super) fn tag_from_text(text: &str) -> Result<Tag, Reason> {
    match hexadecimal(text) {
        Some(code) => match u32::try_from(code) {
            Ok(code) if code <= 0xFF_FFFF => Ok(Tag(code)),
            _ => Err("a tag has 24 bits"),
        },
        None => Tag::from_name(text).ok_or("not the name of a tag"),
    }
}

pub(super) fn tag_to_text(tag: Tag) -> String {
    tag.to_string()
}

pub(super) fn enumeration_from_text(meaning: Tag, text: &str) -> Result<u32, Reason> {
    if let Some(code) = hexadecimal(text) {
        return u32::try_from(code).map_err(|_| "an enumeration has 32 bits");
    }
    if is_tag_enumeration(meaning) {
        return tag_from_text(text).map(|tag| tag.0);
    }
    if let Some(code) = enumeration_of(meaning).and_then(|table| table.code_of(text)) {
        return Ok(code);
    }
    text.parse().map_err(|_| "not a value of the enumeration")
}

pub(super) fn enumeration_to_text(meaning: Tag, code: u32) -> String {
    let name = if is_tag_enumeration(meaning) {
        Tag(code).name()
    } else {
        enumeration_of(meaning).and_then(|table| table.name_of(code))
    };
    name.map_or_else(|| format!("0x{code:08X}"), str::to_owned)
}

/// A number, or the names of a mask's bits.
pub(super) fn integer_from_text(meaning: Tag, text: &str, separator: char) -> Result<i32, Reason> {
    let text = text.trim();
    if let Ok(number) = text.parse() {
        return Ok(number);
    }
    let names = mask_of(meaning);
    let mut bits = 0_u32;
    let is_separator = |c: char| c == separator || c.is_ascii_whitespace();
    for word in text.split(is_separator).filter(|word| !word.is_empty()) {
        bits |= match hexadecimal(word) {
            Some(code) => u32::try_from(code).map_err(|_| "an integer has 32 bits")?,
            None => names
                .and_then(|mask| mask.entries.iter().find(|entry| entry.name == word))
                .map(|entry| entry.code)
                .ok_or("neither a number nor the names of a mask's bits")?,
        };
    }
    Ok(bits as i32)
}

/// The names of a mask's bits; `None` for what is no mask.
pub(super) fn mask_to_text(meaning: Tag, value: i32, separator: &str) -> Option<String> {
    let mask = mask_of(meaning)?;
    let bits = value as u32;
    if bits == 0 {
        return None;
    }
    let mut text = String::new();
    let mut rest = bits;
    for entry in mask.entries.iter().filter(|entry| bits & entry.code != 0) {
        if !text.is_empty() {
            text.push_str(separator);
        }
        text.push_str(entry.name);
        rest &= !entry.code;
    }
    if rest != 0 {
        if !text.is_empty() {
            text.push_str(separator);
        }
        // Writing to a String cannot fail.
        let _ = write!(text, "0x{rest:08X}");
    }
    Some(text)
}

pub(super) fn long_from_text(text: &str) -> Result<i64, Reason> {
    match hexadecimal(text) {
        Some(bits) => Ok(bits as i64),
        None => text.parse().map_err(|_| "not a number of 64 bits"),
    }
}

pub(super) fn interval_from_text(text: &str) -> Result<u32, Reason> {
    match hexadecimal(text) {
        Some(bits) => u32::try_from(bits).map_err(|_| "an interval has 32 bits"),
        None => text.parse().map_err(|_| "not a number of 32 bits"),
    }
}

pub(super) fn boolean_from_text(text: &str) -> Result<bool, Reason> {
    match text {
        "true" | "1" | "0x0000000000000001" => Ok(true),
        "false" | "0" | "0x0000000000000000" => Ok(false),
        _ => Err("a Boolean is true or false"),
    }
}

pub(super) fn bytes_from_text(text: &str) -> Result<Vec<u8>, Reason> {
    hex::decode(text).map_err(|_| "not hexadecimal")
}

/// Big integers may have any number of digits here.
pub(super) fn big_integer_from_text(text: &str) -> Result<Vec<u8>, Reason> {
    let digits = text.strip_prefix("0x").unwrap_or(text);
    if digits.is_empty() {
        return Err("a big integer has at least one digit");
    }
    bytes_from_text(digits)
}

pub(super) fn date_time_from_text(text: &str) -> Result<i64, Reason> {
    match hexadecimal(text) {
        Some(bits) => Ok(bits as i64),
        None => OffsetDateTime::parse(text, &Rfc3339)
            .map(OffsetDateTime::unix_timestamp)
            .map_err(|_| "not a time of ISO 8601"),
    }
}

/// ISO 8601; a hexadecimal number beyond the years that it can express.
pub(super) fn date_time_to_text(seconds: i64) -> String {
    OffsetDateTime::from_unix_timestamp(seconds)
        .ok()
        .filter(|time| (0..=9999).contains(&time.year()))
        .and_then(|time| time.format(&Rfc3339).ok())
        .unwrap_or_else(|| format!("0x{seconds:016X}"))
}

pub(super) fn date_time_extended_from_text(text: &str) -> Result<i64, Reason> {
    match hexadecimal(text) {
        Some(bits) => Ok(bits as i64),
        None => {
            let time =
                OffsetDateTime::parse(text, &Rfc3339).map_err(|_| "not a time of ISO 8601")?;
            i64::try_from(time.unix_timestamp_nanos().div_euclid(1000))
                .map_err(|_| "a time out of range")
        }
    }
}

pub(super) fn date_time_extended_to_text(microseconds: i64) -> String {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(microseconds) * 1000)
        .ok()
        .filter(|time| (0..=9999).contains(&time.year()))
        .and_then(|time| time.format(&Rfc3339).ok())
        .unwrap_or_else(|| format!("0x{microseconds:016X}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks() {
        let mask = Tag::CryptographicUsageMask;
        assert_eq!(integer_from_text(mask, "Decrypt   Encrypt", ' '), Ok(12));
        assert_eq!(
            integer_from_text(mask, "Decrypt|Encrypt|0x80000000", '|'),
            Ok(12 | i32::MIN)
        );
        assert_eq!(integer_from_text(mask, "-4", ' '), Ok(-4));
        assert_eq!(
            mask_to_text(mask, 12 | i32::MIN, "|").as_deref(),
            Some("Encrypt|Decrypt|0x80000000")
        );
        assert_eq!(mask_to_text(Tag::BatchCount, 12, " "), None);
        assert!(integer_from_text(Tag::BatchCount, "Encrypt", ' ').is_err());
    }

    #[test]
    fn enumerations_in_an_attribute_take_its_meaning() {
        let state = meaning(Tag::AttributeValue, attribute_of("State"));
        assert_eq!(enumeration_from_text(state, "Active"), Ok(2));
        assert_eq!(enumeration_to_text(state, 2), "Active");
        assert_eq!(enumeration_to_text(state, 0x8000_0001), "0x80000001");
        assert_eq!(
            enumeration_to_text(Tag::AttributeReference, 0x42_008D),
            "State"
        );
        assert!(enumeration_from_text(Tag::AttributeValue, "Active").is_err());
        assert_eq!(
            attribute_of("Cryptographic\n   Length"),
            Some(Tag::CryptographicLength)
        );
    }

    #[test]
    fn times_at_the_edges_come_back() {
        for seconds in [
            0,
            -1,
            1_371_853_139,
            i64::MAX,
            i64::MIN,
            253_402_300_799,
            253_402_300_800,
        ] {
            assert_eq!(
                date_time_from_text(&date_time_to_text(seconds)),
                Ok(seconds),
                "{seconds}"
            );
            assert_eq!(
                date_time_extended_from_text(&date_time_extended_to_text(seconds)),
                Ok(seconds),
                "{seconds}"
            );
        }
        assert_eq!(
            date_time_from_text("2013-06-26T05:54:18+00:00"),
            Ok(1_372_226_058)
        );
    }
}
