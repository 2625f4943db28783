//! Several operations in one message (KMIP 1.4, sections 6.13 to 6.15; 2.1, sections 8.4 and 9.3 to 9.5).

use std::collections::HashMap;
use std::fmt;
use std::marker::PhantomData;
use std::sync::atomic::{AtomicU64, Ordering};

use kmip::operations::{Request, ResponsePayload};
use kmip::registry::{BatchErrorContinuationOption, Operation, ResultStatus};
use kmip::{Bytes, ProtocolVersion, RequestMessage, RequestPayload, ResponseMessage};

use crate::exchange::{Outcome, not_an_answer, outcome, typed};
use crate::session::{Asked, Time};
use crate::{Error, ErrorKind, Result, Session};

/// Several operations that are sent as one message.
///
/// They are done in their order, and after one that fails the rest is not done, unless it is said otherwise. An
/// operation without a unique identifier means the object that the one before it has yielded (the ID placeholder).
///
/// ```no_run
/// # async fn example(mut session: kmip_client::Session, key: kmip::operations::CreateRequest) -> kmip_client::Result<()> {
/// use kmip::operations::{ActivateRequest, GetRequest};
/// use kmip_client::Batch;
///
/// let mut batch = Batch::new();
/// let created = batch.add(key);
/// let activated = batch.add(ActivateRequest::default());
/// let got = batch.add(GetRequest::default());
/// let mut answers = session.send(batch).await?;
/// let id = answers.take(created)?.unique_identifier;
/// answers.take(activated)?;
/// let key = answers.take(got)?;
/// # drop((id, key));
/// # Ok(())
/// # }
/// ```
pub struct Batch {
    number: u64,
    payloads: Vec<RequestPayload>,
    operations: Vec<Operation>,
    on_error: Option<BatchErrorContinuationOption>,
    is_ordered: bool,
}

/// One operation of a batch: with it, [`Answers::take`] finds the answer.
#[must_use = "without it the answer cannot be found"]
pub struct BatchItem<Q> {
    batch: u64,
    place: usize,
    request: PhantomData<fn() -> Q>,
}

impl Default for Batch {
    fn default() -> Self {
        Self::new()
    }
}

impl Batch {
    /// No operations yet.
    pub fn new() -> Self {
        static NUMBERS: AtomicU64 = AtomicU64::new(0);
        Self {
            number: NUMBERS.fetch_add(1, Ordering::Relaxed),
            payloads: Vec::new(),
            operations: Vec::new(),
            on_error: None,
            is_ordered: true,
        }
    }

    /// What happens to the other operations when one fails. Default: those behind it are not done (`Stop`). With
    /// `Continue` they are done, with `Undo` those before it are undone too; servers need not have the latter and refuse
    /// the batch then.
    pub fn on_error(mut self, option: BatchErrorContinuationOption) -> Self {
        self.on_error = Some(option);
        self
    }

    /// Lets the server do the operations in any order. Not with the ID placeholder.
    pub fn in_any_order(mut self) -> Self {
        self.is_ordered = false;
        self
    }

    /// Adds an operation.
    pub fn add<Q: Request>(&mut self, request: Q) -> BatchItem<Q> {
        let place = self.payloads.len();
        self.payloads.push(request.into());
        self.operations.push(Q::OPERATION);
        BatchItem {
            batch: self.number,
            place,
            request: PhantomData,
        }
    }

    /// How many operations.
    pub fn len(&self) -> usize {
        self.payloads.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.payloads.is_empty()
    }

    fn into_message(self, version: ProtocolVersion) -> RequestMessage {
        let mut message = RequestMessage::batch(version, self.payloads);
        message.header.batch_error_continuation_option = self.on_error;
        message.header.batch_order_option = self.is_ordered.then_some(true);
        // A batch of one is a plain request: there are servers that know nothing else.
        if let [only] = message.batch_items.as_mut_slice() {
            only.unique_batch_item_id = None;
            message.header.batch_order_option = None;
        }
        message
    }
}

impl fmt::Debug for Batch {
    /// The operations: what is in them may be keys.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batch")
            .field("operations", &self.operations)
            .field("on_error", &self.on_error)
            .field("is_ordered", &self.is_ordered)
            .finish_non_exhaustive()
    }
}

/// What became of the operations of a batch.
pub struct Answers {
    batch: u64,
    items: Vec<Option<Result<ResponsePayload>>>,
}

impl Answers {
    /// The answer to this operation.
    ///
    /// # Errors
    /// `NotDone`, when another operation failed and this one was therefore not done or was undone; otherwise as if it
    /// had been sent alone. `Configuration`, if the operation is one of another batch.
    pub fn take<Q: Request>(&mut self, item: BatchItem<Q>) -> Result<Q::Response> {
        let answer = (item.batch == self.batch)
            .then(|| self.items.get_mut(item.place))
            .flatten()
            .and_then(Option::take);
        match answer {
            Some(answer) => typed::<Q>(answer?),
            None => Err(Error::new(
                ErrorKind::Configuration,
                "the operation is one of another batch",
            )),
        }
    }

    /// Why the batch was not done to its end: the failure of the first operation that was tried and failed, among those
    /// whose answers have not been taken yet.
    pub fn first_failure(&self) -> Option<&Error> {
        self.items
            .iter()
            .flatten()
            .filter_map(|answer| answer.as_ref().err())
            .find(|error| *error.kind() != ErrorKind::NotDone)
    }
}

