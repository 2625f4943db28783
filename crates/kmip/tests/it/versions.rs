//! Nothing is in a message that its version does not have, not yet or no longer.

use kmip::message::{
    AsynchronousIndicator, Authentication, Credential, DeviceCredential, RequestHeader,
    UsernameAndPassword,
};
use kmip::objects::{KeyBlock, PrivateKey, SymmetricKey};
use kmip::operations::{
    ActivateResponse, CreateRequest, CreateResponse, GetAttributeListResponse,
    GetAttributesRequest, GetAttributesResponse, GetResponse, LocateRequest, QueryRequest,
    RegisterRequest, UnknownPayload,
};
use kmip::registry::{
    AsynchronousIndicatorOption, CryptographicAlgorithm, CryptographicUsageMask, Entry,
    Enumeration, KeyFormatType, LinkType, ObjectType, Operation, ResultReason, Tag,
    UniqueIdentifierPlaceholder, enumeration_of, enumerations, mask_of, masks,
};
use kmip::structures::Link;
use kmip::ttlv::{Element, Item, ItemType, ItemValue, check};
use kmip::{
    AttributeName, AttributeValue, Attributes, DateTime, EncodeError, Limits, ProtocolVersion,
    RequestMessage, ResponseBatchItem, ResponseMessage, UniqueIdentifier, text,
};

use crate::shared::messages;

/// The first thing in the item that the version does not have: not yet, or no longer.
fn misplaced(
    element: &Element<'_>,
    version: ProtocolVersion,
    attribute: Option<Tag>,
) -> Option<String> {
    let tag = element.tag();
    if !tag.exists_in(version) {
        return Some(tag.to_string());
    }
    let meaning = attribute
        .filter(|_| tag == Tag::AttributeValue)
        .unwrap_or(tag);
    let named = |entry: &Entry| format!("{meaning} {}", entry.name);
    match element.item_type() {
        ItemType::Enumeration => {
            let code = element.enumeration().expect("an enumeration");
            if meaning == Tag::AttributeReference {
                return Some(Tag(code))
                    .filter(|tag| !tag.exists_in(version))
                    .map(|tag| format!("a reference to {tag}"));
            }
            return enumeration_of(meaning)?
                .entries
                .iter()
                .find(|entry| entry.code == code && !entry.exists_in(version))
                .map(named);
        }
        ItemType::Integer => {
            let bits = element.integer().expect("an integer") as u32;
            return mask_of(meaning)?
                .entries
                .iter()
                .find(|entry| entry.code & bits != 0 && !entry.exists_in(version))
                .map(named);
        }
        _ => {}
    }
    let mut attribute = None;
    for field in element.structure().ok()? {
        if let Some(found) = misplaced(&field, version, attribute) {
            return Some(found);
        }
        if field.tag() == Tag::AttributeName {
            let name = field.text().expect("a text").replace(' ', "");
            attribute = Tag::from_name(&name);
            if attribute.is_some_and(|tag| !tag.exists_in(version)) {
                return Some(format!("the attribute {name}"));
            }
        }
    }
    None
}

/// Every published response, given every other version: what comes out has nothing that the version does not
/// have, and can be read to its last payload. Few cannot be expressed at all, such as a Template in 2.x.
#[test]
fn every_response_fits_every_version() {
    let Some(messages) = messages() else {
        return;
    };
    let (mut written, mut inexpressible) = (0, 0);
    for message in messages.iter().filter(|message| !message.is_request) {
        let ttlv = text::xml::to_ttlv(&message.xml, &Limits::DEFAULT).expect("a case");
        let mut response =
            ResponseMessage::decode(ttlv.as_slice(), &Limits::DEFAULT).expect("a case");
        for version in ProtocolVersion::SUPPORTED {
            response.header.protocol_version = version;
            let encoded = match response.encode() {
                Ok(encoded) => encoded,
                Err(EncodeError::Inexpressible { .. }) => {
                    inexpressible += 1;
                    continue;
                }
                Err(error) => panic!("{} as {version}: {error}", message.file),
            };
            written += 1;
            let element = check(encoded.as_slice(), &Limits::DEFAULT).expect("well-formed");
            assert_eq!(
                misplaced(&element, version, None),
                None,
                "{} #{} as {version}",
                message.file,
                message.place
            );
            let read =
                ResponseMessage::decode(encoded.as_slice(), &Limits::DEFAULT).expect("can be read");
            for item in &read.batch_items {
                assert!(
                    !matches!(item.payload, Some(kmip::ResponsePayload::Malformed(_))),
                    "{} #{} as {version}: {:?}",
                    message.file,
                    message.place,
                    item.payload
                );
            }
        }
    }
    assert!(
        written > 10_000 && inexpressible < written / 50,
        "{written} written, {inexpressible} cannot be expressed"
    );
}

