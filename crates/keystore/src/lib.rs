//! Master key sources and the keystore of wrapped data keys.
//!
//! A dbpath that is encrypted holds one file, `keystore`, which says how: where the master key comes
//! from and what it is called there, and every data key, wrapped under the master key. The master key
//! itself is never written anywhere.
//!
//! - [`Keystore`] is the open file: thread-safe, its data keys unwrapped and in locked memory.
//! - [`Header`] is what can be read of it without the master key.
//! - [`provider`] fetches master keys: from a KMIP server or from a key file.
//! - [`rotation`] changes the master key: a new one, a given one, another provider.
//! - [`MasterKey`] and [`DataKey`] are 32 bytes each that are wiped on drop and never printed.
//!
//! The file's format, byte by byte, is in [`format`](mod@format); the same page for people who read
//! no Rust is `docs/keystore-format.md`.
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing
    )
)]

mod crypto;
mod error;
pub mod failpoint;
mod file;
pub mod format;
mod handle;
mod memory;
pub mod provider;
pub mod rotation;
mod tree_id;

pub use error::Error;
pub use file::{FILE_NAME, PREVIOUS_FILE_NAME, TEMPORARY_FILE_NAME};
pub use format::{
    Cipher, FormatError, Header, HistoryEntry, HistoryReason, KeyState, MAX_HISTORY, MasterKeyRef,
    Provider, WrappedMasterKey, key_name, tree_key_name,
};
pub use handle::{Copied, Info, Keystore, PreviousCopy, TreeLineage, TreeMasterKey};
pub use memory::{DataKey, KEY_LEN, MasterKey};
pub use provider::kmip::WrapContext;
pub use tree_id::TreeId;
