//! Answers that are not what they should be.

use kmip::objects::{KeyBlock, KeyWrappingData, SecretData, SymmetricKey};
use kmip::operations::{
    ActivateResponse, GetAttributesResponse, GetResponse, LocateResponse, QueryResponse,
    RequestPayload, ResponsePayload,
};
use kmip::registry::{
    CryptographicAlgorithm, KeyFormatType, ObjectType, Operation, ResultReason, SecretDataType,
    WrappingMethod,
};
use kmip::{Attributes, Limits, ManagedObject, ProtocolVersion, ResponseBatchItem, SecretBytes};
use kmip_client::{Client, ClientConfig, Error, ErrorKind};
use kmip_peer::{Act, Peer, agree, encode};

use crate::rig::Rig;

/// The error of a Get that is answered so.
async fn get(answer: impl Fn() -> Act + Send + Sync + 'static) -> Error {
    let rig = Rig::new();
    let peer = Peer::start(&rig, move |request| {
        agree(request, ProtocolVersion::V1_4).unwrap_or_else(&answer)
    })
    .await;
    let mut session = rig.session(&peer).await;
    let error = session.get_symmetric_key("id-1").await.unwrap_err();
    let text = error.to_string();
    assert!(
        text.contains(&peer.address.to_string()) && text.contains("Get"),
        "{text}"
    );
    assert!(
        !text.contains("BBBB") && !format!("{error:?}").contains("BBBB"),
        "key in {text}"
    );
    // Whatever it was, the session goes on.
    let _ = session.get_symmetric_key("id-1").await;
    error
}

fn key() -> KeyBlock {
    KeyBlock::raw(CryptographicAlgorithm::AES, SecretBytes::from(&[b'B'; 32]))
}

pub(crate) fn got(identifier: &str, object: impl Into<ManagedObject>) -> ResponsePayload {
    let object = object.into();
    GetResponse {
        object_type: object.object_type(),
        unique_identifier: identifier.into(),
        object,
    }
    .into()
}

/// As if it were wrapped under another key.
pub(crate) fn wrapped(block: KeyBlock) -> KeyBlock {
    KeyBlock {
        key_wrapping_data: Some(Box::new(KeyWrappingData {
            wrapping_method: WrappingMethod::Encrypt,
            encryption_key_information: None,
            mac_signature_key_information: None,
            mac_signature: None,
            iv_counter_nonce: None,
            encoding_option: None,
        })),
        ..block
    }
}

fn bytes(payload: ResponsePayload) -> Vec<u8> {
    encode(ProtocolVersion::V1_4, ResponseBatchItem::success(payload))
}

#[tokio::test]
async fn not_kmip() {
    for answer in [
        b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec(),
        // Longer than any limit.
        vec![0x42, 0x00, 0x7b, 0x01, 0xff, 0xff, 0xff, 0xf0],
        // An empty response.
        vec![0x42, 0x00, 0x7b, 0x01, 0, 0, 0, 0],
        // An inner length beyond its parent.
        vec![
            0x42, 0x00, 0x7b, 0x01, 0, 0, 0, 16, 0x42, 0x00, 0x7a, 0x01, 0x7f, 0xff, 0xff, 0xf0, 0,
            0, 0, 0, 0, 0, 0, 0,
        ],
        // Structures in structures, deeper than any message.
        (0..100_u32)
            .flat_map(|depth| {
                let length = (99 - depth) * 8;
                let tag = if depth == 0 { 0x7b } else { 0x7a };
                [&[0x42, 0x00, tag, 0x01][..], &length.to_be_bytes()].concat()
            })
            .collect(),
    ] {
        let error = get(move || Act::Bytes(answer.clone())).await;
        assert_eq!(*error.kind(), ErrorKind::Protocol, "{error}");
    }
}

