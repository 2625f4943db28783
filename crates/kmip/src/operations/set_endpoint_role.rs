//! Set Endpoint Role (KMIP 2.1, 6.1.53). Of 2.0.

use crate::registry::EndpointRole;

structure! {
    /// Turns the connection round.
    pub struct SetEndpointRoleRequest {
        /// What the receiver shall be.
        endpoint_role: EndpointRole = EndpointRole,
    }
}

structure! {
    /// It is so.
    pub struct SetEndpointRoleResponse {
        /// What it is.
        endpoint_role: EndpointRole = EndpointRole,
    }
}
