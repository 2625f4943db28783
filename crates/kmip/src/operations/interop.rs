//! Interop (KMIP 2.1, 6.1.26). Of 2.0.

use crate::registry::InteropFunction;

structure! {
    /// Marks the beginning or end of a test.
    pub struct InteropRequest {
        /// What to mark.
        interop_function: InteropFunction = InteropFunction,
        /// The test.
        interop_identifier: Option<String> = InteropIdentifier,
    }
}

structure! {
    /// Nothing.
    #[derive(Default)]
    pub struct InteropResponse {
    }
}