/// Every tag of the answer's frame, and some within, replaced by another.
#[tokio::test]
async fn wrong_tags() {
    let whole = bytes(got("id-1", SymmetricKey { key_block: key() }));
    for (what, tag, other) in [
        ("Response Message", 0x42_00_7b_u32, 0x42_00_78_u32),
        ("Response Header", 0x42_00_7a, 0x42_00_77),
        ("Protocol Version", 0x42_00_69, 0x42_ff_ff),
        ("Batch Count", 0x42_00_0d, 0x42_00_0e),
        ("Batch Item", 0x42_00_0f, 0x42_00_10),
        ("Result Status", 0x42_00_7f, 0x42_00_7e),
        ("Response Payload", 0x42_00_7c, 0x42_00_79),
        ("Unique Identifier", 0x42_00_94, 0x42_00_95),
        ("Symmetric Key", 0x42_00_8f, 0x42_00_90),
        ("not a tag of KMIP", 0x42_00_7b, 0x00_00_00),
    ] {
        let mut answer = whole.clone();
        let from = &tag.to_be_bytes()[1..];
        let place = answer.windows(3).position(|bytes| bytes == from).unwrap();
        answer[place..place + 3].copy_from_slice(&other.to_be_bytes()[1..]);
        let error = get(move || Act::Bytes(answer.clone())).await;
        assert_eq!(*error.kind(), ErrorKind::Protocol, "{what}: {error}");
    }
}

/// Lengths and types that are not those of what they stand at.
#[tokio::test]
async fn wrong_lengths_and_types() {
    let whole = bytes(got("id-1", SymmetricKey { key_block: key() }));
    for (what, tag, at, value) in [
        ("beyond the parent", 0x42_00_43_u32, 4, 0x7f_ff_ff_f0_u32),
        ("beyond the message", 0x42_00_7c, 4, 0x00_10_00_00),
        ("too short for what is in it", 0x42_00_40, 4, 8),
        ("an enumeration of no bytes", 0x42_00_7f, 4, 0),
    ] {
        let mut answer = whole.clone();
        let tag = &tag.to_be_bytes()[1..];
        let place = answer.windows(3).position(|bytes| bytes == tag).unwrap();
        answer[place + at..place + at + 4].copy_from_slice(&value.to_be_bytes());
        let error = get(move || Act::Bytes(answer.clone())).await;
        assert_eq!(*error.kind(), ErrorKind::Protocol, "{what}: {error}");
    }
    // A text where bytes belong, and a type that there is not.
    for item_type in [7, 0, 0x0c, 0xff] {
        let mut answer = whole.clone();
        let place = answer
            .windows(3)
            .position(|bytes| bytes == [0x42, 0x00, 0x43])
            .unwrap();
        answer[place + 3] = item_type;
        let error = get(move || Act::Bytes(answer.clone())).await;
        assert_eq!(*error.kind(), ErrorKind::Protocol, "{item_type}: {error}");
    }
}

/// The limits are those of the configuration.
#[tokio::test]
async fn beyond_the_limits() {
    let answer = || got("id-1", SymmetricKey { key_block: key() });
    let whole = bytes(answer()).len();
    let default = Limits::DEFAULT;
    for (limits, what) in [
        (
            Limits {
                message_bytes: whole - 1,
                ..default
            },
            "bytes",
        ),
        (
            Limits {
                items: 16,
                ..default
            },
            "16 items",
        ),
        (
            Limits {
                depth: 5,
                ..default
            },
            "5 levels",
        ),
        (
            Limits {
                message_bytes: whole,
                items: 20,
                depth: 6,
                batch_items: 1,
            },
            "",
        ),
    ] {
        let rig = Rig::new();
        let peer = Peer::start(&rig, move |request| {
            agree(request, ProtocolVersion::V1_4).unwrap_or_else(|| Act::Answer(answer()))
        })
        .await;
        let config = ClientConfig {
            limits,
            ..rig.config(&peer.address.to_string())
        };
        let mut session = Client::new(config).unwrap().connect().await.unwrap();
        match session.get_symmetric_key("id-1").await {
            Ok(_) => assert!(what.is_empty(), "{what}"),
            Err(error) => {
                assert_eq!(*error.kind(), ErrorKind::Protocol, "{error}");
                assert!(
                    !what.is_empty() && error.to_string().contains(what),
                    "{error}"
                );
            }
        }
    }
}

