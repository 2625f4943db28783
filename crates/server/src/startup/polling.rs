//! `keyStatePollingSeconds`: looking after the master key while the server runs.
//!
//! Like PSMDB: a key that is no longer Active, or gone, stops the server, in good order. A KMIP
//! server that cannot be reached is a warning, never a stop: the data is no less safe for it.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use keystore::{Info, Provider};
use kmip::registry::State;
use kmip_client::{Client, Error as KmipError, ErrorKind};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::KmipOptions;
use crate::emit;
use crate::log::events;

/// What became of the key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyLost {
    /// Somebody revoked or destroyed it.
    #[error(
        "the master key {identifier} is {state} on the KMIP server, no longer Active: the server \
         stopped (security.kmip.keyStatePollingSeconds)"
    )]
    NotActive {
        /// Its Unique Identifier.
        identifier: String,
        /// The state it is in.
        state: String,
    },
    /// It is not there any more.
    #[error(
        "the master key {identifier} is no longer on the KMIP server {server}: the server stopped \
         (security.kmip.keyStatePollingSeconds)"
    )]
    Gone {
        /// Its Unique Identifier.
        identifier: String,
        /// The server that was asked.
        server: String,
    },
}

/// Looks after the key until it is dropped.
#[derive(Debug)]
pub struct Polling {
    task: JoinHandle<()>,
    lost: Arc<OnceLock<KeyLost>>,
}

impl Drop for Polling {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Polling {
    /// Begins to look after the key of `keystore` at each `interval`. `stop` is told when it is
    /// lost. `None` for a master key that is not on a KMIP server, or has no identifier yet.
    pub fn start(
        options: &KmipOptions,
        keystore: &Info,
        interval: Duration,
        stop: Arc<watch::Sender<bool>>,
    ) -> Option<Self> {
        let key = &keystore.master_key;
        let identifier = key
            .identifier
            .clone()
            .filter(|_| key.provider == Provider::Kmip)?;
        let client = Client::new(options.client_config()).ok()?;
        let lost = Arc::new(OnceLock::new());
        let found = Arc::clone(&lost);
        let task = tokio::spawn(async move {
            loop {
                tokio::time::sleep(interval).await;
                if let Some(loss) = look(&client, &identifier).await {
                    emit!(events::KEY_LOST, error = %loss);
                    let _ = found.set(loss);
                    let _ = stop.send(true);
                    return;
                }
            }
        });
        Some(Self { task, lost })
    }

    /// What became of the key, if it was lost.
    pub fn lost(&self) -> Option<&KeyLost> {
        self.lost.get()
    }
}

/// One look. `None` if the key is Active, or nobody can tell.
async fn look(client: &Client, identifier: &str) -> Option<KeyLost> {
    let asked = async {
        let mut session = client.connect().await?;
        session.get_attributes(identifier).await
    };
    match asked.await {
        Ok(attributes) => {
            let state = attributes.state?;
            if state == State::Active {
                return None;
            }
            Some(KeyLost::NotActive {
                identifier: identifier.to_owned(),
                state: format!("{state:?}"),
            })
        }
        Err(error) if *error.kind() == ErrorKind::NotFound => Some(KeyLost::Gone {
            identifier: identifier.to_owned(),
            server: error.server().map(ToString::to_string).unwrap_or_default(),
        }),
        Err(error) => {
            warn(&error);
            None
        }
    }
}

fn warn(error: &KmipError) {
    emit!(events::KEY_STATE_UNKNOWN, %error);
}
