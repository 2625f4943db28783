//! The engine's errors as ours.

use std::sync::Arc;

use surrealkv::EncryptionError;

use crate::error::Error;

/// Turns errors of one tree into ours, which name it.
#[derive(Clone)]
pub(super) struct Translate {
    pub(super) tree: Arc<str>,
}

impl Translate {
    pub(super) fn error(&self, error: surrealkv::Error) -> Error {
        use surrealkv::Error as E;
        match error {
            E::TransactionWriteConflict | E::TransactionRetry => Error::WriteConflict,
            E::BatchTooLarge => Error::TransactionTooLarge,
            E::PipelineStall | E::TransactionClosed => Error::Closed,
            E::Io(source) => Error::Io {
                context: format!("tree {}", self.tree),
                source: std::io::Error::new(source.kind(), source.to_string()),
            },
            E::Encryption(error) => self.encryption(error),
            E::DatabaseStopped(_) | E::DatabasePoisoned(_) | E::ManifestWriteUncertain(_) => {
                Error::Stopped(self.text(&error))
            }
            E::Corruption(_)
            | E::CorruptedBlock(_)
            | E::CorruptedTableMetadata(_)
            | E::ManifestCorruption(_)
            | E::ManifestMissing(_)
            | E::LoadManifestFail(_)
            | E::WalCorruption { .. }
            | E::Decompression(_)
            | E::InvalidTableFormat
            | E::SSTable(_)
            | E::BlockNotFound
            | E::TableNotFound(_)
            | E::RestoreInterrupted(_) => Error::Corruption(self.text(&error)),
            error => Error::Engine(self.text(&error)),
        }
    }

    fn encryption(&self, error: EncryptionError) -> Error {
        match error {
            EncryptionError::WrongKey => Error::WrongKey {
                tree: self.tree.to_string(),
            },
            EncryptionError::UnknownKeyId
            | EncryptionError::KeyRetired
            | EncryptionError::KeyProvider(_) => Error::Keys {
                tree: self.tree.to_string(),
                reason: error.to_string().into(),
            },
            error => Error::Corruption(format!("tree {}: {error}", self.tree)),
        }
    }

    fn text(&self, error: &surrealkv::Error) -> String {
        format!("tree {}: {error}", self.tree)
    }
}
