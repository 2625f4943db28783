//! Locate (KMIP 1.4, 4.9; 2.1, 6.1.29).

use crate::attributes::Attributes;
use crate::identifier::UniqueIdentifier;
use crate::registry::{ObjectGroupMember, StorageStatusMask};

structure! {
    /// Looks for objects that have all of these attributes.
    #[derive(Default)]
    pub struct LocateRequest {
        /// How many identifiers to return at most.
        maximum_items: Option<i32> = MaximumItems,
        /// How many to skip. Of 1.3.
        offset_items: Option<i32> = OffsetItems,
        /// Where to look.
        storage_status_mask: Option<StorageStatusMask> = StorageStatusMask,
        /// Which member of a group. Of 1.1.
        object_group_member: Option<ObjectGroupMember> = ObjectGroupMember,
        /// What the objects must have.
        attributes: Attributes = Attribute | Attributes,
    }
}

structure! {
    /// What was found.
    #[derive(Default)]
    pub struct LocateResponse {
        /// How many there are in all. Of 1.3.
        located_items: Option<i32> = LocatedItems,
        /// The objects.
        unique_identifiers: Vec<UniqueIdentifier> = UniqueIdentifier,
    }
}
