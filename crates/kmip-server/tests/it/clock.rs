//! A clock that goes forward, and one that goes back.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use kmip::operations::{
    CreateRequest, CreateResponse, EncryptRequest, GetAttributesRequest, GetAttributesResponse,
};
use kmip::registry::{
    CryptographicAlgorithm, CryptographicUsageMask, ObjectType, ResultReason, State,
};
use kmip::{AttributeValue, Attributes, DateTime, ProtocolVersion};
use kmip_server::{Clock, ServerConfig};

use crate::peer::Peer;
use crate::rig::Rig;

#[derive(Debug)]
struct Hands(AtomicI64);

impl Clock for Hands {
    fn unix_seconds(&self) -> i64 {
        self.0.load(Ordering::SeqCst)
    }
}

async fn state(peer: &mut Peer, id: &str) -> State {
    let response: GetAttributesResponse = peer
        .ask(GetAttributesRequest {
            unique_identifier: Some(id.into()),
            attribute_names: Vec::new(),
        })
        .await;
    *response.attributes.state().unwrap()
}

/// A key that has been deactivated by a date is not brought to life by a clock that goes back, nor by a restart.
#[tokio::test]
async fn a_state_that_was_seen_stays() {
    let rig = Rig::new();
    let clock = Arc::new(Hands(AtomicI64::new(1_000)));
    let config = || ServerConfig {
        clock: Some(clock.clone()),
        ..rig.server_config("kmip")
    };
    let server = rig.start_with(config()).await;
    let mut peer = Peer::new(&rig, &server, ProtocolVersion::V1_4).await;
    let attributes = Attributes::new()
        .with(AttributeValue::CryptographicAlgorithm(
            CryptographicAlgorithm::AES,
        ))
        .with(AttributeValue::CryptographicLength(256))
        .with(AttributeValue::CryptographicUsageMask(
            CryptographicUsageMask::Encrypt,
        ))
        .with(AttributeValue::ActivationDate(DateTime(2_000)))
        .with(AttributeValue::DeactivationDate(DateTime(3_000)));
    let made: CreateResponse = peer
        .ask(CreateRequest {
            object_type: ObjectType::SymmetricKey,
            attributes,
            protection_storage_masks: None,
        })
        .await;
    let id = made.unique_identifier.to_string();
    let encrypt = || EncryptRequest {
        unique_identifier: Some(id.as_str().into()),
        data: Some([0; 16].as_slice().into()),
        ..EncryptRequest::default()
    };
    for (now, expected) in [
        (1_000, State::PreActive),
        (1_999, State::PreActive),
        (2_000, State::Active),
        (1_500, State::Active),
        (2_999, State::Active),
        (3_000, State::Deactivated),
        (2_500, State::Deactivated),
        (1, State::Deactivated),
    ] {
        clock.0.store(now, Ordering::SeqCst);
        // Twice: from the store, and from memory.
        for _ in 0..2 {
            assert_eq!(state(&mut peer, &id).await, expected, "{now}");
        }
    }
    assert_eq!(
        peer.refused(encrypt()).await,
        ResultReason::PermissionDenied
    );
    server.stop().await;
    let server = rig.start_with(config()).await;
    let mut peer = Peer::new(&rig, &server, ProtocolVersion::V1_4).await;
    assert_eq!(state(&mut peer, &id).await, State::Deactivated);
    assert_eq!(
        peer.refused(encrypt()).await,
        ResultReason::PermissionDenied
    );
}
