//! Hash (KMIP 1.4, 4.37; 2.1, 6.1.25). Of 1.2.

use crate::codec::Bytes;
use crate::identifier::Data;
use crate::structures::CryptographicParameters;

structure! {
    /// Has the server hash.
    pub struct HashRequest {
        /// With what.
        cryptographic_parameters: CryptographicParameters = CryptographicParameters,
        /// What.
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
    /// The hash.
    pub struct HashResponse {
        /// The hash; absent within a stream.
        data: Option<Data> = Data,
        /// The stream's name. Of 1.3.
        correlation_value: Option<Bytes> = CorrelationValue,
    }
}
