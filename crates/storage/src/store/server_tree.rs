//! The tree that names the databases. Names are keys of it, so that no name is in clear when the
//! dbpath is encrypted.
//!
//! | key | value |
//! |---|---|
//! | `01`, name | the tree's id, 16 bytes |
//! | `02` | the number of the data key that the tree was rotated to last, u32 |

use std::sync::Arc;

use crate::engine::{Durability, Tree};
use crate::error::{Error, Result};
use crate::keys::TreeId;

const DATABASE: u8 = 0x01;
const DATA_KEY: u8 = 0x02;

pub(super) struct ServerTree {
    tree: Arc<dyn Tree>,
}

impl ServerTree {
    pub(super) fn new(tree: Arc<dyn Tree>) -> Self {
        Self { tree }
    }

    pub(super) fn tree(&self) -> &dyn Tree {
        &*self.tree
    }

    /// The databases, sorted by name.
    pub(super) fn databases(&self) -> Result<Vec<(String, TreeId)>> {
        let damaged = || Error::Corruption("the list of databases is damaged".to_owned());
        let snapshot = self.tree.snapshot()?;
        let mut cursor = snapshot.cursor(&[DATABASE], &[DATABASE + 1])?;
        let mut databases = Vec::new();
        let mut more = cursor.first()?;
        while more {
            let name = cursor
                .key()
                .get(1..)
                .and_then(|name| std::str::from_utf8(name).ok());
            let name = name.ok_or_else(damaged)?.to_owned();
            let tree = TreeId(cursor.value()?.try_into().map_err(|_| damaged())?);
            databases.push((name, tree));
            more = cursor.next()?;
        }
        Ok(databases)
    }

    pub(super) async fn add(&self, name: &str, tree: TreeId) -> Result<()> {
        let mut transaction = self.tree.begin()?;
        transaction.put(&key(name), tree.0.to_vec())?;
        transaction.commit(Durability::Immediate).await
    }

    /// Remembers a rotation of the tree's data key.
    pub(super) async fn mark_rotation(&self, id: u32) -> Result<()> {
        let mut transaction = self.tree.begin()?;
        transaction.put(&[DATA_KEY], id.to_be_bytes().to_vec())?;
        transaction.commit(Durability::Immediate).await
    }

    pub(super) async fn remove(&self, name: &str) -> Result<()> {
        let mut transaction = self.tree.begin()?;
        transaction.delete(&key(name))?;
        transaction.commit(Durability::Immediate).await
    }
}

fn key(name: &str) -> Vec<u8> {
    [&[DATABASE], name.as_bytes()].concat()
}
