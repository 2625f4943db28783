//! What a line says, before it is chained.

use kmip::registry::{Enumeration, Operation, ResultReason, ResultStatus};
use kmip_server::AuditEvent;
use serde::Serialize;
use time::OffsetDateTime;

use super::rfc3339;

/// Longest identifier, in characters. Ours have 36; a client may ask for any.
const IDENTIFIER_CHARS: usize = 128;

/// Longest correlation value, in characters.
const CORRELATION_CHARS: usize = 256;

/// One batch item.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct OperationBody<'a> {
    time: String,
    event: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    client: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tenant: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refused: Option<String>,
    common_name: Option<&'a str>,
    certificate: String,
    address: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    operation: Option<String>,
    objects: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    objects_total: Option<usize>,
    status: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    count: Option<u64>,
    batch_item: usize,
    batch_count: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_correlation_value: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    server_correlation_value: Option<String>,
}

impl<'a> OperationBody<'a> {
    pub(super) fn new(event: &'a AuditEvent<'a>) -> Self {
        let identity = event.identity.ok();
        let (batch_item, batch_count) = event.batch_item;
        Self {
            time: rfc3339(event.time),
            event: "operation",
            client: identity.map(|identity| &*identity.client),
            tenant: identity.map(|identity| &*identity.tenant),
            role: identity.map(|identity| &*identity.role),
            refused: event.identity.err().map(|refusal| refusal.to_string()),
            common_name: event.peer.common_name(),
            certificate: hex::encode(event.peer.sha256),
            address: event.peer.address.to_string(),
            operation: event.operation.map(operation),
            objects: event
                .objects
                .iter()
                .map(|identifier| shortened(identifier, IDENTIFIER_CHARS))
                .collect(),
            objects_total: (event.objects_total > event.objects.len())
                .then_some(event.objects_total),
            status: status(event.status),
            reason: event.reason.map(reason),
            version: event.version.map(|version| version.to_string()),
            count: Some(event.count).filter(|count| *count > 1),
            batch_item,
            batch_count,
            client_correlation_value: event
                .client_correlation_value
                .map(|value| shortened(value, CORRELATION_CHARS)),
            server_correlation_value: event
                .server_correlation_value
                .map(|value| shortened(value, CORRELATION_CHARS)),
        }
    }
}

/// The name as the tables have it; a number for what they do not.
fn name<E: Enumeration>(value: E) -> String {
    E::ENTRIES
        .iter()
        .find(|entry| entry.code == value.code())
        .map_or_else(
            || format!("0x{:08X}", value.code()),
            |entry| entry.name.to_owned(),
        )
}

fn operation(operation: Operation) -> String {
    name(operation)
}

fn status(status: ResultStatus) -> String {
    name(status)
}

fn reason(reason: ResultReason) -> String {
    name(reason)
}

fn shortened(text: &str, chars: usize) -> String {
    match text.char_indices().nth(chars) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
    }
}

/// What the server itself did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum NoteKind {
    /// It began to serve.
    Start,
    /// It stopped as it should.
    Stop,
    /// It took over a changed policy and changed certificates.
    Reload,
    /// It could not, and goes on with those from before.
    ReloadFailed,
    /// It copied all objects for a backup.
    Backup,
}

/// An event that is no request.
#[derive(Debug, Serialize)]
pub struct Note<'a> {
    time: String,
    event: NoteKind,
    detail: &'a str,
}

impl<'a> Note<'a> {
    /// Now.
    pub fn new(event: NoteKind, detail: &'a str) -> Self {
        Self {
            time: rfc3339(OffsetDateTime::now_utc()),
            event,
            detail,
        }
    }

    pub(super) fn is_failure(&self) -> bool {
        self.event == NoteKind::ReloadFailed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_text_is_cut_between_characters() {
        assert_eq!(shortened("abc", 3), "abc");
        assert_eq!(shortened("äöüx", 3), "äöü…");
        assert_eq!(reason(ResultReason::PermissionDenied), "PermissionDenied");
        assert_eq!(operation(Operation::Other(0x8000_0001)), "0x80000001");
    }
}
