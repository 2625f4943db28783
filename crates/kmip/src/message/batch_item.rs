//! What the items of requests and responses have in common.

use crate::codec::{Bytes, Value, keep_unknown, take_once};
use crate::error::DecodeError;
use crate::registry::{Operation, Tag};
use crate::ttlv::{Element, Item};

use super::MessageExtension;

/// The fields that both have. The payload is read when the operation is known.
#[derive(Default)]
pub(super) struct Common<'a> {
    pub(super) operation: Option<Operation>,
    pub(super) unique_batch_item_id: Option<Bytes>,
    pub(super) payload: Option<Element<'a>>,
    pub(super) message_extensions: Vec<MessageExtension>,
    pub(super) extensions: Vec<Item>,
}

impl<'a> Common<'a> {
    /// Reads an item whose payload has the tag `payload`. `own` is offered the fields that are not common, and returns
    /// whether it has taken them.
    #[inline]
    pub(super) fn read(
        item: &Element<'a>,
        payload: Tag,
        mut own: impl FnMut(&Element<'a>) -> Result<bool, DecodeError>,
    ) -> Result<Self, DecodeError> {
        let mut common = Self::default();
        for field in item.structure()? {
            match field.tag() {
                Tag::Operation => {
                    take_once(&mut common.operation, &field, Operation::decode)?;
                }
                Tag::UniqueBatchItemID => {
                    take_once(&mut common.unique_batch_item_id, &field, Bytes::decode)?;
                }
                tag if tag == payload => {
                    take_once(&mut common.payload, &field, |field| Ok(*field))?;
                }
                Tag::MessageExtension => common
                    .message_extensions
                    .push(MessageExtension::decode(&field)?),
                _ => {
                    if !own(&field)? {
                        keep_unknown(&mut common.extensions, &field)?;
                    }
                }
            }
        }
        Ok(common)
    }
}
