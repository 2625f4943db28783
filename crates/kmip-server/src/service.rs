//! From a request's bytes to the answer's: everything but the network.

use std::sync::Arc;
use std::time::{Duration, Instant};

use kmip::codec::Value;
use kmip::registry::{ResultReason, Tag};
use kmip::ttlv;
use kmip::{Limits, ProtocolVersion, RequestMessage};

use crate::answering::{Frame, Outcome, Reply, Unanswered, refuse};
use crate::audit::{AuditSink, NoAudit};
use crate::audited::Auditor;
use crate::batch::{self, Means};
use crate::budget::Budget;
use crate::clock::{self, Clock, now};
use crate::costs::{Costs, CryptoLimits};
use crate::identity::{Authority, CommonNameAuthority, Identity, Peer, Refusal};
use crate::objects::{Access, Objects};
use crate::refusals::{Kind, Refused};
use crate::stats::Stats;
use crate::store::{ObjectStore, StoreError};
use crate::streams::Streams;
use crate::way::{Ready, Way};

/// The server without its sockets.
pub(crate) struct Service {
    objects: Objects,
    streams: Streams,
    limits: Limits,
    budget: Budget,
    costs: Costs,
    clock: Option<Arc<dyn Clock>>,
    authority: Arc<dyn Authority>,
    audit: Arc<dyn AuditSink>,
    stats: Arc<Stats>,
}

/// How far a request has come.
pub(crate) enum Begun {
    Answered(Reply),
    /// A change that takes microseconds, but has to wait for the disk.
    Change(Received),
    /// It goes on where it may block.
    Slow(Received),
}

/// A request that has been read.
pub(crate) struct Received {
    message: RequestMessage,
    begun: Instant,
}

impl Service {
    /// Blocks; in the context of a runtime.
    pub(crate) fn open(store: ObjectStore, limits: Limits) -> Result<Self, StoreError> {
        Ok(Self {
            objects: Objects::open(store, &limits)?,
            streams: Streams::default(),
            limits,
            budget: Budget::new(Duration::MAX),
            costs: Costs::new(CryptoLimits::default()),
            clock: None,
            authority: Arc::new(CommonNameAuthority),
            audit: Arc::new(NoAudit),
            stats: Arc::default(),
        })
    }

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

    pub(crate) fn bounded(self, crypto: CryptoLimits) -> Self {
        Self {
            costs: Costs::new(crypto),
            ..self
        }
    }

    pub(crate) fn timed(self, clock: Option<Arc<dyn Clock>>) -> Self {
        Self { clock, ..self }
    }

    pub(crate) fn budget(&self) -> &Budget {
        &self.budget
    }

    pub(crate) fn streams(&self) -> &Streams {
        &self.streams
    }

