//! What some cases need beyond a fresh tenant: "it is assumed that" in their own words.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use kmip::AttributeValue;
use kmip::message::{Authentication, Credential};
use kmip_client::VersionPolicy;
use kmip_server::{
    AllowedOperations, Authority, Clock, CommonNameAuthority, CryptoLimits, Identity, Peer,
    Refusal, ServerConfig,
};
use time::OffsetDateTime;

use crate::peer::aes256_with;
use crate::rig::{Rig, Running};

use super::case::Case;

/// Something that whoever runs the server has to provide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Need {
    /// RSA keys of 1024 bits are made.
    WeakKeys,
    /// Clients tell who they are by the credential in the request.
    Credentials,
    /// So many seconds pass before a state is expected that a date brings.
    Wait {
        state: &'static str,
        seconds: i64,
        /// When the case begins, in seconds since 1970, if its dates are not said from now.
        begin: Option<i64>,
    },
    /// There is a fresh key in the group "default".
    DefaultGroup,
}

const NEEDS: &[(&str, Need)] = &[
    ("/TC_81_", Need::WeakKeys),
    ("/TC_111_", Need::Credentials),
    ("/TC_112_", Need::Credentials),
    // From 2009-02-11 13:02 to 2010-02-11 13:05: the dates are those of the published run.
    (
        "v1.0/TC_92_",
        Need::Wait {
            state: "Deactivated",
            seconds: 365 * 86_400 + 180,
            begin: Some(1_234_357_320),
        },
    ),
    (
        "/TC_92_",
        Need::Wait {
            state: "Deactivated",
            seconds: 120,
            begin: None,
        },
    ),
    ("/TC_151_", Need::DefaultGroup),
];

pub(crate) fn of(case: &Case) -> Option<Need> {
    let need = NEEDS.iter().find(|(part, _)| case.file.contains(part));
    need.map(|(_, need)| *need)
}

/// A server that provides all of them, and its clock.
pub(crate) struct Provider {
    pub(crate) server: Running,
    pub(crate) clock: Arc<Ahead>,
}

impl Provider {
    pub(crate) async fn start(rig: &Rig) -> Self {
        let clock = Arc::new(Ahead::default());
        let config = ServerConfig {
            crypto: CryptoLimits {
                weak_keys: true,
                ..CryptoLimits::default()
            },
            clock: Some(clock.clone()),
            authority: Arc::new(CredentialAuthority::new()),
            ..rig.server_config("kmip-with-needs")
        };
        Self {
            server: rig.start_with(config).await,
            clock,
        }
    }

    /// What has to be there before the case begins.
    pub(crate) async fn prepare(&self, rig: &Rig, tenant: &str, need: Need) {
        if need != Need::DefaultGroup {
            return;
        }
        let mut session = rig
            .connect_as(&self.server, tenant, VersionPolicy::Negotiate)
            .await;
        let create = aes256_with(AttributeValue::ObjectGroup("default".to_owned()));
        session.request(create).await.unwrap();
    }
}

/// The operating system's clock, put forward.
#[derive(Debug, Default)]
pub(crate) struct Ahead(AtomicI64);

impl Ahead {
    /// Now is then, from now on.
    pub(crate) fn begin(&self, unix_seconds: Option<i64>) {
        let now = OffsetDateTime::now_utc().unix_timestamp();
        let ahead = unix_seconds.map_or(0, |begin| begin - now);
        self.0.store(ahead, Ordering::SeqCst);
    }

    pub(crate) fn pass(&self, seconds: i64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }

    pub(crate) fn seconds(&self) -> i64 {
        self.0.load(Ordering::SeqCst)
    }
}

impl Clock for Ahead {
    fn unix_seconds(&self) -> i64 {
        OffsetDateTime::now_utc().unix_timestamp() + self.seconds()
    }
}

/// As a policy of `kmipd`'s would have it: the users and devices of the cases are clients of one tenant. Fred and the
/// first device may do everything there, Barney and the other device nothing.
#[derive(Debug)]
struct CredentialAuthority {
    /// By user name or serial number: the password, and whether everything is allowed.
    clients: HashMap<&'static str, (&'static str, bool)>,
}

impl CredentialAuthority {
    fn new() -> Self {
        Self {
            clients: HashMap::from([
                ("Fred", ("password1", true)),
                ("Barney", ("secret2", false)),
                ("serNum123456", ("secret", true)),
                ("serNum101010", ("passwd", false)),
            ]),
        }
    }
}

impl Authority for CredentialAuthority {
    fn identify(
        &self,
        peer: &Peer,
        authentication: Option<&Authentication>,
    ) -> Result<Arc<Identity>, Refusal> {
        let whole = CommonNameAuthority.identify(peer, None)?;
        let Some(sent) = authentication.and_then(|sent| sent.credentials.first()) else {
            return Ok(whole);
        };
        let (name, password) = match sent {
            Credential::UsernameAndPassword(sent) => (Some(&sent.username), &sent.password),
            Credential::Device(sent) => (sent.device_serial_number.as_ref(), &sent.password),
            _ => return Err(Refusal::CredentialMissing),
        };
        let name = name.ok_or(Refusal::CredentialWrong)?;
        let (right, all) = self
            .clients
            .get(name.as_str())
            .ok_or(Refusal::CredentialWrong)?;
        if password.as_ref().map(|password| password.expose()) != Some(*right) {
            return Err(Refusal::CredentialWrong);
        }
        Ok(Arc::new(Identity {
            client: name.as_str().into(),
            allowed: match all {
                true => AllowedOperations::ALL,
                false => AllowedOperations::of([]),
            },
            ..Identity::clone(&whole)
        }))
    }
}
