//! Answers that get lost: no key is made twice, none is forgotten.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use kmip::objects::{KeyBlock, SymmetricKey};
use kmip::operations::{
    ActivateResponse, CreateResponse, GetAttributesResponse, GetResponse, LocateResponse,
    RegisterResponse, RequestPayload, ResponsePayload,
};
use kmip::registry::{
    CryptographicAlgorithm, ObjectType, Operation, ResultReason, RevocationReasonCode, State,
};
use kmip::{AttributeValue, Attributes, Name, ProtocolVersion, SecretBytes};
use kmip_client::{Client, ErrorKind, NewSymmetricKey, Session};

use crate::peer::{Act, Peer, Request, agree};
use crate::rig::Rig;

/// The keys that a peer has made: name and material. Their identifiers are their places.
type Keys = Arc<Mutex<Vec<(String, SecretBytes)>>>;

fn names(attributes: &Attributes) -> String {
    attributes.names().next().unwrap().value.clone()
}

fn attributes_of(name: &str) -> Attributes {
    Attributes::new()
        .with(AttributeValue::Name(Name::text(name)))
        .with(AttributeValue::ObjectType(ObjectType::SymmetricKey))
        .with(AttributeValue::State(State::Active))
}

/// What an honest server does.
fn honest(keys: &Keys, request: &Request) -> Act {
    let mut keys = keys.lock().unwrap();
    let find = |id: &Option<kmip::UniqueIdentifier>| -> usize {
        id.as_ref().unwrap().as_str().unwrap().parse().unwrap()
    };
    let payload: ResponsePayload = match &request.payload {
        RequestPayload::Create(create) => {
            keys.push((names(&create.attributes), SecretBytes::from(&[1; 32])));
            CreateResponse {
                object_type: ObjectType::SymmetricKey,
                unique_identifier: (keys.len() - 1).to_string().into(),
                attributes: None,
            }
            .into()
        }
        RequestPayload::Register(register) => {
            let material = register
                .object
                .key_block()
                .unwrap()
                .key_bytes()
                .unwrap()
                .clone();
            keys.push((names(&register.attributes), material));
            RegisterResponse {
                unique_identifier: (keys.len() - 1).to_string().into(),
                attributes: None,
            }
            .into()
        }
        // As PyKMIP does for what it cannot search by: everything.
        RequestPayload::Locate(_) => LocateResponse {
            located_items: None,
            unique_identifiers: (0..keys.len()).map(|n| n.to_string().into()).collect(),
        }
        .into(),
        RequestPayload::GetAttributes(get) => {
            let place = find(&get.unique_identifier);
            GetAttributesResponse {
                unique_identifier: place.to_string().into(),
                attributes: attributes_of(&keys[place].0),
            }
            .into()
        }
        RequestPayload::Get(get) => {
            let place = find(&get.unique_identifier);
            let key_block = KeyBlock::raw(CryptographicAlgorithm::AES, keys[place].1.clone());
            GetResponse {
                object_type: ObjectType::SymmetricKey,
                unique_identifier: place.to_string().into(),
                object: SymmetricKey { key_block }.into(),
            }
            .into()
        }
        RequestPayload::Activate(activate) => {
            let place = find(&activate.unique_identifier);
            ActivateResponse {
                unique_identifier: place.to_string().into(),
            }
            .into()
        }
        other => panic!("not expected: {:?}", other.operation()),
    };
    Act::Answer(payload)
}

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
        let (rig, keys) = (Rig::new(), Keys::default());
        keys.lock()
            .unwrap()
            .push(("another".to_owned(), SecretBytes::from(&[9; 32])));
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
    let (rig, keys) = (Rig::new(), Keys::default());
    keys.lock()
        .unwrap()
        .push(("mine".to_owned(), SecretBytes::from(&[9; 32])));
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
    let (rig, keys) = (Rig::new(), Keys::default());
    keys.lock()
        .unwrap()
        .push(("mine".to_owned(), SecretBytes::from(&[9; 32])));
    let peer = forgetful(&rig, &keys, Operation::Create, true, || Act::Reset).await;
    let mut session = session(&rig, &peer, LONG).await;
    let error = session
        .create_symmetric_key(&NewSymmetricKey::aes256("mine"))
        .await
        .unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::AmbiguousName, "{error}");
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
        let (rig, keys) = (Rig::new(), Keys::default());
        keys.lock()
            .unwrap()
            .push(("mine".to_owned(), SecretBytes::from(&[9; 32])));
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
