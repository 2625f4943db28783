//! `serverStatus().encryptionAtRest`: PSMDB's fields, and more. Nothing in it is secret.

use bson::{DateTime, Document, RawDocumentBuf, doc};
use keystore::{Info, Provider};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::live::Now;
use super::{Encryption, KeyStatePolicy, certificate};

/// What is known about the encryption of the dbpath at this moment.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Status {
    /// What the keystore says: provider, identifier, Name, generation, cipher.
    pub keystore: Info,
    /// The master key on its KMIP server; `None` for a key file.
    pub kmip: Option<KmipStatus>,
    /// How many trees are still to be written anew under their new data keys.
    pub trees_to_rewrite: usize,
}

/// What is known about the master key on its KMIP server.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct KmipStatus {
    /// The configured servers, `host:port`, in order.
    pub servers: Vec<String>,
    /// The one that was used last.
    pub server: String,
    /// Its address.
    pub address: String,
    /// The protocol version that was agreed on.
    pub version: String,
    /// The key's state when it was seen last, in KMIP's words; `Gone` if no server has it.
    pub key_state: String,
    /// When that was.
    pub key_state_seen: OffsetDateTime,
    /// The last look of the polling; `None` before the first.
    pub last_poll: Option<Poll>,
    /// When the next one is due; `None` with polling off.
    pub next_poll: Option<OffsetDateTime>,
    /// Looks in a row that found no server that could tell.
    pub failed_polls: u32,
    /// What follows a key that is lost, and when.
    pub policy: KeyStatePolicy,
    /// What is in effect: `none`, `grace`, or the policy's name.
    pub effect: &'static str,
    /// What was lost, and since when, while it is.
    pub lost: Option<(String, OffsetDateTime)>,
    /// The end of the client certificate's validity, in seconds since 1970.
    pub client_certificate_not_after_unix_secs: Option<i64>,
}

/// A look at the key's state.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Poll {
    /// When.
    pub at: OffsetDateTime,
    /// The state that was found, or why none was.
    pub result: Result<String, String>,
}

impl Encryption {
    /// What is known at this moment.
    pub fn status(&self) -> Status {
        let kmip = self.kmip.as_ref().map(|kmip| {
            let live = kmip.live.lock().clone();
            KmipStatus {
                servers: kmip
                    .client
                    .config()
                    .servers
                    .iter()
                    .map(ToString::to_string)
                    .collect(),
                server: live.via.server,
                address: live.via.address,
                version: live.via.version,
                key_state: live.state,
                key_state_seen: live.state_seen,
                last_poll: live.last_poll.map(|poll| Poll {
                    at: poll.at,
                    result: poll.result,
                }),
                next_poll: live.next_poll,
                failed_polls: live.failed_polls,
                policy: kmip.policy,
                effect: match &live.loss {
                    None => "none",
                    Some(loss) if !loss.measure_taken => "grace",
                    Some(_) => kmip.policy.on_loss.name(),
                },
                lost: live.loss.map(|loss| (loss.lost.to_string(), loss.since)),
                client_certificate_not_after_unix_secs: kmip
                    .client
                    .certificate_not_after_unix_secs(),
            }
        });
        Status {
            keystore: self.keystore.info(),
            kmip,
            trees_to_rewrite: self.trees_to_rewrite(),
        }
    }
}

impl Status {
    /// The section as `serverStatus` shows it.
    pub fn to_document(&self) -> RawDocumentBuf {
        let key = &self.keystore.master_key;
        let key_id = match key.provider {
            Provider::Kmip => doc! { "kmip": { "keyId": key.identifier.clone() } },
            // PSMDB's word for a key file.
            _ => doc! { "local": true },
        };
        let mut section = doc! {
            "encryptionEnabled": true,
            "encryptionCipherMode": self.keystore.cipher.mode(),
            "encryptionKeyId": key_id,
            "masterKeyGeneration": i64::from(key.generation),
            "dataKeys": count(self.keystore.data_keys),
            "databasesToRewrite": count(self.trees_to_rewrite),
            "databasesWithOwnMasterKey": count(self.keystore.tree_master_keys),
            "databasesLocked": count(self.keystore.locked_trees),
        };
        if let Some(pending) = &self.keystore.pending {
            section.insert("announcedMasterKey", pending.to_string());
        }
        section.insert("masterKeyHistory", self.history());
        if let Some(kmip) = &self.kmip {
            let mut section_kmip = kmip.to_document();
            section_kmip.insert("keyName", key.name.clone());
            section_kmip.insert("wrapOnServer", key.is_wrapped_on_server());
            section.insert("kmip", section_kmip);
        }
        RawDocumentBuf::try_from(&section).unwrap_or_default()
    }
}

