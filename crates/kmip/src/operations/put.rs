//! Put (KMIP 1.4, 5.2; 2.1, 6.2.4). From the server to the client.

use crate::attributes::Attributes;
use crate::identifier::UniqueIdentifier;
use crate::objects::ManagedObject;
use crate::registry::PutFunction;

structure! {
    /// Gives the client an object.
    pub struct PutRequest {
        /// The object.
        unique_identifier: UniqueIdentifier = UniqueIdentifier,
        /// Whether it is new.
        put_function: PutFunction = PutFunction,
        /// The object that it replaces.
        replaced_unique_identifier: Option<UniqueIdentifier> = ReplacedUniqueIdentifier,
        /// It.
        object: ManagedObject = SymmetricKey | Certificate | CertificateRequest | PublicKey | PrivateKey | SplitKey | Template | SecretData | OpaqueObject | PGPKey,
        /// Its attributes.
        attributes: Attributes = Attribute | Attributes,
    }
}

structure! {
    /// Nothing.
    #[derive(Default)]
    pub struct PutResponse {
    }
}
