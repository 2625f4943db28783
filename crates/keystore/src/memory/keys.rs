//! The two kinds of key.

use std::fmt;
use std::sync::Arc;

use super::Locked32;

/// Bytes in a master key and in a data key: both are AES-256 keys.
pub const KEY_LEN: usize = 32;

/// The key that wraps the data keys. It comes from a provider and is never written to disk.
///
/// In locked memory, wiped on drop; `Debug` does not show it; deliberately not `Clone`.
pub struct MasterKey(Locked32);

impl MasterKey {
    /// Copies the key from `bytes`; the caller wipes his copy. `None` unless there are exactly
    /// [`KEY_LEN`] of them.
    pub fn from_slice(bytes: &[u8]) -> Option<MasterKey> {
        let mut key = Locked32::zeroed();
        (bytes.len() == KEY_LEN).then(|| {
            key.copy_from_slice(bytes);
            MasterKey(key)
        })
    }

    /// A new key from the system's random number generator, for a KMIP server to wrap.
    pub(crate) fn generate() -> Result<MasterKey, crate::Error> {
        let mut key = Locked32::zeroed();
        getrandom::fill(&mut key[..]).map_err(|_| crate::Error::Random)?;
        Ok(MasterKey(key))
    }

    /// The bytes themselves: for whoever encrypts with them, never to be shown or stored.
    pub fn expose(&self) -> &[u8; KEY_LEN] {
        &self.0
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey(redacted)")
    }
}

/// A key that encrypts the data of one tree. Cloning shares the same locked memory, which is wiped
/// when the last clone is dropped.
#[derive(Clone)]
pub struct DataKey(Arc<Locked32>);

impl DataKey {
    /// A new key from the system's random number generator.
    pub(crate) fn generate() -> Result<DataKey, crate::Error> {
        let mut key = Locked32::zeroed();
        getrandom::fill(&mut key[..]).map_err(|_| crate::Error::Random)?;
        Ok(DataKey(Arc::new(key)))
    }

    pub(crate) fn from_locked(key: Locked32) -> DataKey {
        DataKey(Arc::new(key))
    }

    /// The bytes themselves: for whoever encrypts with them, never to be shown or stored.
    pub fn expose(&self) -> &[u8; KEY_LEN] {
        &self.0
    }
}

impl fmt::Debug for DataKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DataKey(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_nothing() {
        let bytes = [0x5A; KEY_LEN];
        let master = MasterKey::from_slice(&bytes).unwrap();
        assert_eq!(
            format!("{master:?} {master:#?}"),
            "MasterKey(redacted) MasterKey(redacted)"
        );
        let data = DataKey::generate().unwrap();
        assert_eq!(
            format!("{data:?} {data:#?}"),
            "DataKey(redacted) DataKey(redacted)"
        );
    }

    #[test]
    fn a_master_key_is_32_bytes() {
        for len in [0, 16, 31, 33, 64] {
            assert!(MasterKey::from_slice(&vec![1; len]).is_none(), "{len}");
        }
        assert_eq!(MasterKey::from_slice(&[7; 32]).unwrap().expose(), &[7; 32]);
    }

    #[test]
    fn generated_keys_differ() {
        let (a, b) = (DataKey::generate().unwrap(), DataKey::generate().unwrap());
        assert_ne!(a.expose(), b.expose());
        assert_ne!(a.expose(), &[0; 32]);
    }
}
