//! All objects: in the store, and those that are in use in memory as well.
//!
//! Changes are made one after the other: each reads, decides and commits under one lock, which takes microseconds
//! ([`Access`] says who takes it); what takes long, the sync of the log, is waited for outside of it, and shared by all
//! who wait. So a change is seen before it is durable. What a client is told must be durable, be it its own change or
//! another one's that it has seen: a [`View`] remembers the last commit that it has made or seen, and
//! [`Objects::wait_durable`] waits for that.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use kmip::Limits;
use parking_lot::{ArcRwLockReadGuard, ArcRwLockWriteGuard, Mutex, RawRwLock, RwLock};
use storage::{Direction, KeyValueSnapshot};
use tokio::runtime::Handle;
use tokio::sync::MutexGuard;

use crate::cache::Cache;
use crate::clock;
use crate::failure::Failure;
use crate::index::{self, Key, Search, Storage, Tenant};
use crate::object::Object;
use crate::store::{ObjectStore, StoreError};
use crate::transaction::{Pending, Transaction};
use crate::view::View;
use crate::writing::{Prepared, Writing};

/// How long an object's record may be, in messages of the length that a client may send: everything that is said about
/// the object, and its value.
const MOST_RECORD_MESSAGES: usize = 4;

/// So many objects are moved to their next state in one commit.
const SETTLED_AT_ONCE: usize = 500;

/// All objects of all tenants.
pub(crate) struct Objects {
    pub(crate) store: ObjectStore,
    pub(crate) cache: Cache,
    /// Held by the one that changes something, and for a moment by those that read from the store.
    changing: tokio::sync::Mutex<()>,
    /// The numbers of the tenants.
    pub(crate) tenants: RwLock<HashMap<Arc<str>, Tenant>>,
    /// Held alone by a batch of a tenant that may be undone, so that nobody builds on what does not stay.
    turns: Mutex<HashMap<Arc<str>, Arc<RwLock<()>>>>,
    pub(crate) most_record_bytes: usize,
    last_sequence: AtomicI64,
    /// How many there are, destroyed ones included. Changed by the one that changes something.
    pub(crate) count: AtomicU64,
    /// When the clock moves an object to its next state; not later than that.
    pub(crate) next_due: AtomicI64,
    /// The member of each group that was the default last, of each tenant: its sequence.
    pub(crate) last_default: Mutex<HashMap<(Arc<str>, String), i64>>,
    pub(crate) runtime: Handle,
}

/// What a request may do, and who takes the lock under which objects are changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// Read, and wait for nobody: it is performed where many others wait for their turn.
    AtOnce,
    /// Anything, and wait for the disk and for others.
    Blocking,
    /// Change objects once, as the last thing that it does: the caller commits it, and holds the lock until then.
    Staging,
}

/// What an object was before a change; `None` if it was not there.
pub(crate) type Before = (String, Option<Arc<Object>>);

/// Whether other batches of the tenant may go on meanwhile.
pub(crate) enum Turn {
    Shared {
        _guard: ArcRwLockReadGuard<RawRwLock, ()>,
    },
    Alone {
        _guard: ArcRwLockWriteGuard<RawRwLock, ()>,
    },
}

impl Objects {
    /// The objects of a store. To be called, as everything else is, where blocking is allowed; in the context of the
    /// runtime that the store was opened in.
    pub(crate) fn open(store: ObjectStore, limits: &Limits) -> Result<Self, StoreError> {
        let snapshot = store.map.snapshot()?;
        let tenants = read_tenants(&snapshot)?;
        let mut last_sequence = 0;
        for tenant in tenants.values() {
            last_sequence = last_sequence.max(newest(&snapshot, *tenant)?);
        }
        let next_due = first_due(&snapshot)?;
        let count = count(&snapshot)?;
        drop(snapshot);
        Ok(Self {
            store,
            cache: Cache::default(),
            changing: tokio::sync::Mutex::default(),
            tenants: RwLock::new(tenants),
            turns: Mutex::default(),
            most_record_bytes: limits.message_bytes.saturating_mul(MOST_RECORD_MESSAGES),
            last_sequence: AtomicI64::new(last_sequence),
            count: AtomicU64::new(count),
            next_due: AtomicI64::new(next_due),
            last_default: Mutex::default(),
            runtime: Handle::current(),
        })
    }