/// Every published request, given every other version: refused, or nothing is in it that the version does not have.
#[test]
fn every_request_fits_its_version_or_is_refused() {
    let Some(messages) = messages() else {
        return;
    };
    let (mut written, mut refused) = (0, 0);
    for message in messages.iter().filter(|message| message.is_request) {
        let ttlv = text::xml::to_ttlv(&message.xml, &Limits::DEFAULT).expect("a case");
        let mut request =
            RequestMessage::decode(ttlv.as_slice(), &Limits::DEFAULT).expect("a case");
        for version in ProtocolVersion::SUPPORTED {
            request.header.protocol_version = version;
            let Ok(encoded) = request.encode() else {
                refused += 1;
                continue;
            };
            written += 1;
            let element = check(encoded.as_slice(), &Limits::DEFAULT).expect("well-formed");
            assert_eq!(
                misplaced(&element, version, None),
                None,
                "{} #{} as {version}",
                message.file,
                message.place
            );
        }
    }
    assert!(
        written > 10_000 && refused > 1_000,
        "{written} written, {refused} refused"
    );
}

/// A response in this version, read back.
fn answered(
    version: ProtocolVersion,
    payload: impl Into<kmip::ResponsePayload>,
) -> Result<kmip::ResponsePayload, EncodeError> {
    let item = ResponseBatchItem::success(payload);
    let encoded = ResponseMessage::new(version, DateTime(0), vec![item]).encode()?;
    let decoded =
        ResponseMessage::decode(encoded.as_slice(), &Limits::DEFAULT).expect("a response");
    Ok(decoded.batch_items[0].payload.clone().expect("a payload"))
}

/// What a response cannot do without is not left out: nobody could read the rest.
#[test]
fn responses_that_their_version_cannot_express() {
    let placeholder = UniqueIdentifier::Placeholder(UniqueIdentifierPlaceholder::Create);
    let activated = ActivateResponse {
        unique_identifier: placeholder,
    };
    let created = CreateResponse {
        object_type: ObjectType::CertificateRequest,
        unique_identifier: "1".into(),
        attributes: None,
    };
    for (payload, tag) in [
        (
            kmip::ResponsePayload::from(activated),
            Tag::UniqueIdentifier,
        ),
        (created.into(), Tag::ObjectType),
    ] {
        let version = ProtocolVersion::V1_4;
        let expected = EncodeError::Inexpressible { tag, version };
        assert_eq!(answered(version, payload.clone()), Err(expected));
        let read = answered(ProtocolVersion::V2_0, payload.clone());
        assert_eq!(read, Ok(payload));
    }
}

/// What it can do without is left out as a whole, not in part.
#[test]
fn attributes_that_their_version_cannot_express() {
    let link = |link_type| {
        AttributeValue::Link(Link {
            link_type,
            linked_object_identifier: "2".into(),
        })
    };
    let attributes = Attributes::new()
        .with(link(LinkType::WrappingKeyLink))
        .with(link(LinkType::ParentLink))
        .with(link(LinkType::ReplacementObjectLink));
    for (version, expected) in [
        (ProtocolVersion::V1_0, 1),
        (ProtocolVersion::V1_2, 2),
        (ProtocolVersion::V2_0, 3),
    ] {
        let payload = GetAttributesResponse {
            unique_identifier: "1".into(),
            attributes: attributes.clone(),
        };
        let read = GetAttributesResponse::try_from(answered(version, payload).unwrap())
            .unwrap_or_else(|error| panic!("{version}: {error}"));
        assert_eq!(read.attributes.len(), expected, "{version}");
    }
}

