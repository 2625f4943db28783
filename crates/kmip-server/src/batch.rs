//! The items of a request, in order (KMIP 1.4, section 6.14 and 4.0; 2.1, section 7).

use std::cell::RefCell;
use std::sync::Arc;

use kmip::message::{AsynchronousIndicator, RequestHeader};
use kmip::registry::{
    AsynchronousIndicatorOption, BatchErrorContinuationOption, DataPlaceholder, Operation,
    ResultReason, ResultStatus, UniqueIdentifierPlaceholder,
};
use kmip::{
    Data, ProtocolVersion, RequestBatchItem, RequestMessage, RequestPayload, ResponseBatchItem,
    ResponsePayload, SecretBytes, UniqueIdentifier,
};

use crate::audited::{Auditor, Gate, Touched};
use crate::budget::Deadline;
use crate::costs::Costs;
use crate::failure::Failure;
use crate::identity::Identity;
use crate::object::Object;
use crate::objects::{Access, Before, Objects};
use crate::operations;
use crate::streams::Streams;
use crate::transaction::Transaction;
use crate::view::View;
use crate::writing::Prepared;

/// What all requests are performed with.
pub(crate) struct Means<'a> {
    pub(crate) objects: &'a Objects,
    pub(crate) streams: &'a Streams,
    pub(crate) costs: &'a Costs,
    /// When this one ends.
    pub(crate) deadline: Deadline<'a>,
    pub(crate) access: Access,
}

/// What an operation knows besides its payload.
pub(crate) struct Context<'a> {
    pub(crate) objects: View<'a>,
    /// Whose objects the client sees and makes: its tenant.
    pub(crate) owner: &'a Arc<str>,
    pub(crate) streams: &'a Streams,
    pub(crate) costs: &'a Costs,
    /// When the request ends.
    pub(crate) deadline: Deadline<'a>,
    pub(crate) version: ProtocolVersion,
    /// Why no item of the message can be performed.
    unable: Option<&'static str>,
    /// The object that the last successful item was about (KMIP 1.4, section 4, "ID Placeholder").
    placeholder: Option<String>,
    /// The objects that the item is about, for the audit.
    touched: RefCell<Touched>,
    /// Asked before an object is changed.
    gate: Gate<'a>,
    access: Access,
    /// What is to be committed when the item has been performed.
    staged: Option<Staged<'a>>,
    /// What each item so far yielded.
    yielded: Vec<Yield>,
    /// What the objects were before this batch changed them; kept if it may have to be undone.
    journal: Option<Vec<Before>>,
}

/// A change that its item rests on, not committed yet.
struct Staged<'a> {
    change: Prepared<'a>,
    /// The item succeeds without it, too.
    is_optional: bool,
}

/// What an item yields to the items after it.
#[derive(Default)]
struct Yield {
    operation: Option<Operation>,
    identifier: Option<String>,
    /// The public key, where the identifier is the private key's.
    public_key: Option<String>,
    data: Option<SecretBytes>,
}

impl<'a> Context<'a> {
    fn new(
        means: &Means<'a>,
        identity: &'a Identity,
        gate: Gate<'a>,
        header: &RequestHeader,
    ) -> Self {
        Self {
            objects: means.objects.view(&identity.tenant, means.access),
            owner: &identity.tenant,
            streams: means.streams,
            costs: means.costs,
            deadline: means.deadline,
            version: header.protocol_version,
            unable: unable(header),
            placeholder: None,
            yielded: Vec::new(),
            touched: RefCell::default(),
            gate,
            access: means.access,
            staged: None,
            journal: None,
        }
    }

