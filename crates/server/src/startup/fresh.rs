//! A dbpath without data gets its first master key.

use std::path::Path;

use keystore::provider::key_file;
use keystore::provider::kmip::{
    Announced, Fetched, KmipKeyError, KmipKeys, WrapContext, is_definite_refusal,
};
use keystore::rotation;
use keystore::{Cipher, Header, Keystore, MasterKeyRef, failpoint, key_name};
use uuid::Uuid;

use super::encrypted::{Outcome, client, connect, found};
use super::fits::check_fresh;
use super::{EncryptionOptions, KmipOptions, MasterKeySource, StartupError};
use crate::emit;
use crate::log::events;

/// The generation of a dbpath's first master key.
const FIRST_GENERATION: u32 = 1;

/// A dbpath without data: `announced` if a start was interrupted on it.
pub(super) async fn fresh(
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
                self.created_key(keys, &name, false).await
            }
            // The interrupted start was about to create the key under the Name that is given again.
            Some(given) if announced == Some(given) => self.created_key(keys, given, true).await,
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
                Err(_) if options.create_key_if_missing => {
                    self.created_key(keys, given, true).await
                }
                Err(not_there) => Err(not_there.error(given).into()),
            },
        }
    }

    /// The key with this Name of our own: found if an interrupted start created it, created if not.
    async fn created_key(
        &self,
        keys: &mut KmipKeys,
        name: &str,
        is_given: bool,
    ) -> Result<(MasterKeyRef, Fetched), StartupError> {
        let announced = self.announced.and_then(|key| key.name.as_deref()) == Some(name);
        let mut name = name.to_owned();
        let (mut found, mut given_up) = (None, None);
        if announced {
            match keys.look_for_announced(&name).await? {
                Announced::Found(attributes) => found = Some(attributes),
                // The Name that an operator gave is not changed: who asks for it decides what becomes of several.
                _ if is_given => {}
                Announced::Unusable => given_up = Some(Vec::new()),
                Announced::Unknown(not_asked) => given_up = Some(not_asked),
                _ => {}
            }
        }
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
                match given_up {
                    // It was made where nobody answers, or is revoked: the Name is used up.
                    Some(not_asked) => {
                        let first = key_name(self.dbpath_id, FIRST_GENERATION);
                        let next = rotation::free_name(keys, first, Some(&name)).await?;
                        self.announce(&next)?;
                        let name = std::mem::replace(&mut name, next);
                        emit!(
                            events::KEY_NOT_NEEDED,
                            keyId = "not found",
                            name,
                            notAsked = not_asked.join(", ")
                        );
                    }
                    None if announced => {}
                    None => {
                        self.tell_of_orphan(keys).await;
                        self.announce(&name)?;
                    }
                }
                self.create(keys, &name).await?
            }
        };
        let name = name.as_str();
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

    /// Writes the Name into the dbpath before a key with it is created. In place of another one, if there is one, so
    /// that there is no moment without.
    fn announce(&self, name: &str) -> Result<(), StartupError> {
        let key = MasterKeyRef::kmip(FIRST_GENERATION, Some(name.to_owned()), None)?;
        match self.announced {
            Some(_) => Keystore::announce_another(self.dbpath, self.cipher, key)?,
            None => Keystore::announce(self.dbpath, self.dbpath_id, self.cipher, key)?,
        };
        failpoint::hit("startup.announced");
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
