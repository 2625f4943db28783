//! SIGTERM while a request is under way.

use kmip::operations::{
    CreateRequest, DerivationParameters, DeriveKeyRequest, RequestPayload, ResponsePayload,
};
use kmip::registry::{
    BatchErrorContinuationOption, CryptographicAlgorithm, CryptographicUsageMask, DerivationMethod,
    HashingAlgorithm, ObjectType, ResultReason,
};
use kmip::structures::CryptographicParameters;
use kmip::{
    AttributeValue, Attributes, Bytes, DateTime, Limits, ProtocolVersion, RequestMessage,
    ResponseMessage,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::rig::{Rig, ask};

/// More than are done before the stop: together they take half a minute.
const ITEMS: usize = 200;

fn aes() -> Attributes {
    Attributes::new()
        .with(AttributeValue::CryptographicAlgorithm(
            CryptographicAlgorithm::AES,
        ))
        .with(AttributeValue::CryptographicLength(256))
}

fn derive(from: &str) -> RequestPayload {
    RequestPayload::DeriveKey(DeriveKeyRequest {
        object_type: ObjectType::SymmetricKey,
        unique_identifiers: vec![from.into()],
        derivation_method: DerivationMethod::PBKDF2,
        derivation_parameters: DerivationParameters {
            cryptographic_parameters: Some(CryptographicParameters {
                hashing_algorithm: Some(HashingAlgorithm::SHA_256),
                ..CryptographicParameters::default()
            }),
            salt: Some(Bytes(vec![1; 16])),
            iteration_count: Some(400_000),
            ..DerivationParameters::default()
        },
        attributes: aes(),
    })
}

#[tokio::test]
async fn what_is_under_way_ends_in_time_and_is_answered() {
    let rig = Rig::new();
    rig.configure(
        "storage:\n",
        "limits: {drainTimeoutMs: 4000, requestTimeoutMs: 600000}\nstorage:\n",
    );
    rig.client(&["add", "deriver", "--role", "admin"]);
    let server = rig.start();
    let mut stream = rig.raw(&server, "deriver").await;
    let create = CreateRequest {
        object_type: ObjectType::SymmetricKey,
        attributes: aes()
            .with(AttributeValue::CryptographicUsageMask(
                CryptographicUsageMask::DeriveKey,
            ))
            .with(AttributeValue::ActivationDate(DateTime(1))),
        protection_storage_masks: None,
    };
    let mut made = ask(
        &mut stream,
        &RequestMessage::new(ProtocolVersion::V2_1, create),
    )
    .await;
    let Some(ResponsePayload::Create(made)) = made.batch_items.remove(0).payload else {
        panic!("no key was made");
    };
    let id = made.unique_identifier.to_string();
    let mut batch = RequestMessage::batch(
        ProtocolVersion::V2_1,
        std::iter::repeat_with(|| derive(&id)).take(ITEMS),
    );
    batch.header.batch_error_continuation_option = Some(BatchErrorContinuationOption::Continue);
    stream
        .write_all(batch.encode().unwrap().as_slice())
        .await
        .unwrap();
    stream.flush().await.unwrap();
    let log = || std::fs::read_to_string(rig.audit_log()).unwrap();
    while !log().contains("\"DeriveKey\"") {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    server.signal("TERM");
    let mut header = [0; 8];
    stream.read_exact(&mut header).await.unwrap();
    let total = kmip::ttlv::message_bytes(header, &Limits::DEFAULT).unwrap();
    let mut message = header.to_vec();
    message.resize(total, 0);
    stream.read_exact(&mut message[8..]).await.unwrap();
    let items = ResponseMessage::decode(&message, &Limits::DEFAULT)
        .unwrap()
        .batch_items;
    assert_eq!(items.len(), ITEMS);
    assert!(items[0].result_reason.is_none(), "{:?}", items[0]);
    assert_eq!(
        items[ITEMS - 1].result_reason,
        Some(ResultReason::ServerLimitExceeded)
    );
    server.stopped();
    let log = log();
    assert_eq!(log.matches("\"DeriveKey\"").count(), ITEMS);
    assert!(log.lines().last().unwrap().contains("stopped as asked\""));
}
