//! BSON as MongoDB spells it in messages: `{ a: 1, b: "x" }`.

use std::fmt::Write;

use bson::{RawBsonRef, RawDocument};

/// Longer renderings are cut off here, in bytes: messages are for people.
const MAX_BYTES: usize = 4096;

/// A document in a message.
pub fn document(document: &RawDocument) -> String {
    let mut out = String::new();
    write_document(&mut out, document);
    out
}

/// A value in a message.
pub fn value(value: RawBsonRef<'_>) -> String {
    let mut out = String::new();
    write_value(&mut out, value);
    out
}

fn write_document(out: &mut String, document: &RawDocument) {
    if document.is_empty() {
        out.push_str("{}");
        return;
    }
    out.push_str("{ ");
    for (index, element) in document.iter_elements().map_while(Result::ok).enumerate() {
        if out.len() > MAX_BYTES {
            out.push_str("...");
            break;
        }
        if index > 0 {
            out.push_str(", ");
        }
        let _ = write!(out, "{}: ", element.key().as_str());
        write_value(out, element.value().unwrap_or(RawBsonRef::Undefined));
    }
    out.push_str(" }");
}

fn write_value(out: &mut String, value: RawBsonRef<'_>) {
    let _ = match value {
        RawBsonRef::Double(value) if value.fract() == 0.0 && value.abs() < 1e15 => {
            write!(out, "{value:.1}")
        }
        RawBsonRef::Double(value) => write!(out, "{value}"),
        RawBsonRef::String(value) => {
            let cut = value
                .char_indices()
                .nth(MAX_BYTES / 8)
                .map_or(value.len(), |(at, _)| at);
            let (text, rest) = value.split_at_checked(cut).unwrap_or((value, ""));
            let dots = if rest.is_empty() { "" } else { "..." };
            write!(out, "\"{text}{dots}\"")
        }
        RawBsonRef::Document(document) => {
            write_document(out, document);
            Ok(())
        }
        RawBsonRef::Array(array) => {
            out.push_str("[ ");
            for (index, value) in array.into_iter().map_while(Result::ok).enumerate() {
                if out.len() > MAX_BYTES {
                    out.push_str("...");
                    break;
                }
                if index > 0 {
                    out.push_str(", ");
                }
                write_value(out, value);
            }
            out.push_str(" ]");
            Ok(())
        }
        RawBsonRef::Boolean(value) => write!(out, "{value}"),
        RawBsonRef::Null => write!(out, "null"),
        RawBsonRef::Undefined => write!(out, "undefined"),
        RawBsonRef::Int32(value) => write!(out, "{value}"),
        RawBsonRef::Int64(value) => write!(out, "{value}"),
        RawBsonRef::Decimal128(value) => write!(out, "{value}"),
        RawBsonRef::ObjectId(value) => write!(out, "ObjectId('{value}')"),
        RawBsonRef::DateTime(value) => write!(out, "new Date({})", value.timestamp_millis()),
        RawBsonRef::Timestamp(value) => {
            write!(out, "Timestamp({}, {})", value.time, value.increment)
        }
        RawBsonRef::RegularExpression(value) => {
            write!(
                out,
                "/{}/{}",
                value.pattern.as_str(),
                value.options.as_str()
            )
        }
        RawBsonRef::Binary(value) => {
            write!(
                out,
                "BinData({}, {} bytes)",
                u8::from(value.subtype),
                value.bytes.len()
            )
        }
        RawBsonRef::MinKey => write!(out, "MinKey"),
        RawBsonRef::MaxKey => write!(out, "MaxKey"),
        other => write!(out, "({})", document::types::type_name(&other)),
    };
}

#[cfg(test)]
mod tests {
    use bson::rawdoc;

    #[test]
    fn spells_as_mongodb_does() {
        let rendered = super::document(&rawdoc! { "a": 1, "b": "x", "c": [1.5, null], "d": {} });
        assert_eq!(rendered, "{ a: 1, b: \"x\", c: [ 1.5, null ], d: {} }");
        assert!(super::document(&rawdoc! { "a": "x".repeat(1 << 20) }).len() < 10_000);
    }
}