impl Status {
    /// The master keys that the keystore is and was under, oldest first.
    fn history(&self) -> Vec<Document> {
        let entries = self.keystore.history.iter();
        entries
            .map(|entry| {
                let since = i64::try_from(entry.since_unix_secs).unwrap_or(i64::MAX);
                let mut shown = doc! {
                    "generation": i64::from(entry.key.generation),
                    "since": DateTime::from_millis(since.saturating_mul(1000)),
                    "reason": entry.reason.to_string(),
                };
                if let Some(revoked) = entry.revoked_unix_secs {
                    let revoked = i64::try_from(revoked).unwrap_or(i64::MAX);
                    let revoked = DateTime::from_millis(revoked.saturating_mul(1000));
                    shown.insert("revoked", revoked);
                }
                match entry.key.provider {
                    Provider::Kmip => {
                        shown.insert("keyId", entry.key.identifier.clone());
                        shown.insert("keyName", entry.key.name.clone());
                        shown.insert("wrapOnServer", entry.is_wrapped_on_server);
                    }
                    _ => drop(shown.insert("local", true)),
                }
                shown
            })
            .collect()
    }
}

impl KmipStatus {
    fn to_document(&self) -> Document {
        let mut kmip = doc! {
            "servers": &self.servers,
            "server": &self.server,
            "address": &self.address,
            "protocolVersion": &self.version,
            "keyState": &self.key_state,
            "keyStateSeen": date(self.key_state_seen),
            "polling": self.polling(),
            "onKeyStateLoss": self.policy.on_loss.name(),
            "keyStateGraceSeconds": seconds(self.policy.grace),
            "inEffect": self.effect,
        };
        if let Some((lost, since)) = &self.lost {
            kmip.insert("lost", doc! { "reason": lost, "since": date(*since) });
        }
        if let Some(end) = self.client_certificate_not_after_unix_secs {
            let now = Now::read().clock.unix_timestamp();
            let millis = end.saturating_mul(1000);
            kmip.insert("clientCertificateNotAfter", DateTime::from_millis(millis));
            let days = certificate::days_left(end, now);
            kmip.insert("clientCertificateDaysLeft", days);
        }
        kmip
    }

    fn polling(&self) -> Document {
        let mut polling = doc! { "enabled": self.policy.polling.is_some() };
        if let Some(interval) = self.policy.polling {
            polling.insert("seconds", seconds(interval));
        }
        if let Some(poll) = &self.last_poll {
            let mut last = doc! { "at": date(poll.at), "ok": poll.result.is_ok() };
            match &poll.result {
                Ok(state) => last.insert("keyState", state),
                Err(error) => last.insert("error", error),
            };
            polling.insert("last", last);
        }
        polling.insert("failedInARow", i64::from(self.failed_polls));
        if let Some(next) = self.next_poll {
            polling.insert("next", date(next));
        }
        polling
    }
}

fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn seconds(duration: std::time::Duration) -> i64 {
    i64::try_from(duration.as_secs()).unwrap_or(i64::MAX)
}

pub(super) fn date(time: OffsetDateTime) -> DateTime {
    let millis = time.unix_timestamp_nanos() / 1_000_000;
    DateTime::from_millis(i64::try_from(millis).unwrap_or(i64::MAX))
}

/// Seconds since 1970 as people read them.
pub(crate) fn rfc3339(unix_secs: i64) -> String {
    OffsetDateTime::from_unix_timestamp(unix_secs)
        .ok()
        .and_then(|time| time.format(&Rfc3339).ok())
        .unwrap_or_else(|| unix_secs.to_string())
}
