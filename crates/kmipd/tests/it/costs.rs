//! Costly cryptography of one client does not keep others waiting.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use kmip::operations::{CreateRequest, DerivationParameters, DeriveKeyRequest, GetRequest};
use kmip::registry::{
    CryptographicAlgorithm, CryptographicUsageMask, DerivationMethod, HashingAlgorithm, ObjectType,
    ResultReason,
};
use kmip::structures::CryptographicParameters;
use kmip::{
    AttributeValue, Attributes, Bytes, DateTime, ProtocolVersion, RequestMessage, ResponsePayload,
};

use crate::rig::{Rig, ask};

fn aes() -> Attributes {
    Attributes::new()
        .with(AttributeValue::CryptographicAlgorithm(
            CryptographicAlgorithm::AES,
        ))
        .with(AttributeValue::CryptographicLength(256))
        .with(AttributeValue::CryptographicUsageMask(
            CryptographicUsageMask::DeriveKey,
        ))
        .with(AttributeValue::ActivationDate(DateTime(1)))
}

fn derive(base: &str, iterations: i32) -> RequestMessage {
    let request = DeriveKeyRequest {
        object_type: ObjectType::SymmetricKey,
        unique_identifiers: vec![base.into()],
        derivation_method: DerivationMethod::PBKDF2,
        derivation_parameters: DerivationParameters {
            cryptographic_parameters: Some(CryptographicParameters {
                hashing_algorithm: Some(HashingAlgorithm::SHA_256),
                ..CryptographicParameters::default()
            }),
            salt: Some(Bytes(b"salt".to_vec())),
            iteration_count: Some(iterations),
            ..DerivationParameters::default()
        },
        attributes: aes(),
    };
    RequestMessage::new(ProtocolVersion::V2_1, request)
}

#[tokio::test(flavor = "multi_thread")]
async fn others_go_on() {
    const GREEDY: usize = 24;
    let rig = Rig::new();
    rig.configure(
        "storage:\n",
        "limits: {connectionsPerClient: 200, requestsPerSecond: 0}\ncrypto: {costlyAtOnce: 1, costlyWaiting: 8, maxIterations: 500000}\nstorage:\n",
    );
    rig.client(&["add", "greedy", "--role", "admin"]);
    let server = rig.start();
    let mut stream = rig.raw(&server, "greedy").await;
    let create = CreateRequest {
        object_type: ObjectType::SymmetricKey,
        attributes: aes(),
        protection_storage_masks: None,
    };
    let create = RequestMessage::new(ProtocolVersion::V2_1, create);
    let mut made = ask(&mut stream, &create).await;
    let Some(ResponsePayload::Create(made)) = made.batch_items.remove(0).payload else {
        panic!("no key was made");
    };
    let base = made.unique_identifier.to_string();
    let reason = |response: kmip::ResponseMessage| response.batch_items[0].result_reason;
    let too_many = ask(&mut stream, &derive(&base, 500_001)).await;
    assert_eq!(reason(too_many), Some(ResultReason::InvalidField));

    // Many at once, each again and again, until the others have what they want.
    let (derived, refused) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let is_over = Arc::new(AtomicBool::new(false));
    let mut greedy = tokio::task::JoinSet::new();
    for _ in 0..GREEDY {
        let mut stream = rig.raw(&server, "greedy").await;
        let request = derive(&base, 500_000);
        let (derived, refused, is_over) = (derived.clone(), refused.clone(), is_over.clone());
        greedy.spawn(async move {
            while !is_over.load(Ordering::SeqCst) {
                match ask(&mut stream, &request).await.batch_items[0].result_reason {
                    None => derived.fetch_add(1, Ordering::SeqCst),
                    Some(ResultReason::ServerLimitExceeded) => {
                        refused.fetch_add(1, Ordering::SeqCst)
                    }
                    Some(other) => panic!("{other}"),
                };
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            }
        });
    }
    while derived.load(Ordering::SeqCst) == 0 || refused.load(Ordering::SeqCst) == 0 {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    let before = derived.load(Ordering::SeqCst);
    let mut stream = rig.raw(&server, "strongroom").await;
    let get = GetRequest {
        unique_identifier: Some(base.as_str().into()),
        ..GetRequest::default()
    };
    let get = RequestMessage::new(ProtocolVersion::V2_1, get);
    // A Get behind each of those that wait would be done when as many keys have been derived.
    const GETS: usize = 300;
    for _ in 0..GETS {
        assert_eq!(reason(ask(&mut stream, &get).await), None);
    }
    let meanwhile = derived.load(Ordering::SeqCst) - before;
    assert!(
        meanwhile < GETS / 4,
        "{meanwhile} keys were derived meanwhile"
    );
    is_over.store(true, Ordering::SeqCst);
    while let Some(done) = greedy.join_next().await {
        done.unwrap();
    }
    server.stop();
}