/// Everything that 2.0 took away, as its tables have it: "(Reserved)".
#[test]
fn what_2_0_took_away() {
    let gone = |entries: &[Entry]| -> Vec<String> {
        let gone = entries.iter().filter(|entry| entry.until.is_some());
        gone.inspect(|entry| assert_eq!(entry.until, Some(ProtocolVersion::V1_4)))
            .map(|entry| entry.name.to_owned())
            .collect()
    };
    let mut found: Vec<(&str, Vec<String>)> = enumerations()
        .iter()
        .map(|table| (table.name, gone(table.entries)))
        .chain(masks().iter().map(|mask| (mask.name, gone(mask.entries))))
        .filter(|(_, gone)| !gone.is_empty())
        .collect();
    // All names of 1.x: 1 to 0x103 are reserved.
    let profiles = found
        .iter()
        .position(|(name, _)| *name == "ProfileName")
        .expect("the names of profiles");
    let (_, profiles) = found.remove(profiles);
    assert_eq!(profiles.len(), 0x9C);
    let expected: [(&str, &[&str]); 5] = [
        ("ObjectType", &["Template"]),
        ("ResultReason", &["IllegalOperation", "IndexOutOfBounds"]),
        (
            "KeyFormatType",
            &[
                "TransparentECDSAPrivateKey",
                "TransparentECDSAPublicKey",
                "TransparentECDHPrivateKey",
                "TransparentECDHPublicKey",
                "TransparentECMQVPrivateKey",
                "TransparentECMQVPublicKey",
            ],
        ),
        ("CertificateRequestType", &["PGP"]),
        (
            "CryptographicUsageMask",
            &[
                "Export",
                "ContentCommitment",
                "GenerateCryptogram",
                "ValidateCryptogram",
                "TranslateEncrypt",
                "TranslateDecrypt",
                "TranslateWrap",
                "TranslateUnwrap",
            ],
        ),
    ];
    let expected: Vec<(&str, Vec<String>)> = expected
        .iter()
        .map(|(name, gone)| (*name, gone.iter().map(|name| (*name).to_owned()).collect()))
        .collect();
    assert_eq!(found, expected);

    let tags: Vec<u32> = Tag::all()
        .filter(|info| info.until.is_some())
        .map(|info| info.tag.0 - 0x42_0000)
        .collect();
    assert_eq!(
        tags,
        [
            0x09, 0x14, 0x15, 0x16, 0x17, 0x1A, 0x1B, 0x1C, 0x1F, 0x2D, 0x3B, 0x5D, 0x65, 0x6E,
            0x87, 0x90, 0x91
        ]
    );
    assert!(Tag::SerialNumber.exists_in(ProtocolVersion::V1_4));
    assert!(!Tag::SerialNumber.exists_in(ProtocolVersion::V2_0));
    assert!(Tag(0x54_0001).exists_in(ProtocolVersion::V2_1));
}

/// No reference to an attribute that the version does not have: neither to newer ones nor to those that are gone.
#[test]
fn references_to_attributes() {
    let asked = |tag: Tag, version| {
        let request = GetAttributesRequest {
            unique_identifier: Some("1".into()),
            attribute_names: vec![tag.into()],
        };
        RequestMessage::new(version, request).encode().map(|_| ())
    };
    let (gone, newer) = (Tag::OperationPolicyName, Tag::RotateLatest);
    assert_eq!(asked(gone, ProtocolVersion::V1_4), Ok(()));
    let version = ProtocolVersion::V2_0;
    let what = "the attribute OperationPolicyName".to_owned();
    let until = ProtocolVersion::V1_4;
    let error = EncodeError::Gone {
        what,
        until,
        version,
    };
    assert_eq!(asked(gone, version), Err(error));
    assert!(matches!(
        asked(newer, version),
        Err(EncodeError::TooNew { .. })
    ));
    assert_eq!(asked(newer, ProtocolVersion::V2_1), Ok(()));
    // Of no attribute, but of the standard: what this library does not know as an attribute may be one.
    assert_eq!(asked(Tag::ServerName, version), Ok(()));
    assert!(asked(Tag::AsynchronousRequest, version).is_err());

    for (version, expected) in [
        (ProtocolVersion::V1_0, vec![Tag::State, gone]),
        (ProtocolVersion::V2_0, vec![Tag::State]),
        (ProtocolVersion::V2_1, vec![Tag::State, newer]),
    ] {
        let payload = GetAttributeListResponse {
            unique_identifier: "1".into(),
            attribute_names: vec![Tag::State.into(), gone.into(), newer.into()],
        };
        let read = GetAttributeListResponse::try_from(answered(version, payload).unwrap())
            .unwrap_or_else(|error| panic!("{version}: {error}"));
        let expected: Vec<AttributeName> = expected.into_iter().map(Into::into).collect();
        assert_eq!(read.attribute_names, expected, "{version}");
    }
}

