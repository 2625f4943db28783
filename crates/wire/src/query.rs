//! `OP_QUERY` and `OP_REPLY`: kept for the first `isMaster` of a connection, as MongoDB does.

use bson::RawDocument;

use crate::header::{HEADER_BYTES, Header, OpCode};
use crate::read::Reader;
use crate::{Error, Result};

const OPERATION: &str = "OP_QUERY";

/// A legacy query, borrowed from the bytes received.
#[derive(Debug, Clone)]
pub struct Query<'a> {
    /// `database.$cmd` where the query is a command.
    pub namespace: &'a str,
    /// The command. A `$query` wrapper, which old drivers add, has been taken off.
    pub command: &'a RawDocument,
}

impl<'a> Query<'a> {
    /// Decodes a whole message, header included.
    pub fn decode(message: &'a [u8]) -> Result<Self> {
        let mut reader = Reader::new(message, OPERATION);
        reader.take(HEADER_BYTES, "the header is cut off")?;
        reader.i32("the flags are missing")?;
        let namespace = reader.cstring("the namespace is not terminated")?;
        reader.i32("the number to skip is missing")?;
        reader.i32("the number to return is missing")?;
        let query = reader.document("the query is cut off")?;
        if !reader.rest.is_empty() {
            reader.document("the field selector is cut off")?;
        }
        if !reader.rest.is_empty() {
            return Err(Error::malformed(
                OPERATION,
                "bytes follow the last document",
            ));
        }
        let command = query.get_document("$query").unwrap_or(query);
        Ok(Self { namespace, command })
    }

    /// The database, if the query is a command.
    pub fn database(&self) -> Option<&'a str> {
        self.namespace.strip_suffix(".$cmd")
    }
}

/// Begins an `OP_REPLY` with one document at the end of `out`: what follows is the document, and
/// then [`finish`](crate::header::finish).
pub fn begin_reply(out: &mut Vec<u8>, request_id: i32, response_to: i32) {
    /// The server can wait on cursors, as every server since 1.6 can.
    const AWAIT_CAPABLE: i32 = 8;
    Header::begin(out, request_id, response_to, OpCode::Reply);
    out.extend_from_slice(&AWAIT_CAPABLE.to_le_bytes());
    out.extend_from_slice(&0_i64.to_le_bytes());
    out.extend_from_slice(&0_i32.to_le_bytes());
    out.extend_from_slice(&1_i32.to_le_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::header;
    use bson::rawdoc;

    #[test]
    fn decodes_a_handshake() {
        let mut bytes = Vec::new();
        Header::begin(&mut bytes, 1, 0, OpCode::Query);
        bytes.extend_from_slice(&4_i32.to_le_bytes());
        bytes.extend_from_slice(b"admin.$cmd\0");
        bytes.extend_from_slice(&0_i32.to_le_bytes());
        bytes.extend_from_slice(&(-1_i32).to_le_bytes());
        bytes.extend_from_slice(rawdoc! { "isMaster": 1 }.as_bytes());
        header::finish(&mut bytes, 0);
        let query = Query::decode(&bytes).unwrap();
        assert_eq!(query.database(), Some("admin"));
        assert_eq!(query.command, &*rawdoc! { "isMaster": 1 });
        for len in 0..bytes.len() {
            assert!(Query::decode(&bytes[..len]).is_err());
        }
    }
}
