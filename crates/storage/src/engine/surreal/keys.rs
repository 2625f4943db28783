//! The engine's key manager over a tree's data keys.

use std::sync::Arc;

use surrealkv::{EncryptionError, KeyManager, KeyState};
use zeroize::Zeroizing;

use crate::keys::{DataKeyState, DataKeys};

/// Hands the data keys to the engine, which derives a key for every file from them.
pub(super) struct Manager {
    keys: Arc<dyn DataKeys>,
}

impl Manager {
    pub(super) fn new(keys: Arc<dyn DataKeys>) -> Self {
        Self { keys }
    }
}

impl KeyManager for Manager {
    fn active_key_id(&self) -> u32 {
        self.keys.active()
    }

    fn key_state(&self, key_id: u32) -> KeyState {
        match self.keys.state(key_id) {
            DataKeyState::Active => KeyState::Active,
            DataKeyState::DecryptOnly => KeyState::DecryptOnly,
            DataKeyState::Destroyed => KeyState::Retired,
            DataKeyState::Unknown => KeyState::Unknown,
        }
    }

    fn root_key(&self, key_id: u32) -> Result<Zeroizing<[u8; 32]>, EncryptionError> {
        self.keys
            .key(key_id)
            .ok_or_else(|| match self.keys.state(key_id) {
                DataKeyState::Destroyed => EncryptionError::KeyRetired,
                _ => EncryptionError::UnknownKeyId,
            })
    }
}
