//! Who clients are and what they may do, as the configuration has it.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use kmip::message::{Authentication, Credential as Sent};
use kmip_server::{Authority, Identity, Peer, Refusal};
use parking_lot::RwLock;
use time::OffsetDateTime;
use tls::RevocationLists;

use crate::config::{Config, ConfigError, Credential};
use crate::password::PasswordHash;
use crate::roles;

/// The rules, compiled.
#[derive(Debug, Default)]
pub struct Policy {
    by_common_name: HashMap<String, Vec<Arc<Rule>>>,
    by_sha256: HashMap<[u8; 32], Vec<Arc<Rule>>>,
    revoked: RevocationLists,
}

/// One client.
#[derive(Debug)]
struct Rule {
    identity: Arc<Identity>,
    credential: Option<Required>,
}

/// What a client must send.
#[derive(Debug)]
struct Required {
    username: Option<String>,
    device_serial_number: Option<String>,
    password: Option<PasswordHash>,
}

impl Policy {
    /// Compiles the configuration's rules; reads the revocation lists.
    ///
    /// # Errors
    /// [`ConfigError::Invalid`]: an unknown role, tenant or operation; two clients that cannot be told apart; a
    /// file of revocation lists that cannot be read.
    pub fn new(config: &Config, path: &Path) -> Result<Self, ConfigError> {
        let invalid = |key: String, problem: String| ConfigError::Invalid {
            path: path.to_owned(),
            key,
            problem,
        };
        let mut allowed = HashMap::new();
        for (name, role) in &config.roles {
            let operations = roles::operations(&role.operations)
                .map_err(|problem| invalid(format!("roles.{name}.operations"), problem))?;
            allowed.insert(name.as_str(), operations);
        }
        let mut policy = Self::default();
        for (name, client) in &config.clients {
            let key = |field: &str| format!("clients.{name}.{field}");
            if !config.tenants.contains(&client.tenant) {
                let problem = format!("\"{}\" is not among the tenants", client.tenant);
                return Err(invalid(key("tenant"), problem));
            }
            let Some(allowed) = allowed.get(client.role.as_str()) else {
                let problem = format!("there is no role \"{}\"", client.role);
                return Err(invalid(key("role"), problem));
            };
            let rule = Arc::new(Rule {
                identity: Arc::new(Identity {
                    client: name.as_str().into(),
                    tenant: client.tenant.as_str().into(),
                    role: client.role.as_str().into(),
                    allowed: *allowed,
                }),
                credential: client
                    .credential
                    .as_ref()
                    .map(Required::new)
                    .transpose()
                    .map_err(|problem| invalid(key("credential"), problem))?,
            });
            let same = match (&client.common_name, &client.sha256) {
                (Some(_), Some(_)) => {
                    let problem = "give commonName or sha256, not both".to_owned();
                    return Err(invalid(key("sha256"), problem));
                }
                (_, Some(sha256)) => {
                    let sha256 = fingerprint(sha256).ok_or_else(|| {
                        let problem = "expected 64 hexadecimal digits (openssl x509 -noout -fingerprint -sha256 -in FILE)";
                        invalid(key("sha256"), problem.to_owned())
                    })?;
                    policy.by_sha256.entry(sha256).or_default()
                }
                (common_name, None) => policy
                    .by_common_name
                    .entry(common_name.as_ref().unwrap_or(name).clone())
                    .or_default(),
            };
            if let Some(other) = same.iter().find(|other| !other.differs_from(&rule)) {
                let problem = format!(
                    "the client \"{}\" has the same certificate, and their credentials do not tell them apart",
                    other.identity.client
                );
                return Err(invalid(format!("clients.{name}"), problem));
            }
            same.push(rule);
        }
        if let Some(file) = &config.tls.crl_file {
            policy.revoked = RevocationLists::read(file)
                .map_err(|error| invalid("tls.crlFile".to_owned(), error.to_string()))?;
        }
        Ok(policy)
    }

    /// How many certificates are revoked.
    pub fn revoked(&self) -> usize {
        self.revoked.len()
    }

    /// When a revocation list should have been replaced, if that has passed.
    pub fn crl_overdue(&self) -> Option<String> {
        self.revoked.overdue_at(OffsetDateTime::now_utc())
    }

    /// A certificate that has rules of its own shares no limit with others of its name.
    fn counted_as(&self, peer: &Peer) -> Arc<str> {
        if self.by_sha256.contains_key(&peer.sha256) {
            return format!("sha256:{}", hex::encode(peer.sha256)).into();
        }
        peer.label()
    }