#[tokio::test]
async fn cut_short() {
    let whole = bytes(got("id-1", SymmetricKey { key_block: key() }));
    for length in [1, 8, 9, whole.len() / 2, whole.len() - 1] {
        let part = whole[..length].to_vec();
        let error = get(move || Act::BytesThenClose(part.clone())).await;
        assert_eq!(
            *error.kind(),
            ErrorKind::ConnectionLost,
            "{length}: {error}"
        );
    }
}

#[tokio::test]
async fn the_answer_to_something_else() {
    let error = get(|| {
        Act::Answer(
            ActivateResponse {
                unique_identifier: "id-1".into(),
            }
            .into(),
        )
    })
    .await;
    assert_eq!(*error.kind(), ErrorKind::Protocol, "{error}");
    let error = get(|| Act::Answer(got("id-2", SymmetricKey { key_block: key() }))).await;
    assert_eq!(*error.kind(), ErrorKind::Protocol, "{error}");
    assert!(error.to_string().contains("id-2"), "{error}");
}

#[tokio::test]
async fn refusals() {
    for (reason, kind) in [
        (ResultReason::ItemNotFound, ErrorKind::NotFound),
        (
            ResultReason::AuthenticationNotSuccessful,
            ErrorKind::AuthenticationFailed,
        ),
        (
            ResultReason::PermissionDenied,
            ErrorKind::Refused {
                status: kmip::registry::ResultStatus::OperationFailed,
                reason: Some(ResultReason::PermissionDenied),
            },
        ),
    ] {
        let error = get(move || Act::Refuse(reason)).await;
        assert_eq!(*error.kind(), kind, "{error}");
        assert_eq!(error.operation(), Some(Operation::Get));
        assert!(!error.outcome_is_unknown());
    }
    let forged = "line one\nforged log line \u{1b}[31m";
    let item =
        ResponseBatchItem::failure(Some(Operation::Get), ResultReason::GeneralFailure, forged);
    let bytes = encode(ProtocolVersion::V1_4, item);
    let error = get(move || Act::Bytes(bytes.clone())).await;
    assert!(!error.to_string().chars().any(char::is_control), "{error}");
}

#[tokio::test]
async fn keys_that_cannot_be_used() {
    let wrapped = wrapped(key());
    let long = KeyBlock {
        cryptographic_length: Some(128),
        ..key()
    };
    let pkcs8 = KeyBlock {
        key_format_type: KeyFormatType::PKCS_8,
        ..key()
    };
    let empty = KeyBlock::raw(CryptographicAlgorithm::AES, Vec::new());
    let absent = KeyBlock {
        key_value: None,
        ..key()
    };
    for (what, object) in [
        (
            "wrapped",
            ManagedObject::from(SymmetricKey { key_block: wrapped }),
        ),
        ("128", SymmetricKey { key_block: long }.into()),
        ("PKCS_8", SymmetricKey { key_block: pkcs8 }.into()),
        ("empty", SymmetricKey { key_block: empty }.into()),
        ("without", SymmetricKey { key_block: absent }.into()),
        (
            "SecretData",
            SecretData {
                secret_data_type: SecretDataType::Password,
                key_block: key(),
            }
            .into(),
        ),
    ] {
        let error = get(move || Act::Answer(got("id-1", object.clone()))).await;
        assert_eq!(*error.kind(), ErrorKind::UnusableKey, "{what}: {error}");
        assert!(error.to_string().contains(what), "{what}: {error}");
    }
}

