//! Whether options fit what a keystore says about itself without its master key.

use std::path::Path;

use keystore::rotation::RotationError;
use keystore::{Header, MasterKeyRef, Provider};

use super::error::describe;
use super::{EncryptionOptions, KmipOptions, MasterKeySource, StartupError};

/// Whether the options fit a dbpath without data: `announced` if a start was interrupted on it. Looks at
/// nothing but them.
///
/// # Errors
/// See [`StartupError`].
pub(crate) fn check_fresh(
    dbpath: &Path,
    announced: Option<&Header>,
    options: &EncryptionOptions,
) -> Result<(), StartupError> {
    let asked = match &options.master_key {
        MasterKeySource::KeyFile(_) => Provider::KeyFile,
        MasterKeySource::Kmip(kmip) if kmip.rotate_master_key => {
            return Err(StartupError::NothingToRotate {
                dbpath: dbpath.to_path_buf(),
            });
        }
        MasterKeySource::Kmip(_) => Provider::Kmip,
    };
    match announced.and_then(Header::pending) {
        Some(pending) => check_provider(dbpath, pending, asked),
        None => Ok(()),
    }
}

/// Whether the options fit what a complete keystore says about itself. Looks at nothing but them.
///
/// # Errors
/// See [`StartupError`].
pub(crate) fn check_existing(
    dbpath: &Path,
    header: &Header,
    options: &EncryptionOptions,
) -> Result<(), StartupError> {
    let saved = saved(dbpath, header)?;
    if let Some(asked) = options.cipher.filter(|asked| *asked != header.cipher()) {
        return Err(StartupError::CipherMismatch {
            dbpath: dbpath.to_path_buf(),
            saved: header.cipher(),
            asked,
        });
    }
    match &options.master_key {
        MasterKeySource::KeyFile(_) => check_provider(dbpath, saved, Provider::KeyFile),
        MasterKeySource::Kmip(kmip) if kmip.rotate_master_key => {
            check_provider(dbpath, saved, Provider::Kmip)?;
            check_another(saved, kmip)
        }
        MasterKeySource::Kmip(kmip) => {
            // The same key may have been put on a KMIP server: only the keys can tell.
            if saved.provider == Provider::KeyFile && kmip.key_identifier.is_some() {
                return Ok(());
            }
            check_provider(dbpath, saved, Provider::Kmip)?;
            check_identifier(dbpath, saved, kmip)
        }
    }
}

/// Whether a rotation has something to rotate to, as far as that is known without asking the server. The
/// same key used in the other way (`wrapOnServer`) is something.
fn check_another(saved: &MasterKeyRef, options: &KmipOptions) -> Result<(), StartupError> {
    let given = options.key_identifier.as_deref();
    let is_same = given.is_some()
        && (given == saved.identifier.as_deref() || given == saved.name.as_deref())
        && saved.is_wrapped_on_server() == options.wrap_on_server;
    match is_same {
        true => Err(StartupError::Rotation(RotationError::NothingToRotate {
            key: saved.to_string(),
        })),
        false => Ok(()),
    }
}

pub(super) fn saved<'a>(
    dbpath: &Path,
    header: &'a Header,
) -> Result<&'a MasterKeyRef, StartupError> {
    header
        .master_key()
        .ok_or_else(|| StartupError::KeystoreMissing {
            dbpath: dbpath.to_path_buf(),
        })
}

pub(super) fn check_provider(
    dbpath: &Path,
    saved: &MasterKeyRef,
    asked: Provider,
) -> Result<(), StartupError> {
    if saved.provider == asked {
        return Ok(());
    }
    Err(StartupError::ProviderMismatch {
        dbpath: dbpath.to_path_buf(),
        saved: saved.to_string(),
        asked,
    })
}

/// Whether what was given, if anything, is the saved identifier or the saved Name.
fn check_identifier(
    dbpath: &Path,
    saved: &MasterKeyRef,
    options: &KmipOptions,
) -> Result<(), StartupError> {
    let Some(given) = options.key_identifier.as_deref() else {
        return Ok(());
    };
    if [saved.identifier.as_deref(), saved.name.as_deref()].contains(&Some(given)) {
        return Ok(());
    }
    Err(StartupError::IdentifierMismatch {
        dbpath: dbpath.to_path_buf(),
        given: given.to_owned(),
        saved: describe(Some(saved)),
    })
}
