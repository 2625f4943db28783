//! Locate (KMIP 1.4, section 4.9; 2.1, section 6.1.29).

use std::sync::Arc;

use kmip::operations::{LocateRequest, LocateResponse};
use kmip::registry::{ObjectGroupMember, ResultReason, StorageStatusMask};
use kmip::{AttributeName, AttributeValue, Attributes, DateTime};

use crate::batch::Context;
use crate::failure::Failure;
use crate::index::{Indexed, Search, Storage, Term, Visit, equal, indexed};
use crate::object::Object;

/// So many objects are answered: clients bound what they take, ours at 10,000 items and 1 MiB, and an answer that nobody
/// takes is of no use.
const MOST_LOCATED: usize = 9_000;

/// So many objects are looked at to count how many there are, besides those that are answered. Beyond, Located Items
/// is left out, as the specification allows.
const MOST_COUNTED: usize = 10_000;

pub(super) fn locate(
    context: &mut Context<'_>,
    request: LocateRequest,
) -> Result<LocateResponse, Failure> {
    let skip = count(request.offset_items, "Offset Items")?.unwrap_or(0);
    let most = count(request.maximum_items, "Maximum Items")?;
    let wanted = Wanted::new(&request.attributes, request.object_group_member);
    let storage = storage(request.storage_status_mask, &request.attributes);
    let located = if request.object_group_member == Some(ObjectGroupMember::GroupMemberDefault) {
        default_member(context, &wanted, &storage)?.page(skip, most)
    } else {
        find(context, &wanted, &storage, skip, most)?
    };
    match located.identifiers.as_slice() {
        [only] => context.yields(only),
        _ => context.yields_nothing(),
    }
    let identifiers = located.identifiers.into_iter();
    Ok(LocateResponse {
        located_items: located.total.and_then(|total| i32::try_from(total).ok()),
        unique_identifiers: identifiers.map(Into::into).collect(),
    })
}

struct Located {
    identifiers: Vec<String>,
    /// How many there are; `None` if they were not counted to the end.
    total: Option<usize>,
}

impl Located {
    fn page(mut self, skip: usize, most: Option<usize>) -> Self {
        self.identifiers.drain(..skip.min(self.identifiers.len()));
        self.identifiers.truncate(most.unwrap_or(usize::MAX));
        self
    }
}

fn find(
    context: &Context<'_>,
    wanted: &Wanted<'_>,
    storage: &[Storage],
    skip: usize,
    most: Option<usize>,
) -> Result<Located, Failure> {
    let mut found = Located {
        identifiers: Vec::new(),
        total: Some(0),
    };
    // Somebody who knows the object need not search.
    if let Some(identifier) = wanted.identifier {
        if let Ok(object) = context.objects.get(identifier)
            && storage.contains(&Storage::of(&object))
            && wanted.matches(&object)
        {
            found.identifiers.push(object.identifier.clone());
            found.total = Some(1);
        }
        return Ok(found.page(skip, most));
    }
    let search = Search {
        storage,
        terms: &wanted.terms,
        ranges: &wanted.ranges,
        // First made, first handed out.
        oldest_first: wanted.fresh_only,
        after: None,
    };
    let (mut total, mut looked_at) = (0_usize, 0_usize);
    let mut is_too_many = false;
    context.objects.search(&search, |object| {
        let is_full = most.is_some_and(|most| found.identifiers.len() >= most);
        if is_full {
            looked_at += 1;
            if looked_at > MOST_COUNTED {
                found.total = None;
                return Visit::Stop;
            }
        }
        if !wanted.matches(object) {
            return Visit::Continue;
        }
        total += 1;
        if total > skip && !is_full {
            if found.identifiers.len() >= MOST_LOCATED {
                is_too_many = true;
                return Visit::Stop;
            }
            found.identifiers.push(object.identifier.clone());
        }
        Visit::Continue
    })?;
    if is_too_many {
        return Err(Failure::new(
            ResultReason::ResponseTooLarge,
            format!(
                "more than {MOST_LOCATED} objects are found: ask for them in parts, with Maximum Items and Offset Items"
            ),
        ));
    }
    found.total = found.total.map(|_| total);
    Ok(found)
}

/// The default member of the group that is asked for: its members take turns, oldest first.
fn default_member(
    context: &Context<'_>,
    wanted: &Wanted<'_>,
    storage: &[Storage],
) -> Result<Located, Failure> {
    let group = wanted
        .group
        .ok_or_else(|| Failure::missing("the Object Group"))?;
    let first_after = |after: Option<i64>| -> Result<Option<Arc<Object>>, Failure> {
        let search = Search {
            storage,
            terms: &wanted.terms,
            ranges: &wanted.ranges,
            oldest_first: true,
            after,
        };
        let mut first = None;
        context.objects.search(&search, |object| {
            if wanted.matches(object) {
                first = Some(Arc::clone(object));
                Visit::Stop
            } else {
                Visit::Continue
            }
        })?;
        Ok(first)
    };
    let last = context.objects.last_default(group);
    let next = match last {
        Some(last) => first_after(Some(last))?,
        None => None,
    };
    let next = match next {
        Some(next) => Some(next),
        None => first_after(None)?,
    };
    if let Some(next) = &next {
        context.objects.note_default(group, next.sequence);
    }
    Ok(Located {
        total: Some(usize::from(next.is_some())),
        identifiers: next.iter().map(|next| next.identifier.clone()).collect(),
    })
}

