//! Operations that the server has not finished when it answers (KMIP 1.4, sections 4.27, 4.28 and 6.7; 2.1, sections
//! 6.1.7, 6.1.36 and 8.3): submitted, polled for, waited for, cancelled.

use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

use kmip::message::AsynchronousIndicator;
use kmip::operations::{CancelRequest, PollRequest, Request, ResponsePayload};
use kmip::registry::{
    AsynchronousIndicatorOption, CancellationResult, Operation, ResultReason, ResultStatus,
};
use kmip::{Bytes, RequestMessage, ResponseBatchItem};
use tokio::time::{Instant, sleep_until};
use tracing::debug;

use crate::exchange::{Outcome, only_item, outcome, typed};
use crate::session::{Time, after};
use crate::{Error, ErrorKind, Result, Session, backoff};

/// The longest pause between two Polls. The first one is 1/16 of it.
const MAX_POLL_PAUSE: Duration = Duration::from_secs(1);

/// What is left of it where `max_backoff` is set to nothing.
const MIN_POLL_PAUSE: Duration = Duration::from_millis(1);

/// What a server made of an operation that it may do later.
#[derive(Debug)]
pub enum Submitted<Q: Request> {
    /// It is done already.
    Done(Q::Response),
    /// It will be done.
    Pending(Pending<Q>),
}

/// An operation that the server has accepted and not finished.
pub struct Pending<Q> {
    correlation_value: Bytes,
    operation: PhantomData<fn() -> Q>,
}

impl<Q> Pending<Q> {
    /// The operation that the server knows by this Asynchronous Correlation Value: for an operation that another process
    /// has submitted, or this one before it was started again.
    pub fn from_correlation_value(value: impl Into<Vec<u8>>) -> Self {
        Self {
            correlation_value: Bytes(value.into()),
            operation: PhantomData,
        }
    }

    /// By what the server knows the operation.
    pub fn correlation_value(&self) -> &[u8] {
        &self.correlation_value
    }
}

impl<Q: Request> fmt::Debug for Pending<Q> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pending")
            .field("operation", &Q::OPERATION)
            .field("correlation_value", &self.correlation_value())
            .finish()
    }
}

impl Session {
    /// Sends an operation, once, and allows the server to finish it later (Asynchronous Indicator). Servers that know
    /// nothing of that, PyKMIP among them, refuse it or answer at once.
    ///
    /// # Errors
    /// As for [`Session::request`].
    pub async fn submit<Q: Request>(&mut self, request: Q) -> Result<Submitted<Q>> {
        self.ensure_connected().await?;
        let time = Time::of(self.client.config().operation_timeout);
        let message = |version| {
            let mut message = RequestMessage::new(version, request);
            message.header.asynchronous_indicator =
                Some(AsynchronousIndicator(AsynchronousIndicatorOption::Optional));
            message
        };
        match self.ask(Q::OPERATION, message, time.end).await? {
            Outcome::Pending(value) => Ok(Submitted::Pending(Pending {
                correlation_value: value,
                operation: PhantomData,
            })),
            answer => {
                let payload = self.settle(Q::OPERATION, answer, time).await?;
                let response = typed::<Q>(payload);
                response
                    .map(Submitted::Done)
                    .map_err(|error| self.at_here(error, Q::OPERATION))
            }
        }
    }

    /// Asks once for the result; `None` while the operation is still pending. Many servers give a result away only
    /// once: when this fails with a broken connection, the next Poll may find nothing.
    ///
    /// # Errors
    /// The server's refusal of the operation, and what can happen to a connection.
    pub async fn poll<Q: Request>(&mut self, pending: &Pending<Q>) -> Result<Option<Q::Response>> {
        self.ensure_connected().await?;
        let end = Time::of(self.client.config().operation_timeout).end;
        let operation = Q::OPERATION;
        let polled = self
            .send_poll(operation, &pending.correlation_value, end)
            .await
            .map_err(Error::while_pending)?;
        match polled {
            Polled::Pending => Ok(None),
            Polled::Done(payload) => typed::<Q>(payload)
                .map(Some)
                .map_err(|error| self.at_here(error, operation)),
            Polled::Failed(error) => Err(self.at_here(error, operation)),
            Polled::Unknown(error) => Err(self.at_here(error, operation).while_pending()),
        }
    }

