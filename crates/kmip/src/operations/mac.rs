//! MAC (KMIP 1.4, 4.33; 2.1, 6.1.30). Of 1.2.

use crate::codec::Bytes;
use crate::identifier::{Data, UniqueIdentifier};
use crate::structures::CryptographicParameters;

structure! {
    /// Has the server make a message authentication code.
    #[derive(Default)]
    pub struct MACRequest {
        /// The object; the ID placeholder if absent.
        unique_identifier: Option<UniqueIdentifier> = UniqueIdentifier,
        /// How; the key's own parameters if absent.
        cryptographic_parameters: Option<CryptographicParameters> = CryptographicParameters,
        /// The message.
        data: Option<Data> = Data,
        /// Which stream it belongs to. Of 1.3.
        correlation_value: Option<Bytes> = CorrelationValue,
        /// Whether it begins a stream. Of 1.3.
        init_indicator: Option<bool> = InitIndicator,
        /// Whether it ends a stream. Of 1.3.
        final_indicator: Option<bool> = FinalIndicator,
    }
}

structure! {
    /// The code.
    pub struct MACResponse {
        /// The object.
        unique_identifier: UniqueIdentifier = UniqueIdentifier,
        /// The code.
        mac_data: Option<Bytes> = MACData,
        /// The stream's name. Of 1.3.
        correlation_value: Option<Bytes> = CorrelationValue,
    }
}
