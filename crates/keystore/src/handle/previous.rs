//! `keystore.previous`, the copy from before the last rotation: removing it, and taking a tree out of it.
//!
//! It is sealed under the master key of before, which nobody need have any more. So that a tree that is dropped can be
//! taken out nevertheless, the keystore has the key that seals the copy's body. That key does not unwrap the data keys
//! in it: for those it takes the master key of before, as ever.

use super::Keystore;
use super::state::State;
use crate::crypto::{SEAL_OVERHEAD, SealKey};
use crate::error::Error;
use crate::file;
use crate::format::{self, Body};
use crate::tree_id::TreeId;

/// What became of the copy of the previous keystore when a tree was destroyed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PreviousCopy {
    /// It has nothing of the tree, or there is no copy.
    Untouched,
    /// The tree was taken out of it.
    Rewritten,
    /// It was removed, since it could not be read: it might have had the tree's data keys.
    Removed,
}

impl Keystore {
    /// Removes the copy of the previous keystore: for when its master key is revoked, or when a data key in it must
    /// not survive. `false` if there is none.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn remove_previous(&self) -> Result<bool, Error> {
        let _writing = self.writing.lock();
        file::remove_previous(&self.dbpath)
    }

    /// Whether the copy of the previous keystore is under the KMIP key with this unique identifier. A copy that
    /// cannot be read is under any.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn is_previous_under(&self, identifier: &str) -> Result<bool, Error> {
        match Keystore::inspect_previous(&self.dbpath) {
            Ok(None) => Ok(false),
            Ok(Some(header)) => Ok(header
                .master_key()
                .is_some_and(|key| key.is_kmip_key(identifier))),
            Err(error @ Error::Io { .. }) => Err(error),
            Err(_) => Ok(true),
        }
    }

    /// Takes a tree out of the copy of the previous keystore, durably. The caller holds `writing`.
    pub(super) fn forget_in_previous(&self, tree: TreeId) -> Result<PreviousCopy, Error> {
        let bytes = match file::read_named(&self.dbpath, file::PREVIOUS_FILE_NAME) {
            Ok(None) => return Ok(PreviousCopy::Untouched),
            Ok(Some(bytes)) => bytes,
            Err(error @ Error::Io { .. }) => return Err(error),
            Err(_) => Vec::new(),
        };
        match without(&self.state(), &bytes, tree)? {
            Some(None) => Ok(PreviousCopy::Untouched),
            Some(Some(rewritten)) => {
                file::keep_previous(&self.dbpath, &rewritten)?;
                Ok(PreviousCopy::Rewritten)
            }
            None => {
                file::remove_previous(&self.dbpath)?;
                Ok(PreviousCopy::Removed)
            }
        }
    }
}

/// The copy without a tree; `Some(None)` if it does not have the tree, `None` if it cannot be told.
fn without(state: &State, bytes: &[u8], tree: TreeId) -> Result<Option<Option<Vec<u8>>>, Error> {
    let Ok(copy) = format::decode(bytes) else {
        return Ok(None);
    };
    let dbpath_id = state.header.dbpath_id.as_bytes();
    let seal = match &state.previous_seal {
        Some(wrapped) => state.derived.unwrap_seal(dbpath_id, wrapped)?,
        None => None,
    };
    // A rotation that was interrupted between its last two writes leaves a copy under the present master key.
    let seals = seal.iter().chain([state.derived.seal_key()]);
    for seal in seals {
        if let Some(body) = seal.open(copy.before_body, copy.sealed)? {
            return Ok(match Body::decode(&body) {
                Ok(body) => Some(forgetting(&copy, seal, body, tree)?),
                Err(_) => None,
            });
        }
    }
    Ok(None)
}

fn forgetting(
    copy: &format::File<'_>,
    seal: &SealKey,
    mut body: Body,
    tree: TreeId,
) -> Result<Option<Vec<u8>>, Error> {
    if !body.forget(tree) {
        return Ok(None);
    }
    let body = body.encode();
    let encoded = format::encode(&copy.header, body.len() + SEAL_OVERHEAD, |before| {
        seal.seal(before, &body)
    });
    Ok(Some(encoded?))
}
