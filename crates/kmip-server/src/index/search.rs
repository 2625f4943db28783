//! Finding objects by several values at once.

use storage::{Direction, KeyValueEntries, KeyValueSnapshot};

use super::terms::{Storage, Term};
use super::{Key, Tenant, date_prefix, equal_prefix, rank, sequence_of};
use crate::store::StoreError;

/// A range of dates with more entries than this is not gone through beforehand; the other conditions find the
/// objects, and their dates are looked at.
const MOST_OF_A_RANGE: usize = 100_000;

/// So many entries are stepped over before a jump is tried.
const STEPS: usize = 4;

/// What is searched for. Whatever else is asked for is for the visitor to see.
#[derive(Clone, Copy)]
pub(crate) struct Search<'a> {
    /// At least one.
    pub(crate) storage: &'a [Storage],
    /// All of them.
    pub(crate) terms: &'a [Term],
    /// Dates from (included) to (included), by tag; all of them.
    pub(crate) ranges: &'a [(u32, i64, i64)],
    pub(crate) oldest_first: bool,
    /// With `oldest_first`: only what was made after the object of this sequence.
    pub(crate) after: Option<i64>,
}

/// What the visitor says of an object.
pub(crate) enum Visit {
    Continue,
    Stop,
}

impl Search<'_> {
    /// Calls the visitor with the identifier and the sequence of each object that may be meant, in order.
    pub(crate) fn run(
        &self,
        snapshot: &KeyValueSnapshot,
        tenant: Tenant,
        mut visit: impl FnMut(&str, i64) -> Result<Visit, StoreError>,
    ) -> Result<(), StoreError> {
        let direction = if self.oldest_first {
            Direction::Backward
        } else {
            Direction::Forward
        };
        let mut streams = Vec::with_capacity(self.terms.len() + 2);
        for term in self.terms {
            let prefix = match term {
                Term::Equal(digest) => equal_prefix(tenant, digest),
                Term::Date(tag, date) => date_prefix(tenant, *tag, *date),
            };
            streams.push(Stream::One(Entries::new(snapshot, prefix, direction)?));
        }
        if streams.is_empty() {
            for (tag, from, to) in self.ranges {
                streams.extend(self.range(snapshot, tenant, (*tag, *from, *to))?);
            }
        }
        let mut storage = Vec::with_capacity(self.storage.len());
        for storage_status in self.storage {
            let prefix = equal_prefix(tenant, &storage_status.digest());
            storage.push(Entries::new(snapshot, prefix, direction)?);
        }
        streams.push(Stream::Any(storage));

        // Where the next object can be, in the order of the search.
        let mut at = match self.after.and_then(|after| after.checked_add(1)) {
            Some(next) => self.position(rank(next)),
            None => 0,
        };
        loop {
            let mut agreed = true;
            for stream in &mut streams {
                stream.seek(at)?;
                match stream.position()? {
                    None => return Ok(()),
                    Some(position) if position > at => {
                        at = position;
                        agreed = false;
                        break;
                    }
                    Some(_) => {}
                }
            }
            if !agreed {
                continue;
            }
            let Some(first) = streams.first_mut() else {
                return Ok(());
            };
            let sequence = sequence_of(self.position(at));
            if let Visit::Stop = visit(first.identifier()?, sequence)? {
                return Ok(());
            }
            let Some(next) = at.checked_add(1) else {
                return Ok(());
            };
            at = next;
        }
    }

    /// From a rank to the position in the order of the search, and back.
    fn position(&self, rank: u64) -> u64 {
        if self.oldest_first { !rank } else { rank }
    }

    /// The objects with a date in this range; `None` if there are too many.
    fn range<'s>(
        &self,
        snapshot: &'s KeyValueSnapshot,
        tenant: Tenant,
        (tag, from, to): (u32, i64, i64),
    ) -> Result<Option<Stream<'s>>, StoreError> {
        let start = date_prefix(tenant, tag, from);
        let mut last = date_prefix(tenant, tag, to);
        // After every rank of the last date.
        last.extend_from_slice(&[0xFF; 9]);
        let mut entries = snapshot.range(&start, &last, Direction::Forward)?;
        let mut found = Vec::new();
        while let Some(key) = entries.key() {
            let rank = key.last_chunk().copied().map(u64::from_be_bytes);
            let rank = rank.ok_or(StoreError::Index { detail: "a date" })?;
            found.push((
                self.position(rank),
                identifier(entries.value()?)?.to_owned(),
            ));
            if found.len() > MOST_OF_A_RANGE {
                return Ok(None);
            }
            entries.advance()?;
        }
        found.sort_unstable();
        Ok(Some(Stream::Sorted { found, at: 0 }))
    }
}

