#![doc = include_str!("../README.md")]
//!
//! # What is here
//!
//! - [`RequestMessage`] and [`ResponseMessage`]: typed, encoded and decoded in both directions, so that clients and
//!   servers share them. What is inside them is in [`operations`], [`objects`], [`attributes`] and [`structures`].
//! - [`ttlv`]: the binary encoding underneath. [`ttlv::message_bytes`] tells a reader of a stream how much to read,
//!   [`ttlv::check`] proves a message well-formed within [`Limits`] before anything is allocated for it.
//! - [`registry`]: tags, enumerations and masks with code, name, first and last version. Unknown values survive.
//! - [`text`]: XML and JSON, translated to and from TTLV.
//! - [`SecretBytes`], [`SecretItems`] and [`KeyMaterial`]: wiped, never printed, compared in constant time.
//!
//! # Versions
//!
//! The header's version decides what is written. Attributes are the same Rust type for all versions. What the version
//! does not have, not yet or no longer, is an error in a request (its meaning must not change silently) and left out of
//! a response (a client of that version could not read it).
//!
//! # What is unknown
//!
//! Through the types, this survives: values of enumerations and bits of masks, everywhere; operations, attributes,
//! credentials and key formats that are not in the tables, with all that is in them; items with tags that are not in the
//! table, be they vendors' (`54XXXX`) or newer than this library, in headers, batch items and payloads, and wherever
//! anything may stand (a vendor's extension, the server's information). Within other structures, such as a Link or a Key
//! Block, items with unknown tags are skipped, and so are known ones out of their place. Nobody can say in which versions
//! something unknown exists: it is written in all of them. A [`ttlv::Item`] keeps every item of a message.
//!
//! # Examples
//!
//! A client asks for a key:
//!
//! ```
//! use kmip::operations::{GetRequest, GetResponse};
//! use kmip::registry::ResultStatus;
//! use kmip::{Limits, ProtocolVersion, RequestMessage, ResponseMessage, ttlv};
//! # use kmip::objects::{KeyBlock, ManagedObject, SymmetricKey};
//! # use kmip::registry::{CryptographicAlgorithm, ObjectType};
//! # use kmip::{DateTime, ResponseBatchItem};
//!
//! let get = GetRequest { unique_identifier: Some("42".into()), ..Default::default() };
//! let request = RequestMessage::new(ProtocolVersion::V1_4, get).encode()?;
//! assert_eq!(ttlv::message_bytes(request.as_slice()[..8].try_into()?, &Limits::DEFAULT)?, request.len());
//! // send(request.as_slice()), receive the response …
//! # let key = SymmetricKey { key_block: KeyBlock::raw(CryptographicAlgorithm::AES, &[7; 32]) };
//! # let bytes = ResponseMessage::new(
//! #     ProtocolVersion::V1_4,
//! #     DateTime(0),
//! #     vec![ResponseBatchItem::success(GetResponse {
//! #         object_type: ObjectType::SymmetricKey,
//! #         unique_identifier: "42".into(),
//! #         object: ManagedObject::SymmetricKey(key),
//! #     })],
//! # )
//! # .encode()?;
//! # let bytes = bytes.as_slice();
//! let response = ResponseMessage::decode(bytes, &Limits::DEFAULT)?;
//! let item = response.batch_items.into_iter().next().ok_or("an empty response")?;
//! assert_eq!(item.result_status, ResultStatus::Success);
//! let got = GetResponse::try_from(item.payload.ok_or("no payload")?)?;
//! let key = got.object.key_block().and_then(|block| block.key_bytes()).ok_or("not a plain key")?;
//! assert_eq!(key.expose().len(), 32);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A server answers:
//!
//! ```
//! use kmip::operations::{ActivateResponse, RequestPayload};
//! use kmip::registry::ResultReason;
//! use kmip::{DateTime, Limits, RequestMessage, ResponseBatchItem, ResponseMessage};
//!
//! fn answer(bytes: &[u8], now: DateTime) -> Result<kmip::ttlv::Buffer, Box<dyn std::error::Error>> {
//!     let request = RequestMessage::decode(bytes, &Limits::DEFAULT)?;
//!     let items = request
//!         .batch_items
//!         .into_iter()
//!         .map(|item| {
//!             let operation = item.payload.operation();
//!             match item.payload {
//!                 RequestPayload::Activate(activate) => match activate.unique_identifier {
//!                     Some(unique_identifier) => ResponseBatchItem::success(ActivateResponse { unique_identifier }),
//!                     None => ResponseBatchItem::failure(operation, ResultReason::MissingData, "which object?"),
//!                 },
//!                 RequestPayload::Malformed(payload) => {
//!                     ResponseBatchItem::failure(operation, ResultReason::InvalidMessage, payload.error.to_string())
//!                 }
//!                 _ => ResponseBatchItem::failure(operation, ResultReason::OperationNotSupported, "not supported"),
//!             }
//!             .answering(item.unique_batch_item_id)
//!         })
//!         .collect();
//!     Ok(ResponseMessage::new(request.header.protocol_version, now, items).encode()?)
//! }
//! # use kmip::{ProtocolVersion, operations::ActivateRequest};
//! # let request = RequestMessage::new(ProtocolVersion::V1_0, ActivateRequest { unique_identifier: Some("1".into()) });
//! # let answer = answer(request.encode()?.as_slice(), DateTime(0))?;
//! # let answer = ResponseMessage::decode(answer.as_slice(), &Limits::DEFAULT)?;
//! # assert_eq!(answer.batch_items[0].result_status, kmip::registry::ResultStatus::Success);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing
    )
)]

#[macro_use]
pub mod codec;

pub mod attributes;
mod error;
mod identifier;
mod limits;
pub mod message;
pub mod objects;
pub mod operations;
pub mod registry;
mod secret;
pub mod structures;
pub mod text;
pub mod ttlv;
mod version;

pub use attributes::{Attribute, AttributeName, AttributeNames, AttributeValue, Attributes};
pub use codec::{AnyStructure, BigInteger, Bytes, DateTime, DateTimeExtended, Interval};
pub use error::{DecodeError, EncodeError};
pub use identifier::{Data, UniqueIdentifier};
pub use limits::Limits;
pub use message::{
    RequestBatchItem, RequestHeader, RequestMessage, ResponseBatchItem, ResponseHeader,
    ResponseMessage,
};
pub use objects::{KeyMaterial, ManagedObject};
pub use operations::{RequestPayload, ResponsePayload};
pub use secret::{SecretBytes, SecretItems, SecretText};
pub use structures::Name;
pub use version::{ParseVersionError, ProtocolVersion};
