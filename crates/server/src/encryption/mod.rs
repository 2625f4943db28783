//! What the running server knows about its keys: the open keystore, the master key's state on the KMIP
//! server, what follows from it, and the client certificate's end.
//!
//! Start-up makes one [`Encryption`] of what it found; `serverStatus` shows it, [`Encryption::watch`]
//! keeps it true, every write asks it for leave, and whatever changes keys while the server runs works
//! through it.
//!
//! | file | holds |
//! |---|---|
//! | `look` | one look at the key on the KMIP servers |
//! | `live` | what the looks add up to: grace, measure, back again; no clock, no network |
//! | `policy`, `loss` | `onKeyStateLoss` and what was lost |
//! | `certificate` | when to warn of the client certificate's end |
//! | `watch` | the tasks |
//! | `status` | `serverStatus().encryptionAtRest` |
//! | `rotation` | another master key while the server runs |
//! | `revocation` | revoking the keys of before |
//! | `databases` | databases with a master key of their own |
//! | `data_keys` | destroying the data keys that nothing is under any more |
//! | `error` | why a key was not changed |

pub(crate) mod certificate;
mod data_keys;
mod databases;
mod error;
mod live;
mod look;
mod loss;
mod policy;
mod revocation;
mod rotation;
mod status;
mod watch;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use document::ErrorCode;
use keystore::{Keystore, Provider};
use kmip_client::Client;
use parking_lot::Mutex;

pub use databases::{ChangedKey, DatabaseKey};
pub use error::KeyChangeError;
pub(crate) use error::is_connection_lost;
pub(crate) use look::Via;
pub use loss::KeyLost;
pub use policy::{KeyStatePolicy, OnKeyStateLoss};
pub use rotation::Rotation;
pub use status::{KmipStatus, Poll, Status};
pub use watch::Watch;

use crate::emit;
use crate::error::CommandError;
use crate::log::events;
use live::{Event, Live, Now};

/// What the running server knows about its keys. Shared by all who ask or change it.
pub struct Encryption {
    keystore: Arc<Keystore>,
    /// `None` for a master key in a file.
    kmip: Option<Kmip>,
    /// The master keys that databases have of their own.
    own: databases::OwnKeys,
    upkeep: data_keys::Upkeep,
    /// Whether writes are refused; [`Live`] says why.
    read_only: AtomicBool,
    /// Set when the policy shut the server down.
    stopped_by: OnceLock<KeyLost>,
}

/// The part that only a master key on a KMIP server has.
struct Kmip {
    client: Client,
    /// Whether keys that are created are activated, and keys that are not Active refused.
    activate_keys: bool,
    /// Whether keys that are taken into use stay on the server.
    wrap_on_server: bool,
    policy: KeyStatePolicy,
    live: Mutex<Live>,
    /// What was said last about the client certificate's end.
    said: Mutex<Option<certificate::Said>>,
}

/// The master key on its KMIP server, as start-up found it.
pub(crate) struct FoundKey {
    /// The client that found it: it is kept, and connects again when it is needed.
    pub(crate) client: Client,
    /// The server that has the key.
    pub(crate) via: Via,
    /// The key's Unique Identifier.
    pub(crate) identifier: String,
    /// The key's state, in KMIP's words.
    pub(crate) state: String,
    /// How it is looked after.
    pub(crate) policy: KeyStatePolicy,
    /// `security.kmip.activateKeys`
    pub(crate) activate_keys: bool,
    /// `security.kmip.wrapOnServer`
    pub(crate) wrap_on_server: bool,
}

impl Encryption {
    /// The keystore as start-up opened it, with a master key in a file (`None`) or on a KMIP server.
    pub(crate) fn new(keystore: Arc<Keystore>, kmip: Option<FoundKey>) -> Arc<Self> {
        let kmip = kmip.map(|found| Kmip {
            client: found.client,
            activate_keys: found.activate_keys,
            wrap_on_server: found.wrap_on_server,
            policy: found.policy,
            live: Mutex::new(Live::at_start(
                found.identifier,
                found.state,
                found.via,
                Now::read(),
            )),
            said: Mutex::new(None),
        });
        Arc::new(Self {
            keystore,
            kmip,
            own: databases::OwnKeys::default(),
            upkeep: data_keys::Upkeep::default(),
            read_only: AtomicBool::new(false),
            stopped_by: OnceLock::new(),
        })
    }

    /// The open keystore.
    pub fn keystore(&self) -> &Arc<Keystore> {
        &self.keystore
    }

    /// The client of the KMIP servers that the server was started with; `None` for a key file.
    pub fn kmip_client(&self) -> Option<&Client> {
        self.kmip.as_ref().map(|kmip| &kmip.client)
    }

    /// How the master key is looked after; `None` for a key file.
    pub fn policy(&self) -> Option<&KeyStatePolicy> {
        self.kmip.as_ref().map(|kmip| &kmip.policy)
    }

    /// Whether writes are refused at the moment.
    pub fn is_read_only(&self) -> bool {
        self.read_only.load(Ordering::Relaxed)
    }

    /// Lets the storage layer have the data keys of a tree, or says why not.
    ///
    /// # Errors
    /// [`storage::keys::KeyLocked`] for a database whose own master key cannot be used.
    pub fn permit_tree(&self, tree: keystore::TreeId) -> Result<(), storage::keys::KeyLocked> {
        self.own.check(tree)
    }

