//! All objects: in memory to be found, in the store to stay.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use kmip::registry::ResultReason;
use kmip::ttlv::Buffer;
use parking_lot::{Mutex, RwLock, RwLockReadGuard, RwLockWriteGuard};

use crate::clock;
use crate::failure::Failure;
use crate::object::Object;
use crate::store::{Change, RecordStore, StoreError};

/// How many attributes an object may have.
const MOST_ATTRIBUTES: usize = 2_000;

/// All objects of all owners. What a caller gets is a snapshot; changes go through [`Objects::transact`], one
/// transaction at a time, and are durable before anybody sees them.
pub(crate) struct Objects {
    store: Box<dyn RecordStore>,
    index: RwLock<Index>,
    changing: Mutex<()>,
    /// Held alone by a batch that may be undone, so that nobody builds on what does not stay.
    batches: RwLock<()>,
    last_sequence: AtomicI64,
    /// The member of each group that was the default last, of each owner.
    last_default: Mutex<HashMap<(Arc<str>, String), String>>,
}

/// An owner's objects, in the order in which they were made.
type OwnObjects = BTreeMap<(i64, String), Arc<Object>>;

#[derive(Default)]
struct Index {
    by_identifier: HashMap<String, Arc<Object>>,
    /// The identifiers of an owner's objects, by sequence.
    by_owner: HashMap<Arc<str>, OwnObjects>,
    /// The identifiers of the objects with a name; whose they are is for the reader to see.
    by_name: HashMap<String, Vec<String>>,
}

impl Index {
    fn insert(&mut self, object: Arc<Object>) {
        self.remove(&object.identifier);
        for name in object.names() {
            let identifiers = self.by_name.entry(name.value.clone()).or_default();
            identifiers.push(object.identifier.clone());
        }
        let key = (object.sequence, object.identifier.clone());
        let own = self.by_owner.entry(object.owner.clone()).or_default();
        own.insert(key, object.clone());
        self.by_identifier.insert(object.identifier.clone(), object);
    }

    fn remove(&mut self, identifier: &str) {
        let Some(object) = self.by_identifier.remove(identifier) else {
            return;
        };
        for name in object.names() {
            if let Some(identifiers) = self.by_name.get_mut(&name.value) {
                identifiers.retain(|other| other != identifier);
                if identifiers.is_empty() {
                    self.by_name.remove(&name.value);
                }
            }
        }
        if let Some(own) = self.by_owner.get_mut(&object.owner) {
            own.remove(&(object.sequence, identifier.to_owned()));
        }
    }
}

/// What an object was before a change; `None` if it was not there.
pub(crate) type Before = (String, Option<Arc<Object>>);

