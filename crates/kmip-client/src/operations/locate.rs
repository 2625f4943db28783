//! Locate (KMIP 1.4, section 4.9; 2.1, section 6.1.29).

use kmip::operations::LocateRequest;
use kmip::registry::{ObjectType, Operation};
use kmip::{AttributeName, AttributeValue, Attributes, Name};

use super::get_attributes::WANTED;
use crate::{Error, ErrorKind, ObjectAttributes, Result, Session};

/// More hits than this are not looked at one by one.
const MAX_HITS: usize = 1_000;

impl Session {
    /// The symmetric keys with this Name, with their attributes. Names need not be unique on a
    /// server, so there may be several. Each hit is verified, as by [`Session::locate`].
    ///
    /// # Errors
    /// As for [`Session::locate`].
    pub async fn locate_by_name(&mut self, name: &str) -> Result<Vec<ObjectAttributes>> {
        let filter = Attributes::new()
            .with(AttributeValue::ObjectType(ObjectType::SymmetricKey))
            .with(AttributeValue::Name(Name::text(name)));
        self.locate(&filter).await
    }

    /// The objects that have all of these attributes. As KMIP has it, a Cryptographic Usage Mask stands for the objects
    /// that have its bits and maybe others, and a date that is given twice for the time between the two.
    ///
    /// Each hit is verified with Get Attributes: some servers return every object for what they cannot search. So an
    /// attribute by which a server finds objects, but which it does not return, finds nothing; only the Object Type need
    /// not be returned.
    ///
    /// # Errors
    /// `Refused`; `Configuration` for an attribute that the session's version lacks; `Protocol` if the server returns
    /// over 1,000 objects; and what can happen to a connection. No hit is an empty list, not an error.
    pub async fn locate(&mut self, filter: &Attributes) -> Result<Vec<ObjectAttributes>> {
        let hits = self.locate_hits(filter, None).await?;
        if hits.len() > MAX_HITS {
            let message = format!(
                "{} objects were found, more than {MAX_HITS}: the server does not search by these attributes, or \
                 they say too little",
                hits.len()
            );
            let error = Error::new(ErrorKind::Protocol, message);
            return Err(self.at_here(error, Operation::Locate));
        }
        let mut found = Vec::new();
        for hit in &hits {
            if let Hit::Verified(attributes) = self.verify_hit(filter, hit).await? {
                found.push(attributes);
            }
        }
        Ok(found)
    }

