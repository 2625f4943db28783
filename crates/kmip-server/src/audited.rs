//! Telling the audit what a request did, item by item.

use kmip::message::RequestHeader;
use kmip::registry::{Operation, ResultReason, ResultStatus};
use kmip::{ProtocolVersion, ResponseBatchItem, ResponsePayload, UniqueIdentifier};
use time::OffsetDateTime;

use crate::audit::{AuditEvent, AuditSink, MAX_AUDITED_OBJECTS, changes};
use crate::failure::Failure;
use crate::identity::{Identity, Peer, Refusal};
use crate::operations::OFFERED;
use crate::stats::Stats;

/// The objects that an item was about.
#[derive(Default)]
pub(crate) struct Touched {
    identifiers: Vec<String>,
    total: usize,
    is_changed: bool,
}

impl Touched {
    pub(crate) fn add(&mut self, identifier: &str) {
        if self.identifiers.iter().any(|known| known == identifier) {
            return;
        }
        self.total += 1;
        if self.identifiers.len() < MAX_AUDITED_OBJECTS {
            self.identifiers.push(identifier.to_owned());
        }
    }

    /// One of them is not what it was, or is new.
    pub(crate) fn change(&mut self) {
        self.is_changed = true;
    }

    /// The first of them.
    pub(crate) fn first(&self) -> &str {
        self.identifiers.first().map_or("", String::as_str)
    }

    /// What only the answer says.
    fn add_answer(&mut self, answer: &ResponsePayload) {
        let mut add = |identifier: &UniqueIdentifier| {
            if let UniqueIdentifier::Text(text) = identifier {
                self.add(text);
            }
        };
        match answer {
            ResponsePayload::CreateKeyPair(pair) => {
                add(&pair.private_key_unique_identifier);
                add(&pair.public_key_unique_identifier);
            }
            ResponsePayload::ReKeyKeyPair(pair) => {
                add(&pair.private_key_unique_identifier);
                add(&pair.public_key_unique_identifier);
            }
            ResponsePayload::Locate(located) => {
                // Not through `add`: no comparison of each with each.
                self.total = located.unique_identifiers.len();
                self.identifiers = located
                    .unique_identifiers
                    .iter()
                    .filter_map(|identifier| match identifier {
                        UniqueIdentifier::Text(text) => Some(text.clone()),
                        _ => None,
                    })
                    .take(MAX_AUDITED_OBJECTS)
                    .collect();
            }
            _ => {}
        }
    }
}

/// Stops changes that could not be audited, also those of operations that mostly only read.
#[derive(Clone, Copy)]
pub(crate) struct Gate<'a> {
    sink: &'a dyn AuditSink,
    stats: &'a Stats,
}

impl Gate<'_> {
    /// Asked before an object is changed.
    pub(crate) fn admit_change(self) -> Result<(), Failure> {
        self.sink.ready(true).map_err(|_| not_audited(self.stats))
    }
}

fn not_audited(stats: &Stats) -> Failure {
    stats.audit_failures.add_one();
    Failure::new(
        ResultReason::GeneralFailure,
        "the server cannot write its audit log, and does nothing that is not in it",
    )
}

/// Tells the audit of one request.
pub(crate) struct Auditor<'a> {
    sink: &'a dyn AuditSink,
    stats: &'a Stats,
    peer: &'a Peer,
    identity: Result<&'a Identity, Refusal>,
    version: Option<ProtocolVersion>,
    client_correlation_value: Option<String>,
    server_correlation_value: Option<String>,
    items: usize,
    done: usize,
    count: u64,
    told: Told,
}

impl<'a> Auditor<'a> {
    pub(crate) fn new(
        sink: &'a dyn AuditSink,
        stats: &'a Stats,
        peer: &'a Peer,
        identity: Result<&'a Identity, Refusal>,
        header: Option<&RequestHeader>,
        items: usize,
    ) -> Self {
        Self {
            sink,
            stats,
            peer,
            identity,
            version: header.map(|header| header.protocol_version),
            client_correlation_value: header
                .and_then(|header| header.client_correlation_value.clone()),
            server_correlation_value: header
                .and_then(|header| header.server_correlation_value.clone()),
            items,
            done: 0,
            count: 1,
            told: Told::default(),
        }
    }