/// Whether other batches may go on meanwhile.
pub(crate) enum Turn<'a> {
    Shared { _guard: RwLockReadGuard<'a, ()> },
    Alone { _guard: RwLockWriteGuard<'a, ()> },
}

impl Objects {
    pub(crate) fn open(store: impl RecordStore) -> Result<Self, StoreError> {
        let mut index = Index::default();
        let mut last = 0;
        for (identifier, record) in store.load()? {
            let object =
                Object::from_record(&identifier, &record).map_err(|detail| StoreError::Record {
                    identifier: identifier.clone(),
                    detail,
                })?;
            last = last.max(object.sequence);
            index.insert(Arc::new(object));
        }
        Ok(Self {
            store: Box::new(store),
            index: RwLock::new(index),
            changing: Mutex::new(()),
            batches: RwLock::new(()),
            last_sequence: AtomicI64::new(last),
            last_default: Mutex::default(),
        })
    }

    /// The turn of a batch: alone if it may have to be undone.
    pub(crate) fn turn(&self, alone: bool) -> Turn<'_> {
        if alone {
            Turn::Alone {
                _guard: self.batches.write(),
            }
        } else {
            Turn::Shared {
                _guard: self.batches.read(),
            }
        }
    }

    /// The number of a new object: microseconds, and never the same.
    pub(crate) fn next_sequence(&self) -> i64 {
        let now = clock::now().0.saturating_mul(1_000_000);
        let last = |last: i64| Some(last.saturating_add(1).max(now));
        self.last_sequence
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, last)
            .map_or(now, |before| before.saturating_add(1).max(now))
    }

    /// The object, if it is the owner's.
    pub(crate) fn get(&self, owner: &str, identifier: &str) -> Result<Arc<Object>, Failure> {
        self.index
            .read()
            .by_identifier
            .get(identifier)
            .filter(|object| &*object.owner == owner)
            .cloned()
            .ok_or_else(|| Failure::not_found(identifier))
    }

    /// The owner's objects for which `wanted` holds, newest first.
    pub(crate) fn find(&self, owner: &str, wanted: impl Fn(&Object) -> bool) -> Vec<Arc<Object>> {
        let index = self.index.read();
        let own = index.by_owner.get(owner);
        own.into_iter()
            .flat_map(|own| own.values().rev())
            .filter(|object| wanted(object))
            .cloned()
            .collect()
    }

    /// As [`Objects::find`], among the objects of this name.
    pub(crate) fn find_named(
        &self,
        owner: &str,
        name: &str,
        wanted: impl Fn(&Object) -> bool,
    ) -> Vec<Arc<Object>> {
        let index = self.index.read();
        let mut found: Vec<Arc<Object>> = index
            .by_name
            .get(name)
            .into_iter()
            .flatten()
            .filter_map(|identifier| index.by_identifier.get(identifier))
            .filter(|object| &*object.owner == owner && wanted(object))
            .cloned()
            .collect();
        found.sort_by_key(|object| std::cmp::Reverse(object.sequence));
        found.dedup_by(|a, b| a.identifier == b.identifier);
        found
    }

    /// Whose turn it is to be the default of a group: the members take turns, oldest first.
    pub(crate) fn next_default(
        &self,
        owner: &Arc<str>,
        group: &str,
        members: &[Arc<Object>],
    ) -> Option<Arc<Object>> {
        let mut members: Vec<&Arc<Object>> = members.iter().collect();
        members.sort_by_key(|object| object.sequence);
        let mut last = self.last_default.lock();
        let key = (owner.clone(), group.to_owned());
        let place = last
            .get(&key)
            .and_then(|last| members.iter().position(|object| object.identifier == *last))
            .map_or(0, |place| place + 1);
        let next = members.get(place).or(members.first())?;
        last.insert(key, next.identifier.clone());
        Some(Arc::clone(next))
    }

    /// Makes and changes objects of the owner's, all or none. What they were before is for [`Objects::restore`].
    pub(crate) fn transact<T>(
        &self,
        owner: &str,
        change: impl FnOnce(&mut Transaction<'_>) -> Result<T, Failure>,
    ) -> Result<(T, Vec<Before>), Failure> {
        let _changing = self.changing.lock();
        let mut transaction = Transaction {
            objects: self,
            owner,
            pending: Vec::new(),
        };
        let done = change(&mut transaction)?;
        let pending = transaction.pending;
        for pending in &pending {
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
        }
        self.check_names(owner, &pending)?;
        let records: Vec<Buffer> = pending
            .iter()
            .map(|pending| pending.after.to_record())
            .collect::<Result<_, _>>()?;
        let changes: Vec<Change<'_>> = pending
            .iter()
            .zip(&records)
            .map(|(pending, record)| Change::Put {
                identifier: &pending.after.identifier,
                record: record.as_slice(),
            })
            .collect();
        self.store.apply(&changes)?;
        let mut index = self.index.write();
        let mut before = Vec::with_capacity(pending.len());
        for pending in pending {
            before.push((pending.after.identifier.clone(), pending.before));
            index.insert(Arc::new(pending.after));
        }
        Ok((done, before))
    }

    /// Makes objects what they were: the changes of a batch, last first.
    pub(crate) fn restore(&self, journal: Vec<Before>) -> Result<(), Failure> {
        let _changing = self.changing.lock();
        let mut records = Vec::with_capacity(journal.len());
        for (_, before) in journal.iter().rev() {
            records.push(before.as_deref().map(Object::to_record).transpose()?);
        }
        let changes: Vec<Change<'_>> = journal
            .iter()
            .rev()
            .zip(&records)
            .map(|((identifier, _), record)| match record {
                Some(record) => Change::Put {
                    identifier,
                    record: record.as_slice(),
                },
                None => Change::Remove { identifier },
            })
            .collect();
        self.store.apply(&changes)?;
        let mut index = self.index.write();
        for (identifier, before) in journal.into_iter().rev() {
            match before {
                Some(before) => index.insert(before),
                None => index.remove(&identifier),
            }
        }
        Ok(())
    }

    /// A Name is its owner's only object's (KMIP 1.4, section 3.2). Destroyed objects give theirs up.
    fn check_names(&self, owner: &str, pending: &[Pending]) -> Result<(), Failure> {
        let index = self.index.read();
        for (place, this) in pending.iter().enumerate() {
            let unchanged = |before: &Arc<Object>| before.names().eq(this.after.names());
            if this.after.is_destroyed() || this.before.as_ref().is_some_and(unchanged) {
                continue;
            }
            for name in this.after.names() {
                let has_it = |object: &Object| {
                    !object.is_destroyed() && object.names().any(|own| own.value == name.value)
                };
                let among_pending = pending
                    .iter()
                    .enumerate()
                    .any(|(other, object)| other != place && has_it(&object.after));
                let identifiers = index.by_name.get(&name.value).into_iter().flatten();
                let among_others = identifiers
                    .filter(|id| !pending.iter().any(|other| other.after.identifier == **id))
                    .filter_map(|id| index.by_identifier.get(id))
                    .any(|other| &*other.owner == owner && has_it(other));
                if among_pending || among_others {
                    return Err(Failure::new(
                        ResultReason::NonUniqueNameAttribute,
                        "the Name is in use by another object",
                    ));
                }
            }
        }
        Ok(())
    }
}

struct Pending {
    before: Option<Arc<Object>>,
    after: Object,
}

/// Changes that are made together.
pub(crate) struct Transaction<'a> {
    objects: &'a Objects,
    owner: &'a str,
    pending: Vec<Pending>,
}

impl Transaction<'_> {
    /// Adds a new object.
    pub(crate) fn insert(&mut self, object: Object) {
        self.pending.push(Pending {
            before: None,
            after: object,
        });
    }

    /// Takes the place of an object of this identifier, if there is one.
    pub(crate) fn replace(&mut self, object: Object) {
        let before = self.objects.get(self.owner, &object.identifier).ok();
        self.pending.push(Pending {
            before,
            after: object,
        });
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
        let before = self.objects.get(self.owner, identifier)?;
        let mut after = Object::clone(&before);
        change(&mut after)?;
        self.pending.push(Pending {
            before: Some(before),
            after,
        });
        Ok(())
    }

    /// An object of the owner's, with the changes so far.
    pub(crate) fn get(&self, identifier: &str) -> Result<Object, Failure> {
        let mut pending = self.pending.iter();
        match pending.find(|pending| pending.after.identifier == identifier) {
            Some(pending) => Ok(pending.after.clone()),
            None => self
                .objects
                .get(self.owner, identifier)
                .map(|object| Object::clone(&object)),
        }
    }

    /// Whether anybody has an object of this identifier.
    pub(crate) fn is_taken(&self, identifier: &str) -> bool {
        self.objects
            .index
            .read()
            .by_identifier
            .contains_key(identifier)
    }
}
