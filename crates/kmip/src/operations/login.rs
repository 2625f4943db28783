//! Login (KMIP 2.1, 6.1.29). Of 2.0.

use crate::codec::{DateTime, Interval, Value};
use crate::error::DecodeError;
use crate::message::Ticket;
use crate::registry::Tag;
use crate::structures::UsageLimits;
use crate::ttlv::{Element, ItemType, Writer};

structure! {
    /// Asks for a ticket that stands for the credential.
    #[derive(Default)]
    pub struct LoginRequest {
        /// How long it shall be valid.
        lease_time: Option<IntervalOrTime> = LeaseTime,
        /// For how many requests.
        request_count: Option<i32> = RequestCount,
        /// For how much.
        usage_limits: Option<UsageLimits> = UsageLimits,
    }
}

structure! {
    /// The ticket.
    pub struct LoginResponse {
        /// The ticket.
        ticket: Ticket = Ticket,
    }
}

/// A span of time, or its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IntervalOrTime {
    /// For so long.
    For(Interval),
    /// Until then.
    Until(DateTime),
}

impl Value for IntervalOrTime {
    fn decode(element: &Element<'_>) -> Result<Self, DecodeError> {
        match element.item_type() {
            ItemType::DateTime => DateTime::decode(element).map(Self::Until),
            _ => Interval::decode(element).map(Self::For),
        }
    }

    fn encode(&self, tag: Tag, writer: &mut Writer) {
        match self {
            Self::For(interval) => interval.encode(tag, writer),
            Self::Until(time) => time.encode(tag, writer),
        }
    }
}
