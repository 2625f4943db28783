//! Answers that get lost: no key is made twice, none is forgotten.

use std::sync::Mutex;
use std::time::Duration;

use kmip::operations::{CreateRequest, GetAttributesResponse, RequestPayload};
use kmip::registry::{
    CryptographicAlgorithm, ObjectType, Operation, ResultReason, RevocationReasonCode, State,
};
use kmip::{AttributeValue, Attributes, Name, ProtocolVersion, SecretBytes};
use kmip_client::{Client, ErrorKind, NewSymmetricKey, Session};
use kmip_peer::{Act, Key, Keys, Peer, agree, honest, keys};

use crate::rig::Rig;

/// A peer that is honest but for the first request for `operation`: that is carried out, or not, and its answer is lost.
async fn forgetful(
    rig: &Rig,
    keys: &Keys,
    operation: Operation,
    carried_out: bool,
    lose: fn() -> Act,
) -> Peer {
    let keys = keys.clone();
    let lost = Mutex::new(false);
    Peer::start(rig, move |request| {
        if let Some(act) = agree(request, ProtocolVersion::V1_4) {
            return act;
        }
        let mut lost = lost.lock().unwrap();
        if request.payload.operation() == Some(operation) && !*lost {
            *lost = true;
            if carried_out {
                honest(&keys, request);
            }
            return lose();
        }
        honest(&keys, request)
    })
    .await
}

async fn session(rig: &Rig, peer: &Peer, timeout: Duration) -> Session {
    let mut config = rig.config(&peer.address.to_string());
    config.operation_timeout = timeout;
    Client::new(config).unwrap().connect().await.unwrap()
}

/// What is waited for in vain; but all other operations of the test must be done in it, on a machine that is busy.
const SHORT: Duration = Duration::from_secs(5);
const LONG: Duration = Duration::from_secs(300);

#[tokio::test]
async fn create_that_was_carried_out() {
    for (lose, timeout) in [
        ((|| Act::Close) as fn() -> Act, LONG),
        (|| Act::Reset, LONG),
        (|| Act::BytesThenClose(vec![0x42, 0x00, 0x7b]), LONG),
        (|| Act::Silence, SHORT),
    ] {
        let (rig, keys) = (Rig::new(), keys(&[("another", 9)]));
        let peer = forgetful(&rig, &keys, Operation::Create, true, lose).await;
        let mut session = session(&rig, &peer, timeout).await;
        let id = session
            .create_symmetric_key(&NewSymmetricKey::aes256("mine"))
            .await
            .unwrap();
        assert_eq!(id, "1");
        assert_eq!(peer.count(Operation::Create), 1);
        assert_eq!(keys.lock().unwrap().len(), 2);
    }
}

#[tokio::test]
async fn create_that_was_not() {
    let (rig, keys) = (Rig::new(), Keys::default());
    let peer = forgetful(&rig, &keys, Operation::Create, false, || Act::Close).await;
    let mut session = session(&rig, &peer, LONG).await;
    let id = session
        .create_symmetric_key(&NewSymmetricKey::aes256("mine"))
        .await
        .unwrap();
    assert_eq!(id, "0");
    assert_eq!(peer.count(Operation::Create), 2);
    assert_eq!(keys.lock().unwrap().len(), 1);
}

/// The server may still be at work: a second request could make a second key.
#[tokio::test]
async fn create_that_may_come_late_is_not_repeated() {
    let (rig, keys) = (Rig::new(), Keys::default());
    let peer = forgetful(&rig, &keys, Operation::Create, false, || Act::Silence).await;
    let mut session = session(&rig, &peer, SHORT).await;
    let error = session
        .create_symmetric_key(&NewSymmetricKey::aes256("mine"))
        .await
        .unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Timeout, "{error}");
    assert!(error.outcome_is_unknown());
    assert!(error.to_string().contains("\"mine\""), "{error}");
    assert_eq!(peer.count(Operation::Create), 1);
}

