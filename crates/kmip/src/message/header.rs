//! The headers.

use crate::codec::{Bytes, DateTime, Value};
use crate::error::DecodeError;
use crate::registry::{
    AsynchronousIndicatorOption, AttestationType, BatchErrorContinuationOption, Enumeration, Tag,
};
use crate::ttlv::{Element, ItemType, Writer};
use crate::version::ProtocolVersion;

use super::Authentication;

/// Whether the client accepts asynchronous answers: an enumeration in 2.x; before, a Boolean, which has no word for
/// `Mandatory`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AsynchronousIndicator(pub AsynchronousIndicatorOption);

impl Value for AsynchronousIndicator {
    fn decode(element: &Element<'_>) -> Result<Self, DecodeError> {
        if element.item_type() == ItemType::Boolean {
            return Ok(Self(if element.boolean()? {
                AsynchronousIndicatorOption::Optional
            } else {
                AsynchronousIndicatorOption::Prohibited
            }));
        }
        element
            .enumeration()
            .map(|code| Self(AsynchronousIndicatorOption::from_code(code)))
    }

    fn encode(&self, tag: Tag, writer: &mut Writer) {
        use AsynchronousIndicatorOption as O;
        match self.0 {
            O::Optional if !writer.version().has_typed_attributes() => writer.boolean(tag, true),
            O::Prohibited if !writer.version().has_typed_attributes() => writer.boolean(tag, false),
            option => {
                if writer.admits(ProtocolVersion::V2_0, || format!("{tag} {option}")) {
                    writer.enumeration(tag, option);
                }
            }
        }
    }
}

structure! {
    /// A value that the server gave for the client's attestation. Of 1.2.
    pub struct Nonce {
        /// Its name.
        id: Bytes = NonceID,
        /// The value.
        value: Bytes = NonceValue,
    }
}

structure! {
    /// The header of a request.
    pub struct RequestHeader {
        /// The version of the message.
        protocol_version: ProtocolVersion = ProtocolVersion,
        /// How long the response may be, in bytes.
        maximum_response_size: Option<i32> = MaximumResponseSize,
        /// A name of the client's for the request, for logs. Of 1.4.
        client_correlation_value: Option<String> = ClientCorrelationValue,
        /// The server's name for an earlier request. Of 1.4.
        server_correlation_value: Option<String> = ServerCorrelationValue,
        /// Whether the client accepts asynchronous answers.
        asynchronous_indicator: Option<AsynchronousIndicator> = AsynchronousIndicator,
        /// Whether the client can attest. Of 1.2.
        attestation_capable_indicator: Option<bool> = AttestationCapableIndicator,
        /// How it can. Of 1.2.
        attestation_types: Vec<AttestationType> = AttestationType,
        /// Who the client is, beyond its TLS certificate.
        authentication: Option<Authentication> = Authentication,
        /// What happens to the rest of the batch when an item fails; the rest is not done if absent.
        batch_error_continuation_option: Option<BatchErrorContinuationOption> = BatchErrorContinuationOption,
        /// Whether the items must be done in their order.
        batch_order_option: Option<bool> = BatchOrderOption,
        /// When the request was made. Some servers refuse requests by it: leave it out unless it is needed.
        time_stamp: Option<DateTime> = TimeStamp,
        /// How many batch items follow. Set by [`RequestMessage::encode`](super::RequestMessage::encode).
        batch_count: i32 = BatchCount;
        /// Items with tags that are not known: vendors' additions, or those of a newer version.
        extensions
    }
}

impl RequestHeader {
    /// A header with nothing but the version.
    #[must_use]
    pub const fn new(protocol_version: ProtocolVersion) -> Self {
        Self {
            protocol_version,
            maximum_response_size: None,
            client_correlation_value: None,
            server_correlation_value: None,
            asynchronous_indicator: None,
            attestation_capable_indicator: None,
            attestation_types: Vec::new(),
            authentication: None,
            batch_error_continuation_option: None,
            batch_order_option: None,
            time_stamp: None,
            batch_count: 0,
            extensions: Vec::new(),
        }
    }
}

structure! {
    /// The header of a response.
    pub struct ResponseHeader {
        /// The version of the message.
        protocol_version: ProtocolVersion = ProtocolVersion,
        /// When the response was made.
        time_stamp: DateTime = TimeStamp,
        /// A value for the client's attestation. Of 1.2.
        nonce: Option<Nonce> = Nonce,
        /// The proof that the server knows the client's password. Of 2.0.
        server_hashed_password: Option<Bytes> = ServerHashedPassword,
        /// How the client may attest. Of 1.2.
        attestation_types: Vec<AttestationType> = AttestationType,
        /// The client's name for the request. Of 1.4.
        client_correlation_value: Option<String> = ClientCorrelationValue,
        /// The server's name for the request, for logs. Of 1.4.
        server_correlation_value: Option<String> = ServerCorrelationValue,
        /// How many batch items follow. Set by [`ResponseMessage::encode`](super::ResponseMessage::encode).
        batch_count: i32 = BatchCount;
        /// Items with tags that are not known: vendors' additions, or those of a newer version.
        extensions
    }
}

impl ResponseHeader {
    /// A header with nothing but the version and the time.
    #[must_use]
    pub const fn new(protocol_version: ProtocolVersion, time_stamp: DateTime) -> Self {
        Self {
            protocol_version,
            time_stamp,
            nonce: None,
            server_hashed_password: None,
            attestation_types: Vec::new(),
            client_correlation_value: None,
            server_correlation_value: None,
            batch_count: 0,
            extensions: Vec::new(),
        }
    }
}
