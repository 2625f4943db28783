//! What clients other than ours send: batches, placeholders, other objects, attributes.

use kmip::message::MessageExtension;
use kmip::objects::{KeyBlock, SecretData};
use kmip::operations::{
    ActivateRequest, AddAttributeRequest, DestroyRequest, GetAttributeListRequest,
    GetAttributesRequest, GetRequest, GetResponse, LocateRequest, LocateResponse,
    ModifyAttributeRequest, RegisterRequest, RequestPayload, ResponsePayload, RevokeRequest,
};
use kmip::registry::{
    BatchErrorContinuationOption, CryptographicAlgorithm, CryptographicUsageMask, KeyFormatType,
    ObjectType, ResultReason, ResultStatus, RevocationReasonCode, SecretDataType, State, Tag,
};
use kmip::structures::RevocationReason;
use kmip::ttlv::ItemValue;
use kmip::{
    AnyStructure, Attribute, AttributeName, AttributeValue, Attributes, ManagedObject, Name,
    ProtocolVersion, RequestMessage, ResponseMessage, SecretBytes, UniqueIdentifier,
};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use crate::peer::aes256;
use crate::rig::{Rig, Running, ask, raw};

type Stream = TlsStream<TcpStream>;

fn statuses(response: &ResponseMessage) -> Vec<ResultStatus> {
    response
        .batch_items
        .iter()
        .map(|item| item.result_status)
        .collect()
}

/// One operation; its payload, or why not.
async fn one(
    stream: &mut Stream,
    version: ProtocolVersion,
    payload: impl Into<RequestPayload>,
) -> Result<ResponsePayload, ResultReason> {
    let response = ask(stream, &RequestMessage::new(version, payload)).await;
    assert_eq!(response.header.protocol_version, version);
    let item = response.batch_items.into_iter().next().unwrap();
    match item.result_reason {
        Some(reason) => Err(reason),
        None => Ok(item.payload.unwrap()),
    }
}

async fn start() -> (Rig, Running, Stream) {
    let rig = Rig::new();
    let server = rig.start().await;
    let stream = raw(&rig, &server).await;
    (rig, server, stream)
}

async fn create(stream: &mut Stream, version: ProtocolVersion, name: &str) -> UniqueIdentifier {
    match one(stream, version, aes256(name)).await.unwrap() {
        ResponsePayload::Create(created) => created.unique_identifier,
        other => panic!("{:?}", other.operation()),
    }
}

async fn attributes(
    stream: &mut Stream,
    version: ProtocolVersion,
    id: &UniqueIdentifier,
) -> Attributes {
    let request = GetAttributesRequest {
        unique_identifier: Some(id.clone()),
        ..GetAttributesRequest::default()
    };
    match one(stream, version, request).await.unwrap() {
        ResponsePayload::GetAttributes(got) => got.attributes,
        other => panic!("{:?}", other.operation()),
    }
}

/// Create, Activate and Get in one message: the later items mean the object of the first.
#[tokio::test]
async fn a_batch_with_the_placeholder() {
    let (_rig, _server, mut stream) = start().await;
    for version in [
        ProtocolVersion::V1_0,
        ProtocolVersion::V1_4,
        ProtocolVersion::V2_1,
    ] {
        let request = RequestMessage::batch(
            version,
            [
                aes256(&format!("batch-{version}")).into(),
                ActivateRequest::default().into(),
                GetRequest::default().into(),
            ],
        );
        let response = ask(&mut stream, &request).await;
        assert_eq!(statuses(&response), [ResultStatus::Success; 3], "{version}");
        for (asked, answered) in request.batch_items.iter().zip(&response.batch_items) {
            assert_eq!(asked.unique_batch_item_id, answered.unique_batch_item_id);
        }
        let Some(ResponsePayload::Get(got)) = &response.batch_items[2].payload else {
            panic!()
        };
        assert_eq!(
            got.object.key_block().unwrap().key_bytes().unwrap().len(),
            32
        );
        let all = attributes(&mut stream, version, &got.unique_identifier).await;
        assert_eq!(all.state(), Some(&State::Active));
    }
}