/// A mask keeps the bits that the version has.
#[test]
fn bits_of_masks() {
    let uses = CryptographicUsageMask::Encrypt
        | CryptographicUsageMask::Export
        | CryptographicUsageMask::Unrestricted
        | CryptographicUsageMask(0x4000_0000);
    let attributes = Attributes::new().with(AttributeValue::CryptographicUsageMask(uses));
    let create = |version| {
        let create = CreateRequest {
            object_type: ObjectType::SymmetricKey,
            attributes: attributes.clone(),
            protection_storage_masks: None,
        };
        RequestMessage::new(version, create).encode().map(|_| ())
    };
    assert!(matches!(
        create(ProtocolVersion::V1_4),
        Err(EncodeError::TooNew { .. })
    ));
    assert!(matches!(
        create(ProtocolVersion::V2_0),
        Err(EncodeError::Gone { .. })
    ));
    for (version, expected) in [
        (ProtocolVersion::V1_4, 0x4000_0044),
        (ProtocolVersion::V2_1, 0x4020_0004),
    ] {
        let payload = GetAttributesResponse {
            unique_identifier: "1".into(),
            attributes: attributes.clone(),
        };
        let read = GetAttributesResponse::try_from(answered(version, payload).unwrap())
            .unwrap_or_else(|error| panic!("{version}: {error}"));
        let read = read.attributes.cryptographic_usage_mask().copied();
        assert_eq!(read, Some(CryptographicUsageMask(expected)), "{version}");
    }
}

/// Values that are gone: refused in a request, and a response that needs one cannot be written.
#[test]
fn values_that_are_gone() {
    let locate = LocateRequest {
        attributes: Attributes::new().with(AttributeValue::ObjectType(ObjectType::Template)),
        ..LocateRequest::default()
    };
    let locate = |version| {
        RequestMessage::new(version, locate.clone())
            .encode()
            .map(|_| ())
    };
    assert_eq!(locate(ProtocolVersion::V1_4), Ok(()));
    assert!(matches!(
        locate(ProtocolVersion::V2_1),
        Err(EncodeError::Gone { .. })
    ));

    let got = GetResponse {
        object_type: ObjectType::PrivateKey,
        unique_identifier: "1".into(),
        object: PrivateKey {
            key_block: KeyBlock {
                key_format_type: KeyFormatType::TransparentECDSAPrivateKey,
                ..KeyBlock::raw(CryptographicAlgorithm::ECDSA, &[1; 32])
            },
        }
        .into(),
    };
    let payload = kmip::ResponsePayload::from(got);
    let version = ProtocolVersion::V2_0;
    let tag = Tag::KeyFormatType;
    assert_eq!(
        answered(version, payload.clone()),
        Err(EncodeError::Inexpressible { tag, version })
    );
    let read = answered(ProtocolVersion::V1_4, payload.clone());
    assert_eq!(read, Ok(payload));

    for (version, reason) in [
        (ProtocolVersion::V1_4, ResultReason::IllegalOperation),
        (ProtocolVersion::V2_0, ResultReason::GeneralFailure),
    ] {
        let item = ResponseBatchItem::failure(None, ResultReason::IllegalOperation, "no");
        let encoded = ResponseMessage::new(version, DateTime(0), vec![item]).encode();
        let encoded = encoded.expect("encodes");
        let read = ResponseMessage::decode(encoded.as_slice(), &Limits::DEFAULT).expect("reads");
        assert_eq!(read.batch_items[0].result_reason, Some(reason), "{version}");
    }
}

/// A request with this header.
fn headed(header: RequestHeader) -> Result<RequestMessage, EncodeError> {
    let version = header.protocol_version;
    let request = RequestMessage {
        header,
        ..RequestMessage::new(version, QueryRequest::default())
    };
    let encoded = request.encode()?;
    Ok(RequestMessage::decode(encoded.as_slice(), &Limits::DEFAULT).expect("a request"))
}

/// 1.x has a Boolean, which cannot say that the client insists.
#[test]
fn an_asynchronous_indicator_that_1_x_has_no_word_for() {
    use AsynchronousIndicatorOption as O;
    let indicated = |version, option| {
        let header = RequestHeader {
            asynchronous_indicator: Some(AsynchronousIndicator(option)),
            ..RequestHeader::new(version)
        };
        let read = headed(header)?.header.asynchronous_indicator;
        Ok(read.expect("an indicator").0)
    };
    for version in ProtocolVersion::SUPPORTED {
        for option in [O::Optional, O::Prohibited] {
            assert_eq!(indicated(version, option), Ok(option), "{version}");
        }
        for option in [O::Mandatory, O::Other(0x8000_0001)] {
            let expected = if version.has_typed_attributes() {
                Ok(option)
            } else {
                Err(EncodeError::TooNew {
                    what: format!("AsynchronousIndicator {option}"),
                    since: ProtocolVersion::V2_0,
                    version,
                })
            };
            assert_eq!(indicated(version, option), expected, "{version}");
        }
    }
}

