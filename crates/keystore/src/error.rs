//! What can go wrong with a keystore.

use std::io;
use std::path::{Path, PathBuf};

use crate::format::{FormatError, MasterKeyRef};
use crate::tree_id::TreeId;

/// An error of the keystore. No variant carries key material.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The system refused to read or write.
    #[error("cannot {operation} {path}: {source}")]
    Io {
        /// What was tried, as a verb.
        operation: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The file was damaged: its digest does not match, or it is not in the keystore's format.
    #[error(
        "the keystore {path} is damaged: {problem}. Restore the file from a backup of this dbpath"
    )]
    Corrupt {
        /// The keystore.
        path: PathBuf,
        /// What is wrong with it.
        problem: FormatError,
    },
    /// The file was written by a newer version.
    #[error(
        "the keystore {path} was written by a newer version of this program: {problem}. \
         Use that version, or a newer one"
    )]
    NewerFormat {
        /// The keystore.
        path: PathBuf,
        /// What this version does not know.
        problem: FormatError,
    },
    /// The file is whole, and the master key is not the one it was written under.
    #[error(
        "the master key is not the one that the keystore {path} was written under ({expected}). \
         The file itself is undamaged: provide that key"
    )]
    WrongKey {
        /// The keystore.
        path: PathBuf,
        /// The master key that it names.
        expected: String,
    },
    /// The file's digest matches and so does the master key, yet authentication fails: somebody
    /// changed the file and recomputed its digest.
    #[error(
        "the keystore {path} fails authentication under its own master key: it was changed by somebody \
         without that key. Restore the file from a backup of this dbpath"
    )]
    Tampered {
        /// The keystore.
        path: PathBuf,
    },
    /// There is no keystore.
    #[error("there is no keystore {path}: the dbpath is not encrypted, or the file was removed")]
    NotFound {
        /// Where it would be.
        path: PathBuf,
    },
    /// There is a keystore already.
    #[error("there is a keystore {path} already; it is not overwritten")]
    AlreadyExists {
        /// The keystore.
        path: PathBuf,
    },
    /// The keystore only announces a master key; it holds no data keys yet.
    #[error(
        "the keystore {path} was never completed: it announces a master key but holds no data keys"
    )]
    Incomplete {
        /// The keystore.
        path: PathBuf,
    },
    /// The tree has no data key.
    #[error("there is no data key for tree {0} in the keystore")]
    UnknownTree(TreeId),
    /// The tree has a data key already.
    #[error("there is a data key for tree {0} in the keystore already")]
    TreeExists(TreeId),
    /// The data key is the one that new data is written under.
    #[error("the data key {key_id} of tree {tree} is not destroyed: new data is written under it")]
    ActiveDataKey {
        /// The tree.
        tree: TreeId,
        /// The data key.
        key_id: u32,
    },
    /// The keystore holds as much as it can.
    #[error("the keystore is full: it holds at most {limit} {what}")]
    Full {
        /// What there is too much of.
        what: &'static str,
        /// The most there may be.
        limit: usize,
    },
    /// A name or identifier is longer than the format has room for.
    #[error("the master key's {what} is {got} bytes long; a keystore has room for {limit}")]
    TooLong {
        /// Which text.
        what: &'static str,
        /// Its length in bytes.
        got: usize,
        /// The most there may be.
        limit: usize,
    },
    /// The tree's data keys are wrapped under a master key of its own, which was not provided yet.
    #[error(
        "tree {tree} is locked: its data keys are under a master key of its own ({key}), which is not \
         available. The other trees are not concerned"
    )]
    Locked {
        /// The tree.
        tree: TreeId,
        /// Its master key.
        key: Box<MasterKeyRef>,
    },
    /// The key is not the master key of the tree.
    #[error(
        "the master key is not the one that the data keys of tree {tree} are under ({expected}). \
         The keystore {path} itself is undamaged: provide that key"
    )]
    WrongTreeKey {
        /// The keystore.
        path: PathBuf,
        /// The tree.
        tree: TreeId,
        /// Its master key.
        expected: String,
    },
    /// The tree has no master key of its own.
    #[error("tree {0} has no master key of its own: its data keys are under that of the dbpath")]
    NoTreeMasterKey(TreeId),
    /// The system's random number generator failed.
    #[error("the system's random number generator failed")]
    Random,
    /// The cryptographic library refused to encrypt or derive, which it does for no valid input.
    #[error("the cryptographic library failed to {0}")]
    Crypto(&'static str),
}

impl Error {
    /// What the decoder said, about the file at `path`.
    pub(crate) fn in_file(path: &Path, problem: FormatError) -> Error {
        let path = path.to_path_buf();
        match problem {
            FormatError::NewerVersion { .. } | FormatError::UnknownRecord { .. } => {
                Error::NewerFormat { path, problem }
            }
            _ => Error::Corrupt { path, problem },
        }
    }
}
