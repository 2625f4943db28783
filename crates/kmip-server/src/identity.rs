//! Who a client is and what it may do: the seam between the server and a policy.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use kmip::message::Authentication;
use kmip::registry::{Enumeration, Operation};
use rustls::pki_types::CertificateDer;
use tls::{CertificateId, CertificateInfo};

/// What is known of a client before any policy is asked: its address and its certificate, which TLS has
/// verified. One for each connection.
#[derive(Clone, Debug)]
pub struct Peer {
    /// Where it connects from.
    pub address: SocketAddr,
    /// What its certificate says.
    pub certificate: CertificateInfo,
    /// Issuer and serial number: what a revocation list names.
    pub certificate_id: CertificateId,
    /// SHA-256 of the certificate's DER.
    pub sha256: [u8; 32],
}

impl Peer {
    /// Reads the certificate.
    ///
    /// # Errors
    /// What is wrong with it, for a message.
    pub fn new(address: SocketAddr, certificate: &CertificateDer<'_>) -> Result<Self, String> {
        let mut sha256 = [0; 32];
        sha256.copy_from_slice(digest(&SHA256, certificate).as_ref());
        Ok(Self {
            address,
            certificate: CertificateInfo::from_der(certificate)?,
            certificate_id: CertificateId::of_certificate(certificate)?,
            sha256,
        })
    }

    /// The common name of the certificate, unless it is absent or empty.
    pub fn common_name(&self) -> Option<&str> {
        self.certificate
            .common_name
            .as_deref()
            .filter(|name| !name.is_empty())
    }

    /// What it is called in the log: the common name, or the start of the certificate's SHA-256 if it has none.
    pub fn label(&self) -> Arc<str> {
        match self.common_name() {
            Some(name) => name.into(),
            None => self
                .sha256
                .iter()
                .take(8)
                .map(|byte| format!("{byte:02x}"))
                .collect::<String>()
                .into(),
        }
    }
}

/// Who a client is, as the policy has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The client's name, for logs and audit.
    pub client: Arc<str>,
    /// Whose objects it sees and makes.
    pub tenant: Arc<str>,
    /// The name of its role, for messages and audit.
    pub role: Arc<str>,
    /// What it may do.
    pub allowed: AllowedOperations,
}

/// A set of operations. Query, Discover Versions and Ping are always in it: without them a client
/// cannot find out what it may do.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct AllowedOperations(u128);

impl AllowedOperations {
    /// Every operation there is.
    pub const ALL: Self = Self(u128::MAX);

    /// These.
    pub fn of(operations: impl IntoIterator<Item = Operation>) -> Self {
        let always = [
            Operation::Query,
            Operation::DiscoverVersions,
            Operation::Ping,
        ];
        Self(
            operations
                .into_iter()
                .chain(always)
                .fold(0, |set, operation| set | bit(operation)),
        )
    }

    /// Whether the operation is in the set. One that no version of the protocol has is not.
    pub fn allows(self, operation: Operation) -> bool {
        self.0 & bit(operation) != 0
    }
}

/// The codes of all versions so far are below 0x40.
fn bit(operation: Operation) -> u128 {
    1_u128.checked_shl(operation.code()).unwrap_or(0)
}

impl fmt::Debug for AllowedOperations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::ALL {
            return f.write_str("all");
        }
        let names = Operation::ENTRIES
            .iter()
            .filter(|entry| self.allows(Operation::from_code(entry.code)))
            .map(|entry| entry.name);
        f.debug_set().entries(names).finish()
    }
}

/// Why a client is refused. The client is told no more than that it is; the log and the audit have the reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// No rule of the policy matches the certificate.
    #[error("no client of the policy has this certificate")]
    UnknownClient,
    /// The certificate has no common name, and nothing else says who it is.
    #[error("the certificate has no common name")]
    NoName,
    /// The certificate has been revoked since the connection was made.
    #[error("the certificate is revoked")]
    Revoked,
    /// The certificate has expired since the connection was made.
    #[error("the certificate has expired")]
    Expired,
    /// The client must send a credential in the request, and has sent none of the right type.
    #[error("a credential is required")]
    CredentialMissing,
    /// Nobody has looked at the credential: the request was refused before.
    #[error("its credential was not looked at")]
    NotLookedAt,
    /// The credential is of another user or device, or its password is wrong.
    #[error("the credential is wrong")]
    CredentialWrong,
}

/// Turns a verified certificate, and the credentials of a request, into an identity. Asked for each request,
/// so that a changed policy holds at once, on connections that are there already, too.
pub trait Authority: fmt::Debug + Send + Sync + 'static {
    /// Who it is. Must be fast; may block for a moment (it runs where requests run).
    ///
    /// # Errors
    /// The client is refused.
    fn identify(
        &self,
        peer: &Peer,
        authentication: Option<&Authentication>,
    ) -> Result<Arc<Identity>, Refusal>;

    /// What the client's connections and requests are counted under, before it has sent any. Two clients that
    /// share a name must not share a limit; one with two certificates may.
    fn counted_as(&self, peer: &Peer) -> Arc<str> {
        peer.label()
    }
}

/// The policy without a policy: the common name is client and tenant, and may do everything.
#[derive(Clone, Copy, Debug, Default)]
pub struct CommonNameAuthority;

impl Authority for CommonNameAuthority {
    fn identify(&self, peer: &Peer, _: Option<&Authentication>) -> Result<Arc<Identity>, Refusal> {
        let name: Arc<str> = peer.common_name().ok_or(Refusal::NoName)?.into();
        Ok(Arc::new(Identity {
            client: name.clone(),
            tenant: name,
            role: "all".into(),
            allowed: AllowedOperations::ALL,
        }))
    }
}

/// A client with a certificate of its own.
#[cfg(test)]
pub(crate) fn test_peer(common_name: &str) -> Peer {
    use rustls::pki_types::pem::PemObject;
    let issued = tls::dev_pki::CertificateAuthority::new("CA")
        .and_then(|authority| authority.issue(&tls::dev_pki::Request::client(common_name)))
        .unwrap();
    let der = CertificateDer::from_pem_slice(issued.certificate_pem.as_bytes()).unwrap();
    Peer::new(([127, 0, 0, 1], 1).into(), &der).unwrap()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_of_operations() {
        let set = AllowedOperations::of([Operation::Get, Operation::PKCS_11]);
        for allowed in [
            Operation::Get,
            Operation::PKCS_11,
            Operation::Query,
            Operation::DiscoverVersions,
            Operation::Ping,
        ] {
            assert!(set.allows(allowed), "{allowed}");
        }
        assert!(!set.allows(Operation::Create));
        assert!(!set.allows(Operation::Other(0x8000_0001)));
        assert!(!AllowedOperations::ALL.allows(Operation::Other(0x8000_0001)));
        let shown = format!("{set:?}");
        assert!(
            shown.contains("\"Get\"") && !shown.contains("\"Create\""),
            "{shown}"
        );
        for entry in Operation::ENTRIES {
            assert!(AllowedOperations::ALL.allows(Operation::from_code(entry.code)));
        }
    }
}