    /// The identifier that the request means.
    pub(crate) fn identifier(&self, given: Option<UniqueIdentifier>) -> Result<String, Failure> {
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
                let is_public = name.ends_with("PublicKey");
                let name = name.trim_end_matches("PublicKey");
                let name = name.trim_end_matches("PrivateKey");
                let is_it = |item: &&Yield| {
                    item.operation
                        .is_some_and(|operation| operation.to_string() == name)
                };
                self.yielded.iter().rev().find(is_it).and_then(|item| {
                    if is_public {
                        item.public_key.clone()
                    } else {
                        item.identifier.clone()
                    }
                })
            }
            Some(UniqueIdentifier::BatchItem(index)) => {
                self.item(index).and_then(|item| item.identifier.clone())
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

    /// Makes and changes objects, all or none.
    pub(crate) fn transact<T>(
        &mut self,
        change: impl FnOnce(&mut Transaction<'_>) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        match self.access {
            // Somebody has changed the object since it was looked at whether the request takes long. Get goes on.
            Access::AtOnce => Err(Failure::being_changed()),
            Access::Blocking => {
                self.gate.admit_change()?;
                let (done, before) = self.objects.transact(change)?;
                if let Some(journal) = &mut self.journal {
                    journal.extend(before);
                }
                self.touched.get_mut().change();
                Ok(done)
            }
            Access::Staging => {
                self.gate.admit_change()?;
                let (done, change) = self.objects.stage(change)?;
                debug_assert!(self.staged.is_none(), "it changes objects twice");
                self.staged = change.map(|change| Staged {
                    change,
                    is_optional: false,
                });
                Ok(done)
            }
        }
    }

    /// Changes one object that is not in the archive.
    pub(crate) fn change(
        &mut self,
        identifier: &str,
        change: impl FnOnce(&mut Object) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        self.transact(|transaction| {
            transaction.change(identifier, |object| {
                check_on_line(object)?;
                change(object)
            })
        })
    }

    /// Changes one object that is not in the archive, if that can be done now.
    pub(crate) fn change_if_possible(
        &mut self,
        identifier: &str,
        change: impl FnOnce(&mut Object) -> Result<(), Failure>,
    ) {
        match self.change(identifier, change) {
            Ok(()) => {
                if let Some(staged) = &mut self.staged {
                    staged.is_optional = true;
                }
            }
            Err(failure) => not_noted(identifier, &failure),
        }
    }

    /// Adds a new object.
    pub(crate) fn insert(&mut self, object: Object) -> Result<(), Failure> {
        self.transact(|transaction| {
            transaction.insert(object);
            Ok(())
        })
    }

    /// An object that is not in the archive.
    pub(crate) fn on_line(&self, identifier: &str) -> Result<Arc<Object>, Failure> {
        let object = self.objects.get(identifier)?;
        check_on_line(&object)?;
        Ok(object)
    }

    /// The object that later items mean by the placeholder.
    pub(crate) fn yields(&mut self, identifier: &str) {
        self.touched.borrow_mut().add(identifier);
        self.placeholder = Some(identifier.to_owned());
        if let Some(item) = self.yielded.last_mut() {
            item.identifier = Some(identifier.to_owned());
        }
    }

    /// The key pair that later items mean: by the placeholder the private key.
    pub(crate) fn yields_pair(&mut self, private: &str, public: &str) {
        self.yields(private);
        if let Some(item) = self.yielded.last_mut() {
            item.public_key = Some(public.to_owned());
        }
    }

    /// The data that the request means; none is empty.
    pub(crate) fn data(&self, given: Option<Data>) -> Result<SecretBytes, Failure> {
        let found = match given {
            None => return Ok(SecretBytes::default()),
            Some(Data::Bytes(bytes)) => return Ok(bytes),
            Some(Data::Placeholder(placeholder)) => {
                let operation = match placeholder {
                    DataPlaceholder::Decrypt => Some(Operation::Decrypt),
                    DataPlaceholder::Encrypt => Some(Operation::Encrypt),
                    DataPlaceholder::Hash => Some(Operation::Hash),
                    DataPlaceholder::MACMACData => Some(Operation::MAC),
                    DataPlaceholder::RNGRetrieve => Some(Operation::RNGRetrieve),
                    DataPlaceholder::SignSignatureData => Some(Operation::Sign),
                    DataPlaceholder::SignatureVerify => Some(Operation::SignatureVerify),
                    DataPlaceholder::Other(_) => None,
                };
                let mut earlier = self.yielded.iter().rev();
                earlier.find(|item| operation.is_some() && item.operation == operation)
            }
            Some(Data::BatchItem(index)) => self.item(index),
        };
        found.and_then(|item| item.data.clone()).ok_or_else(|| {
            Failure::new(
                ResultReason::ItemNotFound,
                "no earlier item of the batch has yielded such data",
            )
        })
    }

    /// The data that later items mean by a placeholder.
    pub(crate) fn yields_data(&mut self, data: Option<&[u8]>) {
        if let Some(item) = self.yielded.last_mut() {
            item.data = data.map(SecretBytes::from);
        }
    }

    /// The item with this place: from 0, or counted back from this item.
    fn item(&self, index: i32) -> Option<&Yield> {
        let index = isize::try_from(index).ok()?;
        let position = match usize::try_from(index) {
            Ok(position) => position,
            Err(_) => self
                .yielded
                .len()
                .checked_sub(1)?
                .checked_add_signed(index)?,
        };
        self.yielded.get(position)
    }

    /// After a Locate that found none or several.
    pub(crate) fn yields_nothing(&mut self) {
        self.placeholder = None;
    }
}

/// A key that can be read is not kept from its client because the disk is full.
fn not_noted(identifier: &str, failure: &Failure) {
    tracing::warn!(
        object = identifier,
        reason = failure.message,
        "what has been done with an object cannot be noted"
    );
}

fn check_on_line(object: &Object) -> Result<(), Failure> {
    if object.is_archived() {
        return Err(Failure::new(
            ResultReason::ObjectArchived,
            "the object is in the archive: recover it first",
        ));
    }
    Ok(())
}

/// Whether all of it is to be undone if a part of it fails: then the tenant's other batches wait.
pub(crate) fn undoes(message: &RequestMessage) -> bool {
    message.header.batch_error_continuation_option == Some(BatchErrorContinuationOption::Undo)
}

/// Why no item of a message can be performed.
fn unable(header: &RequestHeader) -> Option<&'static str> {
    let asynchronous = AsynchronousIndicator(AsynchronousIndicatorOption::Mandatory);
    (header.asynchronous_indicator == Some(asynchronous))
        .then_some("asynchronous operations are not supported")
}