    /// Polls until the operation is done, with growing pauses (1 s at most) and over a new connection if the one in use
    /// breaks. What is not done after `limit` is cancelled, which may take up to `operation_timeout` more.
    ///
    /// # Errors
    /// The server's refusal; `Cancelled`, when the operation was cancelled, and so was not done; `Timeout`, when it could
    /// not be cancelled, so that it may be done yet ([`Error::outcome_is_unknown`]); what can happen to a connection.
    pub async fn wait<Q: Request>(
        &mut self,
        pending: Pending<Q>,
        limit: Duration,
    ) -> Result<Q::Response> {
        let poll_until = after(limit);
        let end = after(limit.saturating_add(self.client.config().operation_timeout));
        let time = Time { poll_until, end };
        let payload = self
            .follow(Q::OPERATION, &pending.correlation_value, time)
            .await?;
        typed::<Q>(payload).map_err(|error| self.at_here(error, Q::OPERATION))
    }

    /// Has the server give an operation up. `Completed` means that it was too late: its result can be polled for.
    ///
    /// # Errors
    /// `Refused`, and what can happen to a connection; the operation's outcome is unknown then.
    pub async fn cancel<Q: Request>(&mut self, pending: &Pending<Q>) -> Result<CancellationResult> {
        self.ensure_connected().await?;
        let end = Time::of(self.client.config().operation_timeout).end;
        self.send_cancel(&pending.correlation_value, end)
            .await
            .map_err(Error::while_pending)
    }

    /// Polls for the result of an operation, and cancels it when it takes too long.
    pub(crate) async fn follow(
        &mut self,
        operation: Operation,
        value: &Bytes,
        time: Time,
    ) -> Result<ResponsePayload> {
        debug!(%operation, "the operation is pending");
        let max_pause = self
            .client
            .config()
            .max_backoff
            .clamp(MIN_POLL_PAUSE, MAX_POLL_PAUSE);
        // A Poll that hangs must leave time to cancel.
        let poll_deadline = time.poll_until + time.end.duration_since(time.poll_until) / 2;
        let mut lost: Option<Error> = None;
        for round in 1.. {
            let pause = backoff::pause(round, max_pause);
            sleep_until((Instant::now() + pause).min(time.poll_until)).await;
            match self.send_poll(operation, value, poll_deadline).await {
                Ok(Polled::Done(payload)) => return Ok(payload),
                Ok(Polled::Pending) => {}
                Ok(Polled::Failed(error)) => return Err(self.at_here(error, operation)),
                // Servers give a result away once: it may have got lost, and this is what they say then.
                Ok(Polled::Unknown(error)) => {
                    return Err(match lost {
                        Some(lost) => lost.with_hint(&format!(
                            "; asked again for the result, it says: {}",
                            error.message()
                        )),
                        None => self.at_here(error, operation).while_pending(),
                    });
                }
                Err(error) => {
                    let error = self.at_here(error, operation).while_pending();
                    if !error.kind().is_transient() {
                        return Err(error);
                    }
                    debug!(%error, "polling again on a new connection");
                    lost = Some(error);
                }
            }
            if Instant::now() >= time.poll_until {
                break;
            }
        }
        self.give_up(operation, value, time.end).await
    }

