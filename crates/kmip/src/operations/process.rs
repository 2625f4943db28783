//! Process (KMIP 2.1, 6.1.37). Of 2.1.

use crate::codec::Bytes;

structure! {
    /// Waits for an asynchronous operation.
    pub struct ProcessRequest {
        /// The server's name for the operation.
        asynchronous_correlation_value: Bytes = AsynchronousCorrelationValue,
    }
}

structure! {
    /// Nothing: the operation answers with its own payload.
    #[derive(Default)]
    pub struct ProcessResponse {
    }
}
