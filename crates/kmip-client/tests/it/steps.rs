//! Register, Activate, Get: the connection is reset at each step of each of them. The key is there in the end, once.

use std::sync::Mutex;

use kmip::registry::{Operation, State};
use kmip::{ProtocolVersion, ResponseBatchItem, SecretBytes};
use kmip_client::{Error, NewSymmetricKey, Session};

use crate::key_store::{Keys, honest};
use crate::peer::{Act, Peer, agree, encode};
use crate::rig::{Rig, ends};

/// What happens to a request and to the whole answer to it.
struct Fault {
    what: &'static str,
    is_carried_out: bool,
    act: fn(&[u8]) -> Act,
}

const FAULTS: [Fault; 7] = [
    Fault {
        what: "reset before it is done",
        is_carried_out: false,
        act: |_| Act::Reset,
    },
    Fault {
        what: "closed before it is done",
        is_carried_out: false,
        act: |_| Act::Close,
    },
    Fault {
        what: "reset before the answer",
        is_carried_out: true,
        act: |_| Act::Reset,
    },
    Fault {
        what: "reset in the answer's header",
        is_carried_out: true,
        act: |answer| Act::BytesThenReset(answer[..5].to_vec()),
    },
    Fault {
        what: "reset behind the answer's header",
        is_carried_out: true,
        act: |answer| Act::BytesThenReset(answer[..8].to_vec()),
    },
    Fault {
        what: "reset in the middle of the answer",
        is_carried_out: true,
        act: |answer| Act::BytesThenReset(answer[..answer.len() / 2].to_vec()),
    },
    Fault {
        what: "closed before the answer's last byte",
        is_carried_out: true,
        act: |answer| Act::BytesThenClose(answer[..answer.len() - 1].to_vec()),
    },
];

/// A peer at which each of these operations goes wrong once, in this way.
async fn peer(rig: &Rig, keys: &Keys, operations: &[Operation], fault: &'static Fault) -> Peer {
    let keys = keys.clone();
    let left = Mutex::new(operations.to_vec());
    Peer::start(rig, move |request| {
        if let Some(act) = agree(request, ProtocolVersion::V1_4) {
            return act;
        }
        let mut left = left.lock().unwrap();
        let operation = request.payload.operation().unwrap();
        let Some(place) = left.iter().position(|left| *left == operation) else {
            return honest(&keys, request);
        };
        left.remove(place);
        if !fault.is_carried_out {
            return (fault.act)(&[]);
        }
        match honest(&keys, request) {
            Act::Answer(payload) => {
                let answer = encode(request.version, ResponseBatchItem::success(payload));
                (fault.act)(&answer)
            }
            other => other,
        }
    })
    .await
}

const MATERIAL: [u8; 32] = [0x5A; 32];

async fn all_steps(session: &mut Session) -> Result<SecretBytes, Error> {
    let key = NewSymmetricKey::aes256("mine");
    let material = SecretBytes::from(&MATERIAL);
    let id = session.register_symmetric_key(&key, &material).await?;
    session.activate(&id).await?;
    Ok(session.get_symmetric_key(&id).await?.material)
}

#[tokio::test]
async fn one_step_goes_wrong() {
    let rig = Rig::new();
    for operation in [Operation::Register, Operation::Activate, Operation::Get] {
        for fault in &FAULTS {
            let what = format!("{operation}, {}", fault.what);
            let keys = Keys::default();
            let peer = peer(&rig, &keys, &[operation], fault).await;
            let mut session = rig.session(&peer).await;
            let material = ends(all_steps(&mut session))
                .await
                .unwrap_or_else(|error| panic!("{what}: {error}"));
            assert_eq!(material.expose(), MATERIAL, "{what}");
            let keys = keys.lock().unwrap();
            assert_eq!(keys.len(), 1, "{what}: an orphaned key");
            assert_eq!(keys[0].state, State::Active, "{what}");
            assert_eq!(peer.connections(), 2, "{what}");
        }
    }
}

#[tokio::test]
async fn every_step_goes_wrong() {
    let rig = Rig::new();
    let operations = [Operation::Register, Operation::Activate, Operation::Get];
    for fault in &FAULTS {
        let keys = Keys::default();
        let peer = peer(&rig, &keys, &operations, fault).await;
        let mut session = rig.session(&peer).await;
        let material = ends(all_steps(&mut session))
            .await
            .unwrap_or_else(|error| panic!("{}: {error}", fault.what));
        assert_eq!(material.expose(), MATERIAL, "{}", fault.what);
        let keys = keys.lock().unwrap();
        assert_eq!(keys.len(), 1, "{}: an orphaned key", fault.what);
        assert_eq!(keys[0].state, State::Active, "{}", fault.what);
    }
}

/// The answer to Register is lost, and so is what would find the key: it is told that nobody knows, and by which Name the
/// key can be found. It is not registered again.
#[tokio::test]
async fn what_would_find_the_key_goes_wrong_too() {
    let rig = Rig::new();
    for step in [Operation::Locate, Operation::GetAttributes] {
        for fault in &FAULTS {
            let what = format!("{step}, {}", fault.what);
            let keys = Keys::default();
            let peer = peer(&rig, &keys, &[Operation::Register, step], fault).await;
            let mut session = rig.session(&peer).await;
            match ends(all_steps(&mut session)).await {
                Ok(material) => assert_eq!(material.expose(), MATERIAL, "{what}"),
                Err(error) => {
                    assert!(error.outcome_is_unknown(), "{what}: {error}");
                    assert!(error.to_string().contains("\"mine\""), "{what}: {error}");
                }
            }
            assert!(keys.lock().unwrap().len() <= 1, "{what}: an orphaned key");
        }
    }
}
