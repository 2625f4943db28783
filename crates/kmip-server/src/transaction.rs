//! Changes of objects that are made together, and what is looked at before they are written.

use std::sync::Arc;

use kmip::registry::ResultReason;
use storage::KeyValueSnapshot;

use crate::failure::Failure;
use crate::index::{self, Tenant};
use crate::object::Object;
use crate::objects::Objects;
use crate::store::StoreError;

/// How many attributes an object may have.
const MOST_ATTRIBUTES: usize = 2_000;

fn check_size(pending: &Pending) -> Result<(), Failure> {
    let count = pending.after.attributes.len();
    let before = pending
        .before
        .as_ref()
        .map_or(0, |before| before.attributes.len());
    if count > MOST_ATTRIBUTES && count > before {
        return Err(Failure::new(
            ResultReason::ServerLimitExceeded,
            format!("an object has {MOST_ATTRIBUTES} attributes at most"),
        ));
    }
    Ok(())
}

/// A Name is its owner's only object's (KMIP 1.4, section 3.2). Destroyed objects give theirs up.
fn check_names(
    snapshot: &KeyValueSnapshot,
    tenant: Tenant,
    pending: &[Pending],
) -> Result<(), Failure> {
    let has_it = |object: &Object, name: &str| {
        !object.is_destroyed() && object.names().any(|own| own.value == name)
    };
    for (place, this) in pending.iter().enumerate() {
        let unchanged = |before: &Arc<Object>| before.names().eq(this.after.names());
        if this.after.is_destroyed() || this.before.as_ref().is_some_and(unchanged) {
            continue;
        }
        for name in this.after.names() {
            let among_pending = pending
                .iter()
                .enumerate()
                .any(|(other, object)| other != place && has_it(&object.after, &name.value));
            let holder = snapshot
                .get(&index::name_key(tenant, &name.value))
                .map_err(StoreError::from)?;
            let is_pending = |holder: &[u8]| {
                let mut pending = pending.iter();
                pending.any(|pending| pending.after.identifier.as_bytes() == holder)
            };
            if among_pending || holder.is_some_and(|holder| !is_pending(&holder)) {
                return Err(Failure::new(
                    ResultReason::NonUniqueNameAttribute,
                    "the Name is in use by another object",
                ));
            }
        }
    }
    Ok(())
}

/// An object that is made or changed.
pub(crate) struct Pending {
    /// What it was; `None` if it is new.
    pub(crate) before: Option<Arc<Object>>,
    /// What it is to be.
    pub(crate) after: Object,
}

/// Changes that are made together.
pub(crate) struct Transaction<'a> {
    objects: &'a Objects,
    snapshot: KeyValueSnapshot,
    owner: &'a Arc<str>,
    tenant: Option<Tenant>,
    pending: Vec<Pending>,
}

impl<'a> Transaction<'a> {
    /// To be made while nobody else changes anything, and ended before anybody does.
    pub(crate) fn new(
        objects: &'a Objects,
        snapshot: KeyValueSnapshot,
        owner: &'a Arc<str>,
    ) -> Self {
        Self {
            objects,
            snapshot,
            owner,
            tenant: objects.tenant(owner),
            pending: Vec::new(),
        }
    }

    /// The changes, if they may be made.
    pub(crate) fn end(self) -> Result<Vec<Pending>, Failure> {
        for pending in &self.pending {
            check_size(pending)?;
        }
        if let Some(tenant) = self.tenant {
            check_names(&self.snapshot, tenant, &self.pending)?;
        }
        Ok(self.pending)
    }

    /// An object of the owner's as it is in the store.
    fn stored(&self, identifier: &str) -> Result<Option<Arc<Object>>, Failure> {
        let Some(tenant) = self.tenant else {
            return Ok(None);
        };
        let key = index::object_key(tenant, identifier);
        if let Some((object, _)) = self.objects.cache.get(&key) {
            return Ok(Some(object));
        }
        let found = self.objects.read_from(&self.snapshot, &key, identifier)?;
        Ok(found.map(|(object, _)| object))
    }

    /// Adds a new object.
    pub(crate) fn insert(&mut self, object: Object) {
        debug_assert_eq!(object.owner, *self.owner);
        self.pending.push(Pending {
            before: None,
            after: object,
        });
    }

    /// Takes the place of an object of this identifier, if there is one.
    pub(crate) fn replace(&mut self, object: Object) -> Result<(), Failure> {
        let before = self.stored(&object.identifier)?;
        self.pending.push(Pending {
            before,
            after: object,
        });
        Ok(())
    }

    /// Changes an object of the owner's.
    pub(crate) fn change(
        &mut self,
        identifier: &str,
        change: impl FnOnce(&mut Object) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let known = self
            .pending
            .iter_mut()
            .find(|pending| pending.after.identifier == identifier);
        if let Some(pending) = known {
            return change(&mut pending.after);
        }
        let before = self
            .stored(identifier)?
            .ok_or_else(|| Failure::not_found(identifier))?;
        let mut after = Object::clone(&before);
        change(&mut after)?;
        self.pending.push(Pending {
            before: Some(before),
            after,
        });
        Ok(())
    }

    /// Whether the owner has an object of this identifier.
    pub(crate) fn is_taken(&self, identifier: &str) -> Result<bool, Failure> {
        Ok(self.stored(identifier)?.is_some())
    }
}
