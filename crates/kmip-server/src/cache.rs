//! Objects in memory: those that are in use, as far as there is room.
//!
//! An object that is read from the store while it is changed must not come back after the change: whoever reads says so
//! beforehand ([`Cache::fill`]), and fills in what it saw only if no change has come in between. Nobody waits for a reader:
//! the disk may keep it.

use std::collections::HashMap;
use std::sync::Arc;

use kmip::Attribute;
use parking_lot::Mutex;
use quick_cache::Weighter;

use crate::index::Key;
use crate::object::Object;

/// How much memory all objects together may take, in bytes, about.
const CAPACITY_BYTES: u64 = 64 << 20;
/// What an object takes besides itself, its attributes and what these hold, in bytes: its place in the tables, and what
/// the allocator makes of it all.
const OVERHEAD_BYTES: usize = 512;
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
        let attributes = cached.object.attributes.len();
        let itself = size_of::<Object>() + attributes * size_of::<Attribute>();
        // The record is about as long as what the attributes and the value hold outside of themselves.
        (key.len() + itself + cached.bytes + OVERHEAD_BYTES) as u64
    }
}

pub(crate) struct Cache {
    objects: quick_cache::sync::Cache<Key, Cached, ByBytes>,
    filling: Mutex<Readers>,
}

/// Those that read from the store now.
#[derive(Default)]
struct Readers {
    next: u64,
    /// The first of those that read an object as it is now, and how many there are. Gone when the object changes.
    objects: HashMap<Key, (u64, usize)>,
}

impl Default for Cache {
    fn default() -> Self {
        Self {
            objects: quick_cache::sync::Cache::with_weighter(
                ESTIMATED_OBJECTS,
                CAPACITY_BYTES,
                ByBytes,
            ),
            filling: Mutex::default(),
        }
    }
}

/// Somebody who reads an object from the store and fills in what it saw.
pub(crate) struct Filling<'a> {
    cache: &'a Cache,
    key: Key,
    first: u64,
}

impl Cache {
    /// The object, and the last commit that may have made it what it is.
    pub(crate) fn get(&self, key: &[u8]) -> Option<(Arc<Object>, u64)> {
        let cached = self.objects.get(key)?;
        Some((cached.object, cached.commit))
    }

    /// To be called before the store is looked at.
    pub(crate) fn fill(&self, key: Key) -> Filling<'_> {
        let mut readers = self.filling.lock();
        let number = readers.next;
        readers.next += 1;
        let (first, count) = readers.objects.entry(key.clone()).or_insert((number, 0));
        *count += 1;
        Filling {
            cache: self,
            first: *first,
            key,
        }
    }

    /// Takes over what a commit has made of objects.
    pub(crate) fn update(&self, changed: Vec<Changed>, commit: u64) {
        let mut readers = self.filling.lock();
        for Changed { key, object } in changed {
            readers.objects.remove(&key);
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
    /// Fills in what was read, unless the object has been changed since.
    pub(crate) fn insert(self, object: Arc<Object>, commit: u64, bytes: usize) {
        let readers = self.cache.filling.lock();
        let known = readers.objects.get(&self.key);
        if known.is_some_and(|(first, _)| *first == self.first) {
            let cached = Cached {
                object,
                commit,
                bytes,
            };
            self.cache.objects.insert(self.key.clone(), cached);
        }
    }
}

impl Drop for Filling<'_> {
    fn drop(&mut self) {
        let mut readers = self.cache.filling.lock();
        if let Some((first, count)) = readers.objects.get_mut(&self.key)
            && *first == self.first
        {
            *count -= 1;
            if *count == 0 {
                readers.objects.remove(&self.key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use kmip::Attributes;

    use super::*;

    const KEY: &[u8] = b"key";

    fn object(sequence: i64) -> Arc<Object> {
        Arc::new(Object {
            identifier: "id".to_owned(),
            owner: Arc::from("tenant"),
            sequence,
            attributes: Attributes::new(),
            value: None,
        })
    }

    fn changed(object: Option<Arc<Object>>) -> Vec<Changed> {
        vec![Changed {
            key: KEY.to_vec(),
            object: object.map(|object| (object, 1)),
        }]
    }

    fn cached(cache: &Cache) -> Option<i64> {
        cache.get(KEY).map(|(object, _)| object.sequence)
    }

    #[test]
    fn what_was_read_before_a_change_is_not_filled_in_after_it() {
        for (now, expected) in [(Some(object(2)), Some(2)), (None, None)] {
            let cache = Cache::default();
            let early = cache.fill(KEY.to_vec());
            let beside = cache.fill(KEY.to_vec());
            cache.update(changed(now), 7);
            // It begins after the change, while those of before still read: what it sees is right.
            let late = cache.fill(KEY.to_vec());
            early.insert(object(1), 6, 1);
            drop(beside);
            assert_eq!(cached(&cache), expected);
            late.insert(object(3), 7, 1);
            assert_eq!(cached(&cache), Some(3));
            assert!(cache.filling.lock().objects.is_empty());
        }
    }

    #[test]
    fn several_readers_fill_in_and_nothing_of_them_stays() {
        let cache = Cache::default();
        let readers: Vec<_> = (0..3).map(|_| cache.fill(KEY.to_vec())).collect();
        for reader in readers {
            reader.insert(object(1), 1, 1);
        }
        assert_eq!(cached(&cache), Some(1));
        assert!(cache.filling.lock().objects.is_empty());
    }
}
