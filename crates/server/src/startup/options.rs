//! What start-up needs to know of the options.

use std::path::PathBuf;
use std::time::Duration;

use keystore::Cipher;
use kmip_client::{ClientConfig, ServerAddress, VersionPolicy};
use tls::ClientTls;

use crate::encryption::KeyStatePolicy;

/// Encryption at rest (`security.enableEncryption`).
#[derive(Clone, Debug)]
pub struct EncryptionOptions {
    /// `security.encryptionCipherMode`; `None` if it was not given: AES256-GCM for a new dbpath, and
    /// whatever an existing one has.
    pub cipher: Option<Cipher>,
    /// Where the master key comes from.
    pub master_key: MasterKeySource,
}

/// Where the master key comes from.
#[derive(Clone, Debug)]
pub enum MasterKeySource {
    /// `security.encryptionKeyFile`
    KeyFile(PathBuf),
    /// `security.kmip`
    Kmip(Box<KmipOptions>),
}

/// `security.kmip`
#[derive(Clone, Debug)]
pub struct KmipOptions {
    /// The servers, in the order in which they are tried. At least one.
    pub servers: Vec<ServerAddress>,
    /// Whom to trust, and the client certificate.
    pub tls: ClientTls,
    /// Attempts for each server beyond the first. Default 0.
    pub connect_retries: u32,
    /// For each attempt. Default 5 s.
    pub connect_timeout: Duration,
    /// Which protocol versions to speak. Default: the newest one that both sides have.
    pub version: VersionPolicy,
    /// Unique identifier or Name of the master key; `None`: create one, or use the saved one.
    pub key_identifier: Option<String>,
    /// Create a key under the Name `key_identifier` if there is none. Default off.
    pub create_key_if_missing: bool,
    /// Activate keys that are created, and refuse keys that are not Active. Default on.
    pub activate_keys: bool,
    /// Put the keystore under a new master key and exit. Default off.
    pub rotate_master_key: bool,
    /// Have the KMIP server wrap keys that are taken into use, so that its own never leaves it. Default off.
    pub wrap_on_server: bool,
    /// How the master key is looked after while the server runs.
    pub key_state: KeyStatePolicy,
}

impl KmipOptions {
    /// These servers, and the defaults.
    pub fn new(servers: Vec<ServerAddress>, tls: ClientTls) -> KmipOptions {
        KmipOptions {
            servers,
            tls,
            connect_retries: 0,
            connect_timeout: Duration::from_secs(5),
            version: VersionPolicy::default(),
            key_identifier: None,
            create_key_if_missing: false,
            activate_keys: true,
            rotate_master_key: false,
            wrap_on_server: false,
            key_state: KeyStatePolicy::default(),
        }
    }

    /// What the KMIP client needs of them.
    pub(super) fn client_config(&self) -> ClientConfig {
        let mut config = ClientConfig::new(self.servers.clone(), self.tls.clone());
        config.connect_retries = self.connect_retries;
        config.connect_timeout = self.connect_timeout;
        config.version = self.version;
        config
    }
}
