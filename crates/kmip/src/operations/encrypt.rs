//! Encrypt (KMIP 1.4, 4.29; 2.1, 6.1.18). Of 1.2.

use crate::codec::Bytes;
use crate::identifier::{Data, UniqueIdentifier};
use crate::structures::CryptographicParameters;

structure! {
    /// Has the server encrypt.
    #[derive(Default)]
    pub struct EncryptRequest {
        /// The object; the ID placeholder if absent.
        unique_identifier: Option<UniqueIdentifier> = UniqueIdentifier,
        /// How; the key's own parameters if absent.
        cryptographic_parameters: Option<CryptographicParameters> = CryptographicParameters,
        /// The clear text.
        data: Option<Data> = Data,
        /// The initialization vector, counter or nonce.
        iv_counter_nonce: Option<Bytes> = IVCounterNonce,
        /// Which stream it belongs to. Of 1.3.
        correlation_value: Option<Bytes> = CorrelationValue,
        /// Whether it begins a stream. Of 1.3.
        init_indicator: Option<bool> = InitIndicator,
        /// Whether it ends a stream. Of 1.3.
        final_indicator: Option<bool> = FinalIndicator,
        /// What is authenticated but not encrypted. Of 1.4.
        authenticated_encryption_additional_data: Option<Bytes> = AuthenticatedEncryptionAdditionalData,
    }
}

structure! {
    /// What was encrypted.
    pub struct EncryptResponse {
        /// The object.
        unique_identifier: UniqueIdentifier = UniqueIdentifier,
        /// The cipher text.
        data: Option<Data> = Data,
        /// The initialization vector, if the server made it.
        iv_counter_nonce: Option<Bytes> = IVCounterNonce,
        /// The stream's name. Of 1.3.
        correlation_value: Option<Bytes> = CorrelationValue,
        /// The authentication tag. Of 1.4.
        authenticated_encryption_tag: Option<Bytes> = AuthenticatedEncryptionTag,
    }
}