impl fmt::Debug for Answers {
    /// How each operation ended, without what it yielded.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.items.iter().flatten().map(|answer| match answer {
                Ok(payload) => format!("{:?}", payload.operation()),
                Err(error) => error.to_string(),
            }))
            .finish()
    }
}

impl Session {
    /// Sends a batch, once. Operations that the server answers with Pending are polled for, all within
    /// `operation_timeout`.
    ///
    /// # Errors
    /// What is wrong with the batch as a whole: `Configuration` for an empty one, for more operations than
    /// `limits.batch_items`, and for what the session's version lacks; the server's refusal of the whole; `Protocol` for
    /// answers that are missing without a reason, doubled, or to something else; and what can happen to a connection
    /// ([`Error::outcome_is_unknown`] then tells whether some of the operations may have been done). The failure of a
    /// single operation is told by [`Answers::take`].
    pub async fn send(&mut self, batch: Batch) -> Result<Answers> {
        let limits = self.client.config().limits;
        if batch.is_empty() {
            return Err(Error::new(
                ErrorKind::Configuration,
                "the batch has no operations",
            ));
        }
        if batch.len() > limits.batch_items {
            return Err(Error::new(
                ErrorKind::Configuration,
                format!(
                    "the batch has {} operations; its answer may have {} (limits.batch_items)",
                    batch.len(),
                    limits.batch_items
                ),
            ));
        }
        self.ensure_connected().await?;
        let time = Time::of(self.client.config().operation_timeout);
        let number = batch.number;
        let operations = batch.operations.clone();
        let rule = Rule {
            may_stop: batch.on_error != Some(BatchErrorContinuationOption::Continue),
            is_ordered: batch.is_ordered,
        };
        let outcomes = self
            .transact(
                Asked::Batch,
                |version| batch.into_message(version),
                |response| rule.matched(response, &operations),
                time.end,
            )
            .await?;
        let outcomes = match outcomes {
            Matched::Items(outcomes) => outcomes,
            Matched::Whole(refusal) => return Err(self.at_here(refusal, Asked::Batch)),
        };
        let mut items = Vec::with_capacity(outcomes.len());
        for (operation, outcome) in operations.into_iter().zip(outcomes) {
            let answer = match outcome {
                Some(outcome) => self.settle(operation, outcome, time).await,
                None => {
                    let error = Error::new(
                        ErrorKind::NotDone,
                        "not done, because another item of the batch failed",
                    );
                    Err(self.at_here(error, operation))
                }
            };
            items.push(Some(answer));
        }
        Ok(Answers {
            batch: number,
            items,
        })
    }
}

/// Which answers may be missing.
#[derive(Clone, Copy)]
struct Rule {
    /// Behind a failure.
    may_stop: bool,
    /// Behind means behind.
    is_ordered: bool,
}

/// The answer to a batch.
enum Matched {
    /// To each operation, in the order of the request; `None` for what was not done.
    Items(Vec<Option<Outcome<ResponsePayload>>>),
    /// The server refuses the message.
    Whole(Error),
}

impl Rule {
    /// Finds for each operation its answer, by the names of the items.
    fn matched(self, response: ResponseMessage, operations: &[Operation]) -> Result<Matched> {
        let is_single = operations.len() == 1;
        // What a server says when it could not read the request, or will not have it.
        if let [only] = response.batch_items.as_slice()
            && only.unique_batch_item_id.is_none()
            && !is_single
            && !matches!(
                only.result_status,
                ResultStatus::Success | ResultStatus::OperationPending
            )
        {
            let item = response.batch_items.into_iter().next();
            let refusal = item.map(|item| crate::exchange::Refusal {
                status: item.result_status,
                reason: item.result_reason,
                message: item.result_message,
            });
            return match refusal {
                Some(refusal) => Ok(Matched::Whole(refusal.into_error())),
                None => Err(not_an_answer("it has no items")),
            };
        }
        let places: HashMap<Bytes, usize> = RequestMessage::batch_item_ids(operations.len())
            .enumerate()
            .map(|(place, id)| (id, place))
            .collect();
        let mut outcomes: Vec<Option<Outcome<ResponsePayload>>> = Vec::new();
        outcomes.resize_with(operations.len(), || None);
        for item in response.batch_items {
            let place = match &item.unique_batch_item_id {
                None if is_single => 0,
                None => return Err(not_an_answer("an item has no Unique Batch Item ID")),
                Some(id) => *places
                    .get(id)
                    .ok_or_else(|| not_an_answer("it has an item that was not asked for"))?,
            };
            let (Some(slot), Some(operation)) = (outcomes.get_mut(place), operations.get(place))
            else {
                return Err(not_an_answer("it has an item that was not asked for"));
            };
            if slot.is_some() {
                return Err(not_an_answer("it answers an item twice"));
            }
            *slot = Some(outcome(item, *operation)?);
        }
        self.check_missing(&outcomes)?;
        Ok(Matched::Items(outcomes))
    }

    /// Answers may be missing behind a failure only.
    fn check_missing(self, outcomes: &[Option<Outcome<ResponsePayload>>]) -> Result<()> {
        let failed = outcomes
            .iter()
            .position(|outcome| matches!(outcome, Some(Outcome::Refused(_))))
            .filter(|_| self.may_stop);
        let needed = match failed {
            Some(place) if self.is_ordered => place,
            Some(_) => 0,
            None => outcomes.len(),
        };
        match outcomes.iter().take(needed).position(Option::is_none) {
            Some(place) => Err(not_an_answer(&format!(
                "item {} of {} has no answer",
                place + 1,
                outcomes.len()
            ))),
            None => Ok(()),
        }
    }
}
