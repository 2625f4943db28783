//! A request message from XML, JSON, hexadecimal or TTLV.

use kmip::registry::Tag;
use kmip::text;
use kmip::ttlv::{HEADER_BYTES, check};
use zeroize::Zeroizing;

use crate::limits::ANSWERS;
use crate::material::{Encoding, decode};

type Message = Result<Zeroizing<Vec<u8>>, String>;

/// From the XML of the KMIP profiles.
pub(crate) fn xml(bytes: &[u8]) -> Message {
    let buffer = text::xml::to_ttlv(utf8(bytes)?, &ANSWERS).map_err(|error| error.to_string())?;
    checked(buffer.as_slice())
}

/// From the JSON of the KMIP profiles.
pub(crate) fn json(bytes: &[u8]) -> Message {
    let buffer = text::json::to_ttlv(utf8(bytes)?, &ANSWERS).map_err(|error| error.to_string())?;
    checked(buffer.as_slice())
}

/// From TTLV in hexadecimal; white space does not matter.
pub(crate) fn hexadecimal(bytes: &[u8]) -> Message {
    let bytes = decode(Zeroizing::new(bytes.to_vec()), Encoding::Hex)
        .map_err(|why| format!("{why}, nor is it KMIP's XML or JSON"))?;
    checked(bytes.expose())
}

/// TTLV as it is.
pub(crate) fn ttlv(bytes: Zeroizing<Vec<u8>>) -> Message {
    checked(&bytes)
}

fn utf8(bytes: &[u8]) -> Result<&str, String> {
    std::str::from_utf8(bytes).map_err(|_| "it is not UTF-8".to_owned())
}

/// The message, if it is well-formed and a request. What is in it is the user's affair.
fn checked(bytes: &[u8]) -> Message {
    let element = check(bytes, &ANSWERS).map_err(|error| error.to_string())?;
    if element.tag() != Tag::RequestMessage {
        return Err(format!("it is a {}, not a RequestMessage", element.tag()));
    }
    debug_assert!(bytes.len() >= HEADER_BYTES);
    Ok(Zeroizing::new(bytes.to_vec()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUERY: &str = r#"<RequestMessage><RequestHeader><ProtocolVersion>
        <ProtocolVersionMajor type="Integer" value="1"/><ProtocolVersionMinor type="Integer" value="4"/>
        </ProtocolVersion><BatchCount type="Integer" value="0"/></RequestHeader></RequestMessage>"#;

    #[test]
    fn all_forms_are_the_same_message() {
        let message = xml(QUERY.as_bytes()).unwrap();
        let element = check(&message, &ANSWERS).unwrap();
        let as_json = text::json::from_ttlv(&element).unwrap();
        assert_eq!(json(as_json.as_bytes()).unwrap(), message);
        let as_hex = hex::encode(&*message);
        assert_eq!(hexadecimal(as_hex.as_bytes()).unwrap(), message);
        assert_eq!(
            hexadecimal(as_hex.to_uppercase().as_bytes()).unwrap(),
            message
        );
        assert_eq!(ttlv(message.clone()).unwrap(), message);
    }

    #[test]
    fn what_is_no_request() {
        for (message, reason) in [
            (
                xml(b"<ResponseMessage/>"),
                "ResponseMessage, not a RequestMessage",
            ),
            (xml(b"<RequestMessage>"), "ends before"),
            (json(b"{"), "not well-formed"),
            (json(b"\xFF"), "UTF-8"),
            (hexadecimal(b"hello"), "nor is it KMIP's XML or JSON"),
            (hexadecimal(b"42007801000000FF"), "cut short"),
            (ttlv(Zeroizing::new(Vec::new())), "cut short"),
        ] {
            let error = message.unwrap_err();
            assert!(error.contains(reason), "{error}");
        }
    }
}
