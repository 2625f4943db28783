//! All objects: in memory to be found, in the store to stay.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::{Mutex, RwLock};

use crate::failure::Failure;
use crate::object::Object;
use crate::store::{RecordStore, StoreError};

/// All objects of all owners. What a caller gets is a snapshot; changes go through
/// [`Objects::change`], one at a time, and are durable before anybody sees them.
pub(crate) struct Objects {
    store: Box<dyn RecordStore>,
    by_identifier: RwLock<HashMap<String, Arc<Object>>>,
    changing: Mutex<()>,
}

impl Objects {
    pub(crate) fn open(store: impl RecordStore) -> Result<Self, StoreError> {
        let mut by_identifier = HashMap::new();
        for (identifier, record) in store.load()? {
            let object =
                Object::from_record(&identifier, &record).map_err(|detail| StoreError::Record {
                    identifier: identifier.clone(),
                    detail,
                })?;
            by_identifier.insert(identifier, Arc::new(object));
        }
        Ok(Self {
            store: Box::new(store),
            by_identifier: RwLock::new(by_identifier),
            changing: Mutex::new(()),
        })
    }

    /// The object, if it is the owner's.
    pub(crate) fn get(&self, owner: &str, identifier: &str) -> Result<Arc<Object>, Failure> {
        self.by_identifier
            .read()
            .get(identifier)
            .filter(|object| &*object.owner == owner)
            .cloned()
            .ok_or_else(|| Failure::not_found(identifier))
    }

    /// The owner's objects for which `wanted` holds, newest first.
    pub(crate) fn find(&self, owner: &str, wanted: impl Fn(&Object) -> bool) -> Vec<Arc<Object>> {
        let mut found: Vec<Arc<Object>> = self
            .by_identifier
            .read()
            .values()
            .filter(|object| &*object.owner == owner && wanted(object))
            .cloned()
            .collect();
        found.sort_by(|a, b| {
            b.initial_date()
                .cmp(&a.initial_date())
                .then_with(|| a.identifier.cmp(&b.identifier))
        });
        found
    }

    /// Adds a new object.
    pub(crate) fn insert(&self, object: Object) -> Result<Arc<Object>, Failure> {
        let _changing = self.changing.lock();
        self.check_names(&object)?;
        self.keep(object)
    }

    /// Changes an object of the owner's. If `change` fails, or the store does, nothing has changed.
    pub(crate) fn change(
        &self,
        owner: &str,
        identifier: &str,
        change: impl FnOnce(&mut Object) -> Result<(), Failure>,
    ) -> Result<Arc<Object>, Failure> {
        let _changing = self.changing.lock();
        let before = self.get(owner, identifier)?;
        let mut object = Object::clone(&before);
        change(&mut object)?;
        if !object.names().eq(before.names()) {
            self.check_names(&object)?;
        }
        self.keep(object)
    }

    fn keep(&self, object: Object) -> Result<Arc<Object>, Failure> {
        let record = object.to_record()?;
        self.store.put(&object.identifier, record.as_slice())?;
        let object = Arc::new(object);
        self.by_identifier
            .write()
            .insert(object.identifier.clone(), object.clone());
        Ok(object)
    }

    /// A Name is its owner's only object's (KMIP 1.4, section 3.2). Destroyed objects give theirs up.
    fn check_names(&self, object: &Object) -> Result<(), Failure> {
        if object.names().next().is_none() {
            return Ok(());
        }
        let taken = self.by_identifier.read().values().any(|other| {
            other.owner == object.owner
                && other.identifier != object.identifier
                && !other.is_destroyed()
                && other
                    .names()
                    .any(|name| object.names().any(|own| own.value == name.value))
        });
        if taken {
            return Err(Failure::invalid("the Name is in use by another object"));
        }
        Ok(())
    }
}
