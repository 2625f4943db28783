//! The command lines of `strongroom keys rotate`, `revoke`, `status`, `set` and `migrate`.

use std::path::PathBuf;

use clap::Args;

/// A running server.
#[derive(Clone, Debug, Args)]
#[non_exhaustive]
pub struct HostOptions {
    /// The running server
    #[arg(long, value_name = "HOST[:PORT]", default_value = "127.0.0.1:27017")]
    pub host: String,
    /// How long its answer may take, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 300, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub timeout: u64,
    /// Print the result as JSON
    #[arg(long)]
    pub json: bool,
}

/// The options of `strongroom keys rotate`.
#[derive(Clone, Debug, Args)]
#[non_exhaustive]
pub struct RotateOptions {
    /// Where to do it
    #[command(flatten)]
    pub server: HostOptions,
    /// The new master key on the KMIP server: unique identifier, or Name. Without it, one is created
    #[arg(long, value_name = "ID")]
    pub key_identifier: Option<String>,
    /// Rotate the master key that this database has of its own, not that of the server
    #[arg(long, value_name = "NAME")]
    pub db: Option<String>,
    /// Also give every database (or that one) a new data key for what is written from now on
    #[arg(long)]
    pub data_keys: bool,
    /// Write all data anew under the new data keys, beside the requests, so that the old ones are soon destroyed
    #[arg(long, requires = "data_keys")]
    pub rewrite: bool,
    /// Revoke the old master key on the KMIP server afterwards; refused if something else is under it
    #[arg(long)]
    pub revoke_old_key: bool,
}

/// The options of `strongroom keys status`.
#[derive(Clone, Debug, Args)]
#[non_exhaustive]
pub struct StatusOptions {
    /// A running server; 127.0.0.1:27017 if neither this nor --dbpath is given
    #[arg(long, value_name = "HOST[:PORT]", conflicts_with = "dbpath")]
    pub host: Option<String>,
    /// The dbpath of a server that need not run: what its keystore says without any key
    #[arg(long, value_name = "DIR")]
    pub dbpath: Option<PathBuf>,
    /// Print the result as JSON
    #[arg(long)]
    pub json: bool,
}

/// The options of `strongroom keys revoke`.
#[derive(Clone, Debug, Args)]
#[non_exhaustive]
pub struct RevokeOptions {
    /// Where to do it
    #[command(flatten)]
    pub server: HostOptions,
    /// The configuration file of a server that is stopped
    #[arg(long, value_name = "FILE", conflicts_with = "host")]
    pub config: Option<PathBuf>,
    /// The key on the KMIP server: unique identifier, or Name
    #[arg(long, value_name = "ID")]
    pub key_identifier: String,
    /// Remove keystore.previous if only that key opens it
    #[arg(long)]
    pub remove_previous: bool,
}

/// The options of `strongroom keys set`.
#[derive(Clone, Debug, Args)]
#[non_exhaustive]
pub struct SetOptions {
    /// Where to do it
    #[command(flatten)]
    pub server: HostOptions,
    /// The database
    #[arg(long, value_name = "NAME")]
    pub db: String,
    /// Its own master key on the KMIP server: unique identifier, or Name
    #[arg(
        long,
        value_name = "ID",
        required_unless_present = "default",
        conflicts_with = "default"
    )]
    pub key_identifier: Option<String>,
    /// Put it back under the master key of the server
    #[arg(long)]
    pub default: bool,
    /// Create the database, empty, if it is not there
    #[arg(long)]
    pub create: bool,
    /// Revoke the key of its own that it had; refused if something else is under it
    #[arg(long)]
    pub revoke_old_key: bool,
}

/// The options of `strongroom keys migrate`.
#[derive(Clone, Debug, Args)]
#[non_exhaustive]
pub struct MigrateOptions {
    /// The configuration file that the server was started with last
    #[arg(long, value_name = "OLD.conf")]
    pub config: PathBuf,
    /// The configuration file that it is to be started with from now on: the same dbpath, the new master key
    #[arg(long, value_name = "NEW.conf")]
    pub to: PathBuf,
    /// Print the result as JSON
    #[arg(long)]
    pub json: bool,
}
