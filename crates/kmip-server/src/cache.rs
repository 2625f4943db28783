//! Objects in memory: those that are in use, as far as there is room.
//!
//! An object that is read from the store while it is changed must not come back after the change: whoever reads holds
//! [`Cache::fill`] from before it looks until it has filled in what it saw, and changes take effect in between.

use std::sync::Arc;

use parking_lot::{RwLock, RwLockReadGuard};
use quick_cache::Weighter;

use crate::index::Key;
use crate::object::Object;

/// How much all objects together may take, in bytes of their records, about.
const CAPACITY_BYTES: u64 = 64 << 20;
/// What an object takes besides, in bytes.
const OVERHEAD_BYTES: usize = 1024;
/// A guess, for the size of the tables.
const ESTIMATED_OBJECTS: usize = 16 * 1024;

/// What a commit has made of an object: it, and the size of its record; `None` if it is gone.
pub(crate) struct Changed {
    pub(crate) key: Key,
    pub(crate) object: Option<(Arc<Object>, usize)>,
}

#[derive(Clone)]
struct Cached {
    object: Arc<Object>,
    /// The last commit that may have made it what it is.
    commit: u64,
    bytes: usize,
}

#[derive(Clone)]
struct ByBytes;

impl Weighter<Key, Cached> for ByBytes {
    fn weight(&self, key: &Key, cached: &Cached) -> u64 {
        (key.len() + cached.bytes + OVERHEAD_BYTES) as u64
    }
}

pub(crate) struct Cache {
    objects: quick_cache::sync::Cache<Key, Cached, ByBytes>,
    filling: RwLock<()>,
}

impl Default for Cache {
    fn default() -> Self {
        Self {
            objects: quick_cache::sync::Cache::with_weighter(
                ESTIMATED_OBJECTS,
                CAPACITY_BYTES,
                ByBytes,
            ),
            filling: RwLock::new(()),
        }
    }
}

/// Somebody who reads from the store and fills in what it saw.
pub(crate) struct Filling<'a> {
    cache: &'a Cache,
    _guard: RwLockReadGuard<'a, ()>,
}

impl Cache {
    /// The object, and the last commit that may have made it what it is.
    pub(crate) fn get(&self, key: &[u8]) -> Option<(Arc<Object>, u64)> {
        let cached = self.objects.get(key)?;
        Some((cached.object, cached.commit))
    }

    pub(crate) fn fill(&self) -> Filling<'_> {
        Filling {
            cache: self,
            _guard: self.filling.read(),
        }
    }

    /// Takes over what a commit has made of objects.
    pub(crate) fn update(&self, changed: Vec<Changed>, commit: u64) {
        let _alone = self.filling.write();
        for Changed { key, object } in changed {
            match object {
                Some((object, bytes)) => {
                    let cached = Cached {
                        object,
                        commit,
                        bytes,
                    };
                    self.objects.insert(key, cached);
                }
                None => {
                    self.objects.remove(&key);
                }
            }
        }
    }
}

impl Filling<'_> {
    pub(crate) fn insert(self, key: Key, object: Arc<Object>, commit: u64, bytes: usize) {
        let cached = Cached {
            object,
            commit,
            bytes,
        };
        self.cache.objects.insert(key, cached);
    }
}
