//! Fuzz targets: no input panics, allocates without bound, or changes on the way through an encoding.
//!
//! `cargo test` runs each briefly; `cargo bolero test -p kmip fuzz::ttlv` runs one for as long as one likes.

use std::sync::LazyLock;

use bolero::check as fuzz;
use kmip::ttlv::{Buffer, Element, Item, Newer, Writer, check, message_bytes};
use kmip::{Limits, ProtocolVersion, RequestMessage, ResponseMessage, text};

use crate::shared::{Message, messages};

/// Messages of the published cases to start from, in TTLV; a few of our own where the cases are absent.
static SEEDS: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let messages: Vec<Message> = messages().unwrap_or_default();
    let mut seeds: Vec<Vec<u8>> = messages
        .iter()
        .step_by(37)
        .map(|message| {
            text::xml::to_ttlv(&message.xml, &Limits::DEFAULT)
                .expect("a case")
                .as_slice()
                .to_vec()
        })
        .collect();
    seeds.push(crate::messages::get_response(ProtocolVersion::V1_4));
    seeds.push(crate::messages::create_request(ProtocolVersion::V2_1));
    seeds
});

/// A seed with some bytes changed and its end cut off, as the input says.
fn mutated(input: &[u8]) -> Vec<u8> {
    let Some((choice, changes)) = input.split_first_chunk::<2>() else {
        return input.to_vec();
    };
    let mut bytes = SEEDS[usize::from(u16::from_le_bytes(*choice)) % SEEDS.len()].clone();
    for change in changes.chunks_exact(3) {
        let place = usize::from(u16::from_le_bytes([change[0], change[1]])) % bytes.len();
        bytes[place] = change[2];
    }
    if let [cut] = changes.chunks_exact(3).remainder() {
        bytes.truncate(bytes.len() - usize::from(*cut) % 16);
    }
    bytes
}

/// What holds for all bytes.
fn probe(bytes: &[u8]) {
    let limits = Limits::DEFAULT;
    if let Some(header) = bytes.first_chunk() {
        let _ = message_bytes(*header, &limits);
    }
    let Ok(element) = check(bytes, &limits) else {
        assert!(RequestMessage::decode(bytes, &limits).is_err());
        assert!(ResponseMessage::decode(bytes, &limits).is_err());
        return;
    };
    // What was accepted comes back from the owned tree, but for the padding.
    let item = Item::from_element(&element).expect("accepted");
    let again = write(&item);
    let again = check(again.as_slice(), &limits).expect("what we write is well-formed");
    assert_eq!(Item::from_element(&again).as_ref(), Ok(&item));
    if let Ok(request) = RequestMessage::decode(bytes, &limits)
        && let Ok(encoded) = request.encode()
    {
        let decoded =
            RequestMessage::decode(encoded.as_slice(), &limits).expect("what we write can be read");
        assert_eq!(
            decoded.encode().expect("again").as_slice(),
            encoded.as_slice()
        );
    }
    if let Ok(response) = ResponseMessage::decode(bytes, &limits)
        && let Ok(encoded) = response.encode()
    {
        let decoded = ResponseMessage::decode(encoded.as_slice(), &limits)
            .expect("what we write can be read");
        assert_eq!(
            decoded.encode().expect("again").as_slice(),
            encoded.as_slice()
        );
    }
    through_text(&element);
}

fn through_text(element: &Element<'_>) {
    let limits = Limits::DEFAULT;
    let item = Item::from_element(element).expect("accepted");
    let json = text::json::from_ttlv(element).expect("JSON can say everything");
    let again = text::json::to_ttlv(&json, &limits).expect("our own JSON");
    assert_eq!(again.as_slice(), write(&item).as_slice(), "through {json}");
    if let Ok(xml) = text::xml::from_ttlv(element) {
        let again = text::xml::to_ttlv(&xml, &limits).expect("our own XML");
        assert_eq!(again.as_slice(), write(&item).as_slice(), "through {xml}");
    }
}

fn write(item: &Item) -> Buffer {
    let mut writer = Writer::new(Buffer::new(), ProtocolVersion::V2_1, Newer::Keep);
    item.write(&mut writer);
    writer.finish().expect("fits")
}

#[test]
fn ttlv() {
    fuzz!().with_iterations(20_000).for_each(probe);
}

#[test]
fn messages_with_changes() {
    fuzz!()
        .with_iterations(2_000)
        .for_each(|input| probe(&mutated(input)));
}

#[test]
fn seeds_as_they_are() {
    SEEDS.iter().for_each(|seed| probe(seed));
}

#[test]
fn xml() {
    fuzz!().with_iterations(10_000).for_each(|input| {
        if let Ok(ttlv) = text::xml::to_ttlv(&String::from_utf8_lossy(input), &Limits::DEFAULT) {
            probe(ttlv.as_slice());
        }
    });
}

#[test]
fn xml_with_changes() {
    fuzz!().with_iterations(1_000).for_each(|input| {
        let seed = &SEEDS[input.first().map_or(0, |byte| usize::from(*byte)) % SEEDS.len()];
        let element = check(seed, &Limits::DEFAULT).expect("a seed");
        let mut xml = text::xml::from_ttlv(&element).expect("a seed").into_bytes();
        change(&mut xml, input);
        if let Ok(ttlv) = text::xml::to_ttlv(&String::from_utf8_lossy(&xml), &Limits::DEFAULT) {
            probe(ttlv.as_slice());
        }
    });
}

#[test]
fn json() {
    fuzz!().with_iterations(10_000).for_each(|input| {
        if let Ok(ttlv) = text::json::to_ttlv(&String::from_utf8_lossy(input), &Limits::DEFAULT) {
            probe(ttlv.as_slice());
        }
    });
}

#[test]
fn json_with_changes() {
    fuzz!().with_iterations(1_000).for_each(|input| {
        let seed = &SEEDS[input.first().map_or(0, |byte| usize::from(*byte)) % SEEDS.len()];
        let element = check(seed, &Limits::DEFAULT).expect("a seed");
        let mut json = text::json::from_ttlv(&element)
            .expect("a seed")
            .into_bytes();
        change(&mut json, input);
        if let Ok(ttlv) = text::json::to_ttlv(&String::from_utf8_lossy(&json), &Limits::DEFAULT) {
            probe(ttlv.as_slice());
        }
    });
}

fn change(bytes: &mut [u8], input: &[u8]) {
    for change in input.get(1..).unwrap_or_default().chunks_exact(3).take(4) {
        let place = usize::from(u16::from_le_bytes([change[0], change[1]])) % bytes.len();
        bytes[place] = change[2] % 0x60 + 0x20;
    }
}
