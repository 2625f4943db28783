//! Writing objects, together with everything by which they are found.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use kmip::registry::ResultReason;
use storage::KeyValueTransaction;

use crate::cache::Changed;
use crate::failure::Failure;
use crate::index::{self, Key, Tenant};
use crate::object::Object;
use crate::objects::Objects;
use crate::store::StoreError;

/// Objects that are being written, with all by which they are found.
pub(crate) struct Writing<'a> {
    objects: &'a Objects,
    transaction: KeyValueTransaction,
    /// Entries that are gone, and new ones with the identifiers that they lead to: first the one, then the other, as
    /// a name may go from one object to another.
    pub(crate) gone: Vec<Key>,
    new: Vec<(Key, String)>,
    /// For the cache.
    changed: Vec<Changed>,
    tenant: Option<(Arc<str>, Tenant)>,
    due: i64,
    /// How many objects there are more afterwards, or fewer.
    more: i64,
}

impl<'a> Writing<'a> {
    pub(crate) fn new(objects: &'a Objects) -> Result<Self, StoreError> {
        Ok(Self {
            objects,
            transaction: objects.store.map.begin()?,
            gone: Vec::new(),
            new: Vec::new(),
            changed: Vec::new(),
            tenant: None,
            due: i64::MAX,
            more: 0,
        })
    }

    /// Gives a tenant its number.
    pub(crate) fn new_tenant(&mut self, owner: &Arc<str>) -> Result<Tenant, StoreError> {
        let last = self.objects.tenants.read().values().map(|t| t.0).max();
        let tenant = Tenant(last.map_or(0, |last| last.saturating_add(1)));
        let key = index::tenant_key(owner);
        self.transaction.put(&key, tenant.0.to_be_bytes().into())?;
        self.tenant = Some((owner.clone(), tenant));
        Ok(tenant)
    }

    pub(crate) fn replace(
        &mut self,
        tenant: Tenant,
        identifier: &str,
        before: Option<&Object>,
        after: Option<Arc<Object>>,
    ) -> Result<(), Failure> {
        let entries = |object: Option<&Object>| match object {
            Some(object) => index::entries(tenant, object),
            None => BTreeSet::new(),
        };
        self.more += i64::from(after.is_some()) - i64::from(before.is_some());
        let old = entries(before);
        let new = entries(after.as_deref());
        self.gone.extend(old.difference(&new).cloned());
        let added = new.difference(&old);
        self.new
            .extend(added.map(|key| (key.clone(), identifier.to_owned())));
        let key = index::object_key(tenant, identifier);
        let object = match after {
            Some(object) => {
                if let Some(at) = object.next_change_of_state() {
                    self.due = self.due.min(at);
                }
                let record = object.to_record()?;
                let sealed = self.objects.store.seal(&key, record.as_slice())?;
                let bytes = sealed.len();
                if bytes > self.objects.most_record_bytes {
                    return Err(Failure::new(
                        ResultReason::ServerLimitExceeded,
                        format!(
                            "the object would take {bytes} bytes with all that is said about it"
                        ),
                    ));
                }
                let put = self.transaction.put(&key, sealed);
                put.map_err(StoreError::from)?;
                Some((object, bytes))
            }
            None => {
                let deleted = self.transaction.delete(&key);
                deleted.map_err(StoreError::from)?;
                None
            }
        };
        self.changed.push(Changed { key, object });
        Ok(())
    }

    /// All that is to be committed.
    pub(crate) fn prepare(mut self) -> Result<Prepared<'a>, StoreError> {
        for key in &self.gone {
            self.transaction.delete(key)?;
        }
        for (key, identifier) in self.new {
            self.transaction.put(&key, identifier.into_bytes())?;
        }
        let count = self.objects.count().saturating_add_signed(self.more);
        if self.more != 0 {
            let bytes = count.to_be_bytes().to_vec();
            self.transaction.put(index::COUNT, bytes)?;
        }
        Ok(Prepared {
            objects: self.objects,
            transaction: self.transaction,
            changed: self.changed,
            tenant: self.tenant,
            due: self.due,
            count,
        })
    }

    /// All or nothing. Seen when this returns, by everybody, and not durable yet. Blocks.
    pub(crate) fn commit(self) -> Result<u64, StoreError> {
        let runtime = &self.objects.runtime;
        runtime.block_on(self.prepare()?.commit())
    }
}

/// Objects that are written with the next commit.
pub(crate) struct Prepared<'a> {
    objects: &'a Objects,
    transaction: KeyValueTransaction,
    changed: Vec<Changed>,
    tenant: Option<(Arc<str>, Tenant)>,
    due: i64,
    /// How many objects there are afterwards.
    count: u64,
}

impl Prepared<'_> {
    /// All or nothing. Seen when this returns, by everybody, and not durable yet.
    pub(crate) async fn commit(self) -> Result<u64, StoreError> {
        let objects = self.objects;
        // Before the entry is there for others: later would be too late for one that is due at once.
        objects.next_due.fetch_min(self.due, Ordering::AcqRel);
        let commit = objects.store.commit(self.transaction).await?;
        objects.count.store(self.count, Ordering::Relaxed);
        if let Some((owner, tenant)) = self.tenant {
            objects.tenants.write().insert(owner, tenant);
        }
        objects.cache.update(self.changed, commit);
        Ok(commit)
    }
}
