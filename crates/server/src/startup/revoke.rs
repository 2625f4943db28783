//! `strongroom keys revoke --config`: a master key of before is revoked while the server is stopped.

use std::path::Path;
use std::sync::Arc;

use keystore::Keystore;
use keystore::rotation::{self, Revoked};

use super::encrypted::{client, connect};
use super::fits::{check_provider, saved};
use super::{
    DbpathLock, DbpathState, EncryptionOptions, MasterKeySource, StartupError, fits, inspect,
    no_core_dumps,
};

/// Revokes `key`, a unique identifier or a Name, on the KMIP servers of the options, if nothing of the dbpath needs it.
///
/// # Errors
/// See [`StartupError`]. Unless the message says otherwise, nothing was changed, here or on a KMIP server.
pub async fn revoke(
    dbpath: &Path,
    options: &EncryptionOptions,
    key: &str,
    remove_previous: bool,
) -> Result<Revoked, StartupError> {
    let _lock = DbpathLock::take(dbpath)?;
    let state = inspect(dbpath)?;
    fits(dbpath, &state, true)?;
    no_core_dumps();
    let DbpathState::Encrypted(header) = state else {
        return Err(StartupError::NothingToRevoke {
            dbpath: dbpath.to_path_buf(),
        });
    };
    let MasterKeySource::Kmip(kmip) = &options.master_key else {
        return Err(StartupError::NoKmipServer);
    };
    let saved = saved(dbpath, &header)?;
    check_provider(dbpath, saved, keystore::Provider::Kmip)?;
    let mut keys = connect(client(kmip)?, kmip).await?;
    // Its state does not matter: what it opens tells what needs the other one.
    let opened = keys
        .open_key_in_any_state(saved, header.dbpath_id(), None)
        .await?;
    let keystore = Arc::new(Keystore::open(dbpath, &opened.key)?);
    Ok(rotation::revoke(&keystore, &mut keys, key, remove_previous).await?)
}
