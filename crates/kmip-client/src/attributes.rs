//! The attributes of an object that a user of keys looks at.

use kmip::registry::{CryptographicAlgorithm, CryptographicUsageMask, ObjectType, State};
use kmip::{AttributeValue, Attributes};

/// Attributes of a managed object; what the server does not send is `None` or empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ObjectAttributes {
    /// Its identifier.
    pub unique_identifier: String,
    /// Its names.
    pub names: Vec<String>,
    /// The groups that it belongs to.
    pub object_groups: Vec<String>,
    /// What it is.
    pub object_type: Option<ObjectType>,
    /// Where it is in its life cycle.
    pub state: Option<State>,
    /// The algorithm of a key.
    pub algorithm: Option<CryptographicAlgorithm>,
    /// The length of a key, in bits.
    pub bits: Option<i32>,
    /// What it may be used for.
    pub usage: Option<CryptographicUsageMask>,
    /// When it was made, in seconds since 1970.
    pub initial_date: Option<i64>,
    /// When it became active, in seconds since 1970.
    pub activation_date: Option<i64>,
    /// When it was or will be deactivated, in seconds since 1970.
    pub deactivation_date: Option<i64>,
    /// When it was destroyed, in seconds since 1970.
    pub destroy_date: Option<i64>,
}

impl ObjectAttributes {
    pub(crate) fn new(unique_identifier: &str, attributes: &Attributes) -> Self {
        Self {
            unique_identifier: unique_identifier.to_owned(),
            names: attributes.names().map(|name| name.value.clone()).collect(),
            object_groups: attributes
                .iter()
                .filter_map(|attribute| match &attribute.value {
                    AttributeValue::ObjectGroup(group) => Some(group.clone()),
                    _ => None,
                })
                .collect(),
            object_type: attributes.object_type().copied(),
            state: attributes.state().copied(),
            algorithm: attributes.cryptographic_algorithm().copied(),
            bits: attributes.cryptographic_length().copied(),
            usage: attributes.cryptographic_usage_mask().copied(),
            initial_date: attributes.initial_date().map(|date| date.0),
            activation_date: attributes.activation_date().map(|date| date.0),
            deactivation_date: attributes.deactivation_date().map(|date| date.0),
            destroy_date: attributes.destroy_date().map(|date| date.0),
        }
    }
}