fn identifier(value: &[u8]) -> Result<&str, StoreError> {
    std::str::from_utf8(value).map_err(|_| StoreError::Index {
        detail: "an identifier is not UTF-8",
    })
}

/// The entries with one value.
struct Entries<'s> {
    entries: KeyValueEntries<'s>,
    prefix: Key,
    direction: Direction,
}

impl<'s> Entries<'s> {
    fn new(
        snapshot: &'s KeyValueSnapshot,
        prefix: Key,
        direction: Direction,
    ) -> Result<Self, StoreError> {
        Ok(Self {
            entries: snapshot.entries(&prefix, direction)?,
            prefix,
            direction,
        })
    }

    fn position(&self) -> Result<Option<u64>, StoreError> {
        let Some(key) = self.entries.key() else {
            return Ok(None);
        };
        let rank = key
            .get(self.prefix.len()..)
            .and_then(|rank| rank.try_into().ok())
            .map(u64::from_be_bytes)
            .ok_or(StoreError::Index { detail: "a value" })?;
        Ok(Some(match self.direction {
            Direction::Forward => rank,
            Direction::Backward => !rank,
        }))
    }

    /// Goes to the first entry at this position or after it.
    fn seek(&mut self, to: u64) -> Result<(), StoreError> {
        for _ in 0..STEPS {
            match self.position()? {
                Some(position) if position < to => self.entries.advance()?,
                _ => return Ok(()),
            }
        }
        if self.position()?.is_none_or(|position| position >= to) {
            return Ok(());
        }
        let rank = match self.direction {
            Direction::Forward => to,
            Direction::Backward => !to,
        };
        let mut key = self.prefix.clone();
        key.extend_from_slice(&rank.to_be_bytes());
        Ok(self.entries.seek(&key)?)
    }
}

/// Objects in the order of the search.
enum Stream<'s> {
    /// Those with one value.
    One(Entries<'s>),
    /// Those with one of several values; an object has one of them.
    Any(Vec<Entries<'s>>),
    /// Those that were found beforehand.
    Sorted {
        found: Vec<(u64, String)>,
        at: usize,
    },
}

impl Stream<'_> {
    fn seek(&mut self, to: u64) -> Result<(), StoreError> {
        match self {
            Self::One(entries) => entries.seek(to),
            Self::Any(all) => all.iter_mut().try_for_each(|entries| entries.seek(to)),
            Self::Sorted { found, at } => {
                *at = found.partition_point(|(position, _)| *position < to);
                Ok(())
            }
        }
    }

    fn position(&self) -> Result<Option<u64>, StoreError> {
        match self {
            Self::One(entries) => entries.position(),
            Self::Any(all) => {
                let mut first = None;
                for entries in all {
                    if let Some(position) = entries.position()? {
                        first = Some(first.map_or(position, |first: u64| first.min(position)));
                    }
                }
                Ok(first)
            }
            Self::Sorted { found, at } => Ok(found.get(*at).map(|(position, _)| *position)),
        }
    }

    /// The object where it is.
    fn identifier(&mut self) -> Result<&str, StoreError> {
        let position = self.position()?;
        let value = match self {
            Self::One(entries) => entries.entries.value()?,
            Self::Any(all) => {
                let mut here = None;
                for entries in all {
                    if entries.position()? == position {
                        here = Some(entries);
                        break;
                    }
                }
                match here {
                    Some(entries) => entries.entries.value()?,
                    None => &[],
                }
            }
            Self::Sorted { found, at } => {
                return Ok(found.get(*at).map_or("", |(_, identifier)| identifier));
            }
        };
        identifier(value)
    }
}