/// Performs an item if that can be done at all, the client's role allows it and the audit takes it.
fn admit(
    context: &mut Context<'_>,
    identity: &Identity,
    auditor: &Auditor<'_>,
    item: RequestBatchItem,
) -> ResponseBatchItem {
    if let Some(why) = context.unable {
        return failed(&item, Failure::new(ResultReason::FeatureNotSupported, why));
    }
    match auditor.permit(identity, item.payload.operation()) {
        Ok(()) => restrict(perform_item(context, item), identity),
        Err(failure) => {
            // Which object was meant is worth knowing, above all when it was refused.
            if let Some(UniqueIdentifier::Text(text)) = named(&item.payload) {
                context.touched.borrow_mut().add(text);
            }
            context.yielded.push(Yield {
                operation: item.payload.operation(),
                ..Yield::default()
            });
            failed(&item, failure)
        }
    }
}

/// Does what the request says, as far as its continuation option goes and the client's role allows. The caller holds the
/// tenant's turn.
pub(crate) fn perform(
    means: &Means<'_>,
    identity: &Identity,
    auditor: &mut Auditor<'_>,
    message: RequestMessage,
) -> Performed {
    let undoes = undoes(&message);
    let header = message.header;
    let continues = header.batch_error_continuation_option;
    let mut context = Context::new(means, identity, auditor.gate(), &header);
    context.journal = undoes.then(Vec::new);
    let mut answers = Vec::with_capacity(message.batch_items.len());
    for item in message.batch_items {
        // The first is always performed: every request gets on.
        let is_late = !answers.is_empty() && means.deadline.has_passed();
        let answer = if is_late && context.unable.is_none() {
            let failure = Failure::new(
                ResultReason::ServerLimitExceeded,
                "the request has taken longer than the server allows: send this item in another one",
            );
            let reason = failure.reason_in(context.version);
            failed(&item, Failure { reason, ..failure })
        } else {
            admit(&mut context, identity, auditor, item)
        };
        let answer = auditor.item(answer, context.touched.take());
        let has_failed = answer.result_status != ResultStatus::Success;
        answers.push(answer);
        if has_failed && undoes {
            undo(&mut context, &mut answers);
            auditor.undone(&answers);
        }
        if has_failed && continues != Some(BatchErrorContinuationOption::Continue) {
            break;
        }
    }
    Performed {
        answers,
        seen: context.objects.seen(),
    }
}

