//! Signature Verify (KMIP 1.4, 4.32; 2.1, 6.1.56). Of 1.2.

use crate::codec::Bytes;
use crate::identifier::{Data, UniqueIdentifier};
use crate::registry::ValidityIndicator;
use crate::structures::CryptographicParameters;

structure! {
    /// Has the server verify a signature.
    #[derive(Default)]
    pub struct SignatureVerifyRequest {
        /// The object; the ID placeholder if absent.
        unique_identifier: Option<UniqueIdentifier> = UniqueIdentifier,
        /// How; the key's own parameters if absent.
        cryptographic_parameters: Option<CryptographicParameters> = CryptographicParameters,
        /// What was signed.
        data: Option<Data> = Data,
        /// Its digest, instead of it. Of 1.4.
        digested_data: Option<Bytes> = DigestedData,
        /// The signature.
        signature_data: Option<Bytes> = SignatureData,
        /// Which stream it belongs to. Of 1.3.
        correlation_value: Option<Bytes> = CorrelationValue,
        /// Whether it begins a stream. Of 1.3.
        init_indicator: Option<bool> = InitIndicator,
        /// Whether it ends a stream. Of 1.3.
        final_indicator: Option<bool> = FinalIndicator,
    }
}

structure! {
    /// Whether it is valid.
    pub struct SignatureVerifyResponse {
        /// The object.
        unique_identifier: UniqueIdentifier = UniqueIdentifier,
        /// Whether it is; absent within a stream.
        validity_indicator: Option<ValidityIndicator> = ValidityIndicator,
        /// What was signed, recovered from the signature.
        data: Option<Data> = Data,
        /// The stream's name. Of 1.3.
        correlation_value: Option<Bytes> = CorrelationValue,
    }
}