    pub(crate) fn audit(&self) -> &dyn AuditSink {
        &*self.audit
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
    #[cfg(test)]
    pub(crate) fn handle(&self, peer: &Peer, request: &[u8]) -> Reply {
        match self.begin(peer, request) {
            Begun::Answered(reply) => reply,
            Begun::Change(received) | Begun::Slow(received) => self.go_on(peer, received),
        }
    }

    /// Answers a request at once if it needs nothing but what is in memory: on the thread that has read it, since
    /// handing it over and back takes several times as long as the work.
    pub(crate) fn begin(&self, peer: &Peer, request: &[u8]) -> Begun {
        let begun = Instant::now();
        let _clock = self.clock.as_ref().map(clock::enter);
        self.stats.request_bytes.add(request.len() as u64);
        let message = match self.read(request) {
            Ok(message) => message,
            Err(reply) => return Begun::Answered(self.counted(begun, *reply)),
        };
        let way = self.way(peer, &message, request.len());
        let received = Received { message, begun };
        match way {
            Way::Alone => Begun::Slow(received),
            Way::Together => Begun::Change(received),
            Way::AtOnce(ready) => {
                let unanswered = self.perform(peer, received, Some(ready));
                Begun::Answered(self.finish(unanswered))
            }
        }
    }

    /// Answers a request that may take long. Blocks: for the disk, and for the audit.
    pub(crate) fn go_on(&self, peer: &Peer, received: Received) -> Reply {
        let unanswered = {
            let _clock = self.clock.as_ref().map(clock::enter);
            self.perform(peer, received, None)
        };
        self.finish(unanswered)
    }

    /// Makes a change if nobody has to be waited for but those that make others; otherwise the request comes back.
    pub(crate) async fn change(
        &self,
        peer: &Peer,
        received: Received,
    ) -> Result<Unanswered, Received> {
        let changing = self.objects.lock_changes().await;
        let Ok(identity) = self.authority.identify(peer, None) else {
            return Err(received);
        };
        let Received { mut message, begun } = received;
        let mut auditor = self.auditor(peer, Ok(&identity), &message);
        let (frame, uncommitted) = {
            let _clock = self.clock.as_ref().map(clock::enter);
            let turn = self.objects.try_turn(&identity.tenant);
            let Some(_turn) = turn.filter(|_| self.is_undisturbed()) else {
                return Err(Received { message, begun });
            };
            let frame = Frame::of(&message);
            let Some(item) = message.batch_items.pop() else {
                return Err(Received { message, begun });
            };
            let means = self.means(Access::Staging);
            let uncommitted = batch::stage(&means, &identity, &auditor, &message.header, item);
            (frame, uncommitted)
        };
        let committed = uncommitted.commit().await;
        drop(changing);
        let performed = committed.tell(&mut auditor);
        Ok(Unanswered {
            begun,
            outcome: Ok(Outcome {
                frame,
                performed,
                told: auditor.told(),
            }),
        })
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

    /// The message, if it is one that can be answered.
    fn read(&self, request: &[u8]) -> Result<RequestMessage, Box<Reply>> {
        let message = RequestMessage::decode(request, &self.limits).map_err(|error| {
            self.stats.requests_malformed.add_one();
            let version = version_of(request, &self.limits);
            let reason = ResultReason::InvalidMessage;
            Reply {
                unheard: Some((Kind::Unreadable, version)),
                ..refuse(nearest(version), reason, error.to_string(), true)
            }
        })?;
        let asked = message.header.protocol_version;
        if asked.is_supported() {
            return Ok(message);
        }
        let text = format!("KMIP {asked} is not supported; {} is", nearest(Some(asked)));
        let reason = ResultReason::InvalidMessage;
        Err(Box::new(Reply {
            unheard: Some((Kind::Unreadable, Some(asked))),
            ..refuse(nearest(Some(asked)), reason, text, false)
        }))
    }

    /// Does what a request asks for. `ready`: what is known already, if nobody may be waited for; then nothing is changed
    /// either.
    fn perform(&self, peer: &Peer, received: Received, ready: Option<Ready>) -> Unanswered {
        let Received { message, begun } = received;
        let outcome = self.outcome(peer, message, ready);
        Unanswered { begun, outcome }
    }

    fn outcome(
        &self,
        peer: &Peer,
        message: RequestMessage,
        ready: Option<Ready>,
    ) -> Result<Outcome, Reply> {
        let (identity, turn) = match ready {
            Some(Ready { identity, turn }) => (Ok(identity), Some(turn)),
            None => {
                let authentication = message.header.authentication.as_ref();
                (self.authority.identify(peer, authentication), None)
            }
        };
        let identified = identity.as_deref().map_err(|refusal| *refusal);
        let mut auditor = self.auditor(peer, identified, &message);
        let identity = match identified {
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
                let _ = auditor.told().settle(&*self.audit, &self.stats);
                let text = "the server does not accept this client";
                let version = message.header.protocol_version;
                return Err(refuse(version, reason, text.to_owned(), true));
            }
        };
        let frame = Frame::of(&message);
        if turn.is_none()
            && let Err(failure) = self.objects.settle(now().0)
        {
            // What a date moves is moved all the same for whoever looks; only to keep it failed.
            tracing::warn!(
                reason = failure.message,
                "objects whose date has come cannot be noted"
            );
        }
        let means = self.means(match turn {
            Some(_) => Access::AtOnce,
            None => Access::Blocking,
        });
        let turn = turn.unwrap_or_else(|| {
            let alone = batch::undoes(&message);
            self.objects.turn(&identity.tenant, alone)
        });
        let performed = batch::perform(&means, identity, &mut auditor, message);
        drop(turn);
        Ok(Outcome {
            frame,
            performed,
            told: auditor.told(),
        })
    }

    fn auditor<'a>(
        &'a self,
        peer: &'a Peer,
        identity: Result<&'a Identity, Refusal>,
        message: &RequestMessage,
    ) -> Auditor<'a> {
        Auditor::new(
            &*self.audit,
            &self.stats,
            peer,
            identity,
            Some(&message.header),
            message.batch_items.len(),
        )
    }

    /// For a request that begins now.
    fn means(&self, access: Access) -> Means<'_> {
        Means {
            objects: &self.objects,
            streams: &self.streams,
            costs: &self.costs,
            deadline: self.budget.begin(),
            access,
        }
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

    use kmip::ResponseMessage;

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
