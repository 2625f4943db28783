//! One message, one answer: sent, received, and checked to belong together.

use kmip::operations::{Request, ResponsePayload};
use kmip::registry::{Operation, ResultReason, ResultStatus};
use kmip::{Bytes, DecodeError, Limits, RequestMessage, ResponseBatchItem, ResponseMessage};
use tokio::time::Instant;

use crate::connection::Connection;
use crate::{Error, ErrorKind, Result};

/// How an operation ended, or that it has not yet.
pub(crate) enum Outcome<R> {
    Done(R),
    Refused(Refusal),
    /// With what to ask for the result.
    Pending(Bytes),
}

/// A refusal, in the server's words.
pub(crate) struct Refusal {
    pub(crate) status: ResultStatus,
    pub(crate) reason: Option<ResultReason>,
    pub(crate) message: Option<String>,
}

impl Refusal {
    pub(crate) fn into_error(self) -> Error {
        use ResultReason as R;
        let kind = match (self.status, self.reason) {
            (ResultStatus::OperationUndone, _) => ErrorKind::NotDone,
            (_, Some(R::ItemNotFound | R::ObjectNotFound | R::ObjectDestroyed)) => {
                ErrorKind::NotFound
            }
            (_, Some(R::AuthenticationNotSuccessful)) => ErrorKind::AuthenticationFailed,
            (status, reason) => ErrorKind::Refused { status, reason },
        };
        let mut text = match (self.status, self.reason) {
            (ResultStatus::OperationUndone, _) => {
                "undone, because another item of the batch failed".to_owned()
            }
            (_, Some(reason)) => format!("refused, {reason}"),
            (status, None) => format!("refused without a reason ({status})"),
        };
        if let Some(message) = self
            .message
            .as_deref()
            .filter(|message| !message.is_empty())
        {
            text.push_str(": ");
            text.push_str(&printable(message));
        }
        Error::new(kind, text)
    }
}

/// Writes a request. An error is the caller's: nothing was sent.
pub(crate) fn encode(message: &RequestMessage) -> Result<kmip::ttlv::Buffer> {
    message.encode().map_err(|error| {
        Error::new(
            ErrorKind::Configuration,
            format!(
                "cannot be asked in KMIP {}: {error}",
                message.header.protocol_version
            ),
        )
    })
}

/// Sends a message and waits for the one that answers it. An error means that the connection is to be dropped.
pub(crate) async fn exchange(
    connection: &mut Connection,
    request: &[u8],
    limits: &Limits,
    deadline: Instant,
) -> Result<ResponseMessage> {
    let bytes = connection.exchange(request, deadline).await?;
    ResponseMessage::decode(&bytes, limits).map_err(|error| protocol(&error))
}

/// The item of an answer to one operation.
pub(crate) fn only_item(response: ResponseMessage) -> Result<ResponseBatchItem> {
    let mut items = response.batch_items.into_iter();
    match (items.next(), items.next()) {
        (Some(item), None) => Ok(item),
        _ => Err(not_an_answer("it has not one batch item")),
    }
}

/// What an item says about the operation that was asked for.
pub(crate) fn outcome(
    item: ResponseBatchItem,
    operation: Operation,
) -> Result<Outcome<ResponsePayload>> {
    // Absent in answers to what a server could not read.
    if let Some(answered) = item.operation
        && answered != operation
    {
        return Err(not_an_answer(&format!(
            "it is the answer to {answered}, not to {operation}"
        )));
    }
    match item.result_status {
        ResultStatus::Success => {}
        ResultStatus::OperationPending => {
            return match item.asynchronous_correlation_value {
                Some(value) => Ok(Outcome::Pending(value)),
                None => Err(not_an_answer(
                    "the operation is pending, with nothing to poll for it with",
                )),
            };
        }
        status => {
            return Ok(Outcome::Refused(Refusal {
                status,
                reason: item.result_reason,
                message: item.result_message,
            }));
        }
    }
    match item.payload {
        Some(ResponsePayload::Malformed(payload)) => Err(protocol(&payload.error)),
        Some(payload) if payload.operation() == Some(operation) => Ok(Outcome::Done(payload)),
        Some(_) => Err(not_an_answer("its payload is that of another operation")),
        None => Err(not_an_answer("it has no payload")),
    }
}

/// The payload as the type that belongs to the request.
pub(crate) fn typed<Q: Request>(payload: ResponsePayload) -> Result<Q::Response> {
    Q::Response::try_from(payload)
        .map_err(|_| not_an_answer("its payload is that of another operation"))
}

fn protocol(error: &DecodeError) -> Error {
    Error::new(
        ErrorKind::Protocol,
        format!("the answer is not valid KMIP: {error}"),
    )
}

pub(crate) fn not_an_answer(why: &str) -> Error {
    Error::new(
        ErrorKind::Protocol,
        format!("the answer does not fit the request: {why}"),
    )
}

/// The server's text, fit for a log: no control characters, not endless.
fn printable(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(300)
        .collect()
}
