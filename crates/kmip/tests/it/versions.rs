//! Nothing newer than its version is in a message.

use kmip::operations::{ActivateResponse, CreateResponse, GetAttributesResponse};
use kmip::registry::{LinkType, ObjectType, Tag, UniqueIdentifierPlaceholder, enumeration_of};
use kmip::structures::Link;
use kmip::ttlv::{Element, ItemType, check};
use kmip::{
    AttributeValue, Attributes, DateTime, EncodeError, Limits, ProtocolVersion, RequestMessage,
    ResponseBatchItem, ResponseMessage, UniqueIdentifier, text,
};

use crate::shared::messages;

/// The first thing in the item that is newer than the version.
fn newer(
    element: &Element<'_>,
    version: ProtocolVersion,
    attribute: Option<Tag>,
) -> Option<String> {
    let tag = element.tag();
    if tag.since().is_some_and(|since| since > version) {
        return Some(tag.to_string());
    }
    if version >= ProtocolVersion::V2_0 && tag.is_gone_in_2_0() {
        return Some(format!("{tag}, which is gone"));
    }
    if element.item_type() == ItemType::Enumeration {
        let meaning = attribute
            .filter(|_| tag == Tag::AttributeValue)
            .unwrap_or(tag);
        let code = element.enumeration().expect("an enumeration");
        return enumeration_of(meaning)?
            .entries
            .iter()
            .find(|entry| entry.code == code && entry.since > version)
            .map(|entry| format!("{meaning} {}", entry.name));
    }
    let mut attribute = None;
    for field in element.structure().ok()? {
        if let Some(found) = newer(&field, version, attribute) {
            return Some(found);
        }
        if field.tag() == Tag::AttributeName {
            let name = field.text().expect("a text").replace(' ', "");
            attribute = Tag::from_name(&name);
            if let Some(since) = attribute
                .and_then(Tag::since)
                .filter(|since| *since > version)
            {
                return Some(format!("{name} of {since}"));
            }
        }
    }
    None
}

/// Every published response, given every other version: what comes out has nothing newer, and can be read to its last
/// payload. Few cannot be expressed at all, such as a Template in 2.x.
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
                newer(&element, version, None),
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

/// Every published request, given every other version: refused, or nothing newer is in it.
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
                newer(&element, version, None),
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
