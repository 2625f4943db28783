//! What can go wrong, by whose fault, and the MongoDB code a client sees for it.

use std::path::PathBuf;

use bson::RawDocumentBuf;
use document::ErrorCode;

/// The result of a storage operation.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A storage error. Messages name files, collections and indexes, never keys or key material; the
/// values of a duplicate key are in [`DuplicateKey`], for the client that sent them, and not in
/// `Debug` or in the text of the error.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Another transaction wrote what this one writes, after this one began. Nothing was applied:
    /// run it again. MongoDB's `WriteConflict`, a transient transaction error.
    #[error("write conflict: another operation changed the same data; run this one again")]
    WriteConflict,
    /// A unique index holds the key already.
    #[error("{}", .0.message())]
    DuplicateKey(Box<DuplicateKey>),
    /// A document has arrays in two fields of one index.
    #[error("cannot index parallel arrays [{first}] [{second}]")]
    ParallelArrays {
        /// A path of the index that leads through an array.
        first: String,
        /// Another one, through another array.
        second: String,
    },
    /// A numeric path component names both a position and a field of an array's elements.
    #[error(
        "ambiguous field name found in array (do not use numeric field names in embedded elements \
         in an array), field: '{component}'"
    )]
    AmbiguousPath {
        /// The numeric component.
        component: String,
    },
    /// The collection does not exist.
    #[error("ns does not exist: {namespace}")]
    NamespaceNotFound {
        /// `database.collection`.
        namespace: String,
    },
    /// The collection exists.
    #[error("Collection {namespace} already exists.")]
    NamespaceExists {
        /// `database.collection`.
        namespace: String,
    },
    /// No such index.
    #[error("index not found with name [{name}]")]
    IndexNotFound {
        /// The name that was asked for.
        name: String,
    },
    /// What was asked of an index or a collection is refused, with MongoDB's code for it.
    #[error("{message}")]
    Refused {
        /// MongoDB's code.
        code: ErrorCode,
        /// What was wrong and what to do.
        message: String,
    },
    /// A document cannot be stored: no `_id`, an `_id` of a type that is refused, too deep.
    #[error("{message}")]
    BadDocument {
        /// MongoDB's code.
        code: ErrorCode,
        /// What was wrong.
        message: &'static str,
    },
    /// A lock that an index build or a drop holds was not given up in time.
    #[error("unable to acquire the lock of collection {namespace} within {waited_ms} ms")]
    LockTimeout {
        /// `database.collection`.
        namespace: String,
        /// How long it was waited for, in milliseconds.
        waited_ms: u64,
    },

    /// Another process has the dbpath open.
    #[error(
        "the dbpath {} is in use by another process (it holds {})",
        path.display(),
        path.join("strongroom.lock").display()
    )]
    InUse {
        /// The dbpath.
        path: PathBuf,
    },
    /// The dbpath was written by a newer version.
    #[error(
        "the dbpath {} has format version {got}, and this version reads up to {supported}: use the \
         version that wrote it, or a newer one",
        path.display()
    )]
    FormatTooNew {
        /// The dbpath.
        path: PathBuf,
        /// The version that the format file names.
        got: u32,
        /// The newest version that is understood.
        supported: u32,
    },
    /// The dbpath is encrypted and no keys were given, or the other way round.
    #[error(
        "the dbpath {} is {}, and the server was started {}: start it as the dbpath was created",
        path.display(),
        if *.encrypted { "encrypted" } else { "not encrypted" },
        if *.encrypted { "without encryption" } else { "with encryption" }
    )]
    EncryptionMismatch {
        /// The dbpath.
        path: PathBuf,
        /// Whether the dbpath is encrypted.
        encrypted: bool,
    },
    /// The dbpath holds something that is not a dbpath of this server.
    #[error("the dbpath {} cannot be used: {reason}", path.display())]
    NotADbpath {
        /// The dbpath.
        path: PathBuf,
        /// What is wrong, and what to do.
        reason: String,
    },
    /// The key that was given is not the key the files were written with.
    #[error("wrong key: the files of tree {tree} do not authenticate under the data key given")]
    WrongKey {
        /// The tree, as its directory is named.
        tree: String,
    },
    /// The keystore could not create, find or destroy a data key.
    #[error("data key of tree {tree}: {reason}")]
    Keys {
        /// The tree, as its directory is named.
        tree: String,
        /// What the keystore said.
        #[source]
        reason: Box<dyn std::error::Error + Send + Sync>,
    },

    /// The data key of a database cannot be had: its master key is out of reach or lost, or the data
    /// key was destroyed. Only that database is affected.
    #[error("this database is locked: {reason}")]
    Locked {
        /// The tree, as its directory is named.
        tree: String,
        /// Why, and what to do.
        reason: String,
    },
    /// A backup or a restore did not finish.
    #[error(
        "{} holds a {what} that did not finish, or is still running: {}", path.display(),
        if *.what == "restore" {
            "run `strongroom restore` again with the same --dbpath, which begins anew"
        } else {
            "remove it, and take another backup"
        }
    )]
    Incomplete {
        /// The directory.
        path: PathBuf,
        /// `backup` or `restore`.
        what: &'static str,
    },
    /// There is no backup that can be used.
    #[error("{} is not a backup that can be used: {reason}", path.display())]
    NotABackup {
        /// The directory.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// A file of a backup is not what was written.
    #[error("the backup {} is damaged: {file}: {problem}", path.display())]
    BackupDamaged {
        /// The backup.
        path: PathBuf,
        /// The file, relative to it.
        file: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A backup is not restored over something else.
    #[error("{} is not empty ({found}): restore into an empty directory", path.display())]
    NotEmpty {
        /// The directory.
        path: PathBuf,
        /// What is there.
        found: String,
    },

    /// Stored bytes are not what was written: damage, or tampering.
    #[error("corruption: {0}")]
    Corruption(String),
    /// The operating system refused.
    #[error("{context}: {source}")]
    Io {
        /// What was being done, to which file.
        context: String,
        /// What the operating system said.
        #[source]
        source: std::io::Error,
    },
    /// One transaction writes more than the engine takes in one batch (4 GiB).
    #[error("the transaction is too large: split it")]
    TransactionTooLarge,
    /// The tree, the database or the store is closed, or was dropped.
    #[error("the database is closed")]
    Closed,
    /// A failure that the engine cannot recover from in place stopped the tree: open it again.
    #[error("the storage engine stopped: {0}")]
    Stopped(String),
    /// The engine said something that is none of the above.
    #[error("storage engine: {0}")]
    Engine(String),
}

impl Error {
    /// The code that a client sees.
    pub fn code(&self) -> ErrorCode {
        match self {
            Error::WriteConflict => ErrorCode::WriteConflict,
            Error::DuplicateKey(_) => ErrorCode::DuplicateKey,
            Error::ParallelArrays { .. } => ErrorCode::CannotIndexParallelArrays,
            Error::AmbiguousPath { .. } => ErrorCode::Location(16746),
            Error::NamespaceNotFound { .. } => ErrorCode::NamespaceNotFound,
            Error::NamespaceExists { .. } => ErrorCode::NamespaceExists,
            Error::IndexNotFound { .. } => ErrorCode::IndexNotFound,
            Error::Refused { code, .. } | Error::BadDocument { code, .. } => *code,
            Error::LockTimeout { .. } => ErrorCode::LockTimeout,
            Error::TransactionTooLarge => ErrorCode::TransactionTooLarge,
            Error::Closed => ErrorCode::InterruptedAtShutdown,
            // Not an internal error: nothing is broken, and no retry helps until somebody brings the
            // key back. Drivers neither retry it nor look for another server.
            Error::Locked { .. } => ErrorCode::KeyNotFound,
            _ => ErrorCode::InternalError,
        }
    }

    /// Whether running the same operation again may succeed: a conflict.
    pub fn is_write_conflict(&self) -> bool {
        matches!(self, Error::WriteConflict)
    }

    pub(crate) fn io(context: impl Into<String>, source: std::io::Error) -> Self {
        Error::Io {
            context: context.into(),
            source,
        }
    }

    pub(crate) fn refused(code: ErrorCode, message: impl Into<String>) -> Self {
        Error::Refused {
            code,
            message: message.into(),
        }
    }
}

/// Which key of which unique index was there already: what MongoDB's reply says in `keyPattern`
/// and `keyValue`.
#[derive(Clone, PartialEq)]
pub struct DuplicateKey {
    /// `database.collection`.
    pub namespace: String,
    /// The index.
    pub index: String,
    /// Its key pattern, `{a: 1}`.
    pub key_pattern: RawDocumentBuf,
    /// The values that the refused document has there, `{a: 5}`.
    pub key_value: RawDocumentBuf,
}

impl DuplicateKey {
    /// MongoDB's message without the values, which are user data: a caller that answers the
    /// client adds [`key_value`](Self::key_value) after it.
    pub fn message(&self) -> String {
        format!(
            "E11000 duplicate key error collection: {} index: {} dup key: ",
            self.namespace, self.index
        )
    }
}

// Written by hand: values are user data, and do not belong in a log.
impl std::fmt::Debug for DuplicateKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DuplicateKey")
            .field("namespace", &self.namespace)
            .field("index", &self.index)
            .finish_non_exhaustive()
    }
}
