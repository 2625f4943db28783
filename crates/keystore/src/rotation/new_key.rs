//! To a key that is created for it: announce, create, activate, fetch.

use std::sync::Arc;

use super::slot::Slot;
use super::{Next, NotNeeded, Origin, RotationError};
use crate::failpoint;
use crate::handle::Keystore;
use crate::provider::kmip::{Announced, KmipKeyError, KmipKeys, is_definite_refusal};

/// How many Names are tried for a key. More than one is needed only if somebody rotates copies of a dbpath, or
/// if a key with the Name was made on a KMIP server that is away.
const MAX_NAMES: u32 = 100;

pub(super) async fn new_key(
    keystore: &Arc<Keystore>,
    slot: &Slot,
    keys: &mut KmipKeys,
) -> Result<Next, RotationError> {
    let mut not_needed = None;
    let mut found = None;
    let mut name = slot.announced_name().map(str::to_owned);
    if let Some(announced) = slot.announced_name() {
        let mut given_up = |perhaps_on| {
            not_needed = Some(NotNeeded {
                name: announced.to_owned(),
                identifier: None,
                perhaps_on,
            });
            name = None;
        };
        match keys.look_for_announced(announced).await? {
            Announced::Found(attributes) => found = Some(attributes),
            Announced::Nowhere => {}
            // Somebody revoked the key meanwhile: it cannot be used, and its Name is not free.
            Announced::Unusable => given_up(Vec::new()),
            // It may have been created where nobody answers: were it created here as well, two keys would have the
            // Name, and it could not be told which is in use.
            Announced::Unknown(not_asked) => given_up(not_asked),
        }
    }
    let generation = match (&name, &slot.pending) {
        (Some(_), Some(pending)) => pending.generation,
        _ => slot.next_generation,
    };
    let is_new = found.is_none();
    match is_new {
        true => keys.check_can_create().await?,
        false if keys.wraps_on_server() => keys.check_can_wrap().await?,
        false => {}
    }
    let name = match name {
        Some(name) => name,
        None => {
            let taken = not_needed.as_ref().map(|key| key.name.as_str());
            let name = free_name(keys, slot.name(generation), taken).await?;
            slot.announce(keystore, generation, &name).await?;
            name
        }
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
                slot.withdraw(keystore).await?;
                return Err(refusal.into());
            }
            Err(source) => return Err(interrupted(source)),
        },
    };
    keys.activate_created(&identifier)
        .await
        .map_err(interrupted)?;
    let attributes = keys.attributes(&identifier).await.map_err(interrupted)?;
    let context = slot.context(generation);
    let fetched = match keys.take_into_use(attributes, &context).await {
        Ok(fetched) => fetched,
        // Query does not say which modes Encrypt knows: some servers have to be tried.
        Err(refusal @ KmipKeyError::NotOffered { .. }) if is_new => {
            keys.discard(&identifier).await;
            slot.withdraw(keystore).await?;
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

/// A Name that no key on the server in use has, and that is not `taken` elsewhere: `first`, or that with a number. A copy of
/// the dbpath that was rotated on its own may have taken the first, and its key is not ours to use.
///
/// # Errors
/// [`RotationError::NoFreeName`] after a hundred of them; those of the client.
pub async fn free_name(
    keys: &mut KmipKeys,
    first: String,
    taken: Option<&str>,
) -> Result<String, RotationError> {
    for number in 1..=MAX_NAMES {
        let name = match number {
            1 => first.clone(),
            _ => format!("{first}-{number}"),
        };
        if taken != Some(name.as_str()) && !keys.is_name_taken(&name).await? {
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
    slot: &Slot,
    keys: Option<&mut KmipKeys>,
    in_use: &str,
) -> Option<NotNeeded> {
    let name = slot.announced_name()?;
    let found = match keys {
        // Only for whoever reads it: no reason to fail.
        Some(keys) => keys.find_announced(name).await.ok().flatten(),
        None => None,
    };
    let identifier = found.map(|found| found.unique_identifier);
    (identifier.as_deref() != Some(in_use)).then(|| NotNeeded {
        name: name.to_owned(),
        identifier,
        perhaps_on: Vec::new(),
    })
}
