//! The configuration file: YAML, every key known, every path relative to the file's own directory.

mod error;
mod load;
mod size;

pub use error::ConfigError;
#[cfg(test)]
pub(crate) use load::SMALLEST;
pub use load::{MAX_FILE_BYTES, load};

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use kmip_server::CryptoLimits;
use serde::{Deserialize, Serialize};

/// The whole file.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Config {
    /// Where to listen.
    pub net: Net,
    /// Certificates.
    pub tls: Tls,
    /// Objects and the key that they are encrypted with.
    pub storage: Storage,
    /// What a client may take.
    #[serde(default)]
    pub limits: Limits,
    /// Which cryptography clients may ask for.
    #[serde(default)]
    pub crypto: Crypto,
    /// Where the audit log goes.
    #[serde(default)]
    pub audit: Audit,
    /// The names of all tenants. A client of a tenant that is not here is refused: a misspelt tenant has no keys.
    pub tenants: Vec<String>,
    /// Roles by name.
    pub roles: BTreeMap<String, Role>,
    /// Clients by name.
    #[serde(default)]
    pub clients: BTreeMap<String, Client>,
    /// A directory with one more client in each file `NAME.yaml`; what `kmipd client add` writes.
    #[serde(default)]
    pub clients_directory: Option<PathBuf>,
    /// Metrics and health, over plain HTTP.
    #[serde(default)]
    pub metrics: Option<Metrics>,
    /// The log on standard output.
    #[serde(default)]
    pub log: Log,
}

/// Where to listen.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Net {
    /// Address and port. `[::]:5696` is all addresses of both families.
    pub listen: SocketAddr,
}

/// Certificates.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Tls {
    /// PEM: the server's certificate, those between it and the root, and its key unless `keyFile` is given.
    pub certificate_file: PathBuf,
    /// PEM: the server's private key.
    #[serde(default)]
    pub key_file: Option<PathBuf>,
    /// The password of the private key, in a file.
    #[serde(default)]
    pub key_password_file: Option<PathBuf>,
    /// PEM: the authorities that issue clients' certificates.
    pub client_ca_file: PathBuf,
    /// PEM: revocation lists of all those authorities.
    #[serde(default)]
    pub crl_file: Option<PathBuf>,
}

/// Objects and the key that they are encrypted with.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Storage {
    /// The directory; one process at a time.
    pub directory: PathBuf,
    /// Where the key-encryption key comes from.
    pub key: Key,
}

/// Where the key-encryption key comes from: exactly one of them.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Key {
    /// A file with 32 bytes in base64.
    #[serde(default)]
    pub file: Option<PathBuf>,
    /// A passphrase.
    #[serde(default)]
    pub passphrase: Option<Passphrase>,
    /// A symmetric key of 256 bits on another KMIP server.
    #[serde(default)]
    pub kmip: Option<Kmip>,
}

/// Where a passphrase comes from: exactly one of them.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Passphrase {
    /// The first line of this file.
    #[serde(default)]
    pub file: Option<PathBuf>,
    /// This environment variable.
    #[serde(default)]
    pub environment: Option<String>,
}

/// A key on another KMIP server.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Kmip {
    /// Host names or addresses, each with a port if it is not 5696, separated by commas.
    pub servers: String,
    /// PEM: the authority of their certificates. Default: those that the system trusts.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    /// PEM: our certificate as a client, and its key.
    pub certificate_file: PathBuf,
    /// The Unique Identifier of the key.
    pub key_identifier: String,
}

/// What a client may take.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Limits {
    /// Connections in all.
    pub connections: usize,
    /// Connections of one client.
    pub connections_per_client: usize,
    /// TLS handshakes under way; one more ends the oldest.
    pub handshakes: usize,
    /// Batch items of one client for each second in the long run; 0 is no bound.
    pub requests_per_second: u32,
    /// Batch items of one client at once.
    pub request_burst: u32,
    /// Bytes of one message.
    #[serde(with = "size")]
    pub message_size: u64,
    /// Items of one batch.
    pub batch_items: usize,
    /// For a handshake.
    pub handshake_timeout_ms: u64,
    /// For a message from its first byte to its last, and for taking an answer.
    pub message_timeout_ms: u64,
    /// Between two requests.
    pub idle_timeout_seconds: u64,
    /// For all items of a request together.
    pub request_timeout_ms: u64,
    /// For the requests under way when the server is asked to stop.
    pub drain_timeout_ms: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 1_000,
            connections_per_client: 100,
            handshakes: 128,
            requests_per_second: 1_000,
            request_burst: 2_000,
            message_size: 1 << 20,
            batch_items: 1_000,
            handshake_timeout_ms: 5_000,
            message_timeout_ms: 10_000,
            idle_timeout_seconds: 600,
            request_timeout_ms: 30_000,
            drain_timeout_ms: 10_000,
        }
    }
}

