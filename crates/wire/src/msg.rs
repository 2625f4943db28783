//! `OP_MSG`: a command or its answer, as one body document and any number of document sequences.

use bson::RawDocument;

use crate::header::{self, HEADER_BYTES, Header, OpCode};
use crate::read::Reader;
use crate::{Error, Result};

const OPERATION: &str = "OP_MSG";

/// The message ends with a CRC-32C of all bytes before it.
const CHECKSUM_PRESENT: u32 = 1;
/// Another message follows before the receiver may answer; to a server it means "do not answer".
const MORE_TO_COME: u32 = 1 << 1;
/// The client takes several answers to one request.
const EXHAUST_ALLOWED: u32 = 1 << 16;
/// Bits 0 to 15 must be understood; the rest may be ignored.
const REQUIRED_BITS: u32 = 0xFFFF;

/// The most document sequences in a message: commands have one, `bulkWrite` two.
const MAX_SEQUENCES: usize = 16;

/// A section of kind 1: documents that belong into the body as an array field.
#[derive(Debug, Clone)]
pub struct Sequence<'a> {
    /// The field's name, such as `documents`.
    pub identifier: &'a str,
    /// The documents, each checked in depth.
    pub documents: Vec<&'a RawDocument>,
}

/// A decoded message that borrows from the bytes received.
#[derive(Debug, Clone)]
pub struct Msg<'a> {
    /// The command, its first field naming it.
    pub body: &'a RawDocument,
    /// The document sequences.
    pub sequences: Vec<Sequence<'a>>,
    /// Whether the sender waits for no answer.
    pub more_to_come: bool,
    /// Whether the sender takes several answers.
    pub exhaust_allowed: bool,
}

impl<'a> Msg<'a> {
    /// Decodes a whole message, header included, whose length has been checked against the header.
    pub fn decode(message: &'a [u8]) -> Result<Self> {
        let mut reader = Reader::new(message, OPERATION);
        reader.take(HEADER_BYTES, "the header is cut off")?;
        let flags = reader.i32("the flags are missing")?.cast_unsigned();
        let unknown = flags & REQUIRED_BITS & !(CHECKSUM_PRESENT | MORE_TO_COME);
        if unknown != 0 {
            return Err(Error::RequiredFlags(unknown));
        }
        if flags & CHECKSUM_PRESENT != 0 {
            check_sum(message)?;
            reader.rest = reader
                .rest
                .split_last_chunk::<4>()
                .map(|(rest, _)| rest)
                .ok_or(Error::malformed(OPERATION, "the checksum is missing"))?;
        }
        Self::decode_sections(reader, flags)
    }

    fn decode_sections(mut reader: Reader<'a>, flags: u32) -> Result<Self> {
        let mut body = None;
        let mut sequences: Vec<Sequence<'a>> = Vec::new();
        while !reader.rest.is_empty() {
            match reader.u8("a section's kind is missing")? {
                0 if body.is_some() => {
                    return Err(Error::malformed(OPERATION, "more than one body section"));
                }
                0 => body = Some(reader.document("the body is cut off")?),
                1 => {
                    if sequences.len() == MAX_SEQUENCES {
                        return Err(Error::malformed(OPERATION, "too many document sequences"));
                    }
                    let sequence = decode_sequence(&mut reader)?;
                    if sequences
                        .iter()
                        .any(|other| other.identifier == sequence.identifier)
                    {
                        return Err(Error::malformed(OPERATION, "two sequences of one name"));
                    }
                    sequences.push(sequence);
                }
                _ => return Err(Error::malformed(OPERATION, "an unknown kind of section")),
            }
        }
        Ok(Self {
            body: body.ok_or(Error::malformed(OPERATION, "the body section is missing"))?,
            sequences,
            more_to_come: flags & MORE_TO_COME != 0,
            exhaust_allowed: flags & EXHAUST_ALLOWED != 0,
        })
    }

    /// The documents of the sequence `identifier`, if the message has it.
    pub fn sequence(&self, identifier: &str) -> Option<&[&'a RawDocument]> {
        self.sequences
            .iter()
            .find(|sequence| sequence.identifier == identifier)
            .map(|sequence| sequence.documents.as_slice())
    }
}

fn decode_sequence<'a>(reader: &mut Reader<'a>) -> Result<Sequence<'a>> {
    let size = usize::try_from(reader.i32("a sequence's size is missing")?)
        .ok()
        .and_then(|size| size.checked_sub(4))
        .ok_or(Error::malformed(
            OPERATION,
            "a sequence's size is too small",
        ))?;
    let bytes = reader.take(size, "a sequence reaches beyond the message")?;
    let mut inner = Reader::new(bytes, OPERATION);
    let identifier = inner.cstring("a sequence has no identifier")?;
    let mut documents = Vec::new();
    while !inner.rest.is_empty() {
        documents.push(inner.document("a document of a sequence is cut off")?);
    }
    Ok(Sequence {
        identifier,
        documents,
    })
}

