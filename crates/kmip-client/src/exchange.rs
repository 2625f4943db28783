//! One request, one answer: encoded, sent, received, and checked to belong together.

use std::time::Duration;

use kmip::operations::{Request, ResponsePayload};
use kmip::registry::{Operation, ResultReason, ResultStatus};
use kmip::{
    DecodeError, Limits, ProtocolVersion, RequestMessage, ResponseBatchItem, ResponseMessage,
};

use crate::connection::Connection;
use crate::{Error, ErrorKind, Result};

/// What a server answered to one operation.
pub(crate) struct Answer<R> {
    /// The version of the answer's header. A server that does not have the request's version may answer in another.
    pub(crate) version: ProtocolVersion,
    pub(crate) outcome: std::result::Result<R, Refusal>,
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
        let kind = match self.reason {
            Some(R::ItemNotFound | R::ObjectNotFound | R::ObjectDestroyed) => ErrorKind::NotFound,
            Some(R::AuthenticationNotSuccessful) => ErrorKind::AuthenticationFailed,
            reason => ErrorKind::Refused {
                status: self.status,
                reason,
            },
        };
        let mut text = match self.reason {
            Some(reason) => format!("refused, {reason}"),
            None => format!("refused without a reason ({})", self.status),
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

/// Sends one operation and waits for its answer. An error means that the connection is to be dropped; a refusal does
/// not.
pub(crate) async fn exchange<Q: Request>(
    connection: &mut Connection,
    version: ProtocolVersion,
    limits: &Limits,
    request: Q,
    limit: Duration,
) -> Result<Answer<Q::Response>> {
    let operation = Q::OPERATION;
    let request = RequestMessage::new(version, request)
        .encode()
        .map_err(|error| {
            // Nothing was sent: the connection is as good as before, but nobody needs it.
            Error::new(
                ErrorKind::Configuration,
                format!("cannot be asked in KMIP {version}: {error}"),
            )
        })?;
    let bytes = connection.exchange(request.as_slice(), limit).await?;
    let response = ResponseMessage::decode(&bytes, limits).map_err(|error| protocol(&error))?;
    drop(bytes);
    let version = response.header.protocol_version;
    let mut items = response.batch_items.into_iter();
    let (Some(item), None) = (items.next(), items.next()) else {
        return Err(not_an_answer("it has not one batch item"));
    };
    Ok(Answer {
        version,
        outcome: outcome::<Q>(item, operation)?,
    })
}

fn outcome<Q: Request>(
    item: ResponseBatchItem,
    operation: Operation,
) -> Result<std::result::Result<Q::Response, Refusal>> {
    // Absent in answers to what a server could not read.
    if let Some(answered) = item.operation
        && answered != operation
    {
        return Err(not_an_answer(&format!(
            "it is the answer to {answered}, not to {operation}"
        )));
    }
    if item.result_status != ResultStatus::Success {
        return Ok(Err(Refusal {
            status: item.result_status,
            reason: item.result_reason,
            message: item.result_message,
        }));
    }
    match item.payload {
        Some(ResponsePayload::Malformed(payload)) => Err(protocol(&payload.error)),
        Some(payload) => Q::Response::try_from(payload)
            .map(Ok)
            .map_err(|_| not_an_answer("its payload is that of another operation")),
        None => Err(not_an_answer("it has no payload")),
    }
}

fn protocol(error: &DecodeError) -> Error {
    Error::new(
        ErrorKind::Protocol,
        format!("the answer is not valid KMIP: {error}"),
    )
}

fn not_an_answer(why: &str) -> Error {
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
