//! Snapshots and transactions.

use surrealkv::Transaction;

use super::cursor::RangeCursor;
use super::errors::Translate;
use crate::engine::{Cursor, Durability, EngineFuture, ReadTransaction, WriteTransaction};
use crate::error::Result;

pub(super) struct Reader {
    transaction: Transaction,
    translate: Translate,
}

impl Reader {
    pub(super) fn new(transaction: Transaction, translate: Translate) -> Self {
        Self {
            transaction,
            translate,
        }
    }

    fn done<T>(&self, result: surrealkv::Result<T>) -> Result<T> {
        result.map_err(|error| self.translate.error(error))
    }
}

impl ReadTransaction for Reader {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        self.done(self.transaction.get(key))
    }

    fn cursor<'a>(&'a self, start: &[u8], end: &[u8]) -> Result<Box<dyn Cursor + 'a>> {
        let iterator = self.done(self.transaction.range(start, end))?;
        Ok(Box::new(RangeCursor::new(iterator, &self.translate)))
    }
}

pub(super) struct Writer {
    reader: Reader,
}

impl Writer {
    pub(super) fn new(transaction: Transaction, translate: Translate) -> Self {
        Self {
            reader: Reader::new(transaction, translate),
        }
    }
}

impl ReadTransaction for Writer {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        self.reader.get(key)
    }

    fn cursor<'a>(&'a self, start: &[u8], end: &[u8]) -> Result<Box<dyn Cursor + 'a>> {
        self.reader.cursor(start, end)
    }
}

impl WriteTransaction for Writer {
    fn as_read(&self) -> &dyn ReadTransaction {
        &self.reader
    }

    fn put(&mut self, key: &[u8], value: Vec<u8>) -> Result<()> {
        let done = self.reader.transaction.set(key, value);
        self.reader.done(done)
    }

    fn delete(&mut self, key: &[u8]) -> Result<()> {
        let done = self.reader.transaction.delete(key);
        self.reader.done(done)
    }

    fn delete_range(&mut self, start: &[u8], end: &[u8]) -> Result<()> {
        let done = self.reader.transaction.delete_range(start, end);
        self.reader.done(done)
    }

    fn lock(&mut self, key: &[u8]) -> Result<()> {
        let done = self.reader.transaction.get_for_update(key).map(drop);
        self.reader.done(done)
    }

    fn commit(self: Box<Self>, durability: Durability) -> EngineFuture<'static, Result<()>> {
        Box::pin(async move {
            let Reader {
                mut transaction,
                translate,
            } = self.reader;
            transaction.set_durability(match durability {
                Durability::Eventual => surrealkv::Durability::Eventual,
                Durability::Immediate => surrealkv::Durability::Immediate,
            });
            transaction
                .commit()
                .await
                .map_err(|error| translate.error(error))
        })
    }
}
