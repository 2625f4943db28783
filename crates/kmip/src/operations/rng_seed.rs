//! RNG Seed (KMIP 1.4, 4.36; 2.1, 6.1.46). Of 1.2.

use crate::identifier::Data;

structure! {
    /// Gives the server's generator a seed.
    pub struct RNGSeedRequest {
        /// The seed.
        data: Data = Data,
    }
}

structure! {
    /// How much of it was used.
    pub struct RNGSeedResponse {
        /// How many bytes.
        data_length: i32 = DataLength,
    }
}
