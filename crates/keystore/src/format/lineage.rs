//! What a keystore remembers of the master keys that a tree had of its own, and of the one that it is about to get.

use super::FormatError;
use super::master_key::MasterKeyRef;
use super::record::{self, Input, Unknown};
use crate::tree_id::TreeId;

mod kind {
    pub(super) const TREE: u16 = 1;
    pub(super) const LAST_GENERATION: u16 = 2;
    pub(super) const PENDING: u16 = 3;
}

/// The own master keys of a tree, beyond the one in use. Stays when the tree goes back under the dbpath's master key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Lineage {
    /// The generation of the last own master key; 0 if there was none. No later one gets a smaller number, so that no
    /// Name is given twice.
    pub(crate) last_generation: u32,
    /// An own master key that is about to be used: announced before it is created.
    pub(crate) pending: Option<MasterKeyRef>,
    pub(crate) unknown: Vec<Unknown>,
}

impl Lineage {
    /// Whether there is nothing to remember.
    pub(crate) fn is_empty(&self) -> bool {
        *self == Lineage::default()
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<(TreeId, Lineage), FormatError> {
        let (mut tree, mut last_generation, mut pending) = (None, None, None);
        let mut unknown = Vec::new();
        let mut input = Input::new(bytes);
        while let Some(record) = input.record()? {
            match record.kind {
                kind::TREE => {
                    let field = "tree id of a lineage";
                    record::set(&mut tree, field, TreeId(record.array(field)?))?;
                }
                kind::LAST_GENERATION => {
                    let field = "last generation of a lineage";
                    let value = u32::from_be_bytes(record.array(field)?);
                    record::set(&mut last_generation, field, value)?;
                }
                kind::PENDING => {
                    let field = "announced master key of a tree";
                    let value = MasterKeyRef::decode_unbound(record.value, field)?;
                    record::set(&mut pending, field, value)?;
                }
                _ => record.unknown("lineage", &mut unknown)?,
            }
        }
        let missing = |field| FormatError::Missing { field };
        let lineage = Lineage {
            last_generation: last_generation.ok_or(missing("last generation of a lineage"))?,
            pending,
            unknown,
        };
        Ok((tree.ok_or(missing("tree id of a lineage"))?, lineage))
    }

    pub(super) fn encode(&self, tree: TreeId) -> Vec<u8> {
        let mut out = Vec::new();
        record::put(&mut out, kind::TREE, &tree.0);
        let generation = self.last_generation.to_be_bytes();
        record::put(&mut out, kind::LAST_GENERATION, &generation);
        if let Some(key) = &self.pending {
            record::put(&mut out, kind::PENDING, &key.encode(None));
        }
        record::put_unknown(&mut out, &self.unknown);
        out
    }
}
