//! What the write commands share: their errors, and how statements are grouped.

use crate::error::CommandError;
use crate::reply::Reply;

/// A transaction of a bulk insert takes so many documents at most …
const CHUNK_DOCUMENTS: usize = 1000;
/// … and about so many bytes.
const CHUNK_BYTES: usize = 4 << 20;

/// The errors of a write command's statements. They do not fail the command.
#[derive(Debug)]
pub(super) struct WriteErrors {
    ordered: bool,
    errors: Vec<(usize, CommandError)>,
}

impl WriteErrors {
    /// No errors yet. An ordered command stops at its first one.
    pub(super) const fn new(ordered: bool) -> Self {
        Self {
            ordered,
            errors: Vec::new(),
        }
    }

    pub(super) const fn ordered(&self) -> bool {
        self.ordered
    }

    pub(super) fn push(&mut self, index: usize, error: CommandError) {
        self.errors.push((index, error));
    }

    /// Whether the statements that follow must not run.
    pub(super) const fn stop(&self) -> bool {
        self.ordered && !self.errors.is_empty()
    }

    /// Writes `writeErrors`, if there are any, in the order of the statements.
    pub(super) fn write(mut self, reply: &mut Reply) {
        /// So many errors are told whole; of the others only the first words, so that the answer
        /// to a large batch stays within what a reply may have.
        const ROOM: usize = 1 << 20;
        if self.errors.is_empty() {
            return;
        }
        self.errors.sort_by_key(|(index, _)| *index);
        reply.begin_array("writeErrors");
        for (index, mut error) in self.errors {
            if reply.room() < ROOM {
                error.message = "".into();
                error.details = None;
            }
            error.write_as_write_error(reply, index);
        }
        reply.end();
    }
}

/// Cuts statements into groups that one transaction takes.
pub(super) fn chunks<T>(items: &[T], size: impl Fn(&T) -> usize) -> Vec<&[T]> {
    let mut chunks = Vec::new();
    let mut rest = items;
    while !rest.is_empty() {
        let mut bytes = 0;
        let count = rest
            .iter()
            .take(CHUNK_DOCUMENTS)
            .take_while(|item| {
                bytes += size(item);
                bytes <= CHUNK_BYTES
            })
            .count()
            .max(1);
        let (chunk, after) = rest.split_at_checked(count).unwrap_or((rest, &[]));
        chunks.push(chunk);
        rest = after;
    }
    chunks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_hold_everything_once_and_in_order() {
        let items: Vec<usize> = (0..5000)
            .map(|i| if i == 7 { CHUNK_BYTES * 2 } else { i })
            .collect();
        let chunks = chunks(&items, |size| *size);
        assert_eq!(chunks.concat(), items);
        assert!(chunks.iter().all(|chunk| chunk.len() <= CHUNK_DOCUMENTS));
        assert!(chunks.contains(&&[CHUNK_BYTES * 2][..]));
    }
}
