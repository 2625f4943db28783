//! Sign (KMIP 1.4, 4.31; 2.1, 6.1.55). Of 1.2.

use crate::codec::Bytes;
use crate::identifier::{Data, UniqueIdentifier};
use crate::structures::CryptographicParameters;

structure! {
    /// Has the server sign.
    #[derive(Default)]
    pub struct SignRequest {
        /// The object; the ID placeholder if absent.
        unique_identifier: Option<UniqueIdentifier> = UniqueIdentifier,
        /// How; the key's own parameters if absent.
        cryptographic_parameters: Option<CryptographicParameters> = CryptographicParameters,
        /// What to sign.
        data: Option<Data> = Data,
        /// Its digest, instead of it. Of 1.4.
        digested_data: Option<Bytes> = DigestedData,
        /// Which stream it belongs to. Of 1.3.
        correlation_value: Option<Bytes> = CorrelationValue,
        /// Whether it begins a stream. Of 1.3.
        init_indicator: Option<bool> = InitIndicator,
        /// Whether it ends a stream. Of 1.3.
        final_indicator: Option<bool> = FinalIndicator,
    }
}

structure! {
    /// The signature.
    pub struct SignResponse {
        /// The object.
        unique_identifier: UniqueIdentifier = UniqueIdentifier,
        /// The signature.
        signature_data: Option<Bytes> = SignatureData,
        /// The stream's name. Of 1.3.
        correlation_value: Option<Bytes> = CorrelationValue,
    }
}
