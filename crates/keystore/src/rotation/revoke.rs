//! Revoking the master key of before.

use super::{RotationError, begin};
use crate::format::{MasterKeyRef, Provider};
use crate::handle::Keystore;
use crate::provider::kmip::KmipKeys;

/// Revokes a KMIP key that was the master key (reason Superseded: it is Deactivated, not destroyed). A key that is
/// revoked already is no error.
///
/// What this dbpath's keystore needs is looked at; what else may need the key is not known here, and the caller
/// decides: `keystore.previous` and backups from before open with it only (servers may refuse to decrypt with
/// a key that is not Active, and most still let it be fetched), as do other dbpaths that were given the same key.
///
/// # Errors
/// [`RotationError::StillNeeded`] if the keystore, or a tree of it, is under a key of this unique identifier;
/// [`RotationError::NotOnServer`] for a key file; [`RotationError::UnderWay`]; those of the KMIP server.
pub async fn revoke_old(
    keystore: &Keystore,
    keys: &mut KmipKeys,
    old: &MasterKeyRef,
) -> Result<(), RotationError> {
    let identifier = match (old.provider, &old.identifier) {
        (Provider::Kmip, Some(identifier)) => identifier,
        _ => {
            return Err(RotationError::NotOnServer {
                key: old.to_string(),
            });
        }
    };
    // Nothing comes under the key between the look and the deed.
    let _rotating = begin(keystore)?;
    if let Some(by) = needed_by(keystore, identifier) {
        let key = identifier.clone();
        return Err(RotationError::StillNeeded { key, by });
    }
    Ok(keys.revoke_superseded(identifier).await?)
}

/// What in the keystore is under the KMIP key with this unique identifier.
fn needed_by(keystore: &Keystore, identifier: &str) -> Option<String> {
    let is_it = |key: &MasterKeyRef| {
        key.provider == Provider::Kmip && key.identifier.as_deref() == Some(identifier)
    };
    if is_it(&keystore.master_key()) {
        return Some("the keystore, whose master key it is,".to_owned());
    }
    let trees: Vec<_> = keystore
        .tree_master_keys()
        .into_iter()
        .filter(|own| is_it(&own.key))
        .map(|own| own.tree.to_string())
        .collect();
    match trees.as_slice() {
        [] => None,
        [only] => Some(format!("tree {only}, whose own master key it is,")),
        [first, others @ ..] => Some(format!(
            "tree {first}, whose own master key it is, like that of {} more,",
            others.len()
        )),
    }
}
