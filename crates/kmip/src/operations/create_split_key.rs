//! Create Split Key (KMIP 1.4, 4.38; 2.1, 6.1.10). Of 1.2.

use crate::attributes::{Attributes, Attributes1x};
use crate::codec::BigInteger;
use crate::identifier::UniqueIdentifier;
use crate::registry::{ObjectType, SplitKeyMethod};

use super::ProtectionStorageMasks;

structure! {
    /// Has the server make or split a key.
    pub struct CreateSplitKeyRequest {
        /// What the key is.
        object_type: ObjectType = ObjectType,
        /// The key to split; a new one if absent.
        unique_identifier: Option<UniqueIdentifier> = UniqueIdentifier,
        /// In how many parts.
        parts: i32 = SplitKeyParts,
        /// How many parts make it whole.
        threshold: i32 = SplitKeyThreshold,
        /// How.
        method: SplitKeyMethod = SplitKeyMethod,
        /// The prime of polynomial sharing over a prime field.
        prime_field_size: Option<BigInteger> = PrimeFieldSize,
        /// The attributes it shall have.
        attributes: Attributes = TemplateAttribute | Attributes,
        /// Where the object may be stored, one of these. Of 2.0.
        protection_storage_masks: Option<ProtectionStorageMasks> = ProtectionStorageMasks,
    }
}

structure! {
    /// The parts.
    pub struct CreateSplitKeyResponse {
        /// The parts, in order.
        unique_identifiers: Vec<UniqueIdentifier> = UniqueIdentifier,
        /// Attributes that the server chose. Of 1.x.
        attributes: Option<Attributes1x> = TemplateAttribute,
    }
}
