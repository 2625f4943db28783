//! What an object is, in a line.

use kmip::registry::{CryptographicAlgorithm, ObjectType, State};
use kmip_client::ObjectAttributes;
use serde::Serialize;

/// An object as `locate` lists it. What the server does not say is `None`.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Summary {
    pub(crate) unique_identifier: String,
    pub(crate) names: Vec<String>,
    #[serde(serialize_with = "name")]
    pub(crate) object_type: Option<ObjectType>,
    #[serde(serialize_with = "name")]
    pub(crate) state: Option<State>,
    #[serde(serialize_with = "name")]
    pub(crate) cryptographic_algorithm: Option<CryptographicAlgorithm>,
    pub(crate) cryptographic_length: Option<i32>,
    pub(crate) object_groups: Vec<String>,
}

/// Serializes the canonical name, or nothing.
pub(crate) fn name<T: ToString, S: serde::Serializer>(
    value: &Option<T>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match value {
        Some(value) => serializer.serialize_some(&value.to_string()),
        None => serializer.serialize_none(),
    }
}

impl From<ObjectAttributes> for Summary {
    fn from(attributes: ObjectAttributes) -> Self {
        Self {
            unique_identifier: attributes.unique_identifier,
            names: attributes.names,
            object_type: attributes.object_type,
            state: attributes.state,
            cryptographic_algorithm: attributes.algorithm,
            cryptographic_length: attributes.bits,
            object_groups: attributes.object_groups,
        }
    }
}

impl Summary {
    /// The columns of [`HEAD`].
    pub(crate) fn row(&self) -> Vec<String> {
        vec![
            self.unique_identifier.clone(),
            shown(self.state),
            shown(self.object_type),
            shown(self.cryptographic_algorithm),
            shown(self.cryptographic_length),
            self.names.join(", "),
        ]
    }
}

/// The head of a table of summaries.
pub(crate) const HEAD: [&str; 6] = ["ID", "STATE", "TYPE", "ALGORITHM", "LENGTH", "NAMES"];

fn shown<T: ToString>(value: Option<T>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| value.to_string())
}
