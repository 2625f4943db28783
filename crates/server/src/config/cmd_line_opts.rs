//! What `getCmdLineOpts` answers.

use std::path::Path;

use bson::{Bson, Document};

use super::command_line;
use super::secret::REDACTED;
use super::settings::Settings;
use super::value::Value;

/// The options as they were given, secrets replaced.
#[derive(Clone, Debug)]
pub struct CmdLineOpts {
    argv: Vec<String>,
    parsed: Document,
}

impl CmdLineOpts {
    pub(super) fn new(settings: &Settings, args: &[String], config: Option<&Path>) -> Self {
        let mut parsed = Document::new();
        if let Some(file) = config {
            parsed.insert("config", file.display().to_string());
        }
        for (path, setting) in settings.iter() {
            let value = match &setting.value {
                Value::Bool(value) => Bson::Boolean(*value),
                Value::Int(value) => i32::try_from(*value).map_or(Bson::Int64(*value), Bson::Int32),
                Value::Text(text) => Bson::String(text.clone()),
                Value::Secret(_) => Bson::String(REDACTED.to_owned()),
                Value::Nothing => Bson::String(String::new()),
            };
            insert(&mut parsed, path, value);
        }
        // `--logpath` alone means a file, and mongod shows it so.
        if settings.text("systemLog.path").is_some() {
            insert(
                &mut parsed,
                "systemLog.destination",
                Bson::String("file".to_owned()),
            );
        }
        Self {
            argv: command_line::redact(args),
            parsed,
        }
    }

    /// The program's name and arguments, passwords replaced.
    #[must_use]
    pub fn argv(&self) -> &[String] {
        &self.argv
    }

    /// [`Self::parsed`] as JSON, for the log.
    #[must_use]
    pub fn parsed_json(&self) -> String {
        serde_json::to_string(&self.parsed).unwrap_or_default()
    }

    /// The options by section, passwords replaced.
    #[must_use]
    pub fn parsed(&self) -> &Document {
        &self.parsed
    }
}

fn insert(document: &mut Document, path: &str, value: Bson) {
    match path.split_once('.') {
        None => {
            document.insert(path, value);
        }
        Some((section, rest)) => {
            let entry = document
                .entry(section.to_owned())
                .or_insert_with(|| Document::new().into());
            if let Bson::Document(section) = entry {
                insert(section, rest, value);
            }
        }
    }
}
