//! The attributes of an object that a user of keys looks at.

use kmip::registry::{CryptographicAlgorithm, CryptographicUsageMask, ObjectType, State};

/// Attributes of a managed object; what the server does not send is `None` or empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ObjectAttributes {
    /// Its identifier.
    pub unique_identifier: String,
    /// Its names.
    pub names: Vec<String>,
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
