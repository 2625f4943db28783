//! Query Asynchronous Requests (KMIP 2.1, 6.1.38). Of 2.1.

use crate::codec::{Bytes, DateTimeExtended};
use crate::registry::{Operation, ProcessingStage};

use super::Operations;

structure! {
    /// Asks which asynchronous operations are not finished.
    #[derive(Default)]
    pub struct QueryAsynchronousRequestsRequest {
        /// Which; all if absent.
        asynchronous_correlation_values: Option<AsynchronousCorrelationValues> = AsynchronousCorrelationValues,
        /// Of which kind; all if absent.
        operations: Option<Operations> = Operations,
    }
}

structure! {
    /// The operations.
    #[derive(Default)]
    pub struct QueryAsynchronousRequestsResponse {
        /// The operations.
        asynchronous_requests: Vec<AsynchronousRequest> = AsynchronousRequest,
    }
}

structure! {
    /// The server's names for operations (KMIP 2.1, 7.1).
    #[derive(Default)]
    pub struct AsynchronousCorrelationValues {
        /// They.
        values: Vec<Bytes> = AsynchronousCorrelationValue,
    }
}

structure! {
    /// An operation that is not finished (KMIP 2.1, 7.2).
    pub struct AsynchronousRequest {
        /// The server's name for it.
        asynchronous_correlation_value: Bytes = AsynchronousCorrelationValue,
        /// What it is.
        operation: Operation = Operation,
        /// When it was asked for.
        submission_date: Option<DateTimeExtended> = SubmissionDate,
        /// Where it stands.
        processing_stage: ProcessingStage = ProcessingStage,
    }
}
