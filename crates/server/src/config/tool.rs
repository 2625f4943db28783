//! The command line of `strongroom`, the operator's tool.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use kmip_tool::KmipArguments;

pub use super::tool_keys::{
    HostOptions, MigrateOptions, RevokeOptions, RotateOptions, SetOptions, StatusOptions,
};

/// `strongroom`
#[derive(Debug, Parser)]
#[command(name = "strongroom", version, about = "Try out and operate Strongroom")]
pub struct Tool {
    /// What to do.
    #[command(subcommand)]
    pub command: ToolCommand,
}

/// The subcommands of `strongroom`.
#[derive(Debug, Subcommand)]
#[non_exhaustive]
pub enum ToolCommand {
    /// Look after backups that the command createBackup made
    #[command(subcommand)]
    Backup(BackupCommand),
    /// Copy a backup into an empty directory, for a server to start on
    Restore(RestoreOptions),
    /// Start a playground: a KMIP server with certificates of its own, and an encrypted database
    Dev(DevOptions),
    /// Look after the keys that the data is encrypted with
    #[command(subcommand)]
    Keys(KeysCommand),
    /// Create, look at and destroy keys on any KMIP server
    #[command(subcommand_required = true, arg_required_else_help = true)]
    Kmip(Box<KmipArguments>),
}

/// The subcommands of `strongroom keys`.
#[derive(Debug, Subcommand)]
#[non_exhaustive]
pub enum KeysCommand {
    /// Find out whether a start with these options would succeed, without starting
    ///
    /// Goes through what a start needs of KMIP servers, certificates, keys and the keystore, and prints what
    /// passed, what failed and what to do. Nothing is written into the dbpath, which may be in use. A key is
    /// created on each KMIP server, used and destroyed again, unless something before it failed or --read-only
    /// is given.
    ///
    /// Ends with status 0 if everything passed, otherwise with the status that the start would have had.
    Check(CheckOptions),
    /// Tell which master key the data is under, and how it is
    Status(StatusOptions),
    /// Put the data of a running server under another master key
    ///
    /// Takes a moment, whatever the amount of data; reads and writes go on. Without --key-identifier a key is
    /// created on the KMIP server.
    Rotate(RotateOptions),
    /// Revoke a master key of before on the KMIP server
    ///
    /// Refused while something needs it: the server, a database of it, a rotation that was interrupted, or
    /// keystore.previous. With --config the server is stopped, otherwise it runs.
    Revoke(RevokeOptions),
    /// Give a database of a running server a master key of its own, or take that back
    Set(SetOptions),
    /// Put the data of a stopped server under the master key of another provider or KMIP server
    ///
    /// From a key file to KMIP, from KMIP to a key file, from one KMIP server to another, or security.kmip.wrapOnServer
    /// on or off. May be repeated if it was interrupted.
    Migrate(MigrateOptions),
}

/// The options of `strongroom keys check`.
#[derive(Clone, Debug, Args)]
#[non_exhaustive]
pub struct CheckOptions {
    /// Print the result as JSON
    #[arg(long)]
    pub json: bool,
    /// Create no key on the KMIP servers
    #[arg(long)]
    pub read_only: bool,
    /// The options of the server, as strongroomd takes them (strongroomd --help)
    #[arg(
        value_name = "--config FILE | OPTIONS OF STRONGROOMD",
        trailing_var_arg = true,
        allow_hyphen_values = true,
        required = true
    )]
    pub server: Vec<String>,
}

impl CheckOptions {
    /// Takes our own flags out of those of the server, between which they may stand.
    #[must_use]
    pub fn sorted(mut self) -> Self {
        for (flag, given) in [
            ("--json", &mut self.json),
            ("--read-only", &mut self.read_only),
        ] {
            let before = self.server.len();
            self.server.retain(|argument| argument != flag);
            *given |= self.server.len() < before;
        }
        self
    }
}