    /// Waits until a commit and all before it are durable. Blocks.
    pub(crate) fn wait_durable(&self, commit: u64) -> Result<(), StoreError> {
        Ok(self.store.wait_durable(commit)?)
    }

    /// Whether a commit and all before it are durable.
    pub(crate) fn is_durable(&self, commit: u64) -> bool {
        self.store.map.is_durable(commit)
    }

    /// How many objects there are, destroyed ones included.
    pub(crate) fn count(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }

    /// The objects as a tenant sees them.
    pub(crate) fn view<'a>(&'a self, owner: &'a Arc<str>, access: Access) -> View<'a> {
        View::new(self, owner, access)
    }

    /// Waits until nobody else changes objects, and keeps it so.
    pub(crate) async fn lock_changes(&self) -> MutexGuard<'_, ()> {
        self.changing.lock().await
    }

    /// Nothing if the caller holds the lock already.
    fn lock(&self, access: Access) -> Result<Option<MutexGuard<'_, ()>>, Failure> {
        match access {
            Access::Staging => Ok(None),
            Access::Blocking => Ok(Some(self.changing.blocking_lock())),
            // It was in memory a moment ago, and is not any more.
            Access::AtOnce => match self.changing.try_lock() {
                Ok(locked) => Ok(Some(locked)),
                Err(_) => Err(Failure::being_changed()),
            },
        }
    }

    /// The turn of a tenant's batch: alone if it may have to be undone.
    pub(crate) fn turn(&self, owner: &Arc<str>, alone: bool) -> Turn {
        let turn = self.turns.lock().entry(owner.clone()).or_default().clone();
        if alone {
            Turn::Alone {
                _guard: turn.write_arc(),
            }
        } else {
            Turn::Shared {
                _guard: turn.read_arc(),
            }
        }
    }

    /// The turn of a tenant's batch, if nobody has to be waited for.
    pub(crate) fn try_turn(&self, owner: &Arc<str>) -> Option<Turn> {
        let turn = self
            .turns
            .try_lock()?
            .entry(owner.clone())
            .or_default()
            .clone();
        Some(Turn::Shared {
            _guard: turn.try_read_arc()?,
        })
    }

    /// An object as the cache has it, if what it has is durable.
    pub(crate) fn at_hand(&self, owner: &str, identifier: &str) -> Option<Arc<Object>> {
        let tenant = self.tenants.try_read()?.get(owner).copied()?;
        let (object, commit) = self.cache.get(&index::object_key(tenant, identifier))?;
        self.is_durable(commit).then_some(object)
    }

    /// Whether the clock moves no object before that.
    pub(crate) fn is_settled(&self, now: i64) -> bool {
        now < self.next_due.load(Ordering::Acquire)
    }

    /// The number of a new object: microseconds, and never the same.
    pub(crate) fn next_sequence(&self) -> i64 {
        let now = clock::now().0.saturating_mul(1_000_000);
        let last = |last: i64| Some(last.saturating_add(1).max(now));
        self.last_sequence
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, last)
            .map_or(now, |before| before.saturating_add(1).max(now))
    }

    /// The number of a tenant; `None` if it has no objects yet.
    pub(crate) fn tenant(&self, owner: &str) -> Option<Tenant> {
        self.tenants.read().get(owner).copied()
    }

    /// An object as it is now, and the last commit that may have made it so.
    pub(crate) fn read(
        &self,
        tenant: Tenant,
        identifier: &str,
        access: Access,
    ) -> Result<Option<(Arc<Object>, u64)>, Failure> {
        let key = index::object_key(tenant, identifier);
        if let Some(found) = self.cache.get(&key) {
            return Ok(Some(found));
        }
        let changing = self.lock(access)?;
        let filling = self.cache.fill(key.clone());
        let (snapshot, seen) = self.snapshot_when_locked()?;
        drop(changing);
        let Some((object, bytes)) = self.read_from(&snapshot, &key, identifier)? else {
            return Ok(None);
        };
        filling.insert(object.clone(), seen, bytes);
        Ok(Some((object, seen)))
    }

    /// The store as it is now, and the last commit in it.
    pub(crate) fn snapshot(&self, access: Access) -> Result<(KeyValueSnapshot, u64), Failure> {
        let _changing = self.lock(access)?;
        Ok(self.snapshot_when_locked()?)
    }

    fn snapshot_when_locked(&self) -> Result<(KeyValueSnapshot, u64), StoreError> {
        Ok((self.store.map.snapshot()?, self.store.map.last_commit()))
    }

    /// An object and the size of its record.
    pub(crate) fn read_from(
        &self,
        snapshot: &KeyValueSnapshot,
        key: &[u8],
        identifier: &str,
    ) -> Result<Option<(Arc<Object>, usize)>, StoreError> {
        let Some(sealed) = snapshot.get(key)? else {
            return Ok(None);
        };
        let damaged = |detail: String| StoreError::Record {
            identifier: identifier.to_owned(),
            detail,
        };
        let record = self
            .store
            .unseal(key, &sealed)
            .ok_or_else(|| damaged("it cannot be decrypted".to_owned()))?;
        let object = Object::from_record(identifier, &record).map_err(damaged)?;
        Ok(Some((Arc::new(object), sealed.len())))
    }

    /// Makes and changes objects of the owner's, all or none. What they were before is for [`Objects::restore`];
    /// besides, the number of the commit. Blocks.
    pub(crate) fn transact<T>(
        &self,
        owner: &Arc<str>,
        change: impl FnOnce(&mut Transaction<'_>) -> Result<T, Failure>,
    ) -> Result<(T, Vec<Before>, u64), Failure> {
        let changing = self.changing.blocking_lock();
        let (done, pending) = self.decide(owner, change)?;
        let commit = match self.write(owner, &pending)? {
            Some(writing) => writing.commit()?,
            None => 0,
        };
        drop(changing);
        let before = pending
            .into_iter()
            .map(|pending| (pending.after.identifier.clone(), pending.before))
            .collect();
        Ok((done, before, commit))
    }

    /// Makes and changes objects of the owner's, all or none, up to the commit. The caller holds the lock until it has
    /// committed. Nothing is to be committed if nothing changes.
    pub(crate) fn stage<T>(
        &self,
        owner: &Arc<str>,
        change: impl FnOnce(&mut Transaction<'_>) -> Result<T, Failure>,
    ) -> Result<(T, Option<Prepared<'_>>), Failure> {
        let (done, pending) = self.decide(owner, change)?;
        let writing = self.write(owner, &pending)?;
        Ok((done, writing.map(Writing::prepare).transpose()?))
    }

    /// What a change makes of objects.
    fn decide<T>(
        &self,
        owner: &Arc<str>,
        change: impl FnOnce(&mut Transaction<'_>) -> Result<T, Failure>,
    ) -> Result<(T, Vec<Pending>), Failure> {
        let (snapshot, _) = self.snapshot_when_locked()?;
        let mut transaction = Transaction::new(self, snapshot, owner);
        let done = change(&mut transaction)?;
        Ok((done, transaction.end()?))
    }

    /// Makes objects what they were: the changes of a batch, which was alone. The number of the commit.
    pub(crate) fn restore(&self, owner: &Arc<str>, journal: Vec<Before>) -> Result<u64, Failure> {
        let _changing = self.changing.blocking_lock();
        let Some(tenant) = self.tenant(owner) else {
            return Ok(0);
        };
        let snapshot = self.store.map.snapshot().map_err(StoreError::from)?;
        let mut writing = Writing::new(self)?;
        let mut known = BTreeSet::new();
        for (identifier, before) in journal {
            // What it was at first is what it is to be.
            if !known.insert(identifier.clone()) {
                continue;
            }
            let key = index::object_key(tenant, &identifier);
            let now = self.read_from(&snapshot, &key, &identifier)?;
            writing.replace(
                tenant,
                &identifier,
                now.map(|(object, _)| object).as_deref(),
                before,
            )?;
        }
        drop(snapshot);
        Ok(writing.commit()?)
    }

    /// Moves the objects whose date has come to their next state, for good: whatever the clock says later, a state
    /// that somebody may have seen stays.
    pub(crate) fn settle(&self, now: i64) -> Result<(), Failure> {
        while now >= self.next_due.load(Ordering::Acquire) {
            let _changing = self.changing.blocking_lock();
            let (snapshot, _) = self.snapshot_when_locked()?;
            let due = due(&snapshot, now)?;
            if due.is_empty() {
                self.next_due
                    .store(first_due(&snapshot)?, Ordering::Release);
                return Ok(());
            }
            let mut writing = Writing::new(self)?;
            for (entry, tenant, identifier) in due {
                let key = index::object_key(tenant, &identifier);
                match self.read_from(&snapshot, &key, &identifier) {
                    Ok(Some((before, _))) => {
                        let mut after = Object::clone(&before);
                        after.settle(now);
                        let after = Some(Arc::new(after));
                        writing.replace(tenant, &identifier, Some(&before), after)?;
                    }
                    // Whoever asks for the object is told; all others go on.
                    Ok(None) | Err(StoreError::Record { .. }) => {
                        tracing::error!(
                            object = identifier,
                            "an object that is due to change its state is damaged"
                        );
                        writing.gone.push(entry);
                    }
                    Err(error) => return Err(error.into()),
                }
            }
            drop(snapshot);
            writing.commit()?;
        }
        Ok(())
    }

    /// What is to be written for these objects; nothing if there are none.
    fn write(&self, owner: &Arc<str>, pending: &[Pending]) -> Result<Option<Writing<'_>>, Failure> {
        if pending.is_empty() {
            return Ok(None);
        }
        let mut writing = Writing::new(self)?;
        let tenant = match self.tenant(owner) {
            Some(tenant) => tenant,
            None => writing.new_tenant(owner)?,
        };
        for pending in pending {
            // A copy has no room to spare, unlike what has just been put together: it stays in memory.
            let after = Arc::new(pending.after.clone());
            let identifier = &pending.after.identifier;
            writing.replace(tenant, identifier, pending.before.as_deref(), Some(after))?;
        }
        Ok(Some(writing))
    }
}

fn read_tenants(snapshot: &KeyValueSnapshot) -> Result<HashMap<Arc<str>, Tenant>, StoreError> {
    let damaged = StoreError::Index { detail: "a tenant" };
    let mut tenants = HashMap::new();
    let mut entries = snapshot.entries(index::TENANTS, Direction::Forward)?;
    while let Some(key) = entries.key() {
        let name = key.get(index::TENANTS.len()..).map(std::str::from_utf8);
        let Some(Ok(name)) = name else {
            return Err(damaged);
        };
        let name = Arc::from(name);
        let Ok(number) = entries.value()?.try_into() else {
            return Err(damaged);
        };
        tenants.insert(name, Tenant(u32::from_be_bytes(number)));
        entries.advance()?;
    }
    Ok(tenants)
}

/// How many objects there are, as the store says. One that was written before it said so is looked through once.
fn count(snapshot: &KeyValueSnapshot) -> Result<u64, StoreError> {
    if let Some(count) = snapshot.get(index::COUNT)? {
        let damaged = |_| StoreError::Index {
            detail: "the number of objects",
        };
        return Ok(u64::from_be_bytes(
            count.as_slice().try_into().map_err(damaged)?,
        ));
    }
    let mut count = 0;
    let mut entries = snapshot.entries(index::OBJECTS, Direction::Forward)?;
    while entries.key().is_some() {
        count += 1;
        entries.advance()?;
    }
    Ok(count)
}

/// The sequence of a tenant's newest object; 0 if it has none.
fn newest(snapshot: &KeyValueSnapshot, tenant: Tenant) -> Result<i64, StoreError> {
    let mut newest = 0;
    let search = Search {
        storage: &Storage::ALL,
        terms: &[],
        ranges: &[],
        oldest_first: false,
        after: None,
    };
    search.run(snapshot, tenant, |_, sequence| {
        newest = sequence;
        Ok(index::Visit::Stop)
    })?;
    Ok(newest)
}

/// Which objects the clock moves now: some of them, with the entries that say so.
fn due(snapshot: &KeyValueSnapshot, now: i64) -> Result<Vec<(Key, Tenant, String)>, StoreError> {
    let mut due = Vec::new();
    let mut entries = snapshot.entries(index::DUE, Direction::Forward)?;
    while due.len() < SETTLED_AT_ONCE
        && let Some(key) = entries.key()
    {
        let (at, tenant, identifier) =
            index::due_of(key).ok_or(StoreError::Index { detail: "a time" })?;
        if at > now {
            break;
        }
        due.push((key.to_vec(), tenant, identifier.to_owned()));
        entries.advance()?;
    }
    Ok(due)
}

/// When the clock moves an object next; never, if the end of time.
fn first_due(snapshot: &KeyValueSnapshot) -> Result<i64, StoreError> {
    let entries = snapshot.entries(index::DUE, Direction::Forward)?;
    match entries.key() {
        None => Ok(i64::MAX),
        Some(key) => index::due_of(key)
            .map(|(at, ..)| at)
            .ok_or(StoreError::Index { detail: "a time" }),
    }
}
