//! One look at the master key's state on the KMIP servers.

use keystore::provider::kmip::is_another_key;
use kmip::registry::State;
use kmip_client::{Client, ErrorKind, Session};

use super::KeyLost;

/// What one look found.
#[derive(Clone, Debug)]
pub(super) struct Look {
    pub(super) outcome: Outcome,
    /// The server that answered; `None` if none did.
    pub(super) via: Option<Via>,
}

#[derive(Clone, Debug)]
pub(super) enum Outcome {
    /// The key is there and Active.
    Active,
    /// It is in another state, or gone.
    Lost(KeyLost),
    /// Nobody can tell: the message says why.
    Unknown(String),
}

/// The server that was used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Via {
    /// As configured: `host:port`.
    pub(crate) server: String,
    /// The address that its name had.
    pub(crate) address: String,
    /// The protocol version that was agreed on.
    pub(crate) version: String,
}

impl Via {
    pub(crate) fn of(session: &Session) -> Self {
        Self {
            server: session.server().to_string(),
            address: session.address().to_string(),
            version: session.negotiated_version().to_string(),
        }
    }
}

/// Asks the servers in the order of the list until one has the key. Not every server need have every
/// key: only if all of them say that there is none, it is gone. An object of this identifier that has other Names than
/// the `name` that we gave the key is another key, unless no server has a better one.
///
/// Each server is tried once: the next look is the retry.
pub(super) async fn look(client: &Client, identifier: &str, name: Option<&str>) -> Look {
    let mut another = None;
    let mut asked = Vec::new();
    let mut failures = Vec::new();
    let mut last = None;
    for server in &client.config().servers {
        let mut session = match client.connect_to(server).await {
            Ok(session) => session,
            Err(error) => {
                failures.push(error.to_string());
                continue;
            }
        };
        let via = Via::of(&session);
        match session.get_attributes(identifier).await {
            Ok(attributes) => {
                let outcome = match attributes.state {
                    Some(State::Active) => Outcome::Active,
                    Some(state) => Outcome::Lost(KeyLost::NotActive {
                        identifier: identifier.to_owned(),
                        state: state.to_string(),
                        server: via.server.clone(),
                    }),
                    None => Outcome::Unknown(format!(
                        "the KMIP server {server} does not tell the state of the key {identifier}"
                    )),
                };
                let look = Look {
                    outcome,
                    via: Some(via),
                };
                if !is_another_key(&attributes, name) {
                    return look;
                }
                another.get_or_insert(look);
            }
            Err(error) if *error.kind() == ErrorKind::NotFound => {
                asked.push(via.server.clone());
                last = Some(via);
            }
            Err(error) => failures.push(error.to_string()),
        }
    }
    if let (true, Some(another)) = (failures.is_empty(), another) {
        return another;
    }
    let outcome = match failures.is_empty() {
        true => Outcome::Lost(KeyLost::Gone {
            identifier: identifier.to_owned(),
            servers: asked.join(", "),
        }),
        false => Outcome::Unknown(failures.join("; ")),
    };
    Look { outcome, via: last }
}
