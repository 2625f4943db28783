//! The options in the form in which the server uses them: checked against each other, defaults filled in.

use std::path::PathBuf;
use std::time::Duration;

use keystore::Cipher;

use kmip_client::{ServerAddress, VersionPolicy};

use super::cmd_line_opts::CmdLineOpts;
use super::secret::Password;
use crate::encryption::OnKeyStateLoss;

/// Everything that the command line and the configuration file say.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Options {
    /// `net`
    pub net: NetOptions,
    /// `storage`
    pub storage: StorageOptions,
    /// `security`
    pub security: SecurityOptions,
    /// `systemLog`
    pub system_log: SystemLogOptions,
    /// `processManagement`
    pub process: ProcessOptions,
    /// `setParameter`
    pub parameters: ServerParameters,
    /// What was given, for `getCmdLineOpts` and the log.
    pub cmd_line_opts: CmdLineOpts,
}

/// Where the server listens.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct NetOptions {
    /// TCP port; 0 lets the system choose one.
    pub port: u16,
    /// Host names and addresses to listen on, in the given order.
    pub bind_hosts: Vec<String>,
    /// Most connections served at a time.
    pub max_incoming_connections: u32,
}

/// The data and its durability.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct StorageOptions {
    /// The directory of the data.
    pub db_path: PathBuf,
    /// Longest time until a write that did not ask for `j` is on disk.
    pub journal_commit_interval: Duration,
}

/// Encryption at rest.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SecurityOptions {
    /// `None`: the data lies in clear.
    pub encryption: Option<EncryptionOptions>,
}

/// How data is encrypted.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct EncryptionOptions {
    /// The cipher of the data; `None` if it was not given: AES-GCM for new data, and for existing data
    /// what it is encrypted with.
    pub cipher_mode: Option<Cipher>,
    /// Where the master key comes from.
    pub master_key: MasterKeyOptions,
}

/// The source of the master key.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum MasterKeyOptions {
    /// `security.encryptionKeyFile`
    KeyFile(PathBuf),
    /// `security.kmip`
    Kmip(Box<KmipOptions>),
}

/// `security.kmip`
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct KmipOptions {
    /// The servers, tried in order; at least one.
    pub servers: Vec<ServerAddress>,
    /// Roots besides the system's.
    pub server_ca_file: Option<PathBuf>,
    /// Our certificate chain, with the private key unless `client_key_file` is given.
    pub client_certificate_file: PathBuf,
    /// The private key, if it is in a file of its own.
    pub client_key_file: Option<PathBuf>,
    /// The password of the private key.
    pub client_certificate_password: Option<Password>,
    /// Unique identifier or name of the master key.
    pub key_identifier: Option<String>,
    /// Create a key under the name `key_identifier` if there is none.
    pub create_key_if_missing: bool,
    /// Encrypt the keystore under a new master key, and exit.
    pub rotate_master_key: bool,
    /// Attempts beyond the first one, for each server.
    pub connect_retries: u32,
    /// Time for one attempt: resolve, connect, TLS and the first answer.
    pub connect_timeout: Duration,
    /// Which protocol versions to speak.
    pub version: VersionPolicy,
    /// Activate the keys that we create, and use Active keys only.
    pub activate_keys: bool,
    /// Time between checks of the key's state; `None`: no checks.
    pub key_state_polling: Option<Duration>,
    /// What a key that is no longer Active leads to.
    pub on_key_state_loss: OnKeyStateLoss,
    /// How long it may be so before that.
    pub key_state_grace: Duration,
    /// Whether the KMIP server wraps the data keys, so that the master key never leaves it.
    pub wrap_on_server: bool,
    /// Whether the password is in the argument list, which every user of the machine can read.
    pub password_in_arguments: bool,
}

/// `systemLog`
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SystemLogOptions {
    /// The file, or `None` for standard output.
    pub path: Option<PathBuf>,
    /// Append to an existing file instead of renaming it at the start.
    pub append: bool,
    /// What a rotation does.
    pub rotate: LogRotate,
    /// 0 (informational messages only) to 5.
    pub verbosity: u8,
    /// Leave out connections and other routine events.
    pub quiet: bool,
}

/// `systemLog.logRotate`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LogRotate {
    /// Rename the file, with the time appended to its name, and start a new one.
    Rename,
    /// Close the file and open it again under the same name, for `logrotate`.
    Reopen,
}

/// `processManagement`
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ProcessOptions {
    /// Where to write the process id.
    pub pid_file_path: Option<PathBuf>,
}

/// `setParameter`
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ServerParameters {
    /// Idle time after which a cursor is closed.
    pub cursor_timeout: Duration,
}
