//! Create or Register, Activate, Get: something goes wrong at each step. No key is made twice, none is forgotten, and what
//! cannot be known is said.

use std::time::Duration;

use kmip::registry::{Operation, State};
use kmip::{ProtocolVersion, SecretBytes};
use kmip_client::{Client, Error, ErrorKind, NewSymmetricKey, Session};
use kmip_peer::{Act, Keys, Peer, agree, honest};
use tokio::task::JoinSet;

use crate::faults::{BREAKS, Fault, LIES, SILENCES, peer};
use crate::rig::{Rig, ends};

const MATERIAL: [u8; 32] = [0x5A; 32];

/// How the key comes to be.
#[derive(Clone, Copy, Debug)]
enum By {
    Create,
    Register,
}

impl By {
    const BOTH: [By; 2] = [By::Create, By::Register];

    fn operation(self) -> Operation {
        match self {
            By::Create => Operation::Create,
            By::Register => Operation::Register,
        }
    }

    fn material(self) -> [u8; 32] {
        match self {
            By::Create => [1; 32],
            By::Register => MATERIAL,
        }
    }

    async fn make(self, session: &mut Session) -> Result<String, Error> {
        let key = NewSymmetricKey::aes256("mine");
        match self {
            By::Create => session.create_symmetric_key(&key).await,
            By::Register => {
                let material = SecretBytes::from(&MATERIAL);
                session.register_symmetric_key(&key, &material).await
            }
        }
    }
}

async fn all_steps(session: &mut Session, by: By) -> Result<SecretBytes, Error> {
    let id = by.make(session).await?;
    session.activate(&id).await?;
    Ok(session.get_symmetric_key(&id).await?.material)
}

#[tokio::test]
async fn the_connection_breaks_at_one_step() {
    let rig = Rig::new();
    for by in By::BOTH {
        for operation in [by.operation(), Operation::Activate, Operation::Get] {
            for fault in &BREAKS {
                let what = format!("{operation}, {}", fault.what);
                let keys = Keys::default();
                let peer = peer(&rig, &keys, &[operation], fault).await;
                let mut session = rig.session(&peer).await;
                let material = ends(all_steps(&mut session, by))
                    .await
                    .unwrap_or_else(|error| panic!("{what}: {error}"));
                assert_eq!(material.expose(), by.material(), "{what}");
                let keys = keys.lock().unwrap();
                assert_eq!(keys.len(), 1, "{what}: an orphaned key");
                assert_eq!(keys[0].state, State::Active, "{what}");
                assert_eq!(peer.connections(), 2, "{what}");
            }
        }
    }
}

#[tokio::test]
async fn the_connection_breaks_at_every_step() {
    let rig = Rig::new();
    for by in By::BOTH {
        let operations = [by.operation(), Operation::Activate, Operation::Get];
        for fault in &BREAKS {
            let keys = Keys::default();
            let peer = peer(&rig, &keys, &operations, fault).await;
            let mut session = rig.session(&peer).await;
            let material = ends(all_steps(&mut session, by))
                .await
                .unwrap_or_else(|error| panic!("{}: {error}", fault.what));
            assert_eq!(material.expose(), by.material(), "{}", fault.what);
            let keys = keys.lock().unwrap();
            assert_eq!(keys.len(), 1, "{}: an orphaned key", fault.what);
            assert_eq!(keys[0].state, State::Active, "{}", fault.what);
        }
    }
}

