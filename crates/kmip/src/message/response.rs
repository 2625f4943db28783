//! Response messages.

use crate::codec::{Bytes, DateTime, Field, Value, take_once};
use crate::error::{DecodeError, EncodeError};
use crate::limits::Limits;
use crate::operations::ResponsePayload;
use crate::registry::{Enumeration, Operation, ResultReason, ResultStatus, Tag};
use crate::ttlv::{Buffer, Element, Item, Writer, check};
use crate::version::ProtocolVersion;

use super::batch_item::Common;
use super::{MessageExtension, ResponseHeader};

/// A response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResponseMessage {
    /// The header.
    pub header: ResponseHeader,
    /// What became of the request's items.
    pub batch_items: Vec<ResponseBatchItem>,
}

/// What became of one item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResponseBatchItem {
    /// The operation; absent when the request could not be read.
    pub operation: Option<Operation>,
    /// The request item's name.
    pub unique_batch_item_id: Option<Bytes>,
    /// How it ended.
    pub result_status: ResultStatus,
    /// Why it failed.
    pub result_reason: Option<ResultReason>,
    /// The same for people.
    pub result_message: Option<String>,
    /// With what to poll for the result of an operation that is pending.
    pub asynchronous_correlation_value: Option<Bytes>,
    /// The result.
    pub payload: Option<ResponsePayload>,
    /// Items with tags that are not known in a payload that has types: vendors' additions to it, or those of a newer
    /// version.
    pub payload_extensions: Vec<Item>,
    /// Vendors' additions.
    pub message_extensions: Vec<MessageExtension>,
    /// Items with tags that are not known beside all of that.
    pub extensions: Vec<Item>,
}

impl ResponseBatchItem {
    /// An item that succeeded.
    #[must_use]
    pub fn success(payload: impl Into<ResponsePayload>) -> Self {
        let payload = payload.into();
        Self {
            operation: payload.operation(),
            unique_batch_item_id: None,
            result_status: ResultStatus::Success,
            result_reason: None,
            result_message: None,
            asynchronous_correlation_value: None,
            payload: Some(payload),
            payload_extensions: Vec::new(),
            message_extensions: Vec::new(),
            extensions: Vec::new(),
        }
    }

    /// An item that failed.
    #[must_use]
    pub fn failure(
        operation: Option<Operation>,
        reason: ResultReason,
        message: impl Into<String>,
    ) -> Self {
        Self {
            operation,
            unique_batch_item_id: None,
            result_status: ResultStatus::OperationFailed,
            result_reason: Some(reason),
            result_message: Some(message.into()),
            asynchronous_correlation_value: None,
            payload: None,
            payload_extensions: Vec::new(),
            message_extensions: Vec::new(),
            extensions: Vec::new(),
        }
    }

    /// The item, as the answer to the request's item of this name.
    #[must_use]
    pub fn answering(mut self, unique_batch_item_id: Option<Bytes>) -> Self {
        self.unique_batch_item_id = unique_batch_item_id;
        self
    }
}

impl ResponseMessage {
    /// A response of these items.
    #[must_use]
    pub fn new(
        version: ProtocolVersion,
        time_stamp: DateTime,
        batch_items: Vec<ResponseBatchItem>,
    ) -> Self {
        Self {
            header: ResponseHeader::new(version, time_stamp),
            batch_items,
        }
    }

    /// Reads a message in TTLV. Fields that do not belong in it are skipped; payloads that cannot be read are
    /// [`Malformed`](crate::operations::ResponsePayload::Malformed).
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

    /// Writes the message in TTLV. The header's batch count is set to the number of items. What the header's version does
    /// not have is left out; a result reason that it does not have becomes General Failure.
    ///
    /// # Errors
    /// When the version is not supported, a payload cannot be written, or one needs what the version does not have
    /// ([`EncodeError::Inexpressible`]): part of it would be worse than nothing.
    pub fn encode(&self) -> Result<Buffer, EncodeError> {
        self.encode_into(Buffer::new())
    }

    /// As [`ResponseMessage::encode`], reusing a buffer.
    pub fn encode_into(&self, buffer: Buffer) -> Result<Buffer, EncodeError> {
        super::frame::encode(&self.header, &self.batch_items, buffer)
    }
}

impl Value for ResponseBatchItem {
    fn decode(element: &Element<'_>) -> Result<Self, DecodeError> {
        let (mut status, mut reason, mut message, mut correlation) = (None, None, None, None);
        let common = Common::read(element, Tag::ResponsePayload, |field| {
            match field.tag() {
                Tag::ResultStatus => take_once(&mut status, field, ResultStatus::decode)?,
                Tag::ResultReason => take_once(&mut reason, field, ResultReason::decode)?,
                Tag::ResultMessage => take_once(&mut message, field, String::decode)?,
                Tag::AsynchronousCorrelationValue => {
                    take_once(&mut correlation, field, Bytes::decode)?
                }
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        let (payload, payload_extensions) = match common.payload {
            Some(element) => {
                let payload = ResponsePayload::decode(common.operation, &element)?;
                let extensions = payload.extensions(&element)?;
                (Some(payload), extensions)
            }
            None => (None, Vec::new()),
        };
        Ok(Self {
            operation: common.operation,
            unique_batch_item_id: common.unique_batch_item_id,
            result_status: status.ok_or(DecodeError::Missing {
                tag: Tag::ResultStatus,
                within: Tag::BatchItem,
            })?,
            result_reason: reason,
            result_message: message,
            asynchronous_correlation_value: correlation,
            payload_extensions,
            payload,
            message_extensions: common.message_extensions,
            extensions: common.extensions,
        })
    }

    fn encode(&self, tag: Tag, writer: &mut Writer) {
        writer.structure(tag, |writer| {
            self.operation.put(Tag::Operation, writer);
            self.unique_batch_item_id
                .put(Tag::UniqueBatchItemID, writer);
            self.result_status.encode(Tag::ResultStatus, writer);
            if let Some(reason) = self.result_reason {
                let reason = if reason.exists_in(writer.version()) {
                    reason
                } else {
                    ResultReason::GeneralFailure
                };
                reason.encode(Tag::ResultReason, writer);
            }
            self.result_message.put(Tag::ResultMessage, writer);
            self.asynchronous_correlation_value
                .put(Tag::AsynchronousCorrelationValue, writer);
            if let Some(payload) = &self.payload {
                payload.write(Tag::ResponsePayload, &self.payload_extensions, writer);
            }
            self.message_extensions.put(Tag::MessageExtension, writer);
            self.extensions.iter().for_each(|item| item.write(writer));
        });
    }
}
