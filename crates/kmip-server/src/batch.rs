//! The items of a request, in order (KMIP 1.4, section 6.14 and 4.0; 2.1, section 7).

use std::cell::RefCell;
use std::sync::Arc;

use kmip::message::AsynchronousIndicator;
use kmip::registry::{
    AsynchronousIndicatorOption, BatchErrorContinuationOption, Operation, ResultReason,
    ResultStatus, UniqueIdentifierPlaceholder,
};
use kmip::{
    ProtocolVersion, RequestBatchItem, RequestMessage, RequestPayload, ResponseBatchItem,
    ResponsePayload, UniqueIdentifier,
};

use crate::audited::{Auditor, Touched};
use crate::failure::Failure;
use crate::identity::Identity;
use crate::objects::Objects;
use crate::operations;

/// What an operation knows besides its payload.
pub(crate) struct Context<'a> {
    pub(crate) objects: &'a Objects,
    /// Whose objects the client sees and makes: its tenant.
    pub(crate) owner: &'a Arc<str>,
    pub(crate) version: ProtocolVersion,
    /// The object that the last successful item was about (KMIP 1.4, section 4, "ID Placeholder").
    placeholder: Option<String>,
    /// The operation of each item so far, and the object it yielded.
    yielded: Vec<(Option<Operation>, Option<String>)>,
    /// The objects that the item is about, for the audit.
    touched: RefCell<Touched>,
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
            Some(UniqueIdentifier::Text(text)) => {
                self.touched.borrow_mut().add(&text);
                return Ok(text);
            }
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
        let found = found.ok_or_else(|| {
            Failure::new(
                ResultReason::ItemNotFound,
                "the request does not say which object",
            )
        })?;
        self.touched.borrow_mut().add(&found);
        Ok(found)
    }

    /// The object that later items mean by the placeholder.
    pub(crate) fn yields(&mut self, identifier: &str) {
        self.touched.borrow_mut().add(identifier);
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

/// Does what the request says, as far as its continuation option goes and the client's role allows.
pub(crate) fn perform(
    objects: &Objects,
    identity: &Identity,
    auditor: &mut Auditor<'_>,
    message: RequestMessage,
) -> Vec<ResponseBatchItem> {
    let header = message.header;
    let continues = header.batch_error_continuation_option;
    let mut context = Context {
        objects,
        owner: &identity.tenant,
        version: header.protocol_version,
        placeholder: None,
        yielded: Vec::new(),
        touched: RefCell::default(),
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
            None => match auditor.permit(identity, item.payload.operation()) {
                Ok(()) => restrict(perform_item(&mut context, item), identity),
                Err(failure) => {
                    // Which object was meant is worth knowing, above all when it was refused.
                    if let Some(UniqueIdentifier::Text(text)) = named(&item.payload) {
                        context.touched.borrow_mut().add(text);
                    }
                    context.yielded.push((item.payload.operation(), None));
                    failed(&item, failure)
                }
            },
        };
        let answer = auditor.item(answer, context.touched.take());
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

/// Query names no operation that the client may not ask for.
fn restrict(mut answer: ResponseBatchItem, identity: &Identity) -> ResponseBatchItem {
    if let Some(ResponsePayload::Query(query)) = &mut answer.payload {
        query
            .operations
            .retain(|operation| identity.allowed.allows(*operation));
    }
    answer
}

/// The object that a request for it names, for the operations that hand out material or change its state.
fn named(payload: &RequestPayload) -> Option<&UniqueIdentifier> {
    use RequestPayload as P;
    match payload {
        P::Get(request) => request.unique_identifier.as_ref(),
        P::GetAttributes(request) => request.unique_identifier.as_ref(),
        P::Activate(request) => request.unique_identifier.as_ref(),
        P::Revoke(request) => request.unique_identifier.as_ref(),
        P::Destroy(request) => request.unique_identifier.as_ref(),
        P::Export(request) => request.unique_identifier.as_ref(),
        P::Encrypt(request) => request.unique_identifier.as_ref(),
        P::Decrypt(request) => request.unique_identifier.as_ref(),
        P::Sign(request) => request.unique_identifier.as_ref(),
        P::ReKey(request) => request.unique_identifier.as_ref(),
        P::Archive(request) => request.unique_identifier.as_ref(),
        P::Recover(request) => request.unique_identifier.as_ref(),
        _ => None,
    }
}

fn failed(item: &RequestBatchItem, failure: Failure) -> ResponseBatchItem {
    ResponseBatchItem::failure(item.payload.operation(), failure.reason, failure.message)
        .answering(item.unique_batch_item_id.clone())
}
