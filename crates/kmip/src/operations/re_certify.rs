//! Re-certify (KMIP 1.4, 4.8; 2.1, 6.1.41).

use crate::attributes::{Attributes, Attributes1x};
use crate::codec::Interval;
use crate::identifier::UniqueIdentifier;
use crate::registry::CertificateRequestType;

use super::{CertificateRequestBytes, ProtectionStorageMasks};

structure! {
    /// Has the server issue a certificate that replaces another.
    #[derive(Default)]
    pub struct ReCertifyRequest {
        /// The certificate to replace; the ID placeholder if absent.
        unique_identifier: Option<UniqueIdentifier> = UniqueIdentifier,
        /// The request for the certificate, if the server has it. Of 2.0.
        certificate_request_unique_identifier: Option<UniqueIdentifier> = CertificateRequestUniqueIdentifier,
        /// The type of the request.
        certificate_request_type: Option<CertificateRequestType> = CertificateRequestType,
        /// The request.
        certificate_request: Option<CertificateRequestBytes> = CertificateRequest | CertificateRequestValue,
        /// How long after its making the new certificate becomes active.
        offset: Option<Interval> = Offset,
        /// The attributes it shall have.
        attributes: Option<Attributes> = TemplateAttribute | Attributes,
        /// Where the object may be stored, one of these. Of 2.0.
        protection_storage_masks: Option<ProtectionStorageMasks> = ProtectionStorageMasks,
    }
}

structure! {
    /// The new certificate.
    pub struct ReCertifyResponse {
        /// The new object.
        unique_identifier: UniqueIdentifier = UniqueIdentifier,
        /// Attributes that the server chose. Of 1.x.
        attributes: Option<Attributes1x> = TemplateAttribute,
    }
}
