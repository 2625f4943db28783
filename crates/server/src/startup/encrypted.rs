//! Start-up with encryption: the decision table, row by row. A dbpath without data is `fresh`'s.

use std::path::Path;
use std::sync::Arc;

use keystore::provider::key_file;
use keystore::provider::kmip::{Fetched, KmipKeyError, KmipKeys};
use keystore::rotation::{self, Target};
use keystore::{Header, Keystore, Provider};
use kmip_client::Client;
use time::OffsetDateTime;

use super::error::in_tls_file;
use super::fits::{check_existing, saved};
use super::fresh::fresh;
use super::{
    DbpathLock, DbpathState, EncryptionOptions, KmipOptions, MasterKeySource, Opened, StartupError,
};
use crate::emit;
use crate::encryption::{Encryption, FoundKey, Via};
use crate::log::events;

pub(super) async fn open(
    dbpath: &Path,
    state: DbpathState,
    options: &EncryptionOptions,
    lock: DbpathLock,
) -> Result<Opened, StartupError> {
    let Outcome {
        keystore,
        kmip,
        fresh,
    } = match state {
        // `fits` has refused it.
        DbpathState::Plain => {
            return Err(StartupError::NotEncrypted {
                dbpath: dbpath.to_path_buf(),
            });
        }
        DbpathState::Empty => fresh(dbpath, None, options).await?,
        DbpathState::Announced(header) => fresh(dbpath, Some(&header), options).await?,
        DbpathState::Encrypted(header) => existing(dbpath, &header, options).await?,
    };
    let info = keystore.info();
    if fresh {
        emit!(events::KEYSTORE_CREATED, masterKey = %info.master_key, cipher = %info.cipher);
    } else {
        emit!(
            events::KEYSTORE_OPENED,
            masterKey = %info.master_key,
            cipher = %info.cipher,
            dataKeys = info.data_keys
        );
    }
    if let Some(pending) = &info.pending {
        emit!(events::ROTATION_INCOMPLETE, masterKey = %pending);
    }
    for lineage in keystore.announced_tree_keys() {
        if let Some(pending) = &lineage.pending {
            emit!(events::ROTATION_INCOMPLETE, tree = %lineage.tree, masterKey = %pending);
        }
    }
    let keystore = Arc::new(keystore);
    let (found, mut keys) = match kmip {
        Some((found, keys)) => (Some(found), Some(keys)),
        None => (None, None),
    };
    let encryption = Encryption::new(Arc::clone(&keystore), found);
    encryption.unlock_all(keys.as_mut()).await;
    Ok(Opened {
        encryption: Some(encryption),
        keystore: Some(keystore),
        fresh,
        lock,
    })
}

/// The open keystore, the connection that its master key came over, and whether it is new.
pub(super) struct Outcome {
    pub(super) keystore: Keystore,
    pub(super) kmip: Option<(FoundKey, KmipKeys)>,
    pub(super) fresh: bool,
}

/// A dbpath with a complete keystore.
async fn existing(
    dbpath: &Path,
    header: &Header,
    options: &EncryptionOptions,
) -> Result<Outcome, StartupError> {
    check_existing(dbpath, header, options)?;
    let saved = saved(dbpath, header)?;
    match &options.master_key {
        MasterKeySource::KeyFile(path) => {
            let master = key_file::read(path)?;
            Ok(Outcome {
                keystore: Keystore::open(dbpath, &master)?,
                kmip: None,
                fresh: false,
            })
        }
        MasterKeySource::Kmip(kmip) => {
            let mut keys = connect(client(kmip)?, kmip).await?;
            let (keystore, fetched) = match saved.provider {
                Provider::Kmip => {
                    let is_right = |key: &_| header.is_under(key).unwrap_or(true);
                    let fetched = keys
                        .open_right_key(saved, header.dbpath_id(), None, is_right)
                        .await?;
                    (Keystore::open(dbpath, &fetched.key)?, fetched)
                }
                _ => moved_here(dbpath, &mut keys, kmip).await?,
            };
            emit!(
                events::KEY_FETCHED,
                keyId = fetched.attributes.unique_identifier.as_str(),
                unwrappedByServer = keystore.master_key().is_wrapped_on_server()
            );
            if keystore.master_key().is_wrapped_on_server() != kmip.wrap_on_server {
                emit!(
                    events::WRAP_ON_SERVER_DIFFERS,
                    startupWarning = true,
                    wrapOnServer = kmip.wrap_on_server
                );
            }
            Ok(Outcome {
                keystore,
                kmip: Some((found(&keys, &fetched, kmip), keys)),
                fresh: false,
            })
        }
    }
}

