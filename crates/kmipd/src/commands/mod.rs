//! The command line: one file for each command.

mod audit;
mod backup;
mod check;
mod client;
mod init;
mod key;
mod password;
mod server;

use std::ffi::OsString;
use std::fs::File;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use zeroize::Zeroizing;

use crate::Error;
use crate::exit::ExitStatus;
use crate::pki::{Authority, Index, Layout};
use crate::{secret, serve};

/// A KMIP server: keys for databases, disks and backups over KMIP 1.0 to 2.1.
#[derive(Parser)]
#[command(
    name = "kmipd",
    version,
    arg_required_else_help = true,
    subcommand_negates_reqs = true
)]
struct CommandLine {
    /// Serve with this configuration
    #[arg(long, value_name = "FILE", required = true)]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Make a directory with everything: authority, certificates, key-encryption key, configuration
    Init(init::Init),
    /// Look at a configuration and all of its files, without serving
    Check(check::Check),
    /// Clients and their certificates
    #[command(subcommand)]
    Client(client::Client),
    /// The server's certificate
    #[command(subcommand)]
    Server(server::Server),
    /// Backups of the objects
    #[command(subcommand)]
    Backup(backup::Backup),
    /// The key-encryption key
    #[command(subcommand)]
    Key(key::Key),
    /// The audit log
    #[command(subcommand)]
    Audit(audit::Audit),
    /// Hash a password (read from standard input) for a client's `credential.passwordHash`
    Password,
}

/// The directory of `kmipd init`, for the commands that issue certificates.
#[derive(Args)]
struct PkiOptions {
    /// The directory that `kmipd init` has made
    #[arg(long, value_name = "DIR", default_value = "/etc/kmipd")]
    dir: PathBuf,
    /// The passphrase of the authority's key, in the first line of this file
    #[arg(long, value_name = "FILE")]
    ca_passphrase_file: Option<PathBuf>,
}

/// What those commands work with.
struct Opened {
    /// Nobody else changes anything while it lives.
    _lock: File,
    layout: Layout,
    authority: Authority,
    index: Index,
}

impl PkiOptions {
    fn open(&self) -> Result<Opened, Error> {
        let layout = Layout::new(&self.dir);
        let passphrase = passphrase(self.ca_passphrase_file.as_ref())?;
        layout.check()?;
        let lock = layout.lock()?;
        let authority = Authority::open(&layout, passphrase.as_ref().map(|text| text.as_str()))?;
        let index = Index::read(&layout.index())?;
        Ok(Opened {
            _lock: lock,
            layout,
            authority,
            index,
        })
    }
}

fn passphrase(file: Option<&PathBuf>) -> Result<Option<Zeroizing<String>>, Error> {
    file.map(|file| secret::first_line(file))
        .transpose()
        .map_err(Error::Usage)
}

/// Runs the program with the process's command line.
pub fn main() -> ExitCode {
    run(std::env::args_os()).into()
}

fn run(arguments: impl Iterator<Item = OsString>) -> ExitStatus {
    let command_line = match CommandLine::try_parse_from(arguments) {
        Ok(command_line) => command_line,
        Err(error) => {
            let _ = error.print();
            return if error.use_stderr() {
                ExitStatus::Usage
            } else {
                ExitStatus::Success
            };
        }
    };
    let done = match (command_line.command, command_line.config) {
        (Some(Command::Init(init)), _) => init.run(),
        (Some(Command::Check(check)), _) => check.run(),
        (Some(Command::Client(client)), _) => client.run(),
        (Some(Command::Server(server)), _) => server.run(),
        (Some(Command::Backup(backup)), _) => backup.run(),
        (Some(Command::Key(key)), _) => key.run(),
        (Some(Command::Audit(audit)), _) => audit.run(),
        (Some(Command::Password), _) => password::run(),
        (None, Some(config)) => serve::run(&config),
        // clap has seen to it.
        (None, None) => Err(Error::Usage("--config FILE is missing".to_owned())),
    };
    match done {
        Ok(()) => ExitStatus::Success,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "kmipd: {error}");
            error.exit_status()
        }
    }
}

/// Whoever closed standard output does not want to read it.
fn say(text: &str) {
    let _ = writeln!(std::io::stdout(), "{text}");
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        CommandLine::command().debug_assert();
    }

    #[test]
    fn what_is_missing_is_said() {
        let status = |arguments: &[&str]| {
            let arguments = std::iter::once("kmipd").chain(arguments.iter().copied());
            run(arguments.map(OsString::from))
        };
        assert_eq!(status(&[]), ExitStatus::Usage);
        assert_eq!(status(&["--version"]), ExitStatus::Success);
        assert_eq!(status(&["--config"]), ExitStatus::Usage);
        assert_eq!(
            status(&["--config", "/nowhere/kmipd.yaml"]),
            ExitStatus::ConfigFile
        );
        assert_eq!(
            status(&["check", "--config", "/nowhere"]),
            ExitStatus::ConfigFile
        );
        assert_eq!(
            status(&["audit", "verify", "/nowhere"]),
            ExitStatus::AuditBroken
        );
        assert_eq!(
            status(&["client", "list", "--dir", "/nowhere"]),
            ExitStatus::Usage
        );
    }
}