    pub(crate) fn gate(&self) -> Gate<'a> {
        Gate {
            sink: self.sink,
            stats: self.stats,
        }
    }

    /// Whether the operation may be performed now: by the client, and as far as the audit goes.
    pub(crate) fn permit(
        &self,
        identity: &Identity,
        operation: Option<Operation>,
    ) -> Result<(), Failure> {
        let Some(operation) = operation else {
            return Ok(());
        };
        // What is not offered is answered as such, to everybody.
        if !OFFERED.contains(&operation) {
            return Ok(());
        }
        if !identity.allowed.allows(operation) {
            return Err(Failure::new(
                ResultReason::PermissionDenied,
                format!(
                    "the role \"{}\" of the client does not allow {operation:?}",
                    identity.role
                ),
            ));
        }
        self.sink
            .ready(changes(operation))
            .map_err(|_| not_audited(self.stats))
    }

    /// Tells of one item that has been done or refused. The answer is another one if that fails.
    pub(crate) fn item(
        &mut self,
        answer: ResponseBatchItem,
        mut touched: Touched,
    ) -> ResponseBatchItem {
        if let Some(payload) = &answer.payload {
            touched.add_answer(payload);
        }
        let told = self.tell(
            answer.operation,
            answer.result_status,
            answer.result_reason,
            &touched,
        );
        match told {
            Ok(()) => answer,
            Err(failure) => failure.instead_of(answer),
        }
    }

    /// Tells of a request that is refused as a whole.
    pub(crate) fn refused(
        &mut self,
        operation: Option<Operation>,
        reason: ResultReason,
    ) -> Result<(), Failure> {
        let touched = Touched::default();
        self.tell(
            operation,
            ResultStatus::OperationFailed,
            Some(reason),
            &touched,
        )
    }

    /// Tells of requests that were refused without being looked at.
    pub(crate) fn unheard(
        mut self,
        version: Option<ProtocolVersion>,
        reason: ResultReason,
        count: u64,
    ) -> Result<(), Failure> {
        self.version = version;
        self.count = count;
        let touched = Touched::default();
        self.tell_of(
            1,
            None,
            ResultStatus::OperationFailed,
            Some(reason),
            &touched,
        )?;
        self.told.settle(self.sink, self.stats)
    }

    fn tell(
        &mut self,
        operation: Option<Operation>,
        status: ResultStatus,
        reason: Option<ResultReason>,
        touched: &Touched,
    ) -> Result<(), Failure> {
        self.done += 1;
        self.stats.count_item(operation, status);
        self.tell_of(self.done, operation, status, reason, touched)
    }

    /// Tells that items before the last one have been undone; their objects were told when they were done.
    pub(crate) fn undone(&mut self, answers: &[ResponseBatchItem]) {
        for (place, answer) in answers.iter().enumerate() {
            if answer.result_status == ResultStatus::OperationUndone {
                // It was told as done: if this cannot be told, the log is wrong, and the request fails.
                let told = self.tell_of(
                    place + 1,
                    answer.operation,
                    ResultStatus::OperationUndone,
                    None,
                    &Touched {
                        is_changed: true,
                        ..Touched::default()
                    },
                );
                self.told.is_wrong |= told.is_err();
            }
        }
    }

    fn tell_of(
        &mut self,
        place: usize,
        operation: Option<Operation>,
        status: ResultStatus,
        reason: Option<ResultReason>,
        touched: &Touched,
    ) -> Result<(), Failure> {
        let changes = touched.is_changed;
        self.told.changes |= changes;
        let event = AuditEvent {
            time: OffsetDateTime::now_utc(),
            peer: self.peer,
            identity: self.identity,
            version: self.version,
            client_correlation_value: self.client_correlation_value.as_deref(),
            server_correlation_value: self.server_correlation_value.as_deref(),
            batch_item: (place, self.items.max(place)),
            operation,
            objects: &touched.identifiers,
            objects_total: touched.total,
            count: self.count,
            status,
            reason,
            changes,
        };
        let place = self.sink.record(&event);
        let place = place.map_err(|_| not_audited(self.stats))?;
        // A sink that goes on without an event may have no place for it.
        self.told.last = self.told.last.max(place);
        Ok(())
    }

    /// What has been told, for the last word before the answer.
    pub(crate) fn told(self) -> Told {
        self.told
    }
}

/// What the audit has been told of one request.
#[derive(Clone, Copy, Default)]
pub(crate) struct Told {
    /// One of the events has changed an object.
    changes: bool,
    /// The place of the last event.
    last: u64,
    /// What was undone could not be told.
    is_wrong: bool,
}

impl Told {
    /// What the last word takes long for may begin: the request waits for its objects first.
    pub(crate) fn begin_settling(self, sink: &dyn AuditSink) {
        sink.begin_settling(self.changes);
    }

    /// The last word before the answer.
    pub(crate) fn settle(self, sink: &dyn AuditSink, stats: &Stats) -> Result<(), Failure> {
        if self.is_wrong {
            return Err(not_audited(stats));
        }
        sink.settle(self.changes, self.last)
            .map_err(|_| not_audited(stats))
    }
}
