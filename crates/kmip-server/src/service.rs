//! From a request's bytes to the answer's: everything but the network.

use std::sync::Arc;

use kmip::codec::Value;
use kmip::registry::{ResultReason, Tag};
use kmip::ttlv::{self, Buffer};
use kmip::{
    Limits, ProtocolVersion, RequestMessage, ResponseBatchItem, ResponseHeader, ResponseMessage,
};

use crate::batch;
use crate::clock::now;
use crate::objects::Objects;
use crate::store::{RecordStore, StoreError};
use crate::streams::Streams;

/// The server without its sockets.
pub(crate) struct Service {
    objects: Objects,
    streams: Streams,
    limits: Limits,
}

/// What goes back to the client.
pub(crate) struct Reply {
    pub(crate) message: Buffer,
    /// Nothing more is to be expected from this client.
    pub(crate) close: bool,
}

impl Service {
    pub(crate) fn open(store: impl RecordStore, limits: Limits) -> Result<Self, StoreError> {
        Ok(Self {
            objects: Objects::open(store)?,
            streams: Streams::default(),
            limits,
        })
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Answers one request of the owner's.
    pub(crate) fn handle(&self, owner: &Arc<str>, request: &[u8]) -> Reply {
        let message = match RequestMessage::decode(request, &self.limits) {
            Ok(message) => message,
            Err(error) => {
                let version = nearest(version_of(request, &self.limits));
                return refuse(
                    version,
                    ResultReason::InvalidMessage,
                    error.to_string(),
                    true,
                );
            }
        };
        let asked = message.header.protocol_version;
        if !asked.is_supported() {
            let text = format!("KMIP {asked} is not supported; {} is", nearest(Some(asked)));
            return refuse(
                nearest(Some(asked)),
                ResultReason::InvalidMessage,
                text,
                false,
            );
        }
        let header = ResponseHeader {
            client_correlation_value: message.header.client_correlation_value.clone(),
            ..ResponseHeader::new(asked, now())
        };
        let largest = message.header.maximum_response_size;
        let only = match message.batch_items.as_slice() {
            [only] => Some((only.payload.operation(), only.unique_batch_item_id.clone())),
            _ => None,
        };
        let batch_items = batch::perform(&self.objects, &self.streams, owner, message);
        let response = ResponseMessage {
            header,
            batch_items,
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
    Reply { message, close }
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

#[cfg(test)]
mod tests {
    use std::panic::AssertUnwindSafe;

    use super::*;
    use crate::store::{Change, Record};

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

    struct NoStore;

    impl RecordStore for NoStore {
        fn load(&self) -> Result<Vec<(String, Record)>, StoreError> {
            Ok(Vec::new())
        }

        fn apply(&self, _: &[Change<'_>]) -> Result<(), StoreError> {
            Ok(())
        }
    }

    /// Whatever a client sends is answered with a response message.
    #[test]
    fn any_request() {
        let service = AssertUnwindSafe(Service::open(NoStore, Limits::DEFAULT).unwrap());
        let owner: Arc<str> = "fuzz".into();
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
                    let reply = service.handle(&owner, bytes);
                    ResponseMessage::decode(reply.message.as_slice(), &Limits::DEFAULT).unwrap();
                }
            });
    }
}