#[tokio::test]
async fn a_batch_after_a_failure() {
    let (_rig, _server, mut stream) = start().await;
    let version = ProtocolVersion::V1_2;
    let items = || -> Vec<RequestPayload> {
        vec![
            GetRequest {
                unique_identifier: Some("nowhere".into()),
                ..GetRequest::default()
            }
            .into(),
            LocateRequest::default().into(),
        ]
    };
    let mut request = RequestMessage::batch(version, items());
    let response = ask(&mut stream, &request).await;
    assert_eq!(
        statuses(&response),
        [ResultStatus::OperationFailed],
        "stops unless told otherwise"
    );
    request.header.batch_error_continuation_option = Some(BatchErrorContinuationOption::Continue);
    let response = ask(&mut stream, &request).await;
    assert_eq!(
        statuses(&response),
        [ResultStatus::OperationFailed, ResultStatus::Success]
    );
    request.header.batch_error_continuation_option = Some(BatchErrorContinuationOption::Undo);
    let response = ask(&mut stream, &request).await;
    assert_eq!(statuses(&response), [ResultStatus::OperationFailed]);
}

/// As libmongocrypt does: 96 bytes of secret data, registered, activated and read back in KMIP 1.0.
#[tokio::test]
async fn secret_data() {
    let (_rig, _server, mut stream) = start().await;
    let version = ProtocolVersion::V1_0;
    let secret = SecretBytes::from(&[0x5a; 96]);
    let request = RegisterRequest {
        object_type: ObjectType::SecretData,
        attributes: Attributes::new().with(AttributeValue::CryptographicUsageMask(
            CryptographicUsageMask(0),
        )),
        object: SecretData {
            secret_data_type: SecretDataType::Seed,
            key_block: KeyBlock {
                key_format_type: KeyFormatType::Opaque,
                ..KeyBlock::secret(secret.clone())
            },
        }
        .into(),
        protection_storage_masks: None,
    };
    let ResponsePayload::Register(registered) =
        one(&mut stream, version, request.clone()).await.unwrap()
    else {
        panic!()
    };
    let id = Some(registered.unique_identifier);
    one(
        &mut stream,
        version,
        ActivateRequest {
            unique_identifier: id.clone(),
        },
    )
    .await
    .unwrap();
    let get = GetRequest {
        unique_identifier: id,
        ..GetRequest::default()
    };
    let ResponsePayload::Get(GetResponse {
        object: ManagedObject::SecretData(got),
        ..
    }) = one(&mut stream, version, get).await.unwrap()
    else {
        panic!()
    };
    assert_eq!(got.key_block.key_bytes(), Some(&secret));

    let wrong = RegisterRequest {
        object_type: ObjectType::SymmetricKey,
        ..request
    };
    assert_eq!(
        one(&mut stream, version, wrong).await,
        Err(ResultReason::InvalidField)
    );
}

#[tokio::test]
async fn formats() {
    let (_rig, _server, mut stream) = start().await;
    let version = ProtocolVersion::V1_4;
    let id = create(&mut stream, version, "formats").await;
    let mut materials = Vec::new();
    for format in [KeyFormatType::Raw, KeyFormatType::TransparentSymmetricKey] {
        let get = GetRequest {
            unique_identifier: Some(id.clone()),
            key_format_type: Some(format),
            ..GetRequest::default()
        };
        let ResponsePayload::Get(got) = one(&mut stream, version, get).await.unwrap() else {
            panic!()
        };
        let block = got.object.key_block().unwrap();
        assert_eq!(block.key_format_type, format);
        materials.push(block.key_bytes().unwrap().clone());
    }
    assert_eq!(materials[0], materials[1]);
    let get = GetRequest {
        unique_identifier: Some(id),
        key_format_type: Some(KeyFormatType::PKCS_8),
        ..GetRequest::default()
    };
    let refused = one(&mut stream, version, get).await;
    assert_eq!(refused, Err(ResultReason::KeyFormatTypeNotSupported));
}

