//! Key Wrapping Data and Key Wrapping Specification (KMIP 1.4, sections 2.1.5 and 2.1.6; 2.1, section 3).

use crate::attributes::AttributeNames;
use crate::codec::Bytes;
use crate::identifier::UniqueIdentifier;
use crate::registry::{EncodingOption, WrappingMethod};
use crate::structures::CryptographicParameters;

structure! {
    /// The key that encrypts.
    pub struct EncryptionKeyInformation {
        /// The key.
        unique_identifier: UniqueIdentifier = UniqueIdentifier,
        /// How it encrypts.
        cryptographic_parameters: Option<CryptographicParameters> = CryptographicParameters,
    }
}

structure! {
    /// The key that authenticates or signs.
    pub struct MacSignatureKeyInformation {
        /// The key.
        unique_identifier: UniqueIdentifier = UniqueIdentifier,
        /// How it does.
        cryptographic_parameters: Option<CryptographicParameters> = CryptographicParameters,
    }
}

structure! {
    /// How a key is wrapped.
    pub struct KeyWrappingData {
        /// Encrypted, authenticated, or both.
        wrapping_method: WrappingMethod = WrappingMethod,
        /// The key that encrypts.
        encryption_key_information: Option<EncryptionKeyInformation> = EncryptionKeyInformation,
        /// The key that authenticates or signs.
        mac_signature_key_information: Option<MacSignatureKeyInformation> = MACSignatureKeyInformation,
        /// The code or signature.
        mac_signature: Option<Bytes> = MACSignature,
        /// The initialization vector, counter or nonce.
        iv_counter_nonce: Option<Bytes> = IVCounterNonce,
        /// What of the key was encoded before it was wrapped. Of 1.1.
        encoding_option: Option<EncodingOption> = EncodingOption,
    }
}

structure! {
    /// How a key shall be wrapped.
    pub struct KeyWrappingSpecification {
        /// Encrypt, authenticate, or both.
        wrapping_method: WrappingMethod = WrappingMethod,
        /// The key that encrypts.
        encryption_key_information: Option<EncryptionKeyInformation> = EncryptionKeyInformation,
        /// The key that authenticates or signs.
        mac_signature_key_information: Option<MacSignatureKeyInformation> = MACSignatureKeyInformation,
        /// Attributes that are wrapped with the key.
        attribute_names: AttributeNames = AttributeName | AttributeReference,
        /// What of the key is encoded before it is wrapped. Of 1.1.
        encoding_option: Option<EncodingOption> = EncodingOption,
    }
}