/// Some servers put things where they do not belong: harmless, so not looked at.
#[tokio::test]
async fn extra_fields() {
    let rig = Rig::new();
    let peer = Peer::start(&rig, |request| {
        if let Some(act) = agree(request, ProtocolVersion::V1_0) {
            return act;
        }
        // ServerCorrelationValue (1.4) at the end of a header of 1.0, and an Object Type in a payload without one.
        let mut message = encode(
            ProtocolVersion::V1_0,
            ResponseBatchItem::success(ActivateResponse {
                unique_identifier: "id-1".into(),
            }),
        );
        insert(
            &mut message,
            &[0x42_00_7b, 0x42_00_7a],
            &text(0x42_01_06, "12345678"),
        );
        insert(
            &mut message,
            &[0x42_00_7b, 0x42_00_0f, 0x42_00_7c],
            &[0x42, 0x00, 0x57, 0x05, 0, 0, 0, 4, 0, 0, 0, 2, 0, 0, 0, 0],
        );
        Act::Bytes(message)
    })
    .await;
    let mut session = rig.session(&peer).await;
    session.activate("id-1").await.unwrap();
}

/// A Text String item.
pub(crate) fn text(tag: u32, text: &str) -> Vec<u8> {
    assert_eq!(text.len() % 8, 0, "no padding, to keep it short");
    let length = u32::try_from(text.len()).unwrap();
    [
        &tag.to_be_bytes()[1..],
        &[7],
        &length.to_be_bytes(),
        text.as_bytes(),
    ]
    .concat()
}

/// Puts an item at the end of the structure that the path leads to, and corrects the lengths on the way.
pub(crate) fn insert(message: &mut Vec<u8>, path: &[u32], item: &[u8]) {
    let (mut start, mut headers) = (0, Vec::new());
    for (depth, tag) in path.iter().enumerate() {
        if depth > 0 {
            start += 8;
        }
        while message[start..start + 3] != tag.to_be_bytes()[1..] {
            let length = u32::from_be_bytes(message[start + 4..start + 8].try_into().unwrap());
            start += 8 + length.next_multiple_of(8) as usize;
        }
        headers.push(start);
    }
    let length =
        |message: &[u8], at: usize| u32::from_be_bytes(message[at + 4..at + 8].try_into().unwrap());
    let end = start + 8 + length(message, start) as usize;
    message.splice(end..end, item.iter().copied());
    for at in headers {
        let longer = length(message, at) + u32::try_from(item.len()).unwrap();
        message[at + 4..at + 8].copy_from_slice(&longer.to_be_bytes());
    }
}

/// A server that does not search returns everything; nobody's key is taken for ours.
#[tokio::test]
async fn hits_that_are_none() {
    let rig = Rig::new();
    let peer = Peer::start(&rig, |request| match &request.payload {
        RequestPayload::Locate(_) => Act::Answer(
            LocateResponse {
                located_items: None,
                unique_identifiers: vec!["a".into(), "b".into()],
            }
            .into(),
        ),
        RequestPayload::GetAttributes(get) => {
            match get.unique_identifier.as_ref().unwrap().as_str() {
                Some("a") => Act::Refuse(ResultReason::ItemNotFound),
                _ => Act::Answer(
                    GetAttributesResponse {
                        unique_identifier: "b".into(),
                        attributes: Attributes::new(),
                    }
                    .into(),
                ),
            }
        }
        _ => agree(request, ProtocolVersion::V2_0).unwrap_or(Act::Close),
    })
    .await;
    let mut session = rig.session(&peer).await;
    assert!(session.locate_by_name("mine").await.unwrap().is_empty());
    assert_eq!(peer.count(Operation::GetAttributes), 2);
}

/// An answer that could not be read costs the connection; the next operation has a new one.
#[tokio::test]
async fn a_new_connection_after_rubbish() {
    let rig = Rig::new();
    let peer = Peer::start(&rig, |request| match request.connection {
        0 => agree(request, ProtocolVersion::V1_4).unwrap_or(Act::Bytes(vec![0; 64])),
        _ => agree(request, ProtocolVersion::V1_4).unwrap_or_else(|| {
            let object_types = vec![ObjectType::SymmetricKey];
            Act::Answer(
                QueryResponse {
                    object_types,
                    ..QueryResponse::default()
                }
                .into(),
            )
        }),
    })
    .await;
    let mut session = rig.session(&peer).await;
    let error = session.query().await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Protocol, "{error}");
    assert_eq!(
        session.query().await.unwrap().object_types,
        [ObjectType::SymmetricKey]
    );
    assert_eq!(peer.connections(), 2);
}
