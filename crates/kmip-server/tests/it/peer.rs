//! A client for requests that the client library has no function for.

use kmip::objects::{KeyBlock, SymmetricKey};
use kmip::operations::{
    ActivateRequest, CreateRequest, RegisterRequest, RegisterResponse, RequestPayload,
    ResponsePayload,
};
use kmip::registry::{
    BatchErrorContinuationOption, CryptographicAlgorithm, CryptographicUsageMask, ObjectType,
    ResultReason,
};
use kmip::{AttributeValue, Attributes, Name, ProtocolVersion, RequestMessage, ResponseBatchItem};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use crate::rig::{Rig, Running, ask, raw, raw_as};

/// What an AES key of this length is asked for with.
pub(crate) fn aes(bits: i32) -> Attributes {
    Attributes::new()
        .with(AttributeValue::CryptographicAlgorithm(
            CryptographicAlgorithm::AES,
        ))
        .with(AttributeValue::CryptographicLength(bits))
}

/// A request for a symmetric key.
pub(crate) fn create(attributes: Attributes) -> CreateRequest {
    CreateRequest {
        object_type: ObjectType::SymmetricKey,
        attributes,
        protection_storage_masks: None,
    }
}

/// A request for a key that encrypts, with one more attribute.
pub(crate) fn aes256_with(attribute: AttributeValue) -> CreateRequest {
    let mask = AttributeValue::CryptographicUsageMask(CryptographicUsageMask::Encrypt);
    create(aes(256).with(mask).with(attribute))
}

/// A request for a key that encrypts, with a Name.
pub(crate) fn aes256(name: &str) -> CreateRequest {
    aes256_with(AttributeValue::Name(Name::text(name)))
}

/// A client that sends what it is told, in a version of the test's choice.
pub(crate) struct Peer {
    stream: TlsStream<TcpStream>,
    pub(crate) version: ProtocolVersion,
}

impl Peer {
    pub(crate) async fn new(rig: &Rig, server: &Running, version: ProtocolVersion) -> Self {
        Self {
            stream: raw(rig, server).await,
            version,
        }
    }

    pub(crate) async fn named(
        rig: &Rig,
        server: &Running,
        version: ProtocolVersion,
        common_name: &str,
    ) -> Self {
        Self {
            stream: raw_as(rig, server, common_name).await,
            version,
        }
    }

    /// A whole batch.
    pub(crate) async fn batch(
        &mut self,
        option: Option<BatchErrorContinuationOption>,
        payloads: impl IntoIterator<Item = RequestPayload>,
    ) -> Vec<ResponseBatchItem> {
        let mut request = RequestMessage::batch(self.version, payloads);
        request.header.batch_error_continuation_option = option;
        ask(&mut self.stream, &request).await.batch_items
    }

    pub(crate) async fn item(&mut self, payload: impl Into<RequestPayload>) -> ResponseBatchItem {
        let request = RequestMessage::new(self.version, payload.into());
        let mut response = ask(&mut self.stream, &request).await;
        assert_eq!(response.batch_items.len(), 1);
        response.batch_items.remove(0)
    }

    pub(crate) async fn ask<R: TryFrom<ResponsePayload, Error: std::fmt::Debug>>(
        &mut self,
        payload: impl Into<RequestPayload>,
    ) -> R {
        let item = self.item(payload).await;
        let payload = item
            .payload
            .ok_or_else(|| format!("{:?}", item.result_message));
        R::try_from(payload.unwrap()).unwrap()
    }

    pub(crate) async fn refused(&mut self, payload: impl Into<RequestPayload>) -> ResultReason {
        self.item(payload).await.result_reason.unwrap()
    }

    pub(crate) async fn key(&mut self, mask: CryptographicUsageMask) -> String {
        let registered: RegisterResponse = self
            .ask(RegisterRequest {
                object_type: ObjectType::SymmetricKey,
                attributes: Attributes::new().with(AttributeValue::CryptographicUsageMask(mask)),
                object: SymmetricKey {
                    key_block: KeyBlock::raw(CryptographicAlgorithm::AES, &[0x5A; 32]),
                }
                .into(),
                protection_storage_masks: None,
            })
            .await;
        registered.unique_identifier.to_string()
    }

    pub(crate) async fn active_key(&mut self, mask: CryptographicUsageMask) -> String {
        let id = self.key(mask).await;
        let activate = ActivateRequest {
            unique_identifier: Some(id.as_str().into()),
        };
        assert!(self.item(activate).await.payload.is_some());
        id
    }
}
