//! Get Constraints (KMIP 2.1, 6.1.23). Of 2.1.

use crate::attributes::Attributes;
use crate::registry::ObjectType;

structure! {
    /// Asks which attributes objects must have.
    #[derive(Default)]
    pub struct GetConstraintsRequest {
    }
}

structure! {
    /// The constraints.
    pub struct GetConstraintsResponse {
        /// The constraints.
        constraints: Constraints = Constraints,
    }
}

structure! {
    /// What objects must be like (KMIP 2.1, 7.7).
    #[derive(Default)]
    pub struct Constraints {
        /// The constraints.
        constraints: Vec<Constraint> = Constraint,
    }
}

structure! {
    /// What objects of these types or groups must be like (KMIP 2.1, 7.6).
    #[derive(Default)]
    pub struct Constraint {
        /// The types.
        object_types: Option<ObjectTypes> = ObjectTypes,
        /// The groups.
        object_groups: Option<ObjectGroups> = ObjectGroups,
        /// The attributes that they must have.
        attributes: Option<Attributes> = Attributes,
    }
}

structure! {
    /// Types of objects (KMIP 2.1, 7.24).
    #[derive(Default)]
    pub struct ObjectTypes {
        /// They.
        object_types: Vec<ObjectType> = ObjectType,
    }
}

structure! {
    /// Groups of objects (KMIP 2.1, 7.23).
    #[derive(Default)]
    pub struct ObjectGroups {
        /// They.
        object_groups: Vec<String> = ObjectGroup,
    }
}
