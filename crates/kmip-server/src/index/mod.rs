//! How objects are found: which keys the store holds besides the objects themselves, and searching them.
//!
//! | key | value |
//! |---|---|
//! | `O`, tenant u32, identifier | the object, sealed |
//! | `T`, name of a tenant | its number, u32 |
//! | `N`, tenant, digest of a Name | the identifier of the object that has it: one at most |
//! | `E`, tenant, digest of an attribute with its value, rank u64 | the identifier of an object that has it |
//! | `R`, tenant, tag u32, date i64, rank | the identifier of an object with that date |
//! | `D`, time i64, tenant, identifier | when the clock moves the object to its next state |
//! | `C` | how many objects there are, u64 |
//!
//! The rank is what puts the newest first: the complement of the object's sequence. All entries with one value are in
//! that order, so that objects with several values are found by going through the entries of all of them side by side
//! (`search`), without looking at an object that lacks one; how many objects there are besides does not matter.
//! Numbers are big-endian, and signed ones have their sign turned, so that they sort.

mod search;
mod terms;
#[cfg(test)]
mod tests;

pub(crate) use search::{Search, Visit};
pub(crate) use terms::{Indexed, Storage, Term, equal, indexed};

use std::collections::BTreeSet;

use crate::object::Object;

/// The number of a tenant, whose objects are apart from all others'.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tenant(pub(crate) u32);

/// A key of the store.
pub(crate) type Key = Vec<u8>;

/// Enough to tell values apart; collisions are seen when the object is looked at.
pub(crate) type Digest = [u8; 16];

/// The object.
pub(crate) fn object_key(tenant: Tenant, identifier: &str) -> Key {
    key(b'O', tenant, &[identifier.as_bytes()])
}

/// What the keys of all tenants' numbers begin with.
pub(crate) const TENANTS: &[u8] = b"T";

/// The number of a tenant.
pub(crate) fn tenant_key(name: &str) -> Key {
    [TENANTS, name.as_bytes()].concat()
}

/// Who has a Name.
pub(crate) fn name_key(tenant: Tenant, name: &str) -> Key {
    key(b'N', tenant, &[&terms::digest(&[name.as_bytes()])])
}

/// What the keys of all coming changes of state begin with.
pub(crate) const DUE: &[u8] = b"D";

/// What the keys of all objects begin with.
pub(crate) const OBJECTS: &[u8] = b"O";

/// How many objects there are.
pub(crate) const COUNT: &[u8] = b"C";

/// When the clock moves an object.
fn due_key(at: i64, tenant: Tenant, identifier: &str) -> Key {
    let tenant = tenant.0.to_be_bytes();
    [DUE, &sortable(at), &tenant, identifier.as_bytes()].concat()
}

/// The time, the tenant and the object of such a key.
pub(crate) fn due_of(key: &[u8]) -> Option<(i64, Tenant, &str)> {
    let (at, rest) = key.strip_prefix(DUE)?.split_first_chunk::<8>()?;
    let (tenant, identifier) = rest.split_first_chunk::<4>()?;
    Some((
        unsortable(*at),
        Tenant(u32::from_be_bytes(*tenant)),
        std::str::from_utf8(identifier).ok()?,
    ))
}

/// What the keys of the objects with an attribute's value begin with.
fn equal_prefix(tenant: Tenant, digest: &Digest) -> Key {
    key(b'E', tenant, &[digest])
}

/// What the keys of the objects with a date begin with.
fn date_prefix(tenant: Tenant, tag: u32, date: i64) -> Key {
    key(b'R', tenant, &[&tag.to_be_bytes(), &sortable(date)])
}

fn key(kind: u8, tenant: Tenant, parts: &[&[u8]]) -> Key {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let mut key = Vec::with_capacity(1 + 4 + length + 8);
    key.push(kind);
    key.extend_from_slice(&tenant.0.to_be_bytes());
    for part in parts {
        key.extend_from_slice(part);
    }
    key
}

fn sortable(number: i64) -> [u8; 8] {
    (number ^ i64::MIN).to_be_bytes()
}

fn unsortable(bytes: [u8; 8]) -> i64 {
    i64::from_be_bytes(bytes) ^ i64::MIN
}

/// Newest first.
fn rank(sequence: i64) -> u64 {
    !sequence.cast_unsigned()
}

/// The sequence of an object that has this rank.
pub(crate) fn sequence_of(rank: u64) -> i64 {
    (!rank).cast_signed()
}

/// The keys by which an object is found. What they lead to is its identifier.
pub(crate) fn entries(tenant: Tenant, object: &Object) -> BTreeSet<Key> {
    let rank = rank(object.sequence).to_be_bytes();
    let mut keys = BTreeSet::new();
    let mut add = |mut prefix: Key| {
        prefix.extend_from_slice(&rank);
        keys.insert(prefix);
    };
    add(equal_prefix(tenant, &Storage::of(object).digest()));
    for attribute in &object.attributes {
        for term in terms::terms(&attribute.value) {
            add(match term {
                Term::Equal(digest) => equal_prefix(tenant, &digest),
                Term::Date(tag, date) => date_prefix(tenant, tag, date),
            });
        }
    }
    if !object.is_destroyed() {
        for name in object.names() {
            keys.insert(name_key(tenant, &name.value));
        }
    }
    if let Some(at) = object.next_change_of_state() {
        keys.insert(due_key(at, tenant, &object.identifier));
    }
    keys
}

#[cfg(test)]
mod unit {
    use super::*;

    #[test]
    fn numbers_sort() {
        let numbers = [i64::MIN, -5, -1, 0, 1, 7, i64::MAX];
        for pair in numbers.windows(2) {
            assert!(sortable(pair[0]) < sortable(pair[1]), "{pair:?}");
        }
        for number in numbers {
            assert_eq!(unsortable(sortable(number)), number);
        }
        assert!(rank(2) < rank(1));
        assert_eq!(sequence_of(rank(12)), 12);
    }

    #[test]
    fn what_is_due() {
        let key = due_key(-3, Tenant(7), "id-1");
        assert_eq!(due_of(&key), Some((-3, Tenant(7), "id-1")));
        assert_eq!(due_of(b"D"), None);
    }
}
