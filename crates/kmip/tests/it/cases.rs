//! The published OASIS cases, all 476: each message through every encoding and back.

use std::collections::BTreeSet;

use kmip::operations::{RequestPayload, ResponsePayload};
use kmip::ttlv::{Buffer, check};
use kmip::{Limits, RequestMessage, ResponseMessage, text};

use crate::shared::{Message, messages, tree};

/// Messages that are wrong in themselves: where, and what is wrong. Each must really fail.
const WRONG: &[(&str, usize, &str)] = &[(
    "v1.2/TC_NP_2_12_Notify_Put.xml",
    2,
    "the header says 1.0, but a Digest has a Key Format Type, which is of 1.1",
)];

fn is_wrong(message: &Message) -> bool {
    WRONG
        .iter()
        .any(|(file, place, _)| *file == message.file && *place == message.place)
}

/// Every message: XML to TTLV to XML, and TTLV to JSON to TTLV.
#[test]
fn every_message_survives_every_encoding() {
    let Some(messages) = messages() else {
        return skipped();
    };
    let files: BTreeSet<&str> = messages
        .iter()
        .map(|message| message.file.as_str())
        .collect();
    assert_eq!((files.len(), messages.len()), (476, 6222));
    let mut failures = Vec::new();
    for message in &messages {
        if let Err(why) = through_encodings(message) {
            failures.push(format!("{} #{}: {why}", message.file, message.place));
        }
    }
    assert!(
        failures.is_empty(),
        "{} of {}:\n{}",
        failures.len(),
        messages.len(),
        failures.join("\n")
    );
}

fn through_encodings(message: &Message) -> Result<(), String> {
    let limits = Limits::DEFAULT;
    let ttlv = text::xml::to_ttlv(&message.xml, &limits).map_err(|error| error.to_string())?;
    let element = check(ttlv.as_slice(), &limits).map_err(|error| error.to_string())?;
    let xml = text::xml::from_ttlv(&element).map_err(|error| error.to_string())?;
    if tree(&xml) != tree(&message.xml) {
        return Err(format!(
            "comes back as other XML:\n{xml}\ninstead of\n{}",
            message.xml
        ));
    }
    let json = text::json::from_ttlv(&element).map_err(|error| error.to_string())?;
    let again = text::json::to_ttlv(&json, &limits).map_err(|error| error.to_string())?;
    if again.as_slice() != ttlv.as_slice() {
        return Err(format!("comes back as another message from JSON: {json}"));
    }
    Ok(())
}

/// Every message becomes typed, payloads included, and comes back byte for byte.
#[test]
fn every_message_has_types_for_everything_in_it() {
    let Some(messages) = messages() else {
        return skipped();
    };
    let mut failures = Vec::new();
    for message in &messages {
        match (through_types(message), is_wrong(message)) {
            (Err(why), false) => {
                failures.push(format!("{} #{}: {why}", message.file, message.place))
            }
            (Ok(()), true) => {
                failures.push(format!(
                    "{} #{}: listed as wrong, but is not",
                    message.file, message.place
                ));
            }
            _ => {}
        }
    }
    assert!(
        failures.is_empty(),
        "{} of {}:\n{}",
        failures.len(),
        messages.len(),
        failures.join("\n")
    );
}

fn through_types(message: &Message) -> Result<(), String> {
    let limits = Limits::DEFAULT;
    let ttlv = text::xml::to_ttlv(&message.xml, &limits).map_err(|error| error.to_string())?;
    let encoded = if message.is_request {
        request(&ttlv)
    } else {
        response(&ttlv)
    }?;
    if encoded.as_slice() == ttlv.as_slice() {
        return Ok(());
    }
    let element = check(encoded.as_slice(), &limits).map_err(|error| error.to_string())?;
    let xml = text::xml::from_ttlv(&element).map_err(|error| error.to_string())?;
    Err(format!("comes back as\n{xml}\ninstead of\n{}", message.xml))
}

fn request(ttlv: &Buffer) -> Result<Buffer, String> {
    let request = RequestMessage::decode(ttlv.as_slice(), &Limits::DEFAULT)
        .map_err(|error| error.to_string())?;
    for item in &request.batch_items {
        match &item.payload {
            RequestPayload::Malformed(payload) => {
                return Err(format!("{}: {}", payload.operation, payload.error));
            }
            RequestPayload::Unknown(payload) => {
                return Err(format!("{:?} is not known", payload.operation));
            }
            _ => {}
        }
    }
    request.encode().map_err(|error| error.to_string())
}

fn response(ttlv: &Buffer) -> Result<Buffer, String> {
    let response = ResponseMessage::decode(ttlv.as_slice(), &Limits::DEFAULT)
        .map_err(|error| error.to_string())?;
    for item in &response.batch_items {
        match &item.payload {
            Some(ResponsePayload::Malformed(payload)) => {
                return Err(format!("{}: {}", payload.operation, payload.error));
            }
            Some(ResponsePayload::Unknown(payload)) => {
                return Err(format!("{:?} is not known", payload.operation));
            }
            _ => {}
        }
    }
    response.encode().map_err(|error| error.to_string())
}

#[allow(clippy::print_stderr)]
fn skipped() {
    eprintln!("skipped: no shared/cases/kmip here, and STRONGROOM_SHARED does not lead to it");
}