/// The answer to Register is lost, and so is what would find the key: it is told that nobody knows, and by which Name the
/// key can be found. It is not registered again.
#[tokio::test]
async fn what_would_find_the_key_goes_wrong_too() {
    let rig = Rig::new();
    for by in By::BOTH {
        for step in [Operation::Locate, Operation::GetAttributes, Operation::Get] {
            for fault in BREAKS.iter().chain(&LIES) {
                let what = format!("{by:?}, {step}, {}", fault.what);
                let keys = Keys::default();
                let peer = peer(&rig, &keys, &[by.operation(), step], fault).await;
                let mut session = rig.session(&peer).await;
                match ends(by.make(&mut session)).await {
                    Ok(id) => {
                        assert_eq!(id, "0", "{what}");
                        assert_eq!(keys.lock().unwrap().len(), 1, "{what}");
                    }
                    Err(error) => {
                        assert_eq!(*error.kind(), fault.kind, "{what}: {error}");
                        assert!(error.outcome_is_unknown(), "{what}: {error}");
                        assert!(error.to_string().contains("\"mine\""), "{what}: {error}");
                    }
                }
                assert!(keys.lock().unwrap().len() <= 1, "{what}: an orphaned key");
                assert!(peer.count(by.operation()) <= 2, "{what}");
            }
        }
    }
}

/// The second request is made only when the first one was not carried out; its lost answer is looked for as well.
#[tokio::test]
async fn the_answer_to_the_second_request_is_lost_too() {
    let rig = Rig::new();
    for by in By::BOTH {
        for second_is_done in [true, false] {
            let what = format!("{by:?}, the second is done: {second_is_done}");
            let keys = Keys::default();
            let served = keys.clone();
            let count = std::sync::atomic::AtomicUsize::new(0);
            let peer = Peer::start(&rig, move |request| {
                if let Some(act) = agree(request, ProtocolVersion::V1_4) {
                    return act;
                }
                if request.payload.operation() != Some(by.operation()) {
                    return honest(&served, request);
                }
                let n = count.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                if n == 1 && second_is_done {
                    honest(&served, request);
                }
                Act::Reset
            })
            .await;
            let mut session = rig.session(&peer).await;
            let made = ends(by.make(&mut session)).await;
            assert_eq!(peer.count(by.operation()), 2, "{what}");
            match (made, second_is_done) {
                (Ok(id), true) => assert_eq!(id, "0", "{what}"),
                (Err(error), false) => {
                    assert_eq!(*error.kind(), ErrorKind::ConnectionLost, "{what}: {error}");
                    assert!(error.outcome_is_unknown(), "{what}: {error}");
                    assert!(error.to_string().contains("\"mine\""), "{what}: {error}");
                }
                (made, _) => panic!("{what}: {made:?}"),
            }
            let expected = usize::from(second_is_done);
            assert_eq!(keys.lock().unwrap().len(), expected, "{what}");
        }
    }
}

/// A server that was at work on the first request all along, and lets each Name be used once.
#[tokio::test]
async fn the_second_request_is_refused_because_the_first_one_was_done() {
    let rig = Rig::new();
    for by in By::BOTH {
        let keys = Keys::default();
        let served = keys.clone();
        let count = std::sync::atomic::AtomicUsize::new(0);
        let peer = Peer::start(&rig, move |request| {
            if let Some(act) = agree(request, ProtocolVersion::V1_4) {
                return act;
            }
            if request.payload.operation() != Some(by.operation()) {
                return honest(&served, request);
            }
            match count.fetch_add(1, std::sync::atomic::Ordering::SeqCst) {
                0 => Act::Reset,
                _ => {
                    honest(&served, request);
                    Act::Refuse(kmip::registry::ResultReason::NonUniqueNameAttribute)
                }
            }
        })
        .await;
        let mut session = rig.session(&peer).await;
        assert_eq!(ends(by.make(&mut session)).await.unwrap(), "0", "{by:?}");
        assert_eq!(keys.lock().unwrap().len(), 1, "{by:?}");
    }
}

/// The longest time that one operation may take in these tests.
const OPERATION: Duration = Duration::from_secs(5);
const CONNECT: Duration = Duration::from_secs(30);

/// Ends in the time that the documentation of [`Session`] gives it.
async fn in_time<T>(what: &str, operation: impl Future<Output = T>) -> T {
    match tokio::time::timeout(4 * OPERATION + 3 * CONNECT, operation).await {
        Ok(result) => result,
        Err(_) => panic!("{what}: it takes too long"),
    }
}

