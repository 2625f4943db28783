//! To a key that is created for it: announce, create, activate, fetch.

use std::sync::Arc;

use super::{Next, NotNeeded, Origin, RotationError, blocking, next_generation};
use crate::error::Error;
use crate::failpoint;
use crate::format::{MasterKeyRef, Provider, key_name};
use crate::handle::{Info, Keystore};
use crate::provider::kmip::{KmipKeyError, KmipKeys, WrapContext, is_definite_refusal};

/// How many Names are tried for a key. More than one is needed only if somebody rotates copies of a dbpath.
const MAX_NAMES: u32 = 100;

pub(super) async fn new_key(
    keystore: &Arc<Keystore>,
    info: &Info,
    keys: &mut KmipKeys,
) -> Result<Next, RotationError> {
    let mut not_needed = None;
    let announced = announced_name(info);
    let mut found = None;
    let mut name = announced.map(str::to_owned);
    if let Some(announced) = announced {
        found = keys.find_announced(announced).await?;
        if found.is_none() && keys.is_name_taken(announced).await? {
            // Somebody revoked the key meanwhile: it cannot be used, and its Name is not free.
            not_needed = Some(NotNeeded {
                name: announced.to_owned(),
                identifier: None,
            });
            name = None;
        }
    }
    let generation = match (&name, &info.pending) {
        (Some(_), Some(pending)) => pending.generation,
        _ => next_generation(info),
    };
    let is_new = found.is_none();
    match is_new {
        true => keys.check_can_create().await?,
        false if keys.wraps_on_server() => keys.check_can_wrap().await?,
        false => {}
    }
    let name = match name {
        Some(name) => name,
        None => announce(keystore, info, keys, generation).await?,
    };
    failpoint::hit("rotate.announced");
    let interrupted = |source| RotationError::Interrupted {
        name: name.clone(),
        source,
    };
    let identifier = match found {
        Some(found) => found.unique_identifier,
        None => match keys.create(&name).await {
            Ok(identifier) => identifier,
            // The server said no: there is no key, and none is announced any more.
            Err(refusal) if is_definite_refusal(&refusal) => {
                withdraw(keystore).await?;
                return Err(refusal.into());
            }
            Err(source) => return Err(interrupted(source)),
        },
    };
    keys.activate_created(&identifier)
        .await
        .map_err(interrupted)?;
    let context = WrapContext {
        dbpath_id: info.dbpath_id,
        tree: None,
        generation,
    };
    let attributes = keys.attributes(&identifier).await.map_err(interrupted)?;
    let fetched = match keys.take_into_use(attributes, &context).await {
        Ok(fetched) => fetched,
        // Query does not say which modes Encrypt knows: some servers have to be tried.
        Err(refusal @ KmipKeyError::NotOffered { .. }) if is_new => {
            keys.discard(&identifier).await;
            withdraw(keystore).await?;
            return Err(refusal.into());
        }
        Err(source) => return Err(interrupted(source)),
    };
    Ok(Next {
        key: fetched.reference(generation, Some(name.clone()))?,
        master: fetched.key,
        origin: match is_new {
            true => Origin::Created,
            false => Origin::FoundAgain,
        },
        attributes: Some(fetched.attributes),
        not_needed,
    })
}

/// The Name that an interrupted rotation announced.
fn announced_name(info: &Info) -> Option<&str> {
    let pending = info.pending.as_ref()?;
    let name = pending.name.as_deref();
    name.filter(|_| pending.provider == Provider::Kmip)
}

/// Writes the Name of the next key into the keystore before the key is created.
async fn announce(
    keystore: &Arc<Keystore>,
    info: &Info,
    keys: &mut KmipKeys,
    generation: u32,
) -> Result<String, RotationError> {
    let name = free_name(keys, key_name(info.dbpath_id, generation)).await?;
    let key = MasterKeyRef::kmip(generation, Some(name.clone()), None)?;
    let keystore = Arc::clone(keystore);
    blocking(move || keystore.announce_next(Some(key))).await?;
    Ok(name)
}

async fn withdraw(keystore: &Arc<Keystore>) -> Result<(), Error> {
    let keystore = Arc::clone(keystore);
    blocking(move || keystore.announce_next(None)).await
}

/// A Name that no key has. A copy of the dbpath that was rotated on its own has taken the first, and its key is not
/// ours to use.
async fn free_name(keys: &mut KmipKeys, first: String) -> Result<String, RotationError> {
    if !keys.is_name_taken(&first).await? {
        return Ok(first);
    }
    for number in 2..=MAX_NAMES {
        let name = format!("{first}-{number}");
        if !keys.is_name_taken(&name).await? {
            return Ok(name);
        }
    }
    Err(RotationError::NoFreeName {
        name: first,
        limit: MAX_NAMES,
    })
}

/// What an interrupted rotation announced, when another key than that is taken into use.
pub(super) async fn not_needed(
    info: &Info,
    keys: Option<&mut KmipKeys>,
    in_use: &str,
) -> Option<NotNeeded> {
    let name = announced_name(info)?;
    let found = match keys {
        // Only for whoever reads it: no reason to fail.
        Some(keys) => keys.find_announced(name).await.ok().flatten(),
        None => None,
    };
    let identifier = found.map(|found| found.unique_identifier);
    (identifier.as_deref() != Some(in_use)).then(|| NotNeeded {
        name: name.to_owned(),
        identifier,
    })
}