/// Which objects are meant, by where they are. Destroyed objects are found by those who ask for them.
fn storage(mask: Option<StorageStatusMask>, attributes: &Attributes) -> Vec<Storage> {
    let mask = mask.unwrap_or(StorageStatusMask::OnLineStorage);
    Storage::ALL
        .into_iter()
        .filter(|storage| match storage {
            Storage::OnLine => mask.contains(StorageStatusMask::OnLineStorage),
            Storage::Archival => {
                mask.contains(StorageStatusMask::ArchivalStorage)
                    || attributes.archive_date().is_some()
            }
            Storage::Destroyed => {
                mask.contains(StorageStatusMask::DestroyedStorage)
                    || attributes.state().is_some()
                    || attributes.destroy_date().is_some()
            }
        })
        .collect()
}

fn count(value: Option<i32>, what: &str) -> Result<Option<usize>, Failure> {
    value
        .map(|value| {
            usize::try_from(value).map_err(|_| Failure::invalid(format!("{what} is negative")))
        })
        .transpose()
}

/// What the objects must have: worked out once, and then compared with each.
struct Wanted<'a> {
    values: Vec<&'a AttributeValue>,
    /// A date that is there once is a point in time; one that is there twice, a range.
    dates: Vec<(AttributeName, DateTime, DateTime)>,
    fresh_only: bool,
    identifier: Option<&'a str>,
    group: Option<&'a str>,
    /// What the index finds of it.
    terms: Vec<Term>,
    ranges: Vec<(u32, i64, i64)>,
}

impl<'a> Wanted<'a> {
    fn new(attributes: &'a Attributes, member: Option<ObjectGroupMember>) -> Self {
        let identifier = attributes.unique_identifier();
        let mut wanted = Self {
            values: Vec::new(),
            dates: Vec::new(),
            fresh_only: member == Some(ObjectGroupMember::GroupMemberFresh),
            identifier: identifier.and_then(|identifier| identifier.as_str()),
            group: attributes.object_group().map(String::as_str),
            terms: Vec::new(),
            ranges: Vec::new(),
        };
        for attribute in attributes {
            let value = &attribute.value;
            match indexed(value) {
                Indexed::Date(date) => wanted.add_date(value.attribute_name(), date),
                Indexed::Value => {
                    wanted.values.push(value);
                    wanted.terms.extend(equal(value).map(Term::Equal));
                }
                Indexed::No => wanted.values.push(value),
            }
        }
        for (name, from, to) in &wanted.dates {
            let AttributeName::Standard(tag) = name else {
                continue;
            };
            if from == to {
                wanted.terms.push(Term::Date(tag.0, from.0));
            } else {
                wanted.ranges.push((tag.0, from.0, to.0));
            }
        }
        wanted
    }

    fn add_date(&mut self, name: AttributeName, date: DateTime) {
        match self.dates.iter_mut().find(|(other, ..)| *other == name) {
            Some((_, from, to)) => {
                *from = date.min(*from);
                *to = date.max(*to);
            }
            None => self.dates.push((name, date, date)),
        }
    }

    fn matches(&self, object: &Object) -> bool {
        (!self.fresh_only || object.attributes.fresh() == Some(&true))
            && self.values.iter().all(|value| has(object, value))
            && self.dates.iter().all(|(name, from, to)| {
                object
                    .attributes
                    .iter()
                    .filter(|own| own.value.attribute_name() == *name)
                    .filter_map(|own| match indexed(&own.value) {
                        Indexed::Date(date) => Some(date),
                        _ => None,
                    })
                    .any(|own| *from <= own && own <= *to)
            })
    }
}

/// Whether the object has an attribute that matches the one asked for.
fn has(object: &Object, value: &AttributeValue) -> bool {
    use AttributeValue as V;
    match value {
        V::State(wanted) => return object.state() == *wanted,
        // An object without the attribute has its key.
        V::KeyValuePresent(true) => {
            return object.attributes.key_value_present() != Some(&false);
        }
        _ => {}
    }
    object
        .attributes
        .iter()
        .any(|own| match (&own.value, value) {
            // All bits that are asked for; there may be more.
            (V::CryptographicUsageMask(own), V::CryptographicUsageMask(wanted)) => {
                own.contains(*wanted)
            }
            // What is not said may be anything.
            (V::ApplicationSpecificInformation(own), V::ApplicationSpecificInformation(wanted))
                if wanted.application_data.is_none() =>
            {
                own.application_namespace == wanted.application_namespace
            }
            (own, wanted) => own == wanted,
        })
}