/// An operation fails as the fault has it, and says that nobody knows.
fn check(what: &str, error: &Error, operation: Operation, fault: &Fault) {
    assert_eq!(*error.kind(), fault.kind, "{what}: {error}");
    assert_eq!(error.operation(), Some(operation), "{what}: {error}");
    assert!(error.outcome_is_unknown(), "{what}: {error}");
}

/// One step goes wrong in a way that does not end the connection by itself. A key that was made is found by its Name; what
/// was not made may yet be, for all that is known, and is not asked for again.
async fn goes_wrong(by: By, operation: Operation, fault: &'static Fault) {
    let what = format!("{by:?}, {operation}, {}", fault.what);
    let (rig, keys) = (Rig::new(), Keys::default());
    let peer = peer(&rig, &keys, &[operation], fault).await;
    let mut config = rig.config(&peer.address.to_string());
    (config.connect_timeout, config.operation_timeout) = (CONNECT, OPERATION);
    let mut session = Client::new(config).unwrap().connect().await.unwrap();

    let made = in_time(&what, by.make(&mut session)).await;
    if operation == by.operation() {
        assert_eq!(peer.count(operation), 1, "{what}");
        match made {
            Ok(id) => assert!(fault.is_carried_out && id == "0", "{what}: {id}"),
            Err(error) => {
                assert!(!fault.is_carried_out, "{what}: {error}");
                check(&what, &error, operation, fault);
                assert!(error.to_string().contains("\"mine\""), "{what}: {error}");
            }
        }
        let expected = usize::from(fault.is_carried_out);
        assert_eq!(keys.lock().unwrap().len(), expected, "{what}: an orphan");
        return;
    }
    let id = made.unwrap_or_else(|error| panic!("{what}: {error}"));
    let activated = in_time(&what, session.activate(&id)).await;
    if operation == Operation::Activate {
        check(&what, &activated.unwrap_err(), operation, fault);
        let done = keys.lock().unwrap()[0].state == State::Active;
        assert_eq!(done, fault.is_carried_out, "{what}");
        // It may be repeated, whether it was done or not.
        in_time(&what, session.activate(&id)).await.unwrap();
    } else {
        activated.unwrap_or_else(|error| panic!("{what}: {error}"));
        let got = in_time(&what, session.get_symmetric_key(&id)).await;
        check(&what, &got.unwrap_err(), operation, fault);
    }
    let got = in_time(&what, session.get_symmetric_key(&id)).await;
    assert_eq!(got.unwrap().material.expose(), by.material(), "{what}");
    let keys = keys.lock().unwrap();
    assert_eq!(keys.len(), 1, "{what}: an orphan");
    assert_eq!(keys[0].state, State::Active, "{what}");
}

#[tokio::test]
async fn what_comes_is_no_answer() {
    for by in By::BOTH {
        for operation in [by.operation(), Operation::Activate, Operation::Get] {
            for fault in &LIES {
                goes_wrong(by, operation, fault).await;
            }
        }
    }
}

/// All at once: each waits for the time of an operation.
#[tokio::test]
async fn the_answer_does_not_come() {
    let mut all = JoinSet::new();
    for by in By::BOTH {
        for operation in [by.operation(), Operation::Activate, Operation::Get] {
            for fault in &SILENCES {
                all.spawn(goes_wrong(by, operation, fault));
            }
        }
    }
    while let Some(done) = all.join_next().await {
        done.unwrap();
    }
}

/// Answers that take their time, byte by byte, are answers.
#[tokio::test]
async fn the_answers_trickle() {
    let rig = Rig::new();
    for by in By::BOTH {
        let keys = Keys::default();
        let served = keys.clone();
        let peer = Peer::start(&rig, move |request| {
            if let Some(act) = agree(request, ProtocolVersion::V1_4) {
                return act;
            }
            match honest(&served, request) {
                Act::Answer(payload) => Act::Trickle(payload),
                other => other,
            }
        })
        .await;
        let mut session = rig.session(&peer).await;
        let material = ends(all_steps(&mut session, by)).await.unwrap();
        assert_eq!(material.expose(), by.material());
        assert_eq!(keys.lock().unwrap().len(), 1);
        assert_eq!(peer.connections(), 1);
    }
}
