//! Which keys a tree holds. Numbers are big-endian, so that what belongs together lies together.
//!
//! | key | value |
//! |---|---|
//! | `0 u32`, `01`, collection u32 | the collection's metadata, BSON |
//! | `0 u32`, `02` | the next collection number, u32 |
//! | `0 u32`, `03` | the number of the data key that the tree was rotated to last, u32 |
//! | collection u32, `01`, ordered(_id) | the document, BSON |
//! | collection u32, `02`, index u32, ordered(values), ordered(_id) | where ordered(_id) begins after the index number, u32 |
//! | collection u32, `02`, index u32, ordered(values) | of a unique index: ordered(_id) |
//! | collection u32, `03`, slot u32 | a part of the tally: documents i64, bytes i64 |
//! | collection u32, `04`, index u32 | which fields are multikey, u64 |
//! | `FFFFFFFE u32`, key | a value of the database as a plain map (`key_values`) |
//!
//! Collection numbers begin at 1 and, like index numbers, are never used again, so that what is
//! left of a dropped one cannot be taken for what replaced it.

use smallvec::SmallVec;

/// A key under construction.
pub(crate) type Key = SmallVec<[u8; 64]>;

const CATALOG: u32 = 0;

const CATALOG_COLLECTION: u8 = 0x01;
const CATALOG_SEQUENCE: u8 = 0x02;
const CATALOG_DATA_KEY: u8 = 0x03;

const RECORD: u8 = 0x01;
const INDEX: u8 = 0x02;
const COUNT: u8 = 0x03;
const MULTIKEY: u8 = 0x04;

fn key(collection: u32, kind: u8) -> Key {
    let mut key = Key::new();
    key.extend_from_slice(&collection.to_be_bytes());
    key.push(kind);
    key
}

fn numbered(collection: u32, kind: u8, number: u32) -> Key {
    let mut key = key(collection, kind);
    key.extend_from_slice(&number.to_be_bytes());
    key
}

/// The first key, and the first one after, of the metadata of all collections.
pub(crate) fn catalog_range() -> (Key, Key) {
    (
        key(CATALOG, CATALOG_COLLECTION),
        key(CATALOG, CATALOG_COLLECTION + 1),
    )
}

/// A collection's metadata.
pub(crate) fn catalog_collection(collection: u32) -> Key {
    numbered(CATALOG, CATALOG_COLLECTION, collection)
}

/// The next collection number.
pub(crate) fn catalog_sequence() -> Key {
    key(CATALOG, CATALOG_SEQUENCE)
}

/// The number of the data key that the tree was rotated to last.
pub(crate) fn data_key() -> Key {
    key(CATALOG, CATALOG_DATA_KEY)
}

/// The first key, and the first one after, of all that a collection holds.
pub(crate) fn collection_range(collection: u32) -> (Key, Key) {
    (
        Key::from_slice(&collection.to_be_bytes()),
        Key::from_slice(&collection.saturating_add(1).to_be_bytes()),
    )
}

/// What the keys of a collection's records begin with.
pub(crate) fn records(collection: u32) -> Key {
    key(collection, RECORD)
}

/// A record.
pub(crate) fn record(collection: u32, id: &[u8]) -> Key {
    let mut key = records(collection);
    key.extend_from_slice(id);
    key
}

/// What the keys of an index begin with.
pub(crate) fn index(collection: u32, index: u32) -> Key {
    numbered(collection, INDEX, index)
}

/// The first key, and the first one after, of an index.
pub(crate) fn index_range(collection: u32, number: u32) -> (Key, Key) {
    (
        index(collection, number),
        index(collection, number.saturating_add(1)),
    )
}

/// The first key, and the first one after, of the parts of a collection's tally.
pub(crate) fn count_range(collection: u32) -> (Key, Key) {
    (key(collection, COUNT), key(collection, COUNT + 1))
}

/// A part of a collection's tally.
pub(crate) fn count(collection: u32, slot: u32) -> Key {
    numbered(collection, COUNT, slot)
}

/// Which fields of an index are multikey.
pub(crate) fn multikey(collection: u32, index: u32) -> Key {
    numbered(collection, MULTIKEY, index)
}

/// In the place of a collection's number, which none ever reaches: what is no collection's.
const KEY_VALUES: [u8; 4] = (u32::MAX - 1).to_be_bytes();

/// A key of the database as a plain map.
pub(crate) fn key_value(key: &[u8]) -> Key {
    let mut full = Key::from_slice(&KEY_VALUES);
    full.extend_from_slice(key);
    full
}

/// The first key after all of those.
pub(crate) fn key_values_end() -> Key {
    Key::from_slice(&u32::MAX.to_be_bytes())
}

/// The key of the map that stands in a key of the tree.
pub(crate) fn key_of_value(full: &[u8]) -> &[u8] {
    full.get(KEY_VALUES.len()..).unwrap_or_default()
}

/// The number that a numbered key ends with.
pub(crate) fn number_of(key: &[u8]) -> Option<u32> {
    Some(u32::from_be_bytes(*key.last_chunk::<4>()?))
}