/// The options of `strongroom dev`.
#[derive(Clone, Debug, Args)]
#[non_exhaustive]
pub struct DevOptions {
    /// Directory for certificates, keys and data; made if it is not there, found again if it is
    #[arg(long, value_name = "DIR", default_value = "dev-data")]
    pub dir: PathBuf,
    /// TCP port of the database on 127.0.0.1; 27017, or a free one if that is taken and nothing is given
    #[arg(long, value_name = "PORT")]
    pub port: Option<u16>,
    /// Write the log to standard output instead of a file in the directory
    #[arg(long)]
    pub log_to_stdout: bool,
}

/// The subcommands of `strongroom backup`.
#[derive(Debug, Subcommand)]
#[non_exhaustive]
pub enum BackupCommand {
    /// Check every file of a backup, and say which master key opens it
    Verify(VerifyOptions),
}

/// The options of `strongroom backup verify`.
#[derive(Clone, Debug, Args)]
#[non_exhaustive]
pub struct VerifyOptions {
    /// The backup's directory
    #[arg(value_name = "DIR")]
    pub dir: PathBuf,
    /// Print the result as JSON
    #[arg(long)]
    pub json: bool,
}

/// The options of `strongroom restore`.
#[derive(Clone, Debug, Args)]
#[non_exhaustive]
pub struct RestoreOptions {
    /// The backup's directory
    #[arg(long, value_name = "DIR")]
    pub from: PathBuf,
    /// Where to restore it to: a directory that is empty or does not exist
    #[arg(long, value_name = "DIR")]
    pub dbpath: Option<PathBuf>,
    /// The configuration file of the server that is to run on it: names the dbpath unless --dbpath
    /// does, and is checked against the backup
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn definitions_hold_together() {
        Tool::command().debug_assert();
        let tool = Tool::try_parse_from(["strongroom", "dev", "--port", "0"]).unwrap();
        let ToolCommand::Dev(dev) = tool.command else {
            panic!("{tool:?}");
        };
        assert_eq!((dev.port, dev.dir), (Some(0), PathBuf::from("dev-data")));
        let tool = Tool::try_parse_from(["strongroom", "backup", "verify", "/b", "--json"]);
        let ToolCommand::Backup(BackupCommand::Verify(verify)) = tool.unwrap().command else {
            panic!("not verify");
        };
        assert!(verify.json && verify.dir.ends_with("b"));
    }

    #[test]
    fn the_options_of_the_server_may_stand_anywhere() {
        for line in [
            &["--json", "--config", "f", "--dbpath", "d"][..],
            &["--config", "f", "--json", "--dbpath", "d"],
            &["--config", "f", "--dbpath", "d", "--json"],
        ] {
            let tool = ["strongroom", "keys", "check"].iter().chain(line);
            let ToolCommand::Keys(KeysCommand::Check(check)) =
                Tool::try_parse_from(tool).unwrap().command
            else {
                panic!("{line:?}");
            };
            let check = check.sorted();
            assert_eq!(check.server, ["--config", "f", "--dbpath", "d"], "{line:?}");
            assert!(check.json && !check.read_only);
        }
    }

    /// Whoever knows the server's options knows the tool's.
    #[test]
    fn options_of_the_kmip_connection_are_the_servers() {
        let mut command = Tool::command();
        command.build();
        let kmip = command.find_subcommand("kmip").unwrap();
        let flags: Vec<&str> = kmip
            .get_arguments()
            .filter_map(clap::Arg::get_long)
            .filter(|flag| flag.starts_with("kmip"))
            .collect();
        // Which key the server uses, and what it does with it, is the server's own affair.
        for option in [
            "serverName",
            "port",
            "serverCAFile",
            "clientCertificateFile",
            "clientKeyFile",
            "clientCertificatePassword",
            "clientCertificatePasswordFile",
            "connectRetries",
            "connectTimeoutMS",
            "useLegacyProtocol",
            "protocolVersion",
        ] {
            if let Some(known) = crate::config::known::by_path(&format!("security.kmip.{option}")) {
                assert!(
                    flags.contains(&known.flag),
                    "strongroom kmip lacks --{}",
                    known.flag
                );
            }
        }
        assert!(flags.contains(&"kmipServerName"), "{flags:?}");
    }
}
