//! From a request's bytes to the answer's: everything but the network.

use std::sync::Arc;
use std::time::{Duration, Instant};

use kmip::codec::Value;
use kmip::registry::{ResultReason, Tag};
use kmip::ttlv::{self, Buffer};
use kmip::{
    Limits, ProtocolVersion, RequestMessage, ResponseBatchItem, ResponseHeader, ResponseMessage,
};

use crate::audit::{AuditSink, NoAudit};
use crate::audited::Auditor;
use crate::batch;
use crate::batch::Performed;
use crate::budget::Budget;
use crate::clock::now;
use crate::failure::Failure;
use crate::identity::{Authority, CommonNameAuthority, Peer, Refusal};
use crate::objects::Objects;
use crate::refusals::{Kind, Refused};
use crate::stats::Stats;
use crate::store::{ObjectStore, StoreError};
use crate::streams::Streams;

/// The server without its sockets.
pub(crate) struct Service {
    objects: Objects,
    streams: Streams,
    limits: Limits,
    budget: Budget,
    authority: Arc<dyn Authority>,
    audit: Arc<dyn AuditSink>,
    stats: Arc<Stats>,
}

/// What goes back to the client.
pub(crate) struct Reply {
    pub(crate) message: Buffer,
    /// Nothing more is to be expected from this client.
    pub(crate) close: bool,
    /// Nobody has looked at the request, and the audit does not know of it yet.
    pub(crate) unheard: Option<(Kind, Option<ProtocolVersion>)>,
}

impl Service {
    /// Blocks; in the context of a runtime.
    pub(crate) fn open(store: ObjectStore, limits: Limits) -> Result<Self, StoreError> {
        Ok(Self {
            objects: Objects::open(store, &limits)?,
            streams: Streams::default(),
            limits,
            budget: Budget::new(Duration::MAX),
            authority: Arc::new(CommonNameAuthority),
            audit: Arc::new(NoAudit),
            stats: Arc::default(),
        })
    }

    #[cfg(test)]
    pub(crate) fn objects(&self) -> &Objects {
        &self.objects
    }

    pub(crate) fn store(&self) -> &ObjectStore {
        &self.objects.store
    }

    pub(crate) fn under(self, authority: Arc<dyn Authority>, audit: Arc<dyn AuditSink>) -> Self {
        Self {
            authority,
            audit,
            ..self
        }
    }

    pub(crate) fn within(self, each_request: Duration) -> Self {
        Self {
            budget: Budget::new(each_request),
            ..self
        }
    }

    pub(crate) fn budget(&self) -> &Budget {
        &self.budget
    }

    pub(crate) fn streams(&self) -> &Streams {
        &self.streams
    }

    pub(crate) fn authority(&self) -> &dyn Authority {
        &*self.authority
    }

