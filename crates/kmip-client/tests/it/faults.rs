//! What can happen to a request and to the answer to it.

use std::sync::Mutex;

use kmip::operations::LocateResponse;
use kmip::registry::Operation;
use kmip::{ProtocolVersion, ResponseBatchItem};
use kmip_client::ErrorKind;
use kmip_peer::{Act, Keys, Peer, agree, encode, honest};

use crate::rig::Rig;

/// What happens to a request and to the whole answer to it.
pub(crate) struct Fault {
    pub(crate) what: &'static str,
    pub(crate) is_carried_out: bool,
    /// How the operation fails that it happens to, unless what the client does about it helps.
    pub(crate) kind: ErrorKind,
    act: fn(&[u8]) -> Act,
}

/// The connection breaks: whatever it was, it is repeated, or its result is found.
pub(crate) const BREAKS: [Fault; 7] = [
    Fault {
        what: "reset before it is done",
        is_carried_out: false,
        kind: ErrorKind::ConnectionLost,
        act: |_| Act::Reset,
    },
    Fault {
        what: "closed before it is done",
        is_carried_out: false,
        kind: ErrorKind::ConnectionLost,
        act: |_| Act::Close,
    },
    Fault {
        what: "reset before the answer",
        is_carried_out: true,
        kind: ErrorKind::ConnectionLost,
        act: |_| Act::Reset,
    },
    Fault {
        what: "reset in the answer's header",
        is_carried_out: true,
        kind: ErrorKind::ConnectionLost,
        act: |answer| Act::BytesThenReset(answer[..5].to_vec()),
    },
    Fault {
        what: "reset behind the answer's header",
        is_carried_out: true,
        kind: ErrorKind::ConnectionLost,
        act: |answer| Act::BytesThenReset(answer[..8].to_vec()),
    },
    Fault {
        what: "reset in the middle of the answer",
        is_carried_out: true,
        kind: ErrorKind::ConnectionLost,
        act: |answer| Act::BytesThenReset(answer[..answer.len() / 2].to_vec()),
    },
    Fault {
        what: "closed before the answer's last byte",
        is_carried_out: true,
        kind: ErrorKind::ConnectionLost,
        act: |answer| Act::BytesThenClose(answer[..answer.len() - 1].to_vec()),
    },
];

macro_rules! done_or_not {
    ($($what:literal, $kind:ident, $act:expr;)*) => {
        [$(
            Fault {
                what: concat!("done; ", $what),
                is_carried_out: true,
                kind: ErrorKind::$kind,
                act: $act,
            },
            Fault {
                what: concat!("not done; ", $what),
                is_carried_out: false,
                kind: ErrorKind::$kind,
                act: $act,
            },
        )*]
    };
}

/// What comes is no answer.
pub(crate) const LIES: [Fault; 14] = done_or_not! {
    "a length beyond any limit", Protocol, |answer| Act::Bytes(with_length(answer, 0x7fff_fff0));
    "a length that cuts the answer short", Protocol, |answer| {
        Act::Bytes(with_length(answer, length(answer) - 8))
    };
    "an inner length beyond the answer", Protocol, |answer| {
        let mut answer = answer.to_vec();
        // That of the header.
        answer[12..16].copy_from_slice(&0x0010_0000_u32.to_be_bytes());
        Act::Bytes(answer)
    };
    "another tag", Protocol, |answer| Act::Bytes(with_tag(answer, 0x42_00_7b, 0x42_00_78));
    "another tag within", Protocol, |answer| Act::Bytes(with_tag(answer, 0x42_00_7f, 0x42_00_7e));
    "structures in structures", Protocol, |_| Act::Bytes(nested(100));
    "the answer to another request", Protocol, |_| Act::Bytes(of_another());
};

/// What comes is not all of it, and then nothing comes.
pub(crate) const SILENCES: [Fault; 6] = done_or_not! {
    "silence", Timeout, |_| Act::Silence;
    "silence in the middle of the answer's header", Timeout, |answer| {
        Act::Bytes(answer[..6].to_vec())
    };
    "silence in the middle of the answer", Timeout, |answer| {
        Act::Bytes(answer[..answer.len() / 2].to_vec())
    };
};

fn length(answer: &[u8]) -> u32 {
    u32::from_be_bytes(answer[4..8].try_into().unwrap())
}

fn with_length(answer: &[u8], length: u32) -> Vec<u8> {
    let mut answer = answer.to_vec();
    answer[4..8].copy_from_slice(&length.to_be_bytes());
    answer
}

fn with_tag(answer: &[u8], tag: u32, other: u32) -> Vec<u8> {
    let mut answer = answer.to_vec();
    let from = &tag.to_be_bytes()[1..];
    let place = answer.windows(3).position(|bytes| bytes == from).unwrap();
    answer[place..place + 3].copy_from_slice(&other.to_be_bytes()[1..]);
    answer
}

fn nested(levels: u32) -> Vec<u8> {
    (0..levels)
        .flat_map(|depth| {
            let length = (levels - 1 - depth) * 8;
            let tag = if depth == 0 { 0x7b } else { 0x7a };
            [&[0x42, 0x00, tag, 0x01][..], &length.to_be_bytes()].concat()
        })
        .collect()
}

fn of_another() -> Vec<u8> {
    let located = LocateResponse {
        located_items: None,
        unique_identifiers: vec!["0".into()],
    };
    encode(ProtocolVersion::V1_4, ResponseBatchItem::success(located))
}

/// A peer at which each of these operations goes wrong once, in this way. An operation may be there twice.
pub(crate) async fn peer(
    rig: &Rig,
    keys: &Keys,
    operations: &[Operation],
    fault: &'static Fault,
) -> Peer {
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
        // What is not done has an answer nevertheless, for what is made of it.
        let elsewhere = match fault.is_carried_out {
            true => keys.clone(),
            false => copy(&keys),
        };
        match honest(&elsewhere, request) {
            Act::Answer(payload) => {
                let answer = encode(request.version, ResponseBatchItem::success(payload));
                (fault.act)(&answer)
            }
            other => other,
        }
    })
    .await
}

fn copy(keys: &Keys) -> Keys {
    let keys = keys.lock().unwrap();
    let copy = keys.iter().map(|key| kmip_peer::Key {
        name: key.name.clone(),
        material: key.material.clone(),
        state: key.state,
    });
    Keys::new(Mutex::new(copy.collect()))
}
