//! RNG Retrieve (KMIP 1.4, 4.35; 2.1, 6.1.45). Of 1.2.

use crate::identifier::Data;

structure! {
    /// Asks for random bytes.
    pub struct RNGRetrieveRequest {
        /// How many.
        data_length: i32 = DataLength,
    }
}

structure! {
    /// Random bytes.
    pub struct RNGRetrieveResponse {
        /// They.
        data: Data = Data,
    }
}