    async fn give_up(
        &mut self,
        operation: Operation,
        value: &Bytes,
        end: Instant,
    ) -> Result<ResponsePayload> {
        let error = |kind, text: String| Error::new(kind, text);
        let result = match self.send_cancel(value, end).await {
            Ok(CancellationResult::Canceled) => Err(error(
                ErrorKind::Cancelled,
                "it was still pending and has been cancelled: it was not done".to_owned(),
            )),
            Ok(CancellationResult::Completed) => {
                match self.send_poll(operation, value, end).await {
                    Ok(Polled::Done(payload)) => Ok(payload),
                    Ok(Polled::Failed(error)) => Err(error),
                    Ok(Polled::Unknown(error)) | Err(error) => Err(error.while_pending()),
                    Ok(Polled::Pending) => Err(error(
                        ErrorKind::Protocol,
                        "the server says that it is complete, and that it is pending".to_owned(),
                    )
                    .while_pending()),
                }
            }
            Ok(other) => Err(error(
                ErrorKind::Timeout,
                format!("it is still pending, and cannot be cancelled ({other})"),
            )
            .while_pending()),
            Err(cause) => Err(error(
                ErrorKind::Timeout,
                format!(
                    "it is still pending, and was not cancelled: {}",
                    cause.message()
                ),
            )
            .while_pending()),
        };
        result.map_err(|error| self.at_here(error, operation))
    }

    async fn send_poll(
        &mut self,
        operation: Operation,
        value: &Bytes,
        deadline: Instant,
    ) -> Result<Polled> {
        let poll = PollRequest {
            asynchronous_correlation_value: value.clone(),
        };
        let message = |version| RequestMessage::new(version, poll);
        let read = |response| polled(only_item(response)?, operation);
        self.transact(operation.into(), message, read, deadline)
            .await
    }

    async fn send_cancel(
        &mut self,
        value: &Bytes,
        deadline: Instant,
    ) -> Result<CancellationResult> {
        let cancel = CancelRequest {
            asynchronous_correlation_value: value.clone(),
        };
        let message = |version| RequestMessage::new(version, cancel);
        let operation = Operation::Cancel;
        let error = match self.ask(operation, message, deadline).await? {
            Outcome::Done(ResponsePayload::Cancel(response))
                if response.asynchronous_correlation_value == *value =>
            {
                return Ok(response.cancellation_result);
            }
            Outcome::Done(_) => Error::new(
                ErrorKind::Protocol,
                "it says that it has cancelled another operation",
            ),
            Outcome::Refused(refusal) => refusal.into_error(),
            Outcome::Pending(_) => Error::new(ErrorKind::Protocol, "Cancel itself is pending"),
        };
        Err(self.at_here(error, operation))
    }
}

/// What is known about an operation after a Poll.
#[expect(
    clippy::large_enum_variant,
    reason = "one at a time, and looked at at once"
)]
enum Polled {
    Done(ResponsePayload),
    Pending,
    /// The operation was refused.
    Failed(Error),
    /// The Poll was refused: nothing is known.
    Unknown(Error),
}

/// What an item says about the operation that was polled for. A finished one answers as it would have at once; a refusal
/// that does not say whose it is is taken for Poll's, since that claims less. What is still pending need not repeat its
/// correlation value.
fn polled(mut item: ResponseBatchItem, operation: Operation) -> Result<Polled> {
    let is_its_own = item.operation == Some(operation)
        && item.result_reason != Some(ResultReason::InvalidAsynchronousCorrelationValue);
    match item.result_status {
        ResultStatus::Success => {}
        ResultStatus::OperationPending => return Ok(Polled::Pending),
        // Either may be named.
        _ if item.operation == Some(Operation::Poll) => item.operation = Some(operation),
        _ => {}
    }
    match outcome(item, operation)? {
        Outcome::Done(payload) => Ok(Polled::Done(payload)),
        Outcome::Pending(_) => Ok(Polled::Pending),
        Outcome::Refused(refusal) if is_its_own => Ok(Polled::Failed(refusal.into_error())),
        Outcome::Refused(refusal) => Ok(Polled::Unknown(refusal.into_error())),
    }
}
