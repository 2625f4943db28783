//! Messages (KMIP 1.4, sections 6 and 7; 2.1, sections 8 and 9): a header and a batch of items.

mod batch_item;
mod credential;
mod extension;
mod frame;
mod header;
mod request;
mod response;

pub use credential::{
    AttestationCredential, Authentication, Credential, DeviceCredential, HashedPasswordCredential,
    OneTimePasswordCredential, Ticket, UsernameAndPassword,
};
pub use extension::MessageExtension;
pub use header::{AsynchronousIndicator, Nonce, RequestHeader, ResponseHeader};
pub use request::{RequestBatchItem, RequestMessage};
pub use response::{ResponseBatchItem, ResponseMessage};

use crate::codec::Value;
use crate::registry::Tag;
use crate::ttlv::Element;
use crate::version::ProtocolVersion;

/// The version of a message that [`check`](crate::ttlv::check()) has accepted, whatever else is wrong with it: in which
/// version to say so.
#[must_use]
pub fn version_of(message: &Element<'_>) -> Option<ProtocolVersion> {
    let header = message
        .structure()
        .ok()?
        .find(|field| matches!(field.tag(), Tag::RequestHeader | Tag::ResponseHeader))?;
    let version = header.structure().ok()?.find_tag(Tag::ProtocolVersion)?;
    ProtocolVersion::decode(&version).ok()
}
