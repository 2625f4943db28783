//! Re-Provision (KMIP 2.1, 6.1.44). Of 2.0.

use crate::identifier::UniqueIdentifier;
use crate::objects::{Certificate, CertificateRequest};

structure! {
    /// Asks for a new credential for the client.
    #[derive(Default)]
    pub struct ReProvisionRequest {
        /// A request for a certificate.
        certificate_request: Option<CertificateRequest> = CertificateRequest,
        /// The certificate that replaces the client's.
        certificate: Option<Certificate> = Certificate,
    }
}

structure! {
    /// The new certificate or private key.
    #[derive(Default)]
    pub struct ReProvisionResponse {
        /// The object.
        unique_identifier: Option<UniqueIdentifier> = UniqueIdentifier,
    }
}
