//! Start-up with encryption: the decision table, row by row.

use std::path::Path;
use std::sync::Arc;

use keystore::provider::key_file;
use keystore::provider::kmip::{Fetched, KmipKeyError, KmipKeys, WrapContext, is_definite_refusal};
use keystore::rotation::{self, RotationError, Target};
use keystore::{Cipher, Header, Keystore, MasterKeyRef, Provider, failpoint, key_name};
use kmip_client::Client;
use time::OffsetDateTime;
use uuid::Uuid;

use super::error::{describe, in_tls_file};
use super::{
    DbpathLock, DbpathState, EncryptionOptions, KmipOptions, MasterKeySource, Opened, StartupError,
};
use crate::emit;
use crate::encryption::{Encryption, FoundKey, Via};
use crate::log::events;

/// The generation of a dbpath's first master key.
const FIRST_GENERATION: u32 = 1;

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
struct Outcome {
    keystore: Keystore,
    kmip: Option<(FoundKey, KmipKeys)>,
    fresh: bool,
}

/// A dbpath without data: `announced` if a start was interrupted on it.
async fn fresh(
    dbpath: &Path,
    announced: Option<&Header>,
    options: &EncryptionOptions,
) -> Result<Outcome, StartupError> {
    check_fresh(dbpath, announced, options)?;
    let fresh = Fresh {
        dbpath,
        dbpath_id: announced.map_or_else(Uuid::new_v4, Header::dbpath_id),
        cipher: options.cipher.unwrap_or_default(),
        announced: announced.and_then(Header::pending),
    };
    match &options.master_key {
        MasterKeySource::KeyFile(path) => {
            let master = key_file::read(path)?;
            let key = MasterKeyRef::key_file(FIRST_GENERATION);
            let keystore = Keystore::create(dbpath, fresh.dbpath_id, fresh.cipher, key, &master)?;
            Ok(Outcome {
                keystore,
                kmip: None,
                fresh: true,
            })
        }
        MasterKeySource::Kmip(kmip) => {
            let mut keys = connect(client(kmip)?, kmip).await?;
            if kmip.wrap_on_server {
                keys.check_can_wrap().await?;
            }
            let (key, fetched) = fresh.master_key(&mut keys, kmip).await?;
            failpoint::hit("startup.before_keystore");
            let (id, cipher) = (fresh.dbpath_id, fresh.cipher);
            let keystore = Keystore::create(dbpath, id, cipher, key, &fetched.key)?;
            Ok(Outcome {
                keystore,
                kmip: Some((found(&keys, &fetched, kmip), keys)),
                fresh: true,
            })
        }
    }
}

/// A dbpath that gets its first master key.
struct Fresh<'a> {
    dbpath: &'a Path,
    dbpath_id: Uuid,
    cipher: Cipher,
    /// The key that an interrupted start announced.
    announced: Option<&'a MasterKeyRef>,
}

impl Fresh<'_> {
    /// The key that was given, or else one that is created now.
    async fn master_key(
        &self,
        keys: &mut KmipKeys,
        options: &KmipOptions,
    ) -> Result<(MasterKeyRef, Fetched), StartupError> {
        let announced = self.announced.and_then(|key| key.name.as_deref());
        match options.key_identifier.as_deref() {
            None => {
                let name = match announced {
                    Some(name) => name.to_owned(),
                    None => key_name(self.dbpath_id, FIRST_GENERATION),
                };
                self.created_key(keys, &name).await
            }
            // The interrupted start was about to create the key under the Name that is given again.
            Some(given) if announced == Some(given) => self.created_key(keys, given).await,
            Some(given) => match keys.find(given).await? {
                Ok(found) => {
                    // Kept, so that either may be given later.
                    let name = Some(given)
                        .filter(|given| *given != found.unique_identifier)
                        .map(str::to_owned);
                    let fetched = keys.take_into_use(found, &self.context()).await?;
                    self.tell_of_orphan(keys).await;
                    Ok((fetched.reference(FIRST_GENERATION, name)?, fetched))
                }
                Err(_) if options.create_key_if_missing => self.created_key(keys, given).await,
                Err(not_there) => Err(not_there.error(given).into()),
            },
        }
    }

    /// The key with this Name of our own: found if an interrupted start created it, created if not.
    async fn created_key(
        &self,
        keys: &mut KmipKeys,
        name: &str,
    ) -> Result<(MasterKeyRef, Fetched), StartupError> {
        let announced = self.announced.and_then(|key| key.name.as_deref()) == Some(name);
        let found = match announced {
            true => keys.find_announced(name).await?,
            false => None,
        };
        let identifier = match found {
            Some(found) => {
                emit!(
                    events::KEY_FOUND_AGAIN,
                    keyId = found.unique_identifier,
                    name
                );
                found.unique_identifier
            }
            None => {
                keys.check_can_create().await?;
                if !announced {
                    self.tell_of_orphan(keys).await;
                    self.announce(name)?;
                }
                self.create(keys, name).await?
            }
        };
        let interrupted = |source: KmipKeyError| StartupError::Interrupted {
            name: name.to_owned(),
            source,
        };
        keys.activate_created(&identifier)
            .await
            .map_err(interrupted)?;
        let fetched = self.created(keys, &identifier).await.map_err(interrupted)?;
        let key = fetched.reference(FIRST_GENERATION, Some(name.to_owned()))?;
        Ok((key, fetched))
    }

    /// Takes the key that was created into use.
    async fn created(
        &self,
        keys: &mut KmipKeys,
        identifier: &str,
    ) -> Result<Fetched, KmipKeyError> {
        match keys.find(identifier).await? {
            Ok(found) => keys.take_into_use(found, &self.context()).await,
            Err(not_there) => Err(not_there.error(identifier)),
        }
    }

    /// What a key that the KMIP server wraps belongs to.
    fn context(&self) -> WrapContext {
        WrapContext {
            dbpath_id: self.dbpath_id,
            tree: None,
            generation: FIRST_GENERATION,
        }
    }

    /// Writes the Name into the dbpath before a key with it is created.
    fn announce(&self, name: &str) -> Result<(), StartupError> {
        let key = MasterKeyRef::kmip(FIRST_GENERATION, Some(name.to_owned()), None)?;
        Keystore::withdraw(self.dbpath)?;
        Keystore::announce(self.dbpath, self.dbpath_id, self.cipher, key)?;
        Ok(())
    }

    async fn create(&self, keys: &mut KmipKeys, name: &str) -> Result<String, StartupError> {
        match keys.create(name).await {
            Ok(identifier) => {
                emit!(
                    events::KEY_CREATED,
                    keyId = identifier,
                    name,
                    server = %keys.session().server()
                );
                Ok(identifier)
            }
            // The server said no: there is no key, and the dbpath is left as it was found.
            Err(refusal) if is_definite_refusal(&refusal) => {
                Keystore::withdraw(self.dbpath)?;
                Err(refusal.into())
            }
            Err(source) => Err(StartupError::Interrupted {
                name: name.to_owned(),
                source,
            }),
        }
    }

    /// An interrupted start may have created a key that is not going to be used: says which.
    async fn tell_of_orphan(&self, keys: &mut KmipKeys) {
        let Some(name) = self.announced.and_then(|key| key.name.as_deref()) else {
            return;
        };
        if let Ok(Some(orphan)) = keys.find_announced(name).await {
            emit!(
                events::KEY_NOT_NEEDED,
                keyId = orphan.unique_identifier,
                name
            );
        }
    }
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

fn found(keys: &KmipKeys, fetched: &Fetched, options: &KmipOptions) -> FoundKey {
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