/// An item that has been performed but for the commit.
pub(crate) struct Uncommitted<'a> {
    answer: ResponseBatchItem,
    touched: Touched,
    staged: Option<Staged<'a>>,
    seen: u64,
}

/// Does what a request of one item says, up to the commit. The caller holds the tenant's turn and the lock under which
/// objects are changed, and the latter until it has [committed](Uncommitted::commit).
pub(crate) fn stage<'a>(
    means: &Means<'a>,
    identity: &'a Identity,
    auditor: &Auditor<'a>,
    header: &RequestHeader,
    item: RequestBatchItem,
) -> Uncommitted<'a> {
    let mut context = Context::new(means, identity, auditor.gate(), header);
    let answer = admit(&mut context, identity, auditor, item);
    Uncommitted {
        answer,
        touched: context.touched.take(),
        staged: context.staged.take(),
        seen: context.objects.seen(),
    }
}

impl Uncommitted<'_> {
    /// Commits what it has changed. What could not be committed has not been done.
    pub(crate) async fn commit(self) -> Committed {
        let Self {
            mut answer,
            mut touched,
            staged,
            mut seen,
        } = self;
        if let Some(Staged {
            change,
            is_optional,
        }) = staged
        {
            match change.commit().await.map_err(Failure::from) {
                Ok(commit) => {
                    seen = seen.max(commit);
                    touched.change();
                }
                Err(failure) => {
                    if is_optional {
                        not_noted(touched.first(), &failure);
                    } else {
                        answer = failure.instead_of(answer);
                    }
                }
            }
        }
        Committed {
            answer,
            touched,
            seen,
        }
    }
}

/// An item that has been performed, and that nobody has told the audit of.
pub(crate) struct Committed {
    answer: ResponseBatchItem,
    touched: Touched,
    seen: u64,
}

impl Committed {
    /// Tells the audit.
    pub(crate) fn tell(self, auditor: &mut Auditor<'_>) -> Performed {
        Performed {
            answers: vec![auditor.item(self.answer, self.touched)],
            seen: self.seen,
        }
    }
}

/// What a request has come to.
pub(crate) struct Performed {
    pub(crate) answers: Vec<ResponseBatchItem>,
    /// The last commit that it has made or seen: to be durable before it is answered.
    pub(crate) seen: u64,
}

/// Undoes what the items before the failed one have done, and says so in their answers.
fn undo(context: &mut Context<'_>, answers: &mut [ResponseBatchItem]) {
    let journal = context.journal.take().unwrap_or_default();
    let undone = context.objects.restore(journal);
    for answer in answers.iter_mut().rev().skip(1) {
        answer.payload = None;
        match &undone {
            Ok(()) => answer.result_status = ResultStatus::OperationUndone,
            Err(failure) => {
                answer.result_status = ResultStatus::OperationFailed;
                answer.result_reason = Some(ResultReason::GeneralFailure);
                answer.result_message = Some(failure.message.clone());
            }
        }
    }
}

fn perform_item(context: &mut Context<'_>, item: RequestBatchItem) -> ResponseBatchItem {
    let operation = item.payload.operation();
    context.yielded.push(Yield {
        operation,
        ..Yield::default()
    });
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
            let reason = failure.reason_in(context.version);
            ResponseBatchItem::failure(operation, reason, failure.message).answering(id)
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
