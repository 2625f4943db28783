//! Which items of a message are shown, and which are key material.
//!
//! Byte strings and big integers are secret unless they are known to be none: what a vendor or a newer version adds may
//! be a key. Within a public key or a certificate nothing is secret.

use kmip::registry::Tag;
use kmip::ttlv::{Element, ItemType};

/// Byte strings and big integers that are no secret, by their tags.
const PUBLIC: &[Tag] = &[
    Tag::AsynchronousCorrelationValue,
    Tag::AuthenticatedEncryptionTag,
    Tag::CertificateRequestValue,
    Tag::CertificateSerialNumber,
    Tag::CertificateValue,
    Tag::CorrelationValue,
    Tag::DigestValue,
    Tag::IVCounterNonce,
    Tag::IssuerAlternativeName,
    Tag::IssuerDistinguishedName,
    Tag::MACData,
    Tag::MACSignature,
    Tag::NonceID,
    Tag::NonceValue,
    Tag::ShortUniqueIdentifier,
    Tag::SignatureData,
    Tag::SubjectAlternativeName,
    Tag::SubjectDistinguishedName,
    Tag::UniqueBatchItemID,
];

/// Texts that are secret.
const SECRET_TEXTS: &[Tag] = &[Tag::Password, Tag::OneTimePassword];

/// Structures in which nothing is secret.
const PUBLIC_OBJECTS: &[Tag] = &[Tag::PublicKey, Tag::Certificate, Tag::CertificateRequest];

/// Structures in which every value is secret, whatever its type.
const SECRET_STRUCTURES: &[Tag] = &[Tag::KeyMaterial];

/// Whether what an item says is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Secrecy {
    /// Judged by tag and type, here and in what it holds.
    Judged,
    /// Everything in it is shown.
    Open,
    /// Everything in it is hidden.
    Closed,
}

impl Secrecy {
    /// Everything is shown if the user asked for it.
    #[must_use]
    pub fn showing(material: bool) -> Self {
        if material { Self::Open } else { Self::Judged }
    }

    /// How the items of this structure are judged.
    #[must_use]
    pub fn within(self, tag: Tag) -> Self {
        match self {
            Self::Judged if PUBLIC_OBJECTS.contains(&tag) => Self::Open,
            Self::Judged if SECRET_STRUCTURES.contains(&tag) => Self::Closed,
            other => other,
        }
    }

    /// Whether this value is hidden.
    #[must_use]
    pub fn hides(self, element: &Element<'_>) -> bool {
        match self {
            Self::Open => false,
            Self::Closed => element.item_type() != ItemType::Structure,
            Self::Judged => match element.item_type() {
                ItemType::ByteString | ItemType::BigInteger => !PUBLIC.contains(&element.tag()),
                ItemType::TextString => SECRET_TEXTS.contains(&element.tag()),
                _ => false,
            },
        }
    }
}
