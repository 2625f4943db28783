//! Keys (KMIP 1.4, section 2.2; 2.1, section 2): what they differ in is around the key block.

use super::KeyBlock;
use crate::codec::BigInteger;
use crate::registry::SplitKeyMethod;

structure! {
    /// A symmetric key.
    pub struct SymmetricKey {
        /// The key.
        key_block: KeyBlock = KeyBlock,
    }
}

structure! {
    /// The public half of a key pair.
    pub struct PublicKey {
        /// The key.
        key_block: KeyBlock = KeyBlock,
    }
}

structure! {
    /// The private half of a key pair.
    pub struct PrivateKey {
        /// The key.
        key_block: KeyBlock = KeyBlock,
    }
}

structure! {
    /// A part of a key.
    pub struct SplitKey {
        /// In how many parts the key is split.
        parts: i32 = SplitKeyParts,
        /// Which part this is.
        part_identifier: i32 = KeyPartIdentifier,
        /// How many parts make the key whole.
        threshold: i32 = SplitKeyThreshold,
        /// How the key is split.
        method: SplitKeyMethod = SplitKeyMethod,
        /// The prime of polynomial sharing over a prime field.
        prime_field_size: Option<BigInteger> = PrimeFieldSize,
        /// The part.
        key_block: KeyBlock = KeyBlock,
    }
}

structure! {
    /// A PGP key. Of 1.2.
    pub struct PgpKey {
        /// The version of the key's format.
        pgp_key_version: i32 = PGPKeyVersion,
        /// The key.
        key_block: KeyBlock = KeyBlock,
    }
}