#[test]
fn several_credentials() {
    let user = Credential::UsernameAndPassword(UsernameAndPassword {
        username: "fred".into(),
        password: None,
    });
    let device = Credential::Device(DeviceCredential::default());
    let with = |version, credentials: &[Credential]| {
        let header = RequestHeader {
            authentication: Some(Authentication {
                credentials: credentials.to_vec(),
            }),
            ..RequestHeader::new(version)
        };
        let read = headed(header)?.header.authentication;
        Ok(read.expect("an authentication").credentials)
    };
    let one = [user.clone()];
    assert_eq!(with(ProtocolVersion::V1_0, &one), Ok(one.to_vec()));
    let two = [user, device];
    let version = ProtocolVersion::V1_1;
    let error = EncodeError::TooNew {
        what: "more than one Credential".into(),
        since: ProtocolVersion::V1_2,
        version,
    };
    assert_eq!(with(version, &two), Err(error));
    assert_eq!(with(ProtocolVersion::V1_2, &two), Ok(two.to_vec()));
}

#[test]
fn a_key_block_without_a_key() {
    let key = SymmetricKey {
        key_block: KeyBlock {
            key_value: None,
            ..KeyBlock::raw(CryptographicAlgorithm::AES, &[1; 32])
        },
    };
    let register = |version| {
        let register = RegisterRequest {
            object_type: ObjectType::SymmetricKey,
            attributes: Attributes::new(),
            object: key.clone().into(),
            protection_storage_masks: None,
        };
        RequestMessage::new(version, register).encode().map(|_| ())
    };
    let payload = kmip::ResponsePayload::from(GetResponse {
        object_type: ObjectType::SymmetricKey,
        unique_identifier: "1".into(),
        object: key.clone().into(),
    });
    let version = ProtocolVersion::V1_1;
    assert_eq!(
        register(version),
        Err(EncodeError::TooNew {
            what: "a Key Block without a Key Value".into(),
            since: ProtocolVersion::V1_2,
            version
        })
    );
    let tag = Tag::KeyValue;
    assert_eq!(
        answered(version, payload.clone()),
        Err(EncodeError::Inexpressible { tag, version })
    );
    assert_eq!(register(ProtocolVersion::V1_2), Ok(()));
    let read = answered(ProtocolVersion::V1_2, payload.clone());
    assert_eq!(read, Ok(payload));
}

/// Items without types of their own: what their tags say about their values holds for them too.
#[test]
fn generic_values() {
    let sent = |version, tag, value| {
        let payload = UnknownPayload {
            operation: Some(Operation::Other(0x8000_0001)),
            items: vec![Item::new(tag, value)],
        };
        let request = RequestMessage::new(version, kmip::RequestPayload::Unknown(payload));
        request.encode().map(|_| ())
    };
    let (v1_3, v2_1) = (ProtocolVersion::V1_3, ProtocolVersion::V2_1);
    let import = ItemValue::Enumeration(Operation::Import.code());
    let export = ItemValue::Integer(CryptographicUsageMask::Export.0 as i32);
    let reference = |tag: Tag| ItemValue::Enumeration(tag.0);
    for (version, tag, value, admitted) in [
        (v1_3, Tag::Operation, import.clone(), false),
        (v2_1, Tag::Operation, import, true),
        (
            v1_3,
            Tag::Operation,
            ItemValue::Enumeration(0x8000_0002),
            true,
        ),
        (v1_3, Tag::CryptographicUsageMask, export.clone(), true),
        (v2_1, Tag::CryptographicUsageMask, export.clone(), false),
        (v2_1, Tag::CryptographicLength, export, true),
        (
            v2_1,
            Tag::AttributeReference,
            reference(Tag::OperationPolicyName),
            false,
        ),
        (v2_1, Tag::AttributeReference, reference(Tag::State), true),
    ] {
        let result = sent(version, tag, value.clone());
        assert_eq!(result.is_ok(), admitted, "{version}: {tag} {value:?}");
    }
}
