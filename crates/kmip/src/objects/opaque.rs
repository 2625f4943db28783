//! Opaque Object (KMIP 2.1, section 2.3).

use crate::registry::OpaqueDataType;
use crate::secret::SecretBytes;

structure! {
    /// Something the server need not understand.
    pub struct OpaqueObject {
        /// What it is; extensions only.
        opaque_data_type: OpaqueDataType = OpaqueDataType,
        /// It.
        opaque_data_value: SecretBytes = OpaqueDataValue,
    }
}
