//! Derive Key (KMIP 1.4, 4.6; 2.1, 6.1.15).

use crate::attributes::{Attributes, Attributes1x};
use crate::codec::Bytes;
use crate::identifier::UniqueIdentifier;
use crate::registry::{DerivationMethod, ObjectType};
use crate::secret::SecretBytes;
use crate::structures::CryptographicParameters;

structure! {
    /// Has the server derive a key or secret from others.
    pub struct DeriveKeyRequest {
        /// What to make.
        object_type: ObjectType = ObjectType,
        /// What to derive it from.
        unique_identifiers: Vec<UniqueIdentifier> = UniqueIdentifier,
        /// How.
        derivation_method: DerivationMethod = DerivationMethod,
        /// The method's parameters.
        derivation_parameters: DerivationParameters = DerivationParameters,
        /// The attributes it shall have.
        attributes: Attributes = TemplateAttribute | Attributes,
    }
}

structure! {
    /// The new key.
    pub struct DeriveKeyResponse {
        /// The new object.
        unique_identifier: UniqueIdentifier = UniqueIdentifier,
        /// Attributes that the server chose. Of 1.x.
        attributes: Option<Attributes1x> = TemplateAttribute,
    }
}

structure! {
    /// The parameters of a derivation (KMIP 1.4, 4.6; 2.1, 7.12).
    #[derive(Default)]
    pub struct DerivationParameters {
        /// The underlying algorithm.
        cryptographic_parameters: Option<CryptographicParameters> = CryptographicParameters,
        /// The initialization vector.
        initialization_vector: Option<Bytes> = InitializationVector,
        /// What goes into the derivation besides the key.
        derivation_data: Vec<SecretBytes> = DerivationData,
        /// PBKDF2's salt.
        salt: Option<Bytes> = Salt,
        /// PBKDF2's number of iterations.
        iteration_count: Option<i32> = IterationCount,
    }
}
