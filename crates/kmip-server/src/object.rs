//! A managed object as the server keeps it.

use std::sync::Arc;

use kmip::codec::Field;
use kmip::registry::{LinkType, State, Tag};
use kmip::structures::RevocationReason;
use kmip::ttlv::{self, Buffer, Newer, Writer};
use kmip::{
    Attribute, AttributeName, AttributeValue, Attributes, DateTime, Limits, ManagedObject, Name,
    ProtocolVersion,
};

use crate::clock::now;
use crate::failure::Failure;
use crate::lifecycle::{self, Dates, Event};

/// A managed object: whose it is, what is said about it, and its value.
#[derive(Clone)]
pub(crate) struct Object {
    pub(crate) identifier: String,
    /// The common name of the client that made it.
    pub(crate) owner: Arc<str>,
    /// Larger for what was made later: dates are in seconds, and many objects are made in one.
    pub(crate) sequence: i64,
    /// Everything that Get Attributes shows, Unique Identifier, Object Type and State included. The State is that
    /// of the last change: see [`Object::state`].
    pub(crate) attributes: Attributes,
    /// `None` once it is destroyed.
    pub(crate) value: Option<ManagedObject>,
}

impl Object {
    /// The state now: a date that has come has moved it.
    pub(crate) fn state(&self) -> State {
        self.state_at(now().0)
    }

    fn state_at(&self, now: i64) -> State {
        let dates = Dates {
            activation: self.attributes.activation_date().map(|date| date.0),
            deactivation: self.attributes.deactivation_date().map(|date| date.0),
        };
        let state = self.attributes.state().copied().unwrap_or(State::PreActive);
        lifecycle::at(state, dates, now)
    }

    /// When the clock moves it to its next state. To be settled then.
    pub(crate) fn next_change_of_state(&self) -> Option<i64> {
        let date = match self.attributes.state() {
            Some(State::PreActive) => self.attributes.activation_date(),
            Some(State::Active) => self.attributes.deactivation_date(),
            _ => None,
        };
        date.map(|date| date.0)
    }