    /// The unique identifiers that the server returns for these attributes, `maximum_items` of them at most: for whoever
    /// looks at a long list piece by piece, with [`Session::verify_hit`]. The server may not have looked at all that was
    /// asked for, and then counts what is none.
    ///
    /// # Errors
    /// As for [`Session::locate`], but for the number of objects.
    pub async fn locate_hits(
        &mut self,
        filter: &Attributes,
        maximum_items: Option<i32>,
    ) -> Result<Vec<String>> {
        let request = LocateRequest {
            attributes: filter.clone(),
            maximum_items,
            ..LocateRequest::default()
        };
        match self.call(request).await {
            Ok(response) => Ok(response
                .unique_identifiers
                .iter()
                .filter_map(|hit| hit.as_str().map(str::to_owned))
                .collect()),
            // How some servers say "none".
            Err(error) if *error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    /// Looks whether what a Locate returned is what it was to search for, as [`Session::locate`] does.
    ///
    /// # Errors
    /// As for [`Session::read_attributes`], but for an object that is not there any more.
    pub async fn verify_hit(&mut self, filter: &Attributes, hit: &str) -> Result<Hit> {
        match self.read_attributes(hit, &names_of(filter)).await {
            Ok(attributes) if matches(filter, hit, &attributes) => {
                Ok(Hit::Verified(ObjectAttributes::new(hit, &attributes)))
            }
            Ok(_) => Ok(Hit::Other),
            Err(error) if *error.kind() == ErrorKind::NotFound => Ok(Hit::Gone),
            Err(error) => Err(error),
        }
    }
}

/// What a hit of Locate turns out to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hit {
    /// What was looked for.
    Verified(ObjectAttributes),
    /// Something else: the server does not search by all of these attributes.
    Other,
    /// It is not there any more.
    Gone,
}

/// What to read of a hit: what is told of it, and what it is verified by.
fn names_of(filter: &Attributes) -> Vec<AttributeName> {
    let mut names: Vec<AttributeName> = WANTED.into_iter().map(Into::into).collect();
    for attribute in filter {
        let name = attribute.value.attribute_name();
        let is_identifier = matches!(attribute.value, AttributeValue::UniqueIdentifier(_));
        if !is_identifier && !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// Whether an object with these attributes is what the filter is for.
fn matches(filter: &Attributes, identifier: &str, attributes: &Attributes) -> bool {
    filter.iter().all(|wanted| {
        let wanted = &wanted.value;
        let name = wanted.attribute_name();
        let mut own = attributes
            .iter()
            .map(|attribute| &attribute.value)
            .filter(|value| value.attribute_name() == name)
            .peekable();
        match wanted {
            AttributeValue::UniqueIdentifier(wanted) => wanted.as_str() == Some(identifier),
            AttributeValue::ObjectType(_) if own.peek().is_none() => true,
            AttributeValue::Name(wanted) => {
                own.any(|own| matches!(own, AttributeValue::Name(own) if own.value == wanted.value))
            }
            AttributeValue::CryptographicUsageMask(wanted) => own.any(|own| {
                matches!(own, AttributeValue::CryptographicUsageMask(own) if own.contains(*wanted))
            }),
            _ => match date(wanted) {
                Some(_) => {
                    let (first, last) = range(filter, &name);
                    own.filter_map(date).any(|own| first <= own && own <= last)
                }
                None => own.any(|own| own == wanted),
            },
        }
    })
}

/// From the earliest to the latest date that the filter has for this attribute.
fn range(filter: &Attributes, name: &AttributeName) -> (i64, i64) {
    filter
        .iter()
        .filter(|attribute| attribute.value.attribute_name() == *name)
        .filter_map(|attribute| date(&attribute.value))
        .fold((i64::MAX, i64::MIN), |(first, last), date| {
            (first.min(date), last.max(date))
        })
}

fn date(value: &AttributeValue) -> Option<i64> {
    use AttributeValue as A;
    match value {
        A::InitialDate(date)
        | A::ActivationDate(date)
        | A::ProcessStartDate(date)
        | A::ProtectStopDate(date)
        | A::DeactivationDate(date)
        | A::DestroyDate(date)
        | A::CompromiseOccurrenceDate(date)
        | A::CompromiseDate(date)
        | A::ArchiveDate(date)
        | A::LastChangeDate(date)
        | A::OriginalCreationDate(date)
        | A::RotateDate(date) => Some(date.0),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use kmip::DateTime;
    use kmip::registry::{CryptographicUsageMask as Mask, State};

    use super::*;

    fn attributes(values: &[AttributeValue]) -> Attributes {
        values.iter().cloned().collect()
    }

    #[test]
    fn what_matches() {
        use AttributeValue as A;
        let object = attributes(&[
            A::Name(Name::text("one")),
            A::Name(Name::text("two")),
            A::State(State::Active),
            A::CryptographicUsageMask(Mask::Encrypt | Mask::Decrypt),
            A::InitialDate(DateTime(500)),
        ]);
        for (filter, expected) in [
            (vec![], true),
            (vec![A::Name(Name::text("two"))], true),
            (
                vec![A::Name(Name::text("one")), A::Name(Name::text("two"))],
                true,
            ),
            (
                vec![A::Name(Name::text("one")), A::Name(Name::text("three"))],
                false,
            ),
            (vec![A::State(State::Active)], true),
            (vec![A::State(State::PreActive)], false),
            (vec![A::CryptographicUsageMask(Mask::Encrypt)], true),
            (
                vec![A::CryptographicUsageMask(Mask::Encrypt | Mask::Sign)],
                false,
            ),
            (vec![A::InitialDate(DateTime(500))], true),
            (vec![A::InitialDate(DateTime(499))], false),
            (
                vec![A::InitialDate(DateTime(400)), A::InitialDate(DateTime(600))],
                true,
            ),
            (
                vec![A::InitialDate(DateTime(600)), A::InitialDate(DateTime(400))],
                true,
            ),
            (
                vec![A::InitialDate(DateTime(501)), A::InitialDate(DateTime(600))],
                false,
            ),
            (vec![A::ObjectType(ObjectType::SymmetricKey)], true),
            (vec![A::ObjectGroup("group".to_owned())], false),
            (vec![A::UniqueIdentifier("id".into())], true),
            (vec![A::UniqueIdentifier("another".into())], false),
        ] {
            let filter = attributes(&filter);
            assert_eq!(matches(&filter, "id", &object), expected, "{filter:?}");
        }
        let secret = attributes(&[A::ObjectType(ObjectType::SecretData)]);
        let key = attributes(&[A::ObjectType(ObjectType::SymmetricKey)]);
        assert!(!matches(&key, "id", &secret));
    }

    #[test]
    fn what_is_read_of_a_hit() {
        let filter = attributes(&[
            AttributeValue::Name(Name::text("one")),
            AttributeValue::ContactInformation("ops".to_owned()),
            AttributeValue::UniqueIdentifier("id".into()),
        ]);
        let names = names_of(&filter);
        assert_eq!(names.len(), WANTED.len() + 1);
        assert!(names.contains(&kmip::registry::Tag::ContactInformation.into()));
    }
}
