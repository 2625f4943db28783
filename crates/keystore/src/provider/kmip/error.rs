//! What can be wrong with a key on a KMIP server.

use kmip_client::ErrorKind;

/// Why there is no master key. Each message names the key and the server.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KmipKeyError {
    /// The connection, or the server, failed.
    #[error(transparent)]
    Client(#[from] kmip_client::Error),
    /// No server has the key.
    #[error(
        "there is no key with the unique identifier or Name {key} on the KMIP server {servers}, \
         or the client certificate may not see it"
    )]
    NotFound {
        /// The identifier or Name that was looked for.
        key: String,
        /// The servers that were asked, and those that could not be.
        servers: String,
    },
    /// Several keys have the Name.
    #[error(
        "{count} keys on the KMIP server {server} have the Name {name}: give the unique identifier of the one \
         that is meant ({identifiers})"
    )]
    Ambiguous {
        /// The Name.
        name: String,
        /// The server.
        server: String,
        /// How many keys.
        count: usize,
        /// The unique identifiers of some of them.
        identifiers: String,
    },
    /// The key is not Active, and only Active keys may be used.
    #[error(
        "the key {key} on the KMIP server {server} is in the state {state}, and activateKeys asks for Active keys: \
         activate it there, or start with activateKeys off"
    )]
    NotActive {
        /// The key.
        key: String,
        /// The server.
        server: String,
        /// The key's state.
        state: String,
    },
    /// The object is no key that can be a master key.
    #[error(
        "the object {key} on the KMIP server {server} cannot be a master key: it is {got}, and must be a \
         symmetric AES key of 256 bits in raw form"
    )]
    Unusable {
        /// The object.
        key: String,
        /// The server.
        server: String,
        /// What it is.
        got: String,
    },
    /// The server says that it does not offer an operation that is needed.
    #[error(
        "the KMIP server {server} does not offer {operations} to the client certificate: {remedy}"
    )]
    NotOffered {
        /// The server.
        server: String,
        /// What is missing: operations, or a way of doing one.
        operations: String,
        /// What to do.
        remedy: &'static str,
    },
    /// The key cannot wrap another (`security.kmip.wrapOnServer`).
    #[error(
        "the key {key} on the KMIP server {server} cannot wrap the master key (security.kmip.wrapOnServer): {problem}"
    )]
    CannotWrap {
        /// The key.
        key: String,
        /// The server.
        server: String,
        /// Why not.
        problem: String,
    },
    /// The server cannot unwrap with the key what it wrapped: another key, another dbpath, or damage.
    #[error(
        "the KMIP server {server} does not unwrap the master key with its key {key}: {problem}. That key must be the \
         one it was wrapped with, Active, and permitted to Decrypt; the keystore must be of this dbpath"
    )]
    NotUnwrapped {
        /// The key on the server.
        key: String,
        /// The server.
        server: String,
        /// What it said.
        problem: String,
    },
    /// The system's random number generator failed.
    #[error("the system's random number generator failed")]
    Random,
}

/// Whether the server said no, so that nothing was created, as opposed to an answer that is missing.
pub fn is_definite_refusal(error: &KmipKeyError) -> bool {
    match error {
        KmipKeyError::Client(error) => {
            matches!(
                error.kind(),
                ErrorKind::Refused { .. } | ErrorKind::AuthenticationFailed
            ) && !error.outcome_is_unknown()
        }
        _ => false,
    }
}
