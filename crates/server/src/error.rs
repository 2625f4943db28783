//! A command's refusal, as the client will see it.

use std::borrow::Cow;

use bson::RawDocumentBuf;
use document::{ErrorCode, Writer};

use crate::emit;
use crate::log::events;

/// The result of a command.
pub type Result<T, E = CommandError> = std::result::Result<T, E>;

/// Why a command failed: MongoDB's code, a message for people, and what else a driver expects.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
pub struct CommandError {
    /// What the client switches on.
    pub code: ErrorCode,
    /// What was wrong, where, and what to do.
    pub message: Cow<'static, str>,
    /// Fields beside code and message, such as a duplicate key's `keyPattern` and `keyValue`.
    /// They may hold the client's own data: for the reply, never for the log.
    pub details: Option<Box<RawDocumentBuf>>,
}

impl CommandError {
    /// A refusal with `code`.
    pub fn new(code: ErrorCode, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            code,
            message: message.into(),
            details: None,
        }
    }

    /// `BadValue` (2).
    pub fn bad_value(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorCode::BadValue, message)
    }

    /// `FailedToParse` (9).
    pub fn failed_to_parse(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorCode::FailedToParse, message)
    }

    /// Writes `errmsg`, `code` and `codeName` and the details: the end of a command's reply.
    pub fn write(&self, writer: &mut Writer) {
        writer.double("ok", 0.0);
        writer.string("errmsg", &self.message);
        writer.int32("code", self.code.code());
        writer.string("codeName", &self.code.name());
        self.write_details(writer);
    }

    /// Writes the element of `writeErrors` for the statement at `index`.
    pub fn write_as_write_error(&self, writer: &mut Writer, index: usize) {
        writer.begin_element_document();
        writer.int32("index", i32::try_from(index).unwrap_or(i32::MAX));
        writer.int32("code", self.code.code());
        self.write_details(writer);
        writer.string("errmsg", &self.message);
        writer.end();
    }

    fn write_details(&self, writer: &mut Writer) {
        let details = self
            .details
            .iter()
            .flat_map(|details| details.iter_elements());
        for element in details.map_while(std::result::Result::ok) {
            if let Ok(value) = element.value() {
                writer.field(element.key().as_str(), value);
            }
        }
    }
}

impl From<query::Error> for CommandError {
    fn from(error: query::Error) -> Self {
        Self::new(error.code, error.message)
    }
}

impl From<wire::Error> for CommandError {
    fn from(error: wire::Error) -> Self {
        Self::new(error.code(), error.to_string())
    }
}

impl From<document::ValidationError> for CommandError {
    fn from(error: document::ValidationError) -> Self {
        Self::new(error.code(), error.to_string())
    }
}

impl From<storage::Error> for CommandError {
    fn from(error: storage::Error) -> Self {
        let code = error.code();
        match error {
            storage::Error::DuplicateKey(duplicate) => {
                let mut details = RawDocumentBuf::new();
                details.append(
                    bson::raw::cstr!("keyPattern"),
                    duplicate.key_pattern.clone(),
                );
                details.append(bson::raw::cstr!("keyValue"), duplicate.key_value.clone());
                Self {
                    code,
                    message: format!(
                        "{}{}",
                        duplicate.message(),
                        crate::render::document(&duplicate.key_value)
                    )
                    .into(),
                    details: Some(Box::new(details)),
                }
            }
            // A driver takes the code of a shutdown for the end of the whole server.
            storage::Error::Closed => Self::new(
                ErrorCode::DatabaseDropPending,
                "the database was dropped or closed while it was used: try again",
            ),
            // What befell the files is for the operator, who finds it in the log.
            error if code == ErrorCode::InternalError => {
                emit!(events::STORAGE_FAILED, %error);
                Self::new(code, "the storage engine failed: the server's log says how")
            }
            error => Self::new(code, error.to_string()),
        }
    }
}