    pub(crate) fn stats(&self) -> &Arc<Stats> {
        &self.stats
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Answers one request. Blocks: for the disk, and for the audit.
    pub(crate) fn handle(&self, peer: &Peer, request: &[u8]) -> Reply {
        let begun = Instant::now();
        self.stats.request_bytes.add(request.len() as u64);
        let reply = self.answer(peer, request);
        self.stats.response_bytes.add(reply.message.len() as u64);
        self.stats.count_request(begun.elapsed());
        reply
    }

    /// Answers a request that is one too many, without looking at it closely.
    pub(crate) fn throttle(&self, request: &[u8]) -> Reply {
        self.stats.requests_throttled.add_one();
        let version = nearest(version_of(request, &self.limits));
        let reason = if version.at_least(ProtocolVersion::V2_0) {
            ResultReason::ServerLimitExceeded
        } else {
            ResultReason::GeneralFailure
        };
        let text = "the client sends more requests than the server's limit for each client allows";
        Reply {
            unheard: Some((Kind::Throttled, version_of(request, &self.limits))),
            ..refuse(version, reason, text.to_owned(), false)
        }
    }

    /// Tells the audit of requests that nobody has looked at. Blocks.
    pub(crate) fn tell_unheard(&self, refused: &Refused) {
        let peer = &*refused.peer;
        let identity = match self.authority.identify(peer, None) {
            Err(Refusal::CredentialMissing) => Err(Refusal::NotLookedAt),
            identity => identity,
        };
        let identity = identity.as_deref().map_err(|refusal| *refusal);
        let auditor = Auditor::new(&*self.audit, &self.stats, peer, identity, None, 1);
        let reason = match refused.kind {
            Kind::Throttled => ResultReason::ServerLimitExceeded,
            Kind::Unreadable => ResultReason::InvalidMessage,
        };
        // The sink has logged why it cannot; nothing was done that should have been told.
        let _ = auditor.unheard(refused.version, reason, refused.count);
    }

    fn answer(&self, peer: &Peer, request: &[u8]) -> Reply {
        let message = match RequestMessage::decode(request, &self.limits) {
            Ok(message) => message,
            Err(error) => {
                self.stats.requests_malformed.add_one();
                let version = version_of(request, &self.limits);
                let reason = ResultReason::InvalidMessage;
                return Reply {
                    unheard: Some((Kind::Unreadable, version)),
                    ..refuse(nearest(version), reason, error.to_string(), true)
                };
            }
        };
        let asked = message.header.protocol_version;
        if !asked.is_supported() {
            let text = format!("KMIP {asked} is not supported; {} is", nearest(Some(asked)));
            let reason = ResultReason::InvalidMessage;
            return Reply {
                unheard: Some((Kind::Unreadable, Some(asked))),
                ..refuse(nearest(Some(asked)), reason, text, false)
            };
        }
        let identity = self
            .authority
            .identify(peer, message.header.authentication.as_ref());
        let mut auditor = Auditor::new(
            &*self.audit,
            &self.stats,
            peer,
            identity.as_deref().map_err(|refusal| *refusal),
            Some(&message.header),
            message.batch_items.len(),
        );
        let identity = match &identity {
            Ok(identity) => identity,
            Err(refusal) => {
                self.stats.requests_unauthenticated.add_one();
                tracing::warn!(peer = %peer.address, client = %peer.label(), reason = %refusal, "a KMIP client is refused");
                let operation = message
                    .batch_items
                    .first()
                    .and_then(|item| item.payload.operation());
                let reason = ResultReason::AuthenticationNotSuccessful;
                // Nothing is given away if this is not audited.
                let _ = auditor.refused(operation, reason);
                let _ = auditor.settle();
                let text = "the server does not accept this client";
                return refuse(asked, reason, text.to_owned(), true);
            }
        };
        let header = ResponseHeader {
            client_correlation_value: message.header.client_correlation_value.clone(),
            ..ResponseHeader::new(asked, now())
        };
        let largest = message.header.maximum_response_size;
        let only = match message.batch_items.as_slice() {
            [only] => Some((only.payload.operation(), only.unique_batch_item_id.clone())),
            _ => None,
        };
        if let Err(failure) = self.objects.settle(now().0) {
            // What a date moves is moved all the same for whoever looks; only to keep it failed.
            tracing::warn!(
                reason = failure.message,
                "objects whose date has come cannot be noted"
            );
        }
        let Performed { answers, seen } = batch::perform(
            &self.objects,
            &self.streams,
            identity,
            &mut auditor,
            self.budget.begin(),
            message,
        );
        // What is told must be there after a crash, be it of this request or another one's that it has seen.
        let durable = self.objects.wait_durable(seen).map_err(Failure::from);
        if let Err(Failure {
            reason, message, ..
        }) = durable.and(auditor.settle())
        {
            return refuse(asked, reason, message, false);
        }
        let response = ResponseMessage {
            header,
            batch_items: answers,
        };
        let encoded = match response.encode() {
            Ok(encoded) => encoded,
            Err(error) => {
                tracing::error!(%error, "a KMIP response cannot be encoded");
                let text = "the response cannot be encoded";
                return refuse(asked, ResultReason::GeneralFailure, text.to_owned(), false);
            }
        };
        let fits = largest
            .is_none_or(|largest| usize::try_from(largest).is_ok_and(|most| encoded.len() <= most));
        if !fits {
            let text = format!("the response has {} bytes", encoded.len());
            let mut reply = refuse(asked, ResultReason::ResponseTooLarge, text.clone(), false);
            // To a single item the answer can say which.
            if let Some((operation, id)) = only {
                let item =
                    ResponseBatchItem::failure(operation, ResultReason::ResponseTooLarge, text);
                let message = ResponseMessage::new(asked, now(), vec![item.answering(id)]);
                reply.message = message.encode().unwrap_or(reply.message);
            }
            return reply;
        }
        Reply {
            message: encoded,
            close: false,
            unheard: None,
        }
    }
}

/// An answer to the message as a whole.
fn refuse(version: ProtocolVersion, reason: ResultReason, text: String, close: bool) -> Reply {
    let item = ResponseBatchItem::failure(None, reason, text);
    // Cannot fail: version, status, reason and text exist in every version.
    let message = ResponseMessage::new(version, now(), vec![item])
        .encode()
        .unwrap_or_else(|_| Buffer::new());
    Reply {
        message,
        close,
        unheard: None,
    }
}

/// How many items a message seems to have: for the bound on what a client sends, before it is looked at.
pub(crate) fn items_in(request: &[u8], limits: &Limits) -> usize {
    let items = ttlv::check(request, limits)
        .and_then(|root| root.structure())
        .map(|fields| fields.filter(|field| field.tag() == Tag::BatchItem).count());
    items.unwrap_or(1)
}

/// The version in the header of a message that cannot be read otherwise.
fn version_of(request: &[u8], limits: &Limits) -> Option<ProtocolVersion> {
    let root = ttlv::check(request, limits).ok()?;
    let header = root.structure().ok()?.find_tag(Tag::RequestHeader)?;
    let version = header.structure().ok()?.find_tag(Tag::ProtocolVersion)?;
    ProtocolVersion::decode(&version).ok()
}

/// The newest version of ours that is not newer than the one asked for; the oldest if there is none.
fn nearest(asked: Option<ProtocolVersion>) -> ProtocolVersion {
    ProtocolVersion::SUPPORTED
        .into_iter()
        .find(|ours| asked.is_some_and(|asked| *ours <= asked))
        .unwrap_or(ProtocolVersion::V1_0)
}

/// A service on a directory of its own, for tests.
#[cfg(test)]
pub(crate) struct TestService {
    pub(crate) service: Service,
    // In this order: what works on the directory is gone before the directory is.
    _runtime: tokio::runtime::Runtime,
    _directory: tempfile::TempDir,
}

#[cfg(test)]
impl TestService {
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let key = crate::store::KeySource::default();
        let store = runtime.block_on(ObjectStore::open(directory.path(), &key));
        let service = {
            let _entered = runtime.enter();
            Service::open(store.unwrap(), Limits::DEFAULT).unwrap()
        };
        Self {
            service,
            _runtime: runtime,
            _directory: directory,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::panic::AssertUnwindSafe;

    use super::*;

    #[test]
    fn the_nearest_version() {
        use ProtocolVersion as V;
        for (asked, expected) in [
            (None, V::V1_0),
            (Some(V::new(0, 9)), V::V1_0),
            (Some(V::new(1, 5)), V::V1_4),
            (Some(V::V2_0), V::V2_0),
            (Some(V::new(3, 0)), V::V2_1),
        ] {
            assert_eq!(nearest(asked), expected, "{asked:?}");
        }
    }

    /// Whatever a client sends is answered with a response message.
    #[test]
    fn any_request() {
        let service = AssertUnwindSafe(TestService::new());
        let peer = AssertUnwindSafe(crate::identity::test_peer("fuzz"));
        let valid = RequestMessage::new(
            ProtocolVersion::V1_4,
            kmip::operations::QueryRequest {
                query_functions: vec![kmip::registry::QueryFunction::QueryOperations],
            },
        )
        .encode()
        .unwrap();
        bolero::check!()
            .with_iterations(2_000)
            .with_type::<(Vec<(u16, u8)>, Vec<u8>)>()
            .for_each(|(edits, noise)| {
                let mut bytes = valid.as_slice().to_vec();
                for (position, value) in edits {
                    let position = usize::from(*position) % bytes.len();
                    bytes[position] = *value;
                }
                for bytes in [&bytes, noise] {
                    let reply = service.service.handle(&peer, bytes);
                    ResponseMessage::decode(reply.message.as_slice(), &Limits::DEFAULT).unwrap();
                }
            });
    }
}