/// Which cryptography clients may ask for, and how much of it.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Crypto {
    /// RSA keys of 1024 bits are made as well.
    pub allow_weak_keys: bool,
    /// The longest RSA key that is made, in bits.
    pub max_rsa_bits: u32,
    /// The most iterations of PBKDF2.
    pub max_iterations: u32,
    /// How many costly operations are performed at once; 0: one for each processor but one.
    pub costly_at_once: usize,
    /// How many more wait for their turn.
    pub costly_waiting: usize,
}

impl Default for Crypto {
    fn default() -> Self {
        let limits = CryptoLimits::default();
        Self {
            allow_weak_keys: limits.weak_keys,
            max_rsa_bits: limits.max_rsa_bits,
            max_iterations: limits.max_iterations,
            costly_at_once: 0,
            costly_waiting: limits.costly_waiting,
        }
    }
}

impl Crypto {
    /// As the server takes it.
    pub fn limits(&self) -> CryptoLimits {
        let usual = CryptoLimits::default();
        CryptoLimits {
            weak_keys: self.allow_weak_keys,
            max_rsa_bits: self.max_rsa_bits,
            max_iterations: self.max_iterations,
            costly_at_once: match self.costly_at_once {
                0 => usual.costly_at_once,
                given => given,
            },
            costly_waiting: self.costly_waiting,
        }
    }
}

/// Where the audit log goes: to each of those that are given.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Audit {
    /// A file, chained by hashes.
    pub file: Option<PathBuf>,
    /// When the file is forced to the disk.
    pub fsync: Fsync,
    /// How long an event may wait for the disk when its request does not.
    pub fsync_interval_ms: u64,
    /// A file with a key of at least 32 bytes in base64: the hashes become HMACs, which nobody without the key can make.
    pub hmac_key_file: Option<PathBuf>,
    /// The file is renamed when it is longer, and a new one begun; 0: never.
    #[serde(with = "size")]
    pub rotate_size: u64,
    /// syslog, RFC 5424.
    pub syslog: Option<Syslog>,
    /// Standard output, among the log's lines, with the target `audit`: for journald.
    pub stdout: bool,
    /// What is not done while the audit log cannot be written.
    pub on_failure: OnFailure,
}

impl Default for Audit {
    fn default() -> Self {
        Self {
            file: None,
            fsync: Fsync::Changes,
            fsync_interval_ms: 1_000,
            hmac_key_file: None,
            rotate_size: 64 << 20,
            syslog: None,
            stdout: false,
            on_failure: OnFailure::RefuseAll,
        }
    }
}

/// When the audit file is forced to the disk.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub enum Fsync {
    /// Before each answer.
    Always,
    /// Before the answer to a request that changed something, and every `fsyncIntervalMs`.
    Changes,
    /// Every `fsyncIntervalMs`.
    Interval,
}

/// What is not done while the audit log cannot be written.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub enum OnFailure {
    /// Nothing is done.
    RefuseAll,
    /// Operations that change something are not done. The others are, and are missing from the log.
    RefuseChanges,
}

/// syslog: exactly one of `socket` and `udp`.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Syslog {
    /// A datagram socket, such as `/dev/log`.
    #[serde(default)]
    pub socket: Option<PathBuf>,
    /// Address and port.
    #[serde(default)]
    pub udp: Option<SocketAddr>,
}

/// What the clients of a role may do.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Role {
    /// Names of operations (`Create`, `GetAttributes`) and of groups (`read`, `attributes`, `lifecycle`, `crypto`,
    /// `all`).
    pub operations: Vec<String>,
}

/// A client. Without `commonName` and `sha256`, its name is the common name of its certificate.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Client {
    /// The common name of its certificate.
    #[serde(default)]
    pub common_name: Option<String>,
    /// The SHA-256 of its certificate's DER: 64 hexadecimal digits, colons allowed.
    #[serde(default)]
    pub sha256: Option<String>,
    /// Whose objects it sees and makes.
    pub tenant: String,
    /// What it may do.
    pub role: String,
    /// What it must send in each request besides.
    #[serde(default)]
    pub credential: Option<Credential>,
}

/// What a client must send in each request: a user name or a device's serial number, and a password.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Credential {
    /// Credential type Username and Password.
    #[serde(default)]
    pub username: Option<String>,
    /// Credential type Device.
    #[serde(default)]
    pub device_serial_number: Option<String>,
    /// What `kmipd password` printed.
    #[serde(default)]
    pub password_hash: Option<String>,
}

/// Metrics and health, over plain HTTP: no secrets, but names of clients and numbers.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Metrics {
    /// Address and port; better the loopback's.
    pub listen: SocketAddr,
}

/// The log on standard output: a line of JSON for each event.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Log {
    /// The least important events to log.
    pub level: Level,
}

impl Default for Log {
    fn default() -> Self {
        Self { level: Level::Info }
    }
}

/// How important an event is.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub enum Level {
    /// Something does not work.
    Error,
    /// Something is not as it should be.
    Warn,
    /// What an operator wants to know.
    Info,
    /// What a developer wants to know.
    Debug,
}
