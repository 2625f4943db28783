//! Certificate and Certificate Request (KMIP 2.1, sections 2.1 and 2.2).

use crate::codec::Bytes;
use crate::registry::{CertificateRequestType, CertificateType};

structure! {
    /// A certificate.
    pub struct Certificate {
        /// Its type.
        certificate_type: CertificateType = CertificateType,
        /// The certificate, DER or PGP.
        certificate_value: Bytes = CertificateValue,
    }
}

structure! {
    /// A request for a certificate. Of 2.0.
    pub struct CertificateRequest {
        /// Its type.
        certificate_request_type: CertificateRequestType = CertificateRequestType,
        /// The request.
        certificate_request_value: Bytes = CertificateRequestValue,
    }
}
