//! Messages (KMIP 1.4, sections 6 and 7; 2.1, sections 8 and 9): a header and a batch of items.

mod credential;
mod extension;
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