#[tokio::test]
async fn attributes_of_clients() {
    let (_rig, _server, mut stream) = start().await;
    for version in [
        ProtocolVersion::V1_0,
        ProtocolVersion::V1_4,
        ProtocolVersion::V2_0,
    ] {
        let stream = &mut stream;
        let id = create(stream, version, &format!("attributes-{version}")).await;
        let add = |value: AttributeValue| AddAttributeRequest {
            unique_identifier: Some(id.clone()),
            attribute: value.into(),
        };
        let modify = |value: AttributeValue| ModifyAttributeRequest {
            unique_identifier: Some(id.clone()),
            current_attribute: None,
            attribute: value.into(),
        };
        let vendor = |text: &str| {
            Attribute::vendor("x", "Purpose", ItemValue::TextString(text.to_owned())).value
        };
        one(
            stream,
            version,
            add(AttributeValue::ContactInformation("a".into())),
        )
        .await
        .unwrap();
        one(
            stream,
            version,
            add(AttributeValue::Name(Name::text(format!("2-{version}")))),
        )
        .await
        .unwrap();
        one(stream, version, add(vendor("backup"))).await.unwrap();
        one(
            stream,
            version,
            modify(AttributeValue::ContactInformation("b".into())),
        )
        .await
        .unwrap();
        one(stream, version, modify(vendor("archive")))
            .await
            .unwrap();

        let twice = one(
            stream,
            version,
            add(AttributeValue::ContactInformation("c".into())),
        )
        .await;
        let single = if version.has_typed_attributes() {
            ResultReason::AttributeSingleValued
        } else {
            ResultReason::IllegalOperation
        };
        assert_eq!(twice, Err(single), "{version}");
        let same = one(stream, version, add(vendor("archive"))).await;
        let identical = if version.has_typed_attributes() {
            ResultReason::InvalidField
        } else {
            ResultReason::IllegalOperation
        };
        assert_eq!(same, Err(identical), "{version}");
        for read_only in [
            AttributeValue::State(State::Active),
            AttributeValue::CryptographicLength(128),
        ] {
            let refused = one(stream, version, modify(read_only)).await;
            assert_eq!(refused, Err(ResultReason::PermissionDenied), "{version}");
        }
        let absent = one(
            stream,
            version,
            modify(AttributeValue::ObjectGroup("g".into())),
        )
        .await;
        assert_eq!(absent, Err(ResultReason::ItemNotFound), "{version}");

        let all = attributes(stream, version, &id).await;
        assert_eq!(all.names().count(), 2, "{version}");
        assert_eq!(
            all.contact_information().map(String::as_str),
            Some("b"),
            "{version}"
        );
        let purpose = all.vendor("x", "Purpose");
        assert_eq!(
            purpose,
            Some(&ItemValue::TextString("archive".to_owned())),
            "{version}"
        );
        assert!(all.digest().is_some(), "{version}");

        let list = GetAttributeListRequest {
            unique_identifier: Some(id.clone()),
        };
        let ResponsePayload::GetAttributeList(list) = one(stream, version, list).await.unwrap()
        else {
            panic!()
        };
        let names = list.attribute_names;
        for tag in [
            Tag::Name,
            Tag::State,
            Tag::ContactInformation,
            Tag::InitialDate,
        ] {
            let name = AttributeName::Standard(tag);
            assert_eq!(
                names.iter().filter(|own| **own == name).count(),
                1,
                "{version} {name}"
            );
        }
    }
}

#[tokio::test]
async fn located() {
    let (_rig, _server, mut stream) = start().await;
    let version = ProtocolVersion::V1_4;
    let stream = &mut stream;
    let mut ids = Vec::new();
    for n in 0..4 {
        ids.push(create(stream, version, &format!("key-{n}")).await);
    }
    one(
        stream,
        version,
        ActivateRequest {
            unique_identifier: Some(ids[1].clone()),
        },
    )
    .await
    .unwrap();
    one(
        stream,
        version,
        DestroyRequest {
            unique_identifier: Some(ids[3].clone()),
        },
    )
    .await
    .unwrap();
    let mut locate = async |request: LocateRequest| -> LocateResponse {
        match one(stream, version, request).await.unwrap() {
            ResponsePayload::Locate(found) => found,
            other => panic!("{:?}", other.operation()),
        }
    };
    let with = |value: AttributeValue| LocateRequest {
        attributes: Attributes::new().with(value),
        ..LocateRequest::default()
    };
    let all = locate(LocateRequest::default()).await;
    assert_eq!(
        (all.unique_identifiers.len(), all.located_items),
        (3, Some(3))
    );
    let active = locate(with(AttributeValue::State(State::Active))).await;
    assert_eq!(active.unique_identifiers, [ids[1].clone()]);
    let destroyed = locate(with(AttributeValue::State(State::Destroyed))).await;
    assert_eq!(destroyed.unique_identifiers, [ids[3].clone()]);
    let named = locate(with(AttributeValue::Name(Name::text("key-2")))).await;
    assert_eq!(named.unique_identifiers, [ids[2].clone()]);
    let others = locate(with(AttributeValue::ObjectType(ObjectType::SecretData))).await;
    assert!(others.unique_identifiers.is_empty());
    let usage = AttributeValue::CryptographicUsageMask(CryptographicUsageMask::Encrypt);
    assert_eq!(locate(with(usage)).await.unique_identifiers.len(), 3);
    let usage = AttributeValue::CryptographicUsageMask(CryptographicUsageMask::Sign);
    assert!(locate(with(usage)).await.unique_identifiers.is_empty());

    let page = |offset, most| LocateRequest {
        offset_items: Some(offset),
        maximum_items: Some(most),
        ..LocateRequest::default()
    };
    let (first, second) = (locate(page(0, 2)).await, locate(page(2, 2)).await);
    assert_eq!(first.located_items, Some(3));
    let pages = [first.unique_identifiers, second.unique_identifiers].concat();
    assert_eq!(pages, all.unique_identifiers);

    let range = |from, to| LocateRequest {
        attributes: Attributes::new()
            .with(AttributeValue::InitialDate(kmip::DateTime(from)))
            .with(AttributeValue::InitialDate(kmip::DateTime(to))),
        ..LocateRequest::default()
    };
    assert_eq!(locate(range(0, i64::MAX)).await.unique_identifiers.len(), 3);
    assert!(locate(range(0, 1)).await.unique_identifiers.is_empty());
}

