//! Delegated Login (KMIP 2.1, 6.1.13). Of 2.0.

use crate::identifier::UniqueIdentifier;
use crate::message::Ticket;
use crate::registry::Operation;
use crate::structures::UsageLimits;

use super::{IntervalOrTime, ObjectGroups};

structure! {
    /// Asks for a ticket that somebody else may use for some things.
    pub struct DelegatedLoginRequest {
        /// How long it shall be valid.
        lease_time: Option<IntervalOrTime> = LeaseTime,
        /// For how many requests.
        request_count: Option<i32> = RequestCount,
        /// For how much.
        usage_limits: Option<UsageLimits> = UsageLimits,
        /// For what.
        rights: Rights = Rights,
    }
}

structure! {
    /// The ticket.
    pub struct DelegatedLoginResponse {
        /// The ticket.
        ticket: Ticket = Ticket,
    }
}

structure! {
    /// What a ticket allows: what any of these does (KMIP 2.1, 7.33).
    #[derive(Default)]
    pub struct Rights {
        /// The rights.
        rights: Vec<Right> = Right,
    }
}

structure! {
    /// A right: what all of these allow (KMIP 2.1, 7.32).
    #[derive(Default)]
    pub struct Right {
        /// How much.
        usage_limits: Option<UsageLimits> = UsageLimits,
        /// Which operations.
        operations: Option<Operations> = Operations,
        /// On which objects.
        objects: Option<Objects> = Objects,
        /// On objects of which groups. Of 2.1.
        object_groups: Option<ObjectGroups> = ObjectGroups,
    }
}

structure! {
    /// Operations.
    #[derive(Default)]
    pub struct Operations {
        /// They.
        operations: Vec<Operation> = Operation,
    }
}

structure! {
    /// Objects.
    #[derive(Default)]
    pub struct Objects {
        /// They.
        unique_identifiers: Vec<UniqueIdentifier> = UniqueIdentifier,
    }
}
