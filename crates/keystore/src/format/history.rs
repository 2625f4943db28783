//! The history: which master keys the keystore has been under.

use std::fmt;

use super::FormatError;
use super::master_key::MasterKeyRef;
use super::record::{self, Input, Unknown};

/// The most entries that are kept; the oldest give way.
pub const MAX_HISTORY: usize = 64;

mod kind {
    pub(super) const TIME: u16 = 1;
    pub(super) const REASON: u16 = 2;
    pub(super) const MASTER_KEY: u16 = 3;
    pub(super) const STAYS_ON_SERVER: u16 = 4;
    /// Optional: nothing depends on it.
    pub(super) const REVOKED: u16 = 0x8001;
}

/// Why a keystore came under a master key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HistoryReason {
    /// The dbpath was made.
    Created,
    /// A new master key of the same provider.
    Rotated,
    /// Another provider, or another KMIP server.
    Migrated,
}

impl HistoryReason {
    const ALL: [HistoryReason; 3] = [
        HistoryReason::Created,
        HistoryReason::Rotated,
        HistoryReason::Migrated,
    ];

    fn code(self) -> u8 {
        match self {
            HistoryReason::Created => 1,
            HistoryReason::Rotated => 2,
            HistoryReason::Migrated => 3,
        }
    }

    fn from_code(code: u8) -> Option<HistoryReason> {
        Self::ALL.into_iter().find(|reason| reason.code() == code)
    }
}

impl fmt::Display for HistoryReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            HistoryReason::Created => "created",
            HistoryReason::Rotated => "rotated",
            HistoryReason::Migrated => "migrated",
        })
    }
}

/// A master key that the keystore is or was under. Nothing in it is secret.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct HistoryEntry {
    /// Since when, in seconds since 1970 by this machine's clock.
    pub since_unix_secs: u64,
    /// Why.
    pub reason: HistoryReason,
    /// Generation, provider, identifier and Name.
    pub key: MasterKeyRef,
    /// Whether the KMIP key did not leave its server (`security.kmip.wrapOnServer`).
    pub is_wrapped_on_server: bool,
    /// When it was revoked on the KMIP server by us, in seconds since 1970 by this machine's clock; `None` if it was
    /// not.
    pub revoked_unix_secs: Option<u64>,
    pub(crate) unknown: Vec<Unknown>,
}

impl HistoryEntry {
    /// An entry for `key`, which came into use at that time.
    pub(crate) fn new(
        since_unix_secs: u64,
        reason: HistoryReason,
        key: &MasterKeyRef,
    ) -> HistoryEntry {
        HistoryEntry {
            since_unix_secs,
            reason,
            is_wrapped_on_server: key.is_wrapped_on_server(),
            // What was wrapped is of no use once the keystore is under another master key.
            key: key.clone().with_wrapped(None),
            revoked_unix_secs: None,
            unknown: Vec::new(),
        }
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<HistoryEntry, FormatError> {
        let (mut time, mut reason, mut key, mut stays) = (None, None, None, None);
        let (mut revoked, mut unknown) = (None, Vec::new());
        let mut input = Input::new(bytes);
        while let Some(record) = input.record()? {
            match record.kind {
                kind::TIME => {
                    let field = "time in the history";
                    record::set(&mut time, field, u64::from_be_bytes(record.array(field)?))?;
                }
                kind::REASON => {
                    let field = "reason in the history";
                    let [code] = record.array(field)?;
                    let value =
                        HistoryReason::from_code(code).ok_or(FormatError::Value { field })?;
                    record::set(&mut reason, field, value)?;
                }
                kind::MASTER_KEY => {
                    let field = "master key in the history";
                    let value = MasterKeyRef::decode_unbound(record.value, field)?;
                    record::set(&mut key, field, value)?;
                }
                kind::STAYS_ON_SERVER => {
                    let field = "way of use in the history";
                    let value = match record.array(field)? {
                        [0] => false,
                        [1] => true,
                        [_] => return Err(FormatError::Value { field }),
                    };
                    record::set(&mut stays, field, value)?;
                }
                kind::REVOKED => {
                    let field = "time of revocation in the history";
                    let value = u64::from_be_bytes(record.array(field)?);
                    record::set(&mut revoked, field, value)?;
                }
                _ => record.unknown("history", &mut unknown)?,
            }
        }
        let missing = |field| FormatError::Missing { field };
        Ok(HistoryEntry {
            since_unix_secs: time.ok_or(missing("time in the history"))?,
            reason: reason.ok_or(missing("reason in the history"))?,
            key: key.ok_or(missing("master key in the history"))?,
            is_wrapped_on_server: stays.ok_or(missing("way of use in the history"))?,
            revoked_unix_secs: revoked,
            unknown,
        })
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        let time = self.since_unix_secs.to_be_bytes();
        record::put(&mut out, kind::TIME, &time);
        record::put(&mut out, kind::REASON, &[self.reason.code()]);
        record::put(&mut out, kind::MASTER_KEY, &self.key.encode(None));
        let stays = [u8::from(self.is_wrapped_on_server)];
        record::put(&mut out, kind::STAYS_ON_SERVER, &stays);
        if let Some(time) = self.revoked_unix_secs {
            record::put(&mut out, kind::REVOKED, &time.to_be_bytes());
        }
        record::put_unknown(&mut out, &self.unknown);
        out
    }
}
