//! Adjust Attribute (KMIP 2.1, 6.1.3). Of 2.0.

use crate::attributes::AttributeName;
use crate::identifier::UniqueIdentifier;
use crate::registry::AdjustmentType;
use crate::ttlv::ItemValue;

structure! {
    /// Changes the value of an attribute by an amount.
    pub struct AdjustAttributeRequest {
        /// The object; the ID placeholder if absent.
        unique_identifier: Option<UniqueIdentifier> = UniqueIdentifier,
        /// The attribute.
        attribute_reference: AttributeName = AttributeReference,
        /// How.
        adjustment_type: AdjustmentType = AdjustmentType,
        /// By how much, in the attribute's type; by 1 if absent.
        adjustment_value: Option<ItemValue> = AdjustmentValue,
    }
}

structure! {
    /// It is changed.
    pub struct AdjustAttributeResponse {
        /// The object.
        unique_identifier: UniqueIdentifier = UniqueIdentifier,
    }
}
