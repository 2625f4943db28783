//! Logout (KMIP 2.1, 6.1.30). Of 2.0.

use crate::message::Ticket;

structure! {
    /// Makes a ticket invalid.
    pub struct LogoutRequest {
        /// The ticket.
        ticket: Ticket = Ticket,
    }
}

structure! {
    /// Nothing.
    #[derive(Default)]
    pub struct LogoutResponse {
    }
}
