//! Which thread performs a request.
//!
//! To hand a request to another thread and back takes several times as long as most of the work. So what needs nothing
//! but memory is done by the thread that has read it, and changes that take microseconds are made one after the other by
//! one task ([`crate::group_commit`]). Everything else has a thread of its own that may block.

use std::sync::Arc;

use kmip::operations::GetRequest;
use kmip::{RequestMessage, RequestPayload, UniqueIdentifier};

use crate::batch;
use crate::clock::now;
use crate::identity::{Identity, Peer};
use crate::objects::Turn;
use crate::service::Service;

/// Longer requests have a thread of their own: what takes time grows with the length.
const MOST_QUICK_BYTES: usize = 64 << 10;

/// Who performs a request.
pub(crate) enum Way {
    /// The thread that has read it. Nothing may be waited for.
    AtOnce(Ready),
    /// The task that makes changes. It performs at most one change for a request, as the last thing.
    Together,
    /// A thread of its own.
    Alone,
}

/// The client, and its tenant's turn: what a request has been given that waits for nobody.
pub(crate) struct Ready {
    pub(crate) identity: Arc<Identity>,
    pub(crate) turn: Turn,
}

impl Service {
    /// The way of a request. (What changes between this look and the work costs a wait, or is seen there.)
    pub(crate) fn way(&self, peer: &Peer, message: &RequestMessage, bytes: usize) -> Way {
        let [item] = message.batch_items.as_slice() else {
            return Way::Alone;
        };
        // A password to compute, or others to wait for.
        let is_involved = message.header.authentication.is_some() || batch::undoes(message);
        if is_involved || bytes > MOST_QUICK_BYTES || !self.is_undisturbed() {
            return Way::Alone;
        }
        use RequestPayload as P;
        let way = match &item.payload {
            P::Query(_) | P::DiscoverVersions(_) | P::Ping(_) => self.ready(peer).map(Way::AtOnce),
            P::Get(request) if !is_as_it_is(request) => None,
            P::Get(request) => self.read_at_once(peer, request.unique_identifier.as_ref(), true),
            P::GetAttributes(request) => {
                self.read_at_once(peer, request.unique_identifier.as_ref(), false)
            }
            P::GetAttributeList(request) => {
                self.read_at_once(peer, request.unique_identifier.as_ref(), false)
            }
            P::ObtainLease(request) => {
                self.read_at_once(peer, request.unique_identifier.as_ref(), false)
            }
            P::Create(_)
            | P::Register(_)
            | P::ReKey(_)
            | P::AddAttribute(_)
            | P::ModifyAttribute(_)
            | P::SetAttribute(_)
            | P::AdjustAttribute(_)
            | P::DeleteAttribute(_)
            | P::GetUsageAllocation(_)
            | P::Activate(_)
            | P::Revoke(_)
            | P::Destroy(_)
            | P::Archive(_)
            | P::Recover(_) => Some(Way::Together),
            _ => None,
        };
        way.unwrap_or(Way::Alone)
    }

    /// Whether nothing has to be seen to first: an audit log that may not take a line, a date that has come.
    pub(crate) fn is_undisturbed(&self) -> bool {
        self.audit().is_quick() && self.objects().is_settled(now().0)
    }

    /// The client, if its certificate says who it is, and its tenant's turn, if nobody has to be waited for.
    fn ready(&self, peer: &Peer) -> Option<Ready> {
        let identity = self.authority().identify(peer, None).ok()?;
        let turn = self.objects().try_turn(&identity.tenant)?;
        Some(Ready { identity, turn })
    }

    /// How an object is read that is in memory and on the disk.
    fn read_at_once(
        &self,
        peer: &Peer,
        identifier: Option<&UniqueIdentifier>,
        hands_out: bool,
    ) -> Option<Way> {
        let ready = self.ready(peer)?;
        let identifier = identifier?.as_str()?;
        let object = self.objects().at_hand(&ready.identity.tenant, identifier)?;
        // That it has been handed out is noted once.
        let is_noted = hands_out && object.attributes.fresh() == Some(&true);
        Some(if is_noted {
            Way::Together
        } else {
            Way::AtOnce(ready)
        })
    }
}

/// Whether the object is asked for as it is kept: to convert or to wrap it may take long.
fn is_as_it_is(request: &GetRequest) -> bool {
    request.key_format_type.is_none()
        && request.key_wrap_type.is_none()
        && request.key_compression_type.is_none()
        && request.key_wrapping_specification.is_none()
}
