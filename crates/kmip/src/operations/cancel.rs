//! Cancel (KMIP 1.4, 4.27; 2.1, 6.1.7).

use crate::codec::Bytes;
use crate::registry::CancellationResult;

structure! {
    /// Cancels an asynchronous operation.
    pub struct CancelRequest {
        /// The server's name for the operation.
        asynchronous_correlation_value: Bytes = AsynchronousCorrelationValue,
    }
}

structure! {
    /// How that went.
    pub struct CancelResponse {
        /// The server's name for the operation.
        asynchronous_correlation_value: Bytes = AsynchronousCorrelationValue,
        /// How it went.
        cancellation_result: CancellationResult = CancellationResult,
    }
}
