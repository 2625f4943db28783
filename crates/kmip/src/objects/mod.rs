//! Managed objects (KMIP 1.4, section 2.2; 2.1, section 2).

mod certificate;
mod key_block;
mod key_material;
mod key_wrapping;
mod keys;
mod opaque;
mod secret_data;
mod template;

pub use certificate::{Certificate, CertificateRequest};
pub use key_block::{KeyBlock, KeyValue, WrappedOrPlain};
pub use key_material::{
    KeyMaterial, TransparentDhPrivateKey, TransparentDhPublicKey, TransparentDsaPrivateKey,
    TransparentDsaPublicKey, TransparentEcPrivateKey, TransparentEcPublicKey,
    TransparentRsaPrivateKey, TransparentRsaPublicKey, TransparentSymmetricKey,
};
pub use key_wrapping::{
    EncryptionKeyInformation, KeyWrappingData, KeyWrappingSpecification, MacSignatureKeyInformation,
};
pub use keys::{PgpKey, PrivateKey, PublicKey, SplitKey, SymmetricKey};
pub use opaque::OpaqueObject;
pub use secret_data::SecretData;
pub use template::Template;

use crate::codec::{Field, Value, take_once};
use crate::error::DecodeError;
use crate::registry::{ObjectType, Tag};
use crate::ttlv::{Element, Writer};

macro_rules! managed_objects {
    ($( $(#[$meta:meta])* $variant:ident($type:ty) = $tag:ident ),* $(,)?) => {
        /// A managed object of any type.
        #[derive(Debug, Clone, PartialEq, Eq)]
        #[allow(clippy::large_enum_variant)]
        pub enum ManagedObject {
            $( $(#[$meta])* $variant($type), )*
        }

        impl ManagedObject {
            /// The object's type.
            #[must_use]
            pub const fn object_type(&self) -> ObjectType {
                match self { $( Self::$variant(_) => ObjectType::$tag, )* }
            }
        }

        $(
            impl From<$type> for ManagedObject {
                fn from(object: $type) -> Self {
                    Self::$variant(object)
                }
            }
        )*

        impl Field for ManagedObject {
            type Slot = Option<Self>;

            fn take(slot: &mut Self::Slot, element: &Element<'_>) -> Result<(), DecodeError> {
                take_once(slot, element, |element| match element.tag() {
                    $( Tag::$tag => Value::decode(element).map(Self::$variant), )*
                    got => Err(DecodeError::WrongTag { got, expected: Tag::SymmetricKey }),
                })
            }

            fn finish(slot: Self::Slot, tag: Tag, within: Tag) -> Result<Self, DecodeError> {
                slot.ok_or(DecodeError::Missing { tag, within })
            }

            fn put(&self, tag: Tag, writer: &mut Writer) {
                writer.required(tag, |writer| match self {
                    $( Self::$variant(object) => object.encode(Tag::$tag, writer), )*
                });
            }

            fn is_set(&self) -> bool {
                true
            }
        }

        impl Field for Option<ManagedObject> {
            type Slot = Self;

            fn take(slot: &mut Self::Slot, element: &Element<'_>) -> Result<(), DecodeError> {
                <ManagedObject as Field>::take(slot, element)
            }

            fn finish(slot: Self::Slot, _: Tag, _: Tag) -> Result<Self, DecodeError> {
                Ok(slot)
            }

            fn put(&self, tag: Tag, writer: &mut Writer) {
                if let Some(object) = self {
                    writer.optional(|writer| object.put(tag, writer));
                }
            }

            fn is_set(&self) -> bool {
                self.is_some()
            }
        }
    };
}

managed_objects! {
    /// A certificate.
    Certificate(Certificate) = Certificate,
    /// A request for a certificate. Of 2.0.
    CertificateRequest(CertificateRequest) = CertificateRequest,
    /// A symmetric key.
    SymmetricKey(SymmetricKey) = SymmetricKey,
    /// The public half of a key pair.
    PublicKey(PublicKey) = PublicKey,
    /// The private half of a key pair.
    PrivateKey(PrivateKey) = PrivateKey,
    /// A part of a key.
    SplitKey(SplitKey) = SplitKey,
    /// A template of attributes. Gone in 2.0.
    Template(Template) = Template,
    /// A secret that is no key.
    SecretData(SecretData) = SecretData,
    /// Something the server need not understand.
    OpaqueObject(OpaqueObject) = OpaqueObject,
    /// A PGP key. Of 1.2.
    PgpKey(PgpKey) = PGPKey,
}

impl ManagedObject {
    /// The key block of an object that has one.
    #[must_use]
    pub const fn key_block(&self) -> Option<&KeyBlock> {
        match self {
            Self::SymmetricKey(key) => Some(&key.key_block),
            Self::PublicKey(key) => Some(&key.key_block),
            Self::PrivateKey(key) => Some(&key.key_block),
            Self::SplitKey(key) => Some(&key.key_block),
            Self::SecretData(secret) => Some(&secret.key_block),
            Self::PgpKey(key) => Some(&key.key_block),
            _ => None,
        }
    }
}
