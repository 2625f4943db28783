//! What became of a master key that cannot be relied on any more.

/// A look at the KMIP server found that the master key is no longer Active, or gone.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyLost {
    /// Somebody revoked it, or destroyed it on a server that remembers destroyed keys.
    #[error("the master key {identifier} is {state} on the KMIP server {server}, no longer Active")]
    NotActive {
        /// Its Unique Identifier.
        identifier: String,
        /// The state it is in.
        state: String,
        /// The server that said so.
        server: String,
    },
    /// No server of the list has it any more. All of them were asked: one that cannot be reached may
    /// still have it.
    #[error("the master key {identifier} is no longer on the KMIP server {servers}")]
    Gone {
        /// Its Unique Identifier.
        identifier: String,
        /// The servers that were asked.
        servers: String,
    },
}

impl KeyLost {
    /// One word for `serverStatus`: the key's state in KMIP's terms, or `Gone`.
    #[must_use]
    pub fn state(&self) -> &str {
        match self {
            Self::NotActive { state, .. } => state,
            Self::Gone { .. } => "Gone",
        }
    }
}