    /// Lets a write pass, or says why not. Costs one load where nothing is wrong.
    ///
    /// # Errors
    /// `UserWritesBlocked` (371) while the policy is `readOnly` and the master key is lost.
    pub fn permit_write(&self) -> Result<(), CommandError> {
        if !self.is_read_only() {
            return Ok(());
        }
        let loss = self
            .kmip
            .as_ref()
            .and_then(|kmip| kmip.live.lock().loss.clone());
        // The key came back between the two looks.
        let Some(loss) = loss else {
            return Ok(());
        };
        Err(CommandError::new(
            ErrorCode::UserWritesBlocked,
            format!(
                "writes are refused (security.kmip.onKeyStateLoss is readOnly): {}. They are permitted again \
                 as soon as the server sees the key Active: activate or restore it on the KMIP server, or put \
                 the data under another master key (security.kmip.rotateMasterKey)",
                loss.lost
            ),
        ))
    }

    /// What the policy shut the server down for, if it did.
    pub fn stopped_by(&self) -> Option<&KeyLost> {
        self.stopped_by.get()
    }

    /// Looks at the master key's state now, whatever the polling does. Whether the server has to stop.
    pub async fn look_now(&self) -> bool {
        let Some(kmip) = &self.kmip else {
            return false;
        };
        self.master_key_changed();
        let identifier = kmip.live.lock().identifier.clone();
        let name = self.keystore.master_key().name;
        let look = look::look(&kmip.client, &identifier, name.as_deref()).await;
        let events = {
            let mut live = kmip.live.lock();
            // Rotated meanwhile: what was seen is no longer of interest.
            if live.identifier != identifier {
                return false;
            }
            live.record(look, &kmip.policy, Now::read())
        };
        let mut stop = false;
        for event in events {
            stop |= self.act(kmip, event);
        }
        stop
    }

    /// Looks after the master key that the keystore names now. Whoever has put the keystore under
    /// another one calls this, so that a measure that was taken for the old one ends at once.
    pub fn master_key_changed(&self) {
        let Some(kmip) = &self.kmip else {
            return;
        };
        let key = self.keystore.info().master_key;
        if key.provider == Provider::Kmip
            && let Some(identifier) = &key.identifier
        {
            let event = kmip.live.lock().follow(identifier, Now::read());
            if let Some(event) = event {
                self.act(kmip, event);
            }
        }
    }

    /// Says what happened and does what follows. Whether the server has to stop.
    fn act(&self, kmip: &Kmip, event: Event) -> bool {
        match event {
            Event::Lost(lost) => emit!(
                events::KEY_NOT_ACTIVE,
                error = %lost,
                onKeyStateLoss = kmip.policy.on_loss.name(),
                graceSeconds = kmip.policy.grace.as_secs()
            ),
            Event::Measure(OnKeyStateLoss::Warn, lost) => {
                emit!(events::KEY_LOSS_WARNING, error = %lost);
            }
            Event::Measure(OnKeyStateLoss::ReadOnly, lost) => {
                self.read_only.store(true, Ordering::Relaxed);
                emit!(events::KEY_LOSS_READ_ONLY, error = %lost);
            }
            Event::Measure(OnKeyStateLoss::Shutdown, lost) => {
                emit!(events::KEY_LOST, error = %lost);
                let _ = self.stopped_by.set(lost);
                return true;
            }
            Event::Back { measure } => {
                self.read_only.store(false, Ordering::Relaxed);
                emit!(
                    events::KEY_ACTIVE_AGAIN,
                    keyId = kmip.live.lock().identifier.as_str(),
                    measureTakenBack = measure
                );
            }
            Event::Unknown { error, times } => {
                emit!(events::KEY_STATE_UNKNOWN, error, times);
            }
            Event::Answers { after } => emit!(events::KMIP_ANSWERS_AGAIN, failedLooks = after),
        }
        false
    }

    /// Notes when the next look is due, and says how long that is.
    fn next_look(&self, interval: Duration) -> Duration {
        let Some(kmip) = &self.kmip else {
            return interval;
        };
        let now = Now::read();
        let mut live = kmip.live.lock();
        let pause = live.pause(interval, &kmip.policy, now);
        live.next_poll = Some(now.clock + pause);
        pause
    }

    /// Warns of the client certificate's end when a warning is due.
    fn check_certificate(&self, at_start: bool) {
        let Some(kmip) = &self.kmip else {
            return;
        };
        let Some(not_after) = kmip.client.certificate_not_after_unix_secs() else {
            return;
        };
        let now = Now::read().clock.unix_timestamp();
        let notice = certificate::notice(&mut kmip.said.lock(), not_after, now);
        let end = status::rfc3339(not_after);
        let days = certificate::days_left(not_after, now);
        match notice {
            None => {}
            Some(certificate::Notice::Expires) => emit!(
                events::CLIENT_CERTIFICATE_EXPIRES,
                notAfter = end.as_str(),
                daysLeft = days,
                startupWarning = at_start
            ),
            Some(certificate::Notice::Expired) => emit!(
                events::CLIENT_CERTIFICATE_EXPIRED,
                notAfter = end.as_str(),
                startupWarning = at_start
            ),
            Some(certificate::Notice::Renewed) => emit!(
                events::CLIENT_CERTIFICATE_RENEWED,
                notAfter = end.as_str(),
                daysLeft = days
            ),
        }
    }
}

impl std::fmt::Debug for Encryption {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Encryption")
            .field("status", &self.status())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