/// Data that is under a key file, and the options name a key on a KMIP server: if that is the same key, the
/// keystore names it from now on.
async fn moved_here(
    dbpath: &Path,
    keys: &mut KmipKeys,
    options: &KmipOptions,
) -> Result<(Keystore, Fetched), StartupError> {
    let given = options.key_identifier.as_deref().unwrap_or_default();
    let found = match keys.find(given).await? {
        Ok(found) => found,
        Err(not_there) => return Err(not_there.error(given).into()),
    };
    let fetched = keys.fetch_found(found).await?;
    let keystore = match Keystore::open(dbpath, &fetched.key) {
        Ok(keystore) => Arc::new(keystore),
        Err(keystore::Error::WrongKey { .. }) => {
            return Err(StartupError::OtherThanKeyFile {
                dbpath: dbpath.to_path_buf(),
                given: given.to_owned(),
            });
        }
        Err(error) => return Err(error.into()),
    };
    let target = Target::KmipKey { keys, key: given };
    let rotated = rotation::migrate(&keystore, target).await?;
    super::log_rotation(&rotated);
    drop(keystore);
    // As any later start opens it.
    let info = Keystore::inspect(dbpath)?.ok_or_else(|| StartupError::KeystoreMissing {
        dbpath: dbpath.to_path_buf(),
    })?;
    let fetched = keys.open_key(&rotated.new, info.dbpath_id(), None).await?;
    Ok((Keystore::open(dbpath, &fetched.key)?, fetched))
}

/// A client for these options, after a look at the certificate files.
pub(crate) fn client(options: &KmipOptions) -> Result<Client, StartupError> {
    let tls = &options.tls;
    tls.trust.load().map_err(|error| in_tls_file(error, None))?;
    if let Some(files) = &tls.identity {
        let identity = files
            .load()
            .map_err(|error| in_tls_file(error, Some(files)))?;
        if identity.info.is_expired_at(OffsetDateTime::now_utc()) {
            return Err(StartupError::ClientCertificateExpired {
                path: files.certificate.clone(),
                not_after: identity.info.not_after(),
            });
        }
    }
    Ok(Client::new(options.client_config()).map_err(KmipKeyError::from)?)
}

/// Connects, for keys that are used as the options say.
pub(super) async fn connect(
    client: Client,
    options: &KmipOptions,
) -> Result<KmipKeys, StartupError> {
    let keys = KmipKeys::connect(client, options.activate_keys).await?;
    let keys = keys.with_wrap_on_server(options.wrap_on_server);
    let session = keys.session();
    emit!(
        events::KMIP_CONNECTED,
        server = %session.server(),
        address = %session.address(),
        version = %session.negotiated_version()
    );
    Ok(keys)
}

/// What the running server has to know of the key that was found.
pub(super) fn found(keys: &KmipKeys, fetched: &Fetched, options: &KmipOptions) -> FoundKey {
    let session = keys.session();
    let attributes = &fetched.attributes;
    FoundKey {
        client: session.client().clone(),
        via: Via::of(session),
        identifier: attributes.unique_identifier.clone(),
        state: attributes
            .state
            .map_or_else(|| "unknown".to_owned(), |state| state.to_string()),
        policy: options.key_state,
        activate_keys: options.activate_keys,
        wrap_on_server: options.wrap_on_server,
    }
}
