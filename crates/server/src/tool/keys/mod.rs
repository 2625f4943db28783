//! `strongroom keys`: looking after the keys that the data is encrypted with.

mod check;
mod connection;
mod migrate;
mod offline;
mod revoke;
mod rotate;
mod set;
mod status;

use std::io::Write;

use bson::{Bson, Document};
use serde_json::Value;

use super::Failure;
use crate::config::Environment;
use crate::config::tool::KeysCommand;

pub(super) async fn run(command: &KeysCommand, environment: Environment) -> Result<(), Failure> {
    match command {
        KeysCommand::Check(options) => check::run(options.clone().sorted(), environment).await,
        KeysCommand::Status(options) => status::run(options).await,
        KeysCommand::Rotate(options) => rotate::run(options).await,
        KeysCommand::Revoke(options) => revoke::run(options, environment).await,
        KeysCommand::Set(options) => set::run(options).await,
        KeysCommand::Migrate(options) => migrate::run(options, environment).await,
    }
}

/// An answer of the server as JSON, without what every answer has.
fn json(answer: &Document) -> String {
    let mut answer = answer.clone();
    answer.remove("ok");
    format!("{:#}\n", value(&Bson::Document(answer)))
}

/// A value as scripts want it: dates as RFC 3339, numbers as numbers.
fn value(bson: &Bson) -> Value {
    match bson {
        Bson::Null => Value::Null,
        Bson::Boolean(value) => Value::from(*value),
        Bson::Int32(value) => Value::from(*value),
        Bson::Int64(value) => Value::from(*value),
        Bson::Double(value) => Value::from(*value),
        Bson::String(value) => Value::from(value.as_str()),
        Bson::DateTime(time) => match time.try_to_rfc3339_string() {
            Ok(text) => Value::from(text),
            Err(_) => Value::from(time.timestamp_millis()),
        },
        Bson::Array(values) => values.iter().map(value).collect(),
        Bson::Document(document) => {
            let fields = document
                .iter()
                .map(|(key, field)| (key.clone(), value(field)));
            Value::Object(fields.collect())
        }
        other => Value::from(other.to_string()),
    }
}

/// What became of the key of before.
fn told_of_old_key(answer: &Document) -> String {
    match (
        answer.get_bool("oldKeyRevoked"),
        answer.get_str("revokeError"),
    ) {
        (Ok(true), _) => "  The old key is revoked.\n".to_owned(),
        (_, Ok(error)) => format!("  The old key is NOT revoked: {error}\n"),
        _ if answer.get_str("oldKeyId").is_ok() => {
            "  The old key still opens backups from before; \
             revoke it when none of them is needed (docs/key-rotation.md).\n"
                .to_owned()
        }
        _ => String::new(),
    }
}

fn print(text: &str) {
    // Whoever closed standard output does not want to read it.
    let _ = std::io::stdout().write_all(text.as_bytes());
}