#[tokio::test]
async fn register_that_was_carried_out() {
    let (rig, keys) = (Rig::new(), Keys::default());
    let peer = forgetful(&rig, &keys, Operation::Register, true, || Act::Reset).await;
    let mut session = session(&rig, &peer, LONG).await;
    let material = SecretBytes::from(&[5; 32]);
    let key = NewSymmetricKey::aes256("mine");
    let id = session
        .register_symmetric_key(&key, &material)
        .await
        .unwrap();
    assert_eq!(
        session.get_symmetric_key(&id).await.unwrap().material,
        material
    );
    assert_eq!(peer.count(Operation::Register), 1);
}

#[tokio::test]
async fn register_when_the_name_is_another_keys() {
    let (rig, keys) = (Rig::new(), keys(&[("mine", 9)]));
    let peer = forgetful(&rig, &keys, Operation::Register, false, || Act::Reset).await;
    let mut session = session(&rig, &peer, LONG).await;
    let key = NewSymmetricKey::aes256("mine");
    let error = session
        .register_symmetric_key(&key, &SecretBytes::from(&[5; 32]))
        .await
        .unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::AmbiguousName, "{error}");
    assert_eq!(peer.count(Operation::Register), 1);
}

#[tokio::test]
async fn create_when_several_have_the_name() {
    let (rig, keys) = (Rig::new(), keys(&[("mine", 9)]));
    let peer = forgetful(&rig, &keys, Operation::Create, true, || Act::Reset).await;
    let mut session = session(&rig, &peer, LONG).await;
    let error = session
        .create_symmetric_key(&NewSymmetricKey::aes256("mine"))
        .await
        .unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::AmbiguousName, "{error}");
}

fn with_name(name: Option<&str>) -> CreateRequest {
    let mut attributes = Attributes::new()
        .with(AttributeValue::CryptographicAlgorithm(
            CryptographicAlgorithm::AES,
        ))
        .with(AttributeValue::ObjectGroup("group".to_owned()));
    if let Some(name) = name {
        attributes.push(AttributeValue::Name(Name::text(name)));
    }
    CreateRequest {
        object_type: ObjectType::SymmetricKey,
        attributes,
        protection_storage_masks: None,
    }
}

/// The new object is told apart from those that had the Name before; where that is not known, nobody knows.
#[tokio::test]
async fn create_with_a_name_that_others_have() {
    for carried_out in [true, false] {
        let (rig, keys) = (Rig::new(), keys(&[("mine", 9), ("mine", 8)]));
        let lose = || Act::Reset;
        let peer = forgetful(&rig, &keys, Operation::Create, carried_out, lose).await;
        let mut session = session(&rig, &peer, LONG).await;
        let before = ["0".to_owned(), "1".to_owned()];
        let made = session.create(with_name(Some("mine")), Some(&before)).await;
        assert_eq!(made.unwrap(), "2", "{carried_out}");
        assert_eq!(keys.lock().unwrap().len(), 3, "{carried_out}");
        let times = if carried_out { 1 } else { 2 };
        assert_eq!(peer.count(Operation::Create), times);
    }
    for (name, before, hint) in [
        (Some("mine"), None, "look for the Name \"mine\""),
        (None, Some(&[][..]), "it has no Name"),
        (None, None, "it has no Name"),
    ] {
        let (rig, keys) = (Rig::new(), Keys::default());
        let served = keys.clone();
        let peer = Peer::start(&rig, move |request| {
            agree(request, ProtocolVersion::V1_4).unwrap_or_else(|| {
                served
                    .lock()
                    .unwrap()
                    .push(Key::new("", SecretBytes::from(&[7; 32])));
                Act::Reset
            })
        })
        .await;
        let mut session = session(&rig, &peer, LONG).await;
        let error = session.create(with_name(name), before).await.unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::ConnectionLost, "{error}");
        assert!(error.outcome_is_unknown(), "{error}");
        assert!(error.to_string().contains(hint), "{error}");
        assert_eq!(keys.lock().unwrap().len(), 1, "it is not asked for again");
    }
}

