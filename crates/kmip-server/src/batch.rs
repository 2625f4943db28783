//! The items of a request, in order (KMIP 1.4, section 6.14 and 4.0; 2.1, section 7).

use std::sync::Arc;

use kmip::message::AsynchronousIndicator;
use kmip::registry::{
    AsynchronousIndicatorOption, BatchErrorContinuationOption, Operation, ResultReason,
    ResultStatus, UniqueIdentifierPlaceholder,
};
use kmip::{
    ProtocolVersion, RequestBatchItem, RequestMessage, ResponseBatchItem, UniqueIdentifier,
};

use crate::failure::Failure;
use crate::objects::Objects;
use crate::operations;

/// What an operation knows besides its payload.
pub(crate) struct Context<'a> {
    pub(crate) objects: &'a Objects,
    pub(crate) owner: &'a Arc<str>,
    pub(crate) version: ProtocolVersion,
    /// The object that the last successful item was about (KMIP 1.4, section 4, "ID Placeholder").
    placeholder: Option<String>,
    /// The operation of each item so far, and the object it yielded.
    yielded: Vec<(Option<Operation>, Option<String>)>,
}

impl Context<'_> {
    /// The identifier that the request means.
    pub(crate) fn identifier(&self, given: Option<UniqueIdentifier>) -> Result<String, Failure> {
        let yielded = |position: Option<usize>| {
            position
                .and_then(|position| self.yielded.get(position))
                .and_then(|(_, id)| id.clone())
        };
        let found = match given {
            Some(UniqueIdentifier::Text(text)) => return Ok(text),
            None
            | Some(UniqueIdentifier::Placeholder(UniqueIdentifierPlaceholder::IDPlaceholder)) => {
                self.placeholder.clone()
            }
            Some(UniqueIdentifier::Placeholder(placeholder)) => {
                let name = placeholder.to_string();
                self.yielded
                    .iter()
                    .rev()
                    .find(|(operation, _)| {
                        operation.is_some_and(|operation| operation.to_string() == name)
                    })
                    .and_then(|(_, identifier)| identifier.clone())
            }
            Some(UniqueIdentifier::BatchItem(index)) => {
                let index = isize::try_from(index).unwrap_or_default();
                yielded(match index {
                    1.. => index
                        .checked_sub(1)
                        .and_then(|index| usize::try_from(index).ok()),
                    _ => self.yielded.len().checked_add_signed(index),
                })
            }
        };
        found.ok_or_else(|| {
            Failure::new(
                ResultReason::ItemNotFound,
                "the request does not say which object",
            )
        })
    }

    /// The object that later items mean by the placeholder.
    pub(crate) fn yields(&mut self, identifier: &str) {
        self.placeholder = Some(identifier.to_owned());
        if let Some((_, yielded)) = self.yielded.last_mut() {
            *yielded = Some(identifier.to_owned());
        }
    }

    /// After a Locate that found none or several.
    pub(crate) fn yields_nothing(&mut self) {
        self.placeholder = None;
    }
}

/// Does what the request says, as far as its continuation option goes.
pub(crate) fn perform(
    objects: &Objects,
    owner: &Arc<str>,
    message: RequestMessage,
) -> Vec<ResponseBatchItem> {
    let header = message.header;
    let continues = header.batch_error_continuation_option;
    let mut context = Context {
        objects,
        owner,
        version: header.protocol_version,
        placeholder: None,
        yielded: Vec::new(),
    };
    let unable = if header.asynchronous_indicator
        == Some(AsynchronousIndicator(
            AsynchronousIndicatorOption::Mandatory,
        )) {
        Some("asynchronous operations are not supported")
    } else if continues == Some(BatchErrorContinuationOption::Undo) && message.batch_items.len() > 1
    {
        Some("undoing a batch is not supported")
    } else {
        None
    };
    let mut answers = Vec::with_capacity(message.batch_items.len());
    for item in message.batch_items {
        let answer = match unable {
            Some(why) => failed(&item, Failure::new(ResultReason::FeatureNotSupported, why)),
            None => perform_item(&mut context, item),
        };
        let has_failed = answer.result_status != ResultStatus::Success;
        answers.push(answer);
        if has_failed && continues != Some(BatchErrorContinuationOption::Continue) {
            break;
        }
    }
    answers
}

fn perform_item(context: &mut Context<'_>, item: RequestBatchItem) -> ResponseBatchItem {
    let operation = item.payload.operation();
    context.yielded.push((operation, None));
    if item
        .message_extensions
        .iter()
        .any(|extension| extension.criticality_indicator)
    {
        let why = "the message extension is critical and not known";
        return failed(&item, Failure::new(ResultReason::FeatureNotSupported, why));
    }
    let id = item.unique_batch_item_id;
    match operations::perform(context, item.payload) {
        Ok(payload) => ResponseBatchItem::success(payload).answering(id),
        Err(failure) => {
            ResponseBatchItem::failure(operation, failure.reason, failure.message).answering(id)
        }
    }
}

fn failed(item: &RequestBatchItem, failure: Failure) -> ResponseBatchItem {
    ResponseBatchItem::failure(item.payload.operation(), failure.reason, failure.message)
        .answering(item.unique_batch_item_id.clone())
}
