//! The one registry of tags, enumerations and masks: code, canonical name, first and last version.
//!
//! It feeds the binary encoding (codes), the XML and JSON encodings (names), the version gate of the encoder
//! (nothing is emitted that a message's version does not have yet, or no longer) and the tests. Names are those of the
//! XML encoding (KMIP Profiles, "XML Encoding": CamelCase of the specification's names), which are Rust identifiers too.
//!
//! What has a last version is what the tables of the OASIS Standards 2.0 and 2.1 call "(Reserved)", compared with
//! those of 1.4: of the tags, Object Type, Key Format Type, Certificate Request Type, Profile Name, Result Reason and
//! Cryptographic Usage Mask. Nothing but 2.0 has taken anything away.

#[macro_use]
mod macros;

mod enumerations;
mod enumerations_crypto;
mod enumerations_pkcs11;
mod enumerations_profiles;
mod enumerations_server;
mod lookup;
mod masks;
mod tags;

pub use enumerations::*;
pub use enumerations_crypto::*;
pub use enumerations_pkcs11::*;
pub use enumerations_profiles::*;
pub use enumerations_server::*;
pub(crate) use lookup::mask_text as lookup_mask_text;
pub use lookup::{EnumerationTable, MaskTable, enumeration_of, enumerations, mask_of, masks};
pub use masks::*;
pub use tags::{Tag, TagInfo};

use crate::version::ProtocolVersion;

/// One value of an enumeration, or one bit of a mask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// The value on the wire.
    pub code: u32,
    /// The canonical name, as in XML.
    pub name: &'static str,
    /// The first version that has it.
    pub since: ProtocolVersion,
    /// The last version that has it; `None` for what has not been taken away.
    pub until: Option<ProtocolVersion>,
}

impl Entry {
    /// Whether the version has it.
    #[must_use]
    pub fn exists_in(&self, version: ProtocolVersion) -> bool {
        spans(Some(self.since), self.until, version)
    }
}

/// Whether `version` is between the first and the last one, where these are known.
fn spans(
    since: Option<ProtocolVersion>,
    until: Option<ProtocolVersion>,
    version: ProtocolVersion,
) -> bool {
    since.is_none_or(|since| version.at_least(since))
        && until.is_none_or(|until| until.at_least(version))
}

/// What all enumerations have in common.
pub trait Enumeration: Copy + Eq + std::fmt::Debug + 'static {
    /// The canonical name of the enumeration.
    const NAME: &'static str;
    /// All known values, ordered by code.
    const ENTRIES: &'static [Entry];

    /// The value on the wire.
    fn code(self) -> u32;
    /// The enumeration's value for what was on the wire. Unknown ones are kept.
    fn from_code(code: u32) -> Self;
    /// The canonical name; `None` for an unknown value.
    fn name(self) -> Option<&'static str>;
    /// The first version that has the value; `None` for an unknown one, which includes extensions (`8XXXXXXX`).
    fn since(self) -> Option<ProtocolVersion>;
    /// The last version that has the value; `None` for one that has not been taken away, and for an unknown one.
    fn until(self) -> Option<ProtocolVersion>;
    /// Whether the version has the value. Of an unknown one, nobody can say that it does not.
    #[must_use]
    fn exists_in(self, version: ProtocolVersion) -> bool {
        spans(self.since(), self.until(), version)
    }
    /// The value with this canonical name.
    #[must_use]
    fn from_name(name: &str) -> Option<Self> {
        Self::ENTRIES
            .iter()
            .find(|entry| entry.name == name)
            .map(|entry| Self::from_code(entry.code))
    }
}