/// What may be done twice is asked again on a new connection.
#[tokio::test]
async fn get_and_activate_and_locate_are_repeated() {
    for operation in [
        Operation::Get,
        Operation::Activate,
        Operation::Locate,
        Operation::GetAttributes,
    ] {
        let (rig, keys) = (Rig::new(), keys(&[("mine", 9)]));
        let peer = forgetful(&rig, &keys, operation, false, || Act::Reset).await;
        let mut session = session(&rig, &peer, LONG).await;
        session.activate("0").await.unwrap();
        session.get_symmetric_key("0").await.unwrap();
        assert_eq!(session.locate_by_name("mine").await.unwrap().len(), 1);
        assert_eq!(peer.count(operation), 2, "{operation}");
        assert_eq!(peer.connections(), 2, "{operation}");
    }
}

/// The state of every key as the peer tells it.
fn state_is(state: State) -> Act {
    Act::Answer(
        GetAttributesResponse {
            unique_identifier: "0".into(),
            attributes: Attributes::new().with(AttributeValue::State(state)),
        }
        .into(),
    )
}

/// A peer that hangs up on the first connection's `operation`, refuses it on the next, and says what state the key is in.
async fn done_but_lost(
    rig: &Rig,
    operation: Operation,
    reason: ResultReason,
    state: State,
) -> Peer {
    Peer::start(rig, move |request| match &request.payload {
        RequestPayload::GetAttributes(_) => state_is(state),
        payload if payload.operation() == Some(operation) => match request.connection {
            0 => Act::Close,
            _ => Act::Refuse(reason),
        },
        _ => agree(request, ProtocolVersion::V1_4).unwrap_or(Act::Close),
    })
    .await
}

#[tokio::test]
async fn destroy_that_was_carried_out() {
    for (reason, state, is_done) in [
        (ResultReason::ItemNotFound, State::Active, true),
        (ResultReason::PermissionDenied, State::Destroyed, true),
        (ResultReason::PermissionDenied, State::Active, false),
    ] {
        let rig = Rig::new();
        let peer = done_but_lost(&rig, Operation::Destroy, reason, state).await;
        let mut session = session(&rig, &peer, LONG).await;
        let result = session.destroy("0").await;
        assert_eq!(result.is_ok(), is_done, "{reason} {state}: {result:?}");
        assert_eq!(peer.count(Operation::Destroy), 2);
    }
    // On the first try, a key that is not there is an error.
    let rig = Rig::new();
    let peer = Peer::start(&rig, |request| {
        agree(request, ProtocolVersion::V1_4).unwrap_or(Act::Refuse(ResultReason::ItemNotFound))
    })
    .await;
    let mut session = session(&rig, &peer, LONG).await;
    assert_eq!(
        *session.destroy("0").await.unwrap_err().kind(),
        ErrorKind::NotFound
    );
}

#[tokio::test]
async fn revoke_that_was_carried_out() {
    for (code, state, is_done) in [
        (RevocationReasonCode::Superseded, State::Deactivated, true),
        (RevocationReasonCode::Superseded, State::PreActive, false),
        (
            RevocationReasonCode::KeyCompromise,
            State::Compromised,
            true,
        ),
        (
            RevocationReasonCode::KeyCompromise,
            State::Deactivated,
            false,
        ),
    ] {
        let rig = Rig::new();
        let denied = ResultReason::PermissionDenied;
        let peer = done_but_lost(&rig, Operation::Revoke, denied, state).await;
        let mut session = session(&rig, &peer, LONG).await;
        let result = session.revoke("0", code, None).await;
        assert_eq!(result.is_ok(), is_done, "{code} {state}: {result:?}");
    }
}