#[tokio::test]
async fn what_is_refused() {
    let (_rig, _server, mut stream) = start().await;
    let version = ProtocolVersion::V1_4;
    let stream = &mut stream;
    let mut without = aes256("x");
    without.attributes = Attributes::new()
        .with(AttributeValue::CryptographicAlgorithm(
            CryptographicAlgorithm::AES,
        ))
        .with(AttributeValue::CryptographicUsageMask(
            CryptographicUsageMask::Encrypt,
        ));
    assert_eq!(
        one(stream, version, without).await,
        Err(ResultReason::MissingData)
    );
    let mut read_only = aes256("x");
    read_only
        .attributes
        .push(AttributeValue::State(State::Active));
    assert_eq!(
        one(stream, version, read_only).await,
        Err(ResultReason::InvalidField)
    );
    let mut twice = aes256("x");
    twice
        .attributes
        .push(AttributeValue::CryptographicLength(128));
    assert_eq!(
        one(stream, version, twice).await,
        Err(ResultReason::InvalidField)
    );
    let which = one(stream, version, GetRequest::default()).await;
    assert_eq!(which, Err(ResultReason::ItemNotFound));

    // A key that is not Active cannot be deactivated, and a Destroyed one not be revoked but as compromised.
    let id = create(stream, version, "x").await;
    let revoke = |code| RevokeRequest {
        unique_identifier: Some(id.clone()),
        revocation_reason: RevocationReason {
            code,
            message: None,
        },
        compromise_occurrence_date: None,
    };
    let refused = one(stream, version, revoke(RevocationReasonCode::Superseded)).await;
    assert_eq!(refused, Err(ResultReason::PermissionDenied));
    one(
        stream,
        version,
        DestroyRequest {
            unique_identifier: Some(id.clone()),
        },
    )
    .await
    .unwrap();
    one(stream, version, revoke(RevocationReasonCode::KeyCompromise))
        .await
        .unwrap();
    let all = attributes(stream, version, &id).await;
    assert_eq!(all.state(), Some(&State::DestroyedCompromised));

    let mut small = RequestMessage::new(version, LocateRequest::default());
    small.header.maximum_response_size = Some(64);
    let response = ask(stream, &small).await;
    assert_eq!(
        response.batch_items[0].result_reason,
        Some(ResultReason::ResponseTooLarge)
    );

    let mut extended = RequestMessage::new(version, LocateRequest::default());
    extended.batch_items[0]
        .message_extensions
        .push(MessageExtension {
            vendor_identification: "nobody".to_owned(),
            criticality_indicator: true,
            vendor_extension: AnyStructure(Vec::new()),
        });
    let response = ask(stream, &extended).await;
    assert_eq!(
        response.batch_items[0].result_reason,
        Some(ResultReason::FeatureNotSupported)
    );
    extended.batch_items[0].message_extensions[0].criticality_indicator = false;
    let response = ask(stream, &extended).await;
    assert_eq!(response.batch_items[0].result_status, ResultStatus::Success);
}