    fn identify(
        &self,
        peer: &Peer,
        authentication: Option<&Authentication>,
    ) -> Result<Arc<Identity>, Refusal> {
        if self.revoked.contains(&peer.certificate_id) {
            return Err(Refusal::Revoked);
        }
        if peer.certificate.is_expired_at(OffsetDateTime::now_utc()) {
            return Err(Refusal::Expired);
        }
        let by_sha256 = self.by_sha256.get(&peer.sha256);
        let by_name = peer
            .common_name()
            .and_then(|name| self.by_common_name.get(name));
        // A rule for this very certificate is meant more than one for its name.
        let rules = by_sha256.or(by_name).ok_or(Refusal::UnknownClient)?;
        let sent = authentication.map_or(&[][..], |sent| &sent.credentials);
        let mut refusal = Refusal::CredentialMissing;
        for rule in rules {
            let Some(required) = &rule.credential else {
                continue;
            };
            match required.check(sent) {
                Ok(()) => return Ok(rule.identity.clone()),
                Err(Refusal::CredentialWrong) => refusal = Refusal::CredentialWrong,
                Err(_) => {}
            }
        }
        // A credential that nobody asked for is passed over: many clients send one by habit.
        match rules.iter().find(|rule| rule.credential.is_none()) {
            Some(rule) => Ok(rule.identity.clone()),
            None => Err(refusal),
        }
    }
}

impl Rule {
    /// Whether a request that fits both is possible.
    fn differs_from(&self, other: &Self) -> bool {
        match (&self.credential, &other.credential) {
            (Some(a), Some(b)) => {
                a.username != b.username || a.device_serial_number != b.device_serial_number
            }
            (None, None) => false,
            _ => true,
        }
    }
}

impl Required {
    fn new(credential: &Credential) -> Result<Self, String> {
        if credential.username.is_some() == credential.device_serial_number.is_some() {
            return Err("give exactly one of username and deviceSerialNumber".to_owned());
        }
        if credential.username.is_some() && credential.password_hash.is_none() {
            return Err("a username needs a passwordHash (kmipd password)".to_owned());
        }
        Ok(Self {
            username: credential.username.clone(),
            device_serial_number: credential.device_serial_number.clone(),
            password: credential
                .password_hash
                .as_deref()
                .map(PasswordHash::parse)
                .transpose()?,
        })
    }

    fn check(&self, sent: &[Sent]) -> Result<(), Refusal> {
        let mut refusal = Refusal::CredentialMissing;
        for credential in sent {
            let (name, wanted, password) = match credential {
                Sent::UsernameAndPassword(sent) => {
                    (Some(&sent.username), &self.username, &sent.password)
                }
                Sent::Device(sent) => (
                    sent.device_serial_number.as_ref(),
                    &self.device_serial_number,
                    &sent.password,
                ),
                _ => continue,
            };
            if wanted.is_none() {
                continue;
            }
            refusal = Refusal::CredentialWrong;
            let password_is_right = match (&self.password, password) {
                (None, _) => true,
                (Some(hash), Some(password)) => hash.verify(password.expose().as_bytes()),
                (Some(_), None) => false,
            };
            if name == wanted.as_ref() && password_is_right {
                return Ok(());
            }
        }
        Err(refusal)
    }
}

fn fingerprint(text: &str) -> Option<[u8; 32]> {
    let digits: String = text.chars().filter(|digit| *digit != ':').collect();
    let mut sha256 = [0; 32];
    hex::decode_to_slice(digits, &mut sha256).ok()?;
    Some(sha256)
}

/// The policy in force, which a reload replaces.
#[derive(Debug)]
pub struct PolicyAuthority(RwLock<Arc<Policy>>);

impl PolicyAuthority {
    /// With this policy to begin with.
    pub fn new(policy: Policy) -> Self {
        Self(RwLock::new(Arc::new(policy)))
    }

    /// Puts another policy in force, for every request from now on.
    pub fn replace(&self, policy: Policy) {
        *self.0.write() = Arc::new(policy);
    }

    /// The policy in force.
    pub fn current(&self) -> Arc<Policy> {
        self.0.read().clone()
    }
}

impl Authority for PolicyAuthority {
    fn identify(
        &self,
        peer: &Peer,
        authentication: Option<&Authentication>,
    ) -> Result<Arc<Identity>, Refusal> {
        self.current().identify(peer, authentication)
    }

    fn counted_as(&self, peer: &Peer) -> Arc<str> {
        self.current().counted_as(peer)
    }
}

#[cfg(test)]
mod tests {
    use kmip::SecretText;
    use kmip::message::{DeviceCredential, UsernameAndPassword};
    use rustls_pki_types::CertificateDer;
    use rustls_pki_types::pem::PemObject;
    use tls::dev_pki::{CertificateAuthority, Request};

    use super::*;

    fn peer(request: &Request) -> Peer {
        let issued = CertificateAuthority::new("CA")
            .unwrap()
            .issue(request)
            .unwrap();
        let der = CertificateDer::from_pem_slice(issued.certificate_pem.as_bytes()).unwrap();
        Peer::new(([127, 0, 0, 1], 1).into(), &der).unwrap()
    }