    /// Makes the state that the clock has moved it to its own, whatever the clock says later.
    pub(crate) fn settle(&mut self, now: i64) {
        let state = self.state_at(now);
        if self.attributes.state() != Some(&state) {
            self.set(AttributeValue::State(state));
        }
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &Name> {
        self.attributes.names()
    }

    pub(crate) fn is_destroyed(&self) -> bool {
        matches!(self.state(), State::Destroyed | State::DestroyedCompromised)
    }

    /// Sets an attribute that has one value.
    pub(crate) fn set(&mut self, value: AttributeValue) {
        let name = value.attribute_name();
        self.remove(&name);
        self.attributes.push(value);
    }

    /// Sets an attribute that it has not got yet.
    pub(crate) fn set_new(&mut self, value: AttributeValue) {
        if self.attributes.get(&value.attribute_name()).is_none() {
            self.attributes.push(value);
        }
    }

    /// Adds a value of an attribute that may have several, unless it is there.
    pub(crate) fn add(&mut self, value: AttributeValue) {
        if !self.attributes.iter().any(|own| own.value == value) {
            self.attributes.push(value);
        }
    }

    /// The object that the first link of this type leads to.
    pub(crate) fn linked(&self, link_type: LinkType) -> Option<String> {
        self.attributes
            .iter()
            .find_map(|attribute| match &attribute.value {
                AttributeValue::Link(link) if link.link_type == link_type => {
                    link.linked_object_identifier.as_str().map(str::to_owned)
                }
                _ => None,
            })
    }

    /// Whether it is in the archive, where it must be recovered from before it is used.
    pub(crate) fn is_archived(&self) -> bool {
        self.attributes.archive_date().is_some()
    }

    /// What follows from an attribute that a client has set: what has been sensitive once has been so not always, if
    /// it ceases to be.
    pub(crate) fn follow(&mut self, value: &AttributeValue) {
        match value {
            AttributeValue::Sensitive(false) => self.set(AttributeValue::AlwaysSensitive(false)),
            AttributeValue::Extractable(true) => self.set(AttributeValue::NeverExtractable(false)),
            _ => {}
        }
    }

    /// Removes all values of an attribute.
    pub(crate) fn remove(&mut self, name: &AttributeName) {
        self.attributes = self
            .attributes
            .iter()
            .filter(|attribute| attribute.value.attribute_name() != *name)
            .cloned()
            .collect::<Attributes>();
    }

    /// Notes that the object or an attribute has changed.
    pub(crate) fn touch(&mut self) {
        self.set(AttributeValue::LastChangeDate(now()));
    }

    /// Moves it to the next state, with the dates that go with it.
    pub(crate) fn apply(&mut self, event: Event) -> Result<(), Failure> {
        let before = self.state();
        let after = lifecycle::next(before, event)
            .ok_or_else(|| Failure::wrong_state(format!("the object is {before}")))?;
        let now = now();
        match event {
            Event::Activate => self.set(AttributeValue::ActivationDate(now)),
            Event::Deactivate => self.set(AttributeValue::DeactivationDate(now)),
            Event::Compromise => self.set(AttributeValue::CompromiseDate(now)),
            Event::Destroy => {
                self.set(AttributeValue::DestroyDate(now));
                // The material goes with this write; what stays is what is known about it.
                self.value = None;
            }
        }
        self.set(AttributeValue::State(after));
        self.touch();
        Ok(())
    }

    /// Revokes it, for that reason.
    pub(crate) fn revoke(
        &mut self,
        reason: RevocationReason,
        occurred: Option<DateTime>,
    ) -> Result<(), Failure> {
        let event = lifecycle::revocation(reason.code);
        self.apply(event)?;
        if event == Event::Compromise {
            self.set(AttributeValue::CompromiseOccurrenceDate(
                occurred.unwrap_or_else(now),
            ));
        }
        self.set(AttributeValue::RevocationReason(reason));
        Ok(())
    }

    /// Whether a date may be set now: a state that has been reached keeps its date (KMIP 1.4,
    /// sections 3.24 to 3.27).
    pub(crate) fn check_dates(&self, value: &AttributeValue) -> Result<(), Failure> {
        let state = self.state();
        let may = match value {
            AttributeValue::ActivationDate(_) => state == State::PreActive,
            AttributeValue::ProcessStartDate(_)
            | AttributeValue::ProtectStopDate(_)
            | AttributeValue::DeactivationDate(_) => {
                matches!(state, State::PreActive | State::Active)
            }
            _ => true,
        };
        if may {
            return Ok(());
        }
        let name = value.attribute_name();
        Err(Failure::wrong_state(format!(
            "{name} cannot be set: the object is {state}"
        )))
    }

    /// The attributes as they are now, each instance but the first with its index.
    pub(crate) fn current_attributes(&self) -> impl Iterator<Item = Attribute> {
        let state = self.state();
        self.attributes
            .iter()
            .enumerate()
            .map(move |(position, attribute)| {
                let value = match &attribute.value {
                    AttributeValue::State(_) => AttributeValue::State(state),
                    value => value.clone(),
                };
                let name = value.attribute_name();
                let before = self.attributes.iter().take(position);
                let index = before
                    .filter(|other| other.value.attribute_name() == name)
                    .count();
                Attribute {
                    index: i32::try_from(index).ok().filter(|index| *index > 0),
                    value,
                }
            })
    }

    /// The record for the store: one TTLV structure in the newest version's shape. What that has no place for any
    /// more is in 1.4's, as bytes within it.
    pub(crate) fn to_record(&self) -> Result<Buffer, Failure> {
        let (old, new): (Vec<Attribute>, Vec<Attribute>) = self
            .attributes
            .iter()
            .cloned()
            .partition(|attribute| is_gone(&attribute.value));
        let old = in_1_4(|writer| Attributes::from_iter(old).put(Tag::TemplateAttribute, writer))?;
        let template = match &self.value {
            Some(ManagedObject::Template(_)) => {
                Some(in_1_4(|writer| self.value.put(Tag::Template, writer))?)
            }
            _ => None,
        };
        // No message: values that 2.x has no more are kept as they are.
        let mut writer = Writer::new(Buffer::new(), ProtocolVersion::V2_1, Newer::Keep);
        writer.structure(RECORD, |writer| {
            writer.text(Tag::UniqueIdentifier, &self.identifier);
            writer.text(OWNER, &self.owner);
            writer.long_integer(SEQUENCE, self.sequence);
            Attributes::from_iter(new).put(Tag::TemplateAttribute, writer);
            writer.bytes(OLD_ATTRIBUTES, old.as_slice());
            match &template {
                Some(template) => writer.bytes(OLD_TEMPLATE, template.as_slice()),
                None => self.value.put(Tag::SymmetricKey, writer),
            }
        });
        writer
            .finish()
            .map_err(|error| Failure::invalid(error.to_string()))
    }

    /// Reads a record. The error says what is wrong with it.
    pub(crate) fn from_record(identifier: &str, record: &[u8]) -> Result<Self, String> {
        let limits = Limits {
            message_bytes: usize::MAX,
            items: usize::MAX,
            ..Limits::DEFAULT
        };
        let root = ttlv::check(record, &limits).map_err(|error| error.to_string())?;
        let mut attributes = Attributes::default();
        let (mut owner, mut stored, mut value) = (None, None, None);
        let mut sequence = 0;
        for field in root.structure().map_err(|error| error.to_string())? {
            let done = match field.tag() {
                Tag::UniqueIdentifier => field.text().map(|text| stored = Some(text)),
                OWNER => field.text().map(|text| owner = Some(text)),
                SEQUENCE => field.long_integer().map(|number| sequence = number),
                Tag::Attributes => <Attributes as Field>::take(&mut attributes, &field),
                OLD_ATTRIBUTES => field.bytes().and_then(|bytes| {
                    <Attributes as Field>::take(&mut attributes, &ttlv::check(bytes, &limits)?)
                }),
                OLD_TEMPLATE => field.bytes().and_then(|bytes| {
                    let template = ttlv::check(bytes, &limits)?;
                    <Option<ManagedObject> as Field>::take(&mut value, &template)
                }),
                _ => <Option<ManagedObject> as Field>::take(&mut value, &field),
            };
            done.map_err(|error| error.to_string())?;
        }
        if stored != Some(identifier) {
            return Err("it has another identifier inside".to_owned());
        }
        let owner = owner.ok_or("it has no owner")?.into();
        Ok(Self {
            identifier: identifier.to_owned(),
            owner,
            sequence,
            attributes,
            value,
        })
    }
}

/// Whether the newest version has no place for it.
pub(crate) fn is_gone(value: &AttributeValue) -> bool {
    matches!(
        value,
        AttributeValue::OperationPolicyName(_)
            | AttributeValue::CertificateIdentifier(_)
            | AttributeValue::CertificateSubject(_)
            | AttributeValue::CertificateIssuer(_)
    )
}

fn in_1_4(fill: impl FnOnce(&mut Writer)) -> Result<Buffer, Failure> {
    let mut writer = Writer::new(Buffer::new(), ProtocolVersion::V1_4, Newer::Refuse);
    fill(&mut writer);
    writer
        .finish()
        .map_err(|error| Failure::invalid(error.to_string()))
}

/// The outermost item of a record. Nothing else is ever sealed, so any tag would do.
const RECORD: Tag = Tag::ResponsePayload;

/// The owner within a record.
const OWNER: Tag = Tag::Username;

/// The sequence number within a record.
const SEQUENCE: Tag = Tag::UsageLimitsCount;

/// The attributes within a record that are in 1.4's shape.
const OLD_ATTRIBUTES: Tag = Tag::Data;

/// A template within a record, in 1.4's shape.
const OLD_TEMPLATE: Tag = Tag::OpaqueDataValue;

#[cfg(test)]
mod tests {
    use kmip::UniqueIdentifier;
    use kmip::objects::{KeyBlock, SymmetricKey};
    use kmip::registry::{CryptographicAlgorithm, ObjectType, RevocationReasonCode};

