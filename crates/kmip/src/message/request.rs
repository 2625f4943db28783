//! Request messages.

use crate::codec::{Bytes, Field, Value, take_once};
use crate::error::{DecodeError, EncodeError};
use crate::limits::Limits;
use crate::operations::RequestPayload;
use crate::registry::Tag;
use crate::ttlv::{Buffer, Element, Item, Writer, check};
use crate::version::ProtocolVersion;

use super::batch_item::Common;
use super::{MessageExtension, RequestHeader};

/// A request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestMessage {
    /// The header.
    pub header: RequestHeader,
    /// What to do.
    pub batch_items: Vec<RequestBatchItem>,
}

/// One thing to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestBatchItem {
    /// Whether the result's key material must not be kept (2.0).
    pub ephemeral: Option<bool>,
    /// The item's name, which the response repeats. Needed with more than one item.
    pub unique_batch_item_id: Option<Bytes>,
    /// The operation and its arguments.
    pub payload: RequestPayload,
    /// Items with tags that are not known in a payload that has types: vendors' additions to it, or those of a newer
    /// version.
    pub payload_extensions: Vec<Item>,
    /// Vendors' additions.
    pub message_extensions: Vec<MessageExtension>,
    /// Items with tags that are not known beside all of that.
    pub extensions: Vec<Item>,
}

impl<P: Into<RequestPayload>> From<P> for RequestBatchItem {
    fn from(payload: P) -> Self {
        Self {
            ephemeral: None,
            unique_batch_item_id: None,
            payload: payload.into(),
            payload_extensions: Vec::new(),
            message_extensions: Vec::new(),
            extensions: Vec::new(),
        }
    }
}

impl RequestMessage {
    /// A request for one operation.
    #[must_use]
    pub fn new(version: ProtocolVersion, payload: impl Into<RequestPayload>) -> Self {
        Self {
            header: RequestHeader::new(version),
            batch_items: vec![RequestBatchItem::from(payload.into())],
        }
    }

    /// A request for several operations, in this order; each item is named by its place, counted from 1, in 4 bytes.
    #[must_use]
    pub fn batch(
        version: ProtocolVersion,
        payloads: impl IntoIterator<Item = RequestPayload>,
    ) -> Self {
        let batch_items = Self::batch_item_ids(usize::MAX)
            .zip(payloads)
            .map(|(id, payload)| RequestBatchItem {
                unique_batch_item_id: Some(id),
                ..payload.into()
            })
            .collect();
        Self {
            header: RequestHeader {
                batch_order_option: Some(true),
                ..RequestHeader::new(version)
            },
            batch_items,
        }
    }

    /// The names that [`RequestMessage::batch`] gives to the first `count` items.
    pub fn batch_item_ids(count: usize) -> impl Iterator<Item = Bytes> {
        (1_u32..)
            .take(count)
            .map(|place| Bytes(place.to_be_bytes().to_vec()))
    }

    /// Reads a message in TTLV. Payloads that cannot be read are
    /// [`Malformed`](crate::operations::RequestPayload::Malformed): only they fail, not the batch.
    ///
    /// # Errors
    /// What is wrong with the message as a whole.
    pub fn decode(bytes: &[u8], limits: &Limits) -> Result<Self, DecodeError> {
        Self::from_element(&check(bytes, limits)?, limits)
    }

    /// Reads a message that [`check`] has accepted.
    pub fn from_element(element: &Element<'_>, limits: &Limits) -> Result<Self, DecodeError> {
        let (header, batch_items) = super::frame::decode(element, limits)?;
        Ok(Self {
            header,
            batch_items,
        })
    }

    /// Writes the message in TTLV. The header's batch count is set to the number of items.
    ///
    /// # Errors
    /// When there is something in it that the header's version does not have, not yet or no longer: a request's meaning
    /// must not change silently.
    pub fn encode(&self) -> Result<Buffer, EncodeError> {
        self.encode_into(Buffer::new())
    }

    /// As [`RequestMessage::encode`], reusing a buffer.
    pub fn encode_into(&self, buffer: Buffer) -> Result<Buffer, EncodeError> {
        super::frame::encode(&self.header, &self.batch_items, buffer)
    }
}

impl Value for RequestBatchItem {
    fn decode(element: &Element<'_>) -> Result<Self, DecodeError> {
        let mut ephemeral = None;
        let common = Common::read(element, Tag::RequestPayload, |field| {
            match field.tag() {
                Tag::Ephemeral => take_once(&mut ephemeral, field, bool::decode)?,
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        let within = Tag::BatchItem;
        let operation = common.operation.ok_or(DecodeError::Missing {
            tag: Tag::Operation,
            within,
        })?;
        let element = common.payload.ok_or(DecodeError::Missing {
            tag: Tag::RequestPayload,
            within,
        })?;
        let payload = RequestPayload::decode(Some(operation), &element)?;
        Ok(Self {
            ephemeral,
            unique_batch_item_id: common.unique_batch_item_id,
            payload_extensions: payload.extensions(&element)?,
            payload,
            message_extensions: common.message_extensions,
            extensions: common.extensions,
        })
    }

    fn encode(&self, tag: Tag, writer: &mut Writer) {
        writer.structure(tag, |writer| {
            match self.payload.operation() {
                Some(operation) => operation.encode(Tag::Operation, writer),
                None => writer.fail(EncodeError::Unencodable {
                    what: "a request without an operation",
                }),
            }
            self.ephemeral.put(Tag::Ephemeral, writer);
            self.unique_batch_item_id
                .put(Tag::UniqueBatchItemID, writer);
            self.payload
                .write(Tag::RequestPayload, &self.payload_extensions, writer);
            self.message_extensions.put(Tag::MessageExtension, writer);
            self.extensions.iter().for_each(|item| item.write(writer));
        });
    }
}