    fn policy(clients: &str) -> Result<Policy, ConfigError> {
        let text = format!(
            "net: {{listen: '127.0.0.1:0'}}
tls: {{certificateFile: a, clientCaFile: b}}
storage: {{directory: c, key: {{file: d}}}}
tenants: [t1, t2]
roles: {{r1: {{operations: [read]}}, r2: {{operations: [all]}}}}
clients:
{clients}"
        );
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("kmipd.yaml");
        std::fs::write(&path, text).unwrap();
        Policy::new(&crate::config::load(&path)?, &path)
    }

    fn authentication(credential: Sent) -> Authentication {
        Authentication {
            credentials: vec![credential],
        }
    }

    fn user(name: &str, password: &str) -> Authentication {
        authentication(Sent::UsernameAndPassword(UsernameAndPassword {
            username: name.to_owned(),
            password: Some(SecretText::new(password.to_owned())),
        }))
    }

    #[test]
    fn by_name_and_by_fingerprint() {
        let one = peer(&Request::client("one"));
        let two = peer(&Request::client("two"));
        let twin = peer(&Request::client("two"));
        let policy = policy(&format!(
            "  one: {{tenant: t1, role: r1}}
  second: {{commonName: two, tenant: t1, role: r1}}
  twin: {{sha256: '{}', tenant: t2, role: r2}}
",
            hex::encode_upper(twin.sha256)
        ))
        .unwrap();
        let who = |peer: &Peer| {
            policy
                .identify(peer, None)
                .map(|identity| (identity.client.to_string(), identity.tenant.to_string()))
        };
        assert_eq!(who(&one), Ok(("one".into(), "t1".into())));
        assert_eq!(who(&two), Ok(("second".into(), "t1".into())));
        assert_eq!(who(&twin), Ok(("twin".into(), "t2".into())));
        assert_eq!(
            who(&peer(&Request::client("three"))),
            Err(Refusal::UnknownClient)
        );
        // The twin's requests are not counted as the other one's.
        assert_ne!(policy.counted_as(&two), policy.counted_as(&twin));
        let renewed = peer(&Request::client("two"));
        assert_eq!(policy.counted_as(&two), policy.counted_as(&renewed));
        let expired = Request {
            not_after: OffsetDateTime::now_utc() - time::Duration::hours(1),
            ..Request::client("one")
        };
        assert_eq!(who(&peer(&expired)), Err(Refusal::Expired));
    }

    #[test]
    fn by_credential() {
        let hash = PasswordHash::new(b"right").unwrap().to_string();
        let policy = policy(&format!(
            "  a: {{commonName: shared, tenant: t1, role: r1, credential: {{username: ann, passwordHash: '{hash}'}}}}
  b: {{commonName: shared, tenant: t2, role: r1, credential: {{deviceSerialNumber: '17'}}}}
"
        ))
        .unwrap();
        let peer = peer(&Request::client("shared"));
        let who = |sent: Option<&Authentication>| {
            policy
                .identify(&peer, sent)
                .map(|identity| identity.client.to_string())
        };
        // Twice: the second time the hash is not computed again.
        assert_eq!(who(Some(&user("ann", "right"))), Ok("a".into()));
        assert_eq!(who(Some(&user("ann", "right"))), Ok("a".into()));
        assert_eq!(
            who(Some(&user("ann", "wrong"))),
            Err(Refusal::CredentialWrong)
        );
        assert_eq!(
            who(Some(&user("bob", "right"))),
            Err(Refusal::CredentialWrong)
        );
        assert_eq!(who(None), Err(Refusal::CredentialMissing));
        let device = authentication(Sent::Device(DeviceCredential {
            device_serial_number: Some("17".to_owned()),
            ..Default::default()
        }));
        assert_eq!(who(Some(&device)), Ok("b".into()));
    }

    #[test]
    fn a_credential_that_nobody_asked_for() {
        let policy = policy("  one: {tenant: t1, role: r1}\n").unwrap();
        let peer = peer(&Request::client("one"));
        assert!(policy.identify(&peer, Some(&user("x", "y"))).is_ok());
    }

    #[test]
    fn rules_that_make_no_sense() {
        for (clients, named) in [
            ("  a: {tenant: t3, role: r1}\n", "clients.a.tenant"),
            ("  a: {tenant: t1, role: r3}\n", "clients.a.role"),
            (
                "  a: {tenant: t1, role: r1, sha256: abc}\n",
                "clients.a.sha256",
            ),
            (
                "  a: {tenant: t1, role: r1}\n  b: {commonName: a, tenant: t2, role: r1}\n",
                "clients.b",
            ),
            (
                "  a: {tenant: t1, role: r1, credential: {username: u}}\n",
                "clients.a.credential",
            ),
            (
                "  a: {tenant: t1, role: r1, credential: {username: u, passwordHash: secret}}\n",
                "clients.a.credential",
            ),
        ] {
            let error = policy(clients).unwrap_err().to_string();
            assert!(error.contains(named), "{named} in {error}");
            assert!(!error.contains("secret"), "{error}");
        }
    }
}
