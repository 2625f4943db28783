//! Certify (KMIP 1.4, 4.7; 2.1, 6.1.5).

use crate::attributes::{Attributes, Attributes1x};
use crate::codec::{Bytes, Value};
use crate::error::DecodeError;
use crate::identifier::UniqueIdentifier;
use crate::registry::{CertificateRequestType, Tag};
use crate::ttlv::{Element, Writer};

use super::ProtectionStorageMasks;

structure! {
    /// Has the server issue a certificate for a public key.
    #[derive(Default)]
    pub struct CertifyRequest {
        /// The public key; the ID placeholder if absent.
        unique_identifier: Option<UniqueIdentifier> = UniqueIdentifier,
        /// The request for the certificate, if the server has it. Of 2.0.
        certificate_request_unique_identifier: Option<UniqueIdentifier> = CertificateRequestUniqueIdentifier,
        /// The type of the request.
        certificate_request_type: Option<CertificateRequestType> = CertificateRequestType,
        /// The request.
        certificate_request: Option<CertificateRequestBytes> = CertificateRequest | CertificateRequestValue,
        /// The attributes it shall have.
        attributes: Option<Attributes> = TemplateAttribute | Attributes,
        /// Where the object may be stored, one of these. Of 2.0.
        protection_storage_masks: Option<ProtectionStorageMasks> = ProtectionStorageMasks,
    }
}

structure! {
    /// The new certificate.
    pub struct CertifyResponse {
        /// The new object.
        unique_identifier: UniqueIdentifier = UniqueIdentifier,
        /// Attributes that the server chose. Of 1.x.
        attributes: Option<Attributes1x> = TemplateAttribute,
    }
}

/// The bytes of a request for a certificate: `Certificate Request` in 1.x, `Certificate Request Value` in 2.x.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateRequestBytes(pub Bytes);

impl Value for CertificateRequestBytes {
    fn decode(element: &Element<'_>) -> Result<Self, DecodeError> {
        Bytes::decode(element).map(Self)
    }

    fn encode(&self, _: Tag, writer: &mut Writer) {
        let typed = writer.version().has_typed_attributes();
        let tag = if typed {
            Tag::CertificateRequestValue
        } else {
            Tag::CertificateRequest
        };
        self.0.encode(tag, writer);
    }
}
