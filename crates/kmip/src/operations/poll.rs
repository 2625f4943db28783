//! Poll (KMIP 1.4, 4.28; 2.1, 6.1.36).

use crate::codec::Bytes;

structure! {
    /// Asks for the result of an asynchronous operation. The response is that of the operation, which is still
    /// pending or not.
    pub struct PollRequest {
        /// The server's name for the operation.
        asynchronous_correlation_value: Bytes = AsynchronousCorrelationValue,
    }
}

structure! {
    /// Nothing: a finished operation answers with its own payload.
    #[derive(Default)]
    pub struct PollResponse {
    }
}
