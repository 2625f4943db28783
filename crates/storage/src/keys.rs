//! Where data keys come from: the seam between the trees and the keystore.

use std::fmt;
use std::sync::Arc;

use zeroize::Zeroizing;

/// What a key provider answers with when it fails.
pub type KeyError = Box<dyn std::error::Error + Send + Sync>;

/// The identity of a tree: 16 random bytes, its directory's name in hex. Says nothing of the
/// database that it holds.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TreeId(pub [u8; 16]);

impl TreeId {
    /// A new identity from the system's random source.
    pub fn random() -> Result<Self, std::io::Error> {
        let mut id = [0; 16];
        getrandom::fill(&mut id).map_err(std::io::Error::other)?;
        Ok(Self(id))
    }

    /// The identity that `text`, 32 lower-case hex digits, names.
    pub fn from_hex(text: &str) -> Option<Self> {
        let mut id = [0; 16];
        if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return None;
        }
        hex::decode_to_slice(text, &mut id).ok()?;
        Some(Self(id))
    }
}

impl fmt::Display for TreeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for TreeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What a [`KeyRing`] answers with (boxed) for a tree whose data keys exist but cannot be had now:
/// the master key of that database is revoked, gone or out of reach. The client that asks for the
/// database sees the text; every other database goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyLocked {
    /// Why, and what to do. Names no key material and no database.
    pub reason: String,
}

impl fmt::Display for KeyLocked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

impl std::error::Error for KeyLocked {}

/// How much of a tree lies under which of its data keys.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct DataKeysInUse {
    /// The keys that files are sealed under, and the active one, in order of their numbers.
    pub keys: Vec<DataKeyUse>,
    /// Files whose header cannot be read, so that they may be under any key. With one of them no
    /// key counts as unused.
    pub unattributed_files: u64,
}

impl DataKeysInUse {
    /// The numbers of the keys other than the active one that files need.
    pub fn old(&self) -> impl Iterator<Item = u32> {
        let old = self.keys.iter().filter(|key| !key.active && key.files > 0);
        old.map(|key| key.id)
    }
}

/// What lies under one data key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct DataKeyUse {
    /// The number of the key.
    pub id: u32,
    /// Whether new files are written under it.
    pub active: bool,
    /// The files that are sealed under it.
    pub files: u64,
    /// Their size in bytes.
    pub bytes: u64,
}

/// What a data key may be used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DataKeyState {
    /// New files are written under it.
    Active,
    /// Files that were written under it can be read.
    DecryptOnly,
    /// It was destroyed: what was written under it is gone.
    Destroyed,
    /// It was never here.
    Unknown,
}

/// How files are sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DataCipher {
    /// AES-256 in Galois/Counter Mode: fast where the processor has instructions for it.
    #[default]
    Aes256Gcm,
    /// XChaCha20 with Poly1305: fast without such instructions.
    XChaCha20Poly1305,
}

/// The data keys of one tree, by number. Every call is answered from memory: the engine asks on
/// the commit path.
pub trait DataKeys: Send + Sync {
    /// How the tree's files are sealed. The same for as long as the tree is there.
    fn cipher(&self) -> DataCipher {
        DataCipher::default()
    }

    /// The number of the key that new files are written under.
    fn active(&self) -> u32;

    /// What key `id` may be used for.
    fn state(&self, id: u32) -> DataKeyState {
        match self.key(id) {
            Some(_) if id == self.active() => DataKeyState::Active,
            Some(_) => DataKeyState::DecryptOnly,
            None => DataKeyState::Unknown,
        }
    }

    /// The key, in memory that is wiped when it is dropped. The bytes behind a number never change.
    fn key(&self, id: u32) -> Option<Zeroizing<[u8; 32]>>;
}

/// Creates, finds and destroys the data keys of trees. The calls may wait for a disk and are made
/// where blocking is allowed.
pub trait KeyRing: Send + Sync {
    /// Creates the data key of a new tree. Once it returns, the key survives a crash.
    fn create(&self, tree: TreeId) -> Result<Arc<dyn DataKeys>, KeyError>;

    /// The data keys of `tree`, or nothing if it has none. [`KeyLocked`] if it has some that cannot
    /// be had now.
    fn lookup(&self, tree: TreeId) -> Result<Option<Arc<dyn DataKeys>>, KeyError>;

    /// Gives `tree` a further data key for the files that are begun from now on; the keys that it
    /// has can still be read with. The [`DataKeys`] handed out before follow. Once it returns, the
    /// key survives a crash. The number of the new key.
    fn rotate(&self, tree: TreeId) -> Result<u32, KeyError>;

    /// Destroys one data key of `tree`, which is not the active one and which no file needs. Once it
    /// returns, the key does not come back after a crash. A ring that keeps old keys refuses.
    fn retire(&self, _tree: TreeId, _id: u32) -> Result<(), KeyError> {
        Err("this key ring keeps old data keys".into())
    }

    /// Destroys the data keys of `tree`. Once it returns, they do not come back after a crash. A
    /// tree that has none is no error.
    fn destroy(&self, tree: TreeId) -> Result<(), KeyError>;

    /// The trees that have data keys: what an interrupted creation or drop left is found with it.
    fn trees(&self) -> Result<Vec<TreeId>, KeyError>;
}

/// Whether a dbpath is encrypted, and with whose keys.
#[derive(Clone)]
pub enum Encryption {
    /// Files are in clear.
    None,
    /// Every file of every tree is sealed under data keys of this ring.
    Keys(Arc<dyn KeyRing>),
}

impl Encryption {
    /// Whether files are sealed.
    pub fn is_on(&self) -> bool {
        matches!(self, Encryption::Keys(_))
    }
}

impl fmt::Debug for Encryption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_on() {
            "Encryption::Keys"
        } else {
            "Encryption::None"
        })
    }
}
