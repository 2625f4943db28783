//! The cursors that are open, and the end of those that nobody asks for any more.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use document::ErrorCode;
use parking_lot::Mutex;

use super::source::Source;
use crate::error::{CommandError, Result};

/// The most open cursors. Each may hold the results of a sort.
const MOST: usize = 10_000;

/// An open cursor.
struct Cursor {
    namespace: String,
    no_timeout: bool,
    last_used: Instant,
    /// Not here while a batch is being made.
    source: Option<Box<dyn Source>>,
}

/// The open cursors of the server, by number.
#[derive(Default)]
pub struct Cursors(Mutex<HashMap<i64, Cursor>>);

/// A cursor whose batch is being made. It must come back by [`Cursors::put_back`], or is closed.
pub(super) struct Borrowed {
    pub(super) id: i64,
    pub(super) namespace: String,
    pub(super) source: Box<dyn Source>,
}

impl Cursors {
    /// Opens a cursor and gives it a number that cannot be guessed.
    pub(super) fn open(
        &self,
        namespace: String,
        source: Box<dyn Source>,
        no_timeout: bool,
    ) -> Result<i64> {
        let cursor = Cursor {
            namespace,
            no_timeout,
            last_used: Instant::now(),
            source: Some(source),
        };
        let mut cursors = self.0.lock();
        if cursors.len() >= MOST {
            return Err(CommandError::new(
                ErrorCode::OperationFailed,
                format!("{MOST} cursors are open, which is the most: close some"),
            ));
        }
        loop {
            let id = rand::random_range(1..i64::MAX);
            if let std::collections::hash_map::Entry::Vacant(vacant) = cursors.entry(id) {
                vacant.insert(cursor);
                return Ok(id);
            }
        }
    }

    /// Takes a cursor out for a batch.
    pub(super) fn borrow(&self, id: i64, namespace: &str) -> Result<Borrowed> {
        let mut cursors = self.0.lock();
        let cursor = cursors.get_mut(&id).ok_or_else(|| not_found(id))?;
        if cursor.namespace != namespace {
            return Err(CommandError::new(
                ErrorCode::Unauthorized,
                format!(
                    "Requested getMore on namespace '{namespace}', but cursor belongs to a \
                     different namespace"
                ),
            ));
        }
        let source = cursor.source.take().ok_or_else(|| {
            CommandError::new(
                ErrorCode::CursorInUse,
                format!("cursor id {id} is already in use"),
            )
        })?;
        Ok(Borrowed {
            id,
            namespace: cursor.namespace.clone(),
            source,
        })
    }

    /// Gives a cursor back after a batch. `false` if it was killed meanwhile.
    pub(super) fn put_back(&self, borrowed: Borrowed) -> bool {
        match self.0.lock().get_mut(&borrowed.id) {
            Some(cursor) => {
                cursor.last_used = Instant::now();
                cursor.source = Some(borrowed.source);
                true
            }
            None => false,
        }
    }

    /// Closes a cursor. `false` if there is none with this number on this namespace.
    pub fn kill(&self, id: i64, namespace: &str) -> bool {
        let mut cursors = self.0.lock();
        let here = cursors
            .get(&id)
            .is_some_and(|cursor| cursor.namespace == namespace);
        if here {
            cursors.remove(&id);
        }
        here
    }

    pub(super) fn close(&self, id: i64) {
        self.0.lock().remove(&id);
    }

    /// Closes every cursor on a database, which is being dropped.
    pub fn kill_database(&self, database: &str) {
        self.0.lock().retain(|_, cursor| {
            cursor
                .namespace
                .split_once('.')
                .is_none_or(|(name, _)| name != database)
        });
    }

    /// Closes the cursors that nobody used for `idle`, and tells how many.
    pub fn close_idle(&self, idle: Duration) -> usize {
        let now = Instant::now();
        let mut cursors = self.0.lock();
        let before = cursors.len();
        cursors.retain(|_, cursor| {
            cursor.no_timeout
                || cursor.source.is_none()
                || now.saturating_duration_since(cursor.last_used) < idle
        });
        before - cursors.len()
    }

    /// How many are open.
    pub fn len(&self) -> usize {
        self.0.lock().len()
    }

    /// Whether none is open.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

fn not_found(id: i64) -> CommandError {
    CommandError::new(
        ErrorCode::CursorNotFound,
        format!("cursor id {id} not found"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cursor::Documents;

    #[test]
    fn a_cursor_is_lent_to_one_at_a_time() {
        let cursors = Cursors::default();
        let id = cursors
            .open("d.c".into(), Box::new(Documents::default()), false)
            .unwrap();
        assert!(cursors.borrow(id, "d.other").is_err());
        let borrowed = cursors.borrow(id, "d.c").unwrap();
        assert_eq!(
            cursors.borrow(id, "d.c").err().unwrap().code,
            ErrorCode::CursorInUse
        );
        assert!(cursors.put_back(borrowed));
        let borrowed = cursors.borrow(id, "d.c").unwrap();
        cursors.kill_database("d");
        assert!(!cursors.put_back(borrowed));
        assert_eq!(
            cursors.borrow(id, "d.c").err().unwrap().code,
            ErrorCode::CursorNotFound
        );
    }
}
