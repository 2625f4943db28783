//! Template (KMIP 1.4, section 2.2.6): deprecated in 1.3, gone in 2.0.

use crate::attributes::Attributes;

structure! {
    /// A set of attributes that other requests refer to by name.
    #[derive(Default)]
    pub struct Template {
        /// The attributes.
        attributes: Attributes = Attribute,
    }
}