    use super::*;

    fn object() -> Object {
        let key_block = KeyBlock::raw(CryptographicAlgorithm::AES, vec![7; 32]);
        Object {
            identifier: "id-1".to_owned(),
            owner: "db-1".into(),
            sequence: 7,
            attributes: Attributes::new()
                .with(AttributeValue::UniqueIdentifier(UniqueIdentifier::from(
                    "id-1",
                )))
                .with(AttributeValue::ObjectType(ObjectType::SymmetricKey))
                .with(AttributeValue::State(State::PreActive))
                .with(AttributeValue::Name(Name::text("first")))
                .with(AttributeValue::Name(Name::text("second")))
                .with(Attribute::vendor(
                    "x",
                    "purpose",
                    ttlv::ItemValue::Integer(5),
                )),
            value: Some(SymmetricKey { key_block }.into()),
        }
    }

    #[test]
    fn records() {
        let object = object();
        let record = object.to_record().unwrap();
        let again = Object::from_record("id-1", record.as_slice()).unwrap();
        assert_eq!(again.attributes, object.attributes);
        assert_eq!(again.value, object.value);
        assert_eq!(again.owner, object.owner);
        assert!(Object::from_record("id-2", record.as_slice()).is_err());
        assert!(Object::from_record("id-1", &record.as_slice()[..100]).is_err());
    }

    #[test]
    fn a_life() {
        let mut object = object();
        object.apply(Event::Activate).unwrap();
        assert_eq!(object.state(), State::Active);
        assert!(object.attributes.activation_date().is_some());
        assert!(object.apply(Event::Activate).is_err());
        assert!(object.apply(Event::Destroy).is_err());
        let reason = RevocationReason {
            code: RevocationReasonCode::Superseded,
            message: None,
        };
        object.revoke(reason, None).unwrap();
        assert_eq!(object.state(), State::Deactivated);
        assert!(object.value.is_some());
        object.apply(Event::Destroy).unwrap();
        assert_eq!(object.state(), State::Destroyed);
        assert!(object.value.is_none());
        assert_eq!(object.names().count(), 2);
        let record = object.to_record().unwrap();
        assert!(
            !record
                .as_slice()
                .windows(32)
                .any(|window| window == [7; 32])
        );
    }

    #[test]
    fn a_compromise_is_dated() {
        let mut object = object();
        let reason = RevocationReason {
            code: RevocationReasonCode::KeyCompromise,
            message: None,
        };
        object.revoke(reason, Some(DateTime(5))).unwrap();
        assert_eq!(object.state(), State::Compromised);
        assert_eq!(
            object.attributes.compromise_occurrence_date(),
            Some(&DateTime(5))
        );
        assert!(object.attributes.compromise_date().is_some());
    }

    #[test]
    fn an_activation_date_that_has_come() {
        let mut object = object();
        object.set(AttributeValue::ActivationDate(DateTime(1)));
        assert_eq!(object.state(), State::Active);
        let shown: Attributes = object.current_attributes().collect();
        assert_eq!(shown.state(), Some(&State::Active));
        object.set(AttributeValue::ActivationDate(DateTime(i64::MAX)));
        assert_eq!(object.state(), State::PreActive);
    }
}