fn check_sum(message: &[u8]) -> Result<()> {
    let (covered, sum) = message
        .split_last_chunk::<4>()
        .ok_or(Error::malformed(OPERATION, "the checksum is missing"))?;
    if crc32c::crc32c(covered) == u32::from_le_bytes(*sum) {
        Ok(())
    } else {
        Err(Error::Checksum)
    }
}

/// Begins a message at the end of `out`: what follows is its body, one document, and then
/// [`finish`](crate::header::finish).
pub fn begin(out: &mut Vec<u8>, request_id: i32, response_to: i32) {
    Header::begin(out, request_id, response_to, OpCode::Msg);
    out.extend_from_slice(&0_u32.to_le_bytes());
    out.push(0);
}

/// Appends a message with one body to `out`.
pub fn encode(out: &mut Vec<u8>, request_id: i32, response_to: i32, body: &RawDocument) {
    let start = out.len();
    out.reserve(HEADER_BYTES + 5 + body.as_bytes().len());
    begin(out, request_id, response_to);
    out.extend_from_slice(body.as_bytes());
    header::finish(out, start);
}

#[cfg(test)]
mod tests {
    use super::*;
    use bson::rawdoc;

    fn message(flags: u32, sections: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        Header::begin(&mut out, 7, 0, OpCode::Msg);
        out.extend_from_slice(&flags.to_le_bytes());
        out.extend_from_slice(sections);
        header::finish(&mut out, 0);
        out
    }

    fn body() -> Vec<u8> {
        let mut section = vec![0];
        section.extend_from_slice(rawdoc! { "insert": "c", "$db": "d" }.as_bytes());
        section
    }

    fn sequence(identifier: &str, count: usize) -> Vec<u8> {
        let mut content = identifier.as_bytes().to_vec();
        content.push(0);
        for i in 0..count {
            content.extend_from_slice(rawdoc! { "i": i as i32 }.as_bytes());
        }
        let mut section = vec![1];
        section.extend_from_slice(&(content.len() as i32 + 4).to_le_bytes());
        section.extend_from_slice(&content);
        section
    }

    #[test]
    fn decodes_what_it_encodes() {
        let mut out = Vec::new();
        encode(&mut out, 1, 2, &rawdoc! { "ok": 1.0 });
        let header = Header::decode(out.first_chunk().unwrap()).unwrap();
        assert_eq!((header.length, header.response_to), (out.len(), 2));
        assert_eq!(Msg::decode(&out).unwrap().body, &*rawdoc! { "ok": 1.0 });
    }

    #[test]
    fn takes_sequences_before_and_after_the_body() {
        for order in [0, 1] {
            let mut sections = [sequence("documents", 3), body()];
            sections.rotate_left(order);
            let bytes = message(MORE_TO_COME, &sections.concat());
            let msg = Msg::decode(&bytes).unwrap();
            assert_eq!(msg.sequence("documents").unwrap().len(), 3);
            assert!(msg.sequence("updates").is_none());
            assert!(msg.more_to_come);
        }
    }

    #[test]
    fn checks_the_checksum() {
        let mut bytes = message(CHECKSUM_PRESENT, &body());
        let length = bytes.len() as i32 + 4;
        bytes[..4].copy_from_slice(&length.to_le_bytes());
        let sum = crc32c::crc32c(&bytes);
        bytes.extend_from_slice(&sum.to_le_bytes());
        assert!(Msg::decode(&bytes).is_ok());
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        assert_eq!(Msg::decode(&bytes).unwrap_err(), Error::Checksum);
    }

    #[test]
    fn refuses_what_breaks_the_rules() {
        let refused = |flags, sections: &[u8]| Msg::decode(&message(flags, sections)).unwrap_err();
        assert_eq!(refused(4, &body()), Error::RequiredFlags(4));
        assert!(matches!(refused(0, &[]), Error::Malformed { .. }));
        assert!(matches!(
            refused(0, &[body(), body()].concat()),
            Error::Malformed { .. }
        ));
        assert!(matches!(refused(0, &[2]), Error::Malformed { .. }));
        let twice = [body(), sequence("a", 1), sequence("a", 1)].concat();
        assert!(matches!(refused(0, &twice), Error::Malformed { .. }));
        let mut long = sequence("a", 1);
        long[1] = 0xFF;
        assert!(matches!(
            refused(0, &[body(), long].concat()),
            Error::Malformed { .. }
        ));
        // An unknown bit that need not be understood.
        assert!(Msg::decode(&message(1 << 20, &body())).is_ok());
    }

    #[test]
    fn survives_any_bytes() {
        bolero::check!()
            .with_iterations(20_000)
            .for_each(|bytes: &[u8]| {
                let _ = Msg::decode(bytes);
                let _ = Msg::decode(&message(0, bytes));
                let _ = crate::Query::decode(bytes);
                let mut framed = body();
                framed.extend_from_slice(bytes);
                let _ = Msg::decode(&message(0, &framed));
            });
    }
}
