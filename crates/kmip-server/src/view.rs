//! The objects as one tenant sees them during one request.

use std::cell::Cell;
use std::sync::Arc;

use crate::failure::Failure;
use crate::index::{self, Search, Visit};
use crate::object::Object;
use crate::objects::{Access, Before, Objects};
use crate::store::StoreError;
use crate::transaction::Transaction;
use crate::writing::Prepared;

/// A tenant's objects. Remembers the last commit that it has made or seen.
pub(crate) struct View<'a> {
    objects: &'a Objects,
    owner: &'a Arc<str>,
    access: Access,
    seen: Cell<u64>,
}

impl<'a> View<'a> {
    pub(crate) fn new(objects: &'a Objects, owner: &'a Arc<str>, access: Access) -> Self {
        Self {
            objects,
            owner,
            access,
            seen: Cell::new(0),
        }
    }

    fn sees(&self, commit: u64) {
        self.seen.set(self.seen.get().max(commit));
    }

    /// The last commit that it has made or seen: what is told of it has to wait for that
    /// ([`Objects::wait_durable`]).
    pub(crate) fn seen(&self) -> u64 {
        self.seen.get()
    }

    /// The number of a new object.
    pub(crate) fn next_sequence(&self) -> i64 {
        self.objects.next_sequence()
    }

    /// The object.
    pub(crate) fn get(&self, identifier: &str) -> Result<Arc<Object>, Failure> {
        let found = match self.objects.tenant(self.owner) {
            Some(tenant) => self.objects.read(tenant, identifier, self.access)?,
            None => None,
        };
        let (object, commit) = found.ok_or_else(|| Failure::not_found(identifier))?;
        self.sees(commit);
        Ok(object)
    }

    /// Calls the visitor with each object that may be meant, in order, until it says to stop.
    pub(crate) fn search(
        &self,
        search: &Search<'_>,
        mut visit: impl FnMut(&Arc<Object>) -> Visit,
    ) -> Result<(), Failure> {
        let Some(tenant) = self.objects.tenant(self.owner) else {
            return Ok(());
        };
        let (snapshot, commit) = self.objects.snapshot(self.access)?;
        self.sees(commit);
        search.run(&snapshot, tenant, |identifier, _| {
            let key = index::object_key(tenant, identifier);
            if let Some((object, commit)) = self.objects.cache.get(&key) {
                self.sees(commit);
                return Ok(visit(&object));
            }
            // Not into the cache: a long search would only turn out what is in use.
            match self.objects.read_from(&snapshot, &key, identifier)? {
                Some((object, _)) => Ok(visit(&object)),
                None => Err(StoreError::Index {
                    detail: "an entry leads to no object",
                }),
            }
        })?;
        Ok(())
    }

    /// The sequence of the member of a group that was the default last.
    pub(crate) fn last_default(&self, group: &str) -> Option<i64> {
        let key = (self.owner.clone(), group.to_owned());
        self.objects.last_default.lock().get(&key).copied()
    }

    /// Notes which member of a group is the default now.
    pub(crate) fn note_default(&self, group: &str, sequence: i64) {
        let key = (self.owner.clone(), group.to_owned());
        self.objects.last_default.lock().insert(key, sequence);
    }

    /// Makes and changes objects, all or none. What they were before is for [`View::restore`].
    pub(crate) fn transact<T>(
        &self,
        change: impl FnOnce(&mut Transaction<'_>) -> Result<T, Failure>,
    ) -> Result<(T, Vec<Before>), Failure> {
        let (done, before, commit) = self.objects.transact(self.owner, change)?;
        self.sees(commit);
        Ok((done, before))
    }

    /// Makes and changes objects, all or none, up to the commit, which is the caller's.
    pub(crate) fn stage<T>(
        &self,
        change: impl FnOnce(&mut Transaction<'_>) -> Result<T, Failure>,
    ) -> Result<(T, Option<Prepared<'a>>), Failure> {
        self.objects.stage(self.owner, change)
    }

    /// Makes objects what they were before this request changed them.
    pub(crate) fn restore(&self, journal: Vec<Before>) -> Result<(), Failure> {
        let commit = self.objects.restore(self.owner, journal)?;
        self.sees(commit);
        Ok(())
    }
}
