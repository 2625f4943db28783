//! Set Constraints (KMIP 2.1, 6.1.51). Of 2.1.

use super::Constraints;

structure! {
    /// Says which attributes objects must have.
    pub struct SetConstraintsRequest {
        /// The constraints.
        constraints: Constraints = Constraints,
    }
}

structure! {
    /// Nothing.
    #[derive(Default)]
    pub struct SetConstraintsResponse {
    }
}
