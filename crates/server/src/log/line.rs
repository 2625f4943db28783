//! One line of the log: MongoDB's structured JSON.

use std::fmt::{self, Write};

use time::OffsetDateTime;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;
use tracing::field::{Field, Visit};

/// Longest string in a line, in bytes, as MongoDB's default of `maxLogSizeKB`. Longer ones are cut.
pub(super) const MAX_STRING_BYTES: usize = 10 * 1024;

/// A field `x_json` becomes the attribute `x` with the JSON document as its value.
const JSON_SUFFIX: &str = "_json";

const TIME: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]+00:00");

/// What the fields of an event hold.
#[derive(Default)]
pub(super) struct Fields {
    pub(super) id: u64,
    pub(super) ctx: Option<String>,
    pub(super) message: String,
    pub(super) fatal: bool,
    pub(super) startup_warning: bool,
    /// The members of `attr`, as JSON without the braces.
    attributes: String,
    /// The members of `truncated`, likewise.
    truncated: String,
}

impl Fields {
    fn name(&mut self, name: &str) {
        if !self.attributes.is_empty() {
            self.attributes.push(',');
        }
        write_string(&mut self.attributes, name);
        self.attributes.push(':');
    }

    /// A value that is a JSON document already, for fields whose name ends in [`JSON_SUFFIX`].
    fn json(&mut self, name: &str, text: &str) -> bool {
        if text.len() > MAX_STRING_BYTES || text.contains('\n') {
            return false;
        }
        if serde_json::from_str::<serde::de::IgnoredAny>(text).is_err() {
            return false;
        }
        self.name(name);
        self.attributes.push_str(text);
        true
    }

    fn text(&mut self, field: &Field, text: &str) {
        if let Some(name) = field.name().strip_suffix(JSON_SUFFIX)
            && self.json(name, text)
        {
            return;
        }
        self.name(field.name());
        let shown = cut(text);
        write_string(&mut self.attributes, shown);
        if shown.len() < text.len() {
            if !self.truncated.is_empty() {
                self.truncated.push(',');
            }
            write_string(&mut self.truncated, field.name());
            let _ = write!(
                self.truncated,
                r#":{{"type":"string","size":{}}}"#,
                text.len()
            );
        }
    }

    fn plain(&mut self, field: &Field, value: impl fmt::Display) {
        self.name(field.name());
        let _ = write!(self.attributes, "{value}");
    }
}

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "message" => self.message.push_str(cut(value)),
            "ctx" => self.ctx = Some(cut(value).to_owned()),
            _ => self.text(field, value),
        }
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        match field.name() {
            "id" => self.id = value,
            _ => self.plain(field, value),
        }
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        match (field.name(), u64::try_from(value)) {
            ("id", Ok(id)) => self.id = id,
            _ => self.plain(field, value),
        }
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        if value.is_finite() {
            self.plain(field, value);
        } else {
            self.text(field, &value.to_string());
        }
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        match field.name() {
            "fatal" => self.fatal = value,
            "startupWarning" => self.startup_warning = value,
            _ => self.plain(field, value),
        }
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        // The chain of causes is what tells "refused" from "unreachable".
        let mut text = value.to_string();
        let mut cause = value.source();
        while let Some(error) = cause {
            let said = error.to_string();
            if !text.contains(&said) {
                let _ = write!(text, ": {said}");
            }
            cause = error.source();
        }
        self.text(field, &text);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let text = format!("{value:?}");
        self.record_str(field, &text);
    }
}

/// Writes the line, its line feed included.
pub(super) fn write(
    out: &mut String,
    time: OffsetDateTime,
    severity: &str,
    component: &str,
    ctx: &str,
    fields: &Fields,
) {
    out.push_str(r#"{"t":{"$date":""#);
    out.push_str(&time.format(TIME).unwrap_or_default());
    let _ = write!(
        out,
        r#""}},"s":"{severity}","c":"{component}","id":{},"ctx":"#,
        fields.id
    );
    write_string(out, ctx);
    out.push_str(r#","msg":"#);
    write_string(out, &fields.message);
    if !fields.attributes.is_empty() {
        let _ = write!(out, r#","attr":{{{}}}"#, fields.attributes);
    }
    if fields.startup_warning {
        out.push_str(r#","tags":["startupWarnings"]"#);
    }
    if !fields.truncated.is_empty() {
        let _ = write!(out, r#","truncated":{{{}}}"#, fields.truncated);
    }
    out.push_str("}\n");
}

/// The beginning of the text that fits into a line, cut between characters.
fn cut(text: &str) -> &str {
    (0..=MAX_STRING_BYTES.min(text.len()))
        .rev()
        .find_map(|end| text.get(..end))
        .unwrap_or_default()
}

/// Writes a JSON string. Control characters are escaped, those that terminals obey (C1, DEL) and the
/// line separators of Unicode too, so that a value can neither forge a line nor drive a terminal.
fn write_string(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_survive_json_whatever_they_hold() {
        bolero::check!()
            .with_iterations(3000)
            .with_type::<String>()
            .for_each(|text| {
                let mut out = String::new();
                write_string(&mut out, text);
                assert!(!out.chars().any(char::is_control), "{out:?}");
                assert_eq!(&serde_json::from_str::<String>(&out).unwrap(), text);
            });
    }

    #[test]
    fn long_text_is_cut_between_characters() {
        let text = "é".repeat(MAX_STRING_BYTES);
        let shown = cut(&text);
        assert!(shown.len() <= MAX_STRING_BYTES && shown.len() > MAX_STRING_BYTES - 2);
        assert_eq!(cut("short"), "short");
    }
}
