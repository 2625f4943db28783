//! A command's answer, built in the bytes that go to the socket.

use std::ops::{Deref, DerefMut};

use document::Writer;

use crate::error::CommandError;

/// The answer to one command: an open document that the command writes its fields into. `ok: 1`
/// is added when the command succeeds; when it fails, what it wrote is taken back.
pub struct Reply {
    writer: Writer,
    start: usize,
}

impl Reply {
    /// An answer as `OP_MSG`, appended to `out`.
    pub fn msg(mut out: Vec<u8>, request_id: i32, response_to: i32) -> Self {
        let start = out.len();
        wire::msg::begin(&mut out, request_id, response_to);
        Self {
            writer: Writer::new(out),
            start,
        }
    }

    /// An answer as `OP_REPLY`, appended to `out`.
    pub fn legacy(mut out: Vec<u8>, request_id: i32, response_to: i32) -> Self {
        let start = out.len();
        wire::query::begin_reply(&mut out, request_id, response_to);
        Self {
            writer: Writer::new(out),
            start,
        }
    }

    /// Ends the answer, as a success or with the error in place of what was written, and gives
    /// the buffer back.
    pub fn finish(mut self, result: Result<(), CommandError>) -> Vec<u8> {
        match result {
            Ok(()) => self.writer.double("ok", 1.0),
            Err(error) => {
                self.writer.reset();
                error.write(&mut self.writer);
            }
        }
        let mut out = self.writer.finish();
        wire::header::finish(&mut out, self.start);
        out
    }
}

impl Deref for Reply {
    type Target = Writer;

    fn deref(&self) -> &Writer {
        &self.writer
    }
}

impl DerefMut for Reply {
    fn deref_mut(&mut self) -> &mut Writer {
        &mut self.writer
    }
}
