//! Message Extension (KMIP 1.4, 6.16; 2.1, 9.14).

use crate::codec::AnyStructure;

structure! {
    /// A vendor's addition to a batch item.
    pub struct MessageExtension {
        /// Whose it is.
        vendor_identification: String = VendorIdentification,
        /// Whether the receiver must refuse the item if it does not know the extension.
        criticality_indicator: bool = CriticalityIndicator,
        /// What it says.
        vendor_extension: AnyStructure = VendorExtension,
    }
}
