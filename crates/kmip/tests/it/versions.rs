//! Nothing newer than its version is in a message.

use kmip::registry::{Tag, enumeration_of};
use kmip::ttlv::{Element, ItemType, check};
use kmip::{Limits, ProtocolVersion, RequestMessage, ResponseMessage, text};

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

/// Every published response, given every other version: what comes out has nothing newer, and can be read.
#[test]
fn every_response_fits_every_version() {
    let Some(messages) = messages() else {
        return;
    };
    for message in messages.iter().filter(|message| !message.is_request) {
        let ttlv = text::xml::to_ttlv(&message.xml, &Limits::DEFAULT).expect("a case");
        let mut response =
            ResponseMessage::decode(ttlv.as_slice(), &Limits::DEFAULT).expect("a case");
        for version in ProtocolVersion::SUPPORTED {
            response.header.protocol_version = version;
            let encoded = response.encode().expect("responses can always be written");
            let element = check(encoded.as_slice(), &Limits::DEFAULT).expect("well-formed");
            assert_eq!(
                newer(&element, version, None),
                None,
                "{} #{} as {version}",
                message.file,
                message.place
            );
            ResponseMessage::decode(encoded.as_slice(), &Limits::DEFAULT).expect("can be read");
        }
    }
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
