//! The client's settings.

use std::time::Duration;

use kmip::{Limits, ProtocolVersion};
use tls::ClientTls;

use crate::{Resolver, ServerAddress};

/// Which protocol version to speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum VersionPolicy {
    /// The newest one that both sides have.
    #[default]
    Negotiate,
    /// The newest one that both sides have, up to this one. MongoDB Enterprise's `useLegacyProtocol` is
    /// `AtMost(1.1)`.
    AtMost(ProtocolVersion),
    /// This one, without asking.
    Exactly(ProtocolVersion),
}

impl VersionPolicy {
    /// What it is together with MongoDB Enterprise's `useLegacyProtocol`, which means KMIP 1.0 or 1.1; `None` if a newer
    /// version is asked for, so that the two exclude each other.
    pub fn with_legacy_protocol(self) -> Option<Self> {
        const NEWEST_LEGACY: ProtocolVersion = ProtocolVersion::V1_1;
        match self {
            Self::Negotiate => Some(Self::AtMost(NEWEST_LEGACY)),
            Self::AtMost(version) | Self::Exactly(version) => {
                (version <= NEWEST_LEGACY).then_some(self)
            }
        }
    }
}

/// Everything that a [`crate::Client`] needs to know.
#[derive(Clone, Debug)]
pub struct ClientConfig {
    /// The servers, in the order in which they are tried. At least one.
    pub servers: Vec<ServerAddress>,
    /// Whom to trust, and the client's certificate.
    pub tls: ClientTls,
    /// How often to try each server again. Attempts for each server = this + 1. Default 0.
    pub connect_retries: u32,
    /// For each attempt: name resolution, connection, TLS and the first answer together. A host with several
    /// addresses shares it among them. Default 5 s.
    pub connect_timeout: Duration,
    /// For each operation on an established connection, until the whole answer is there. Default 10 s.
    pub operation_timeout: Duration,
    /// The longest pause between two rounds through the servers. The first pause is about 1/16 of it; each
    /// next one is twice as long, and each is shortened at random by up to half. It bounds the pauses between
    /// two Polls for the result of an asynchronous operation as well, which are never longer than 1 s. Default 4 s.
    pub max_backoff: Duration,
    /// Which protocol version to speak. Default: negotiate.
    pub version: VersionPolicy,
    /// How the names of servers are resolved. Default: by the operating system.
    pub resolver: Resolver,
    /// Bounds on what a server may send, and on how many operations a batch may have. An answer beyond them is an error
    /// of kind [`Protocol`](crate::ErrorKind::Protocol), before anything is allocated for it. Default:
    /// [`Limits::DEFAULT`], 1 MiB, 32 levels, 10,000 items and 1,000 batch items. A Locate that finds thousands of
    /// objects needs an item for each.
    pub limits: Limits,
}

impl ClientConfig {
    /// These servers, and the defaults.
    pub fn new(servers: Vec<ServerAddress>, tls: ClientTls) -> Self {
        Self {
            servers,
            tls,
            connect_retries: 0,
            connect_timeout: Duration::from_secs(5),
            operation_timeout: Duration::from_secs(10),
            max_backoff: Duration::from_secs(4),
            version: VersionPolicy::default(),
            resolver: Resolver::default(),
            limits: Limits::DEFAULT,
        }
    }
}
