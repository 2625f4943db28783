//! `strongroom kmip`: what the crate `kmip-tool` does, with the server's configuration file and exit statuses.

use std::io::{IsTerminal, Write};
use std::path::Path;

use kmip_tool::{Cause, ConnectionOptions, Io, KmipArguments};

use super::Failure;
use crate::config::{self, Environment, ErrorKind};
use crate::exit::ExitStatus;
use crate::startup::{of_kmip_client, of_tls};

pub(super) async fn run(
    arguments: &KmipArguments,
    environment: Environment,
) -> Result<(), Failure> {
    if let Some(log) = kmip_tool::subscriber(arguments.verbose, std::io::stderr) {
        // Somebody who has set one already hears from us there.
        let _ = tracing::subscriber::set_global_default(log);
    }
    let io = Io {
        stdin: &mut std::io::stdin(),
        stdin_is_terminal: std::io::stdin().is_terminal(),
        stdout: &mut std::io::stdout(),
        stderr: &mut std::io::stderr(),
    };
    let password = environment
        .into_client_certificate_password()
        .map(|password| tls::Password::new(password.expose().to_owned()));
    match kmip_tool::run(arguments, password, connection_of, io).await {
        Ok(()) => Ok(()),
        Err(failure) if arguments.json => {
            let status = exit_status(failure.cause());
            tell(&failure, status);
            Err(Failure::told(status))
        }
        Err(failure) => Err(Failure::new(&failure, exit_status(failure.cause()))),
    }
}

/// A failure as JSON on standard error.
fn tell(failure: &kmip_tool::Failure, status: ExitStatus) {
    let json = failure.to_json(status.number(), status.name());
    let _ = writeln!(std::io::stderr(), "{json}");
}

fn connection_of(file: &Path) -> Result<ConnectionOptions, kmip_tool::Failure> {
    config::kmip_connection(file).map_err(|error| {
        let cause = match error.kind() {
            ErrorKind::ConfigFile => Cause::ConfigFile,
            _ => Cause::Options,
        };
        kmip_tool::Failure::new(cause, error.to_string())
    })
}

fn exit_status(cause: &Cause) -> ExitStatus {
    match cause {
        Cause::Options => ExitStatus::BadOptions,
        Cause::ConfigFile => ExitStatus::ConfigFile,
        Cause::TlsFile(error) => of_tls(error),
        Cause::CertificateExpired => ExitStatus::KmipClientRefused,
        Cause::Kmip(kind) => of_kmip_client(kind),
        Cause::OutcomeUnknown(_) => ExitStatus::KmipOutcomeUnknown,
        _ => ExitStatus::Internal,
    }
}

/// Tells what is wrong with the arguments as JSON, if that was asked of `strongroom kmip`.
pub(super) fn tells_wrong_arguments(arguments: &[String], error: &clap::Error) -> bool {
    let is_asked_for = arguments.get(1).is_some_and(|name| name == "kmip")
        && arguments.iter().any(|argument| argument == "--json")
        && error.use_stderr();
    if !is_asked_for {
        return false;
    }
    // The first paragraph; usage and hints are for people.
    let text = error.render().to_string();
    let lines: Vec<&str> = text
        .lines()
        .map(str::trim)
        .take_while(|line| !line.is_empty())
        .collect();
    let message = lines.join(" ");
    let message = message.strip_prefix("error: ").unwrap_or(&message);
    let failure = kmip_tool::Failure::new(Cause::Options, message);
    tell(&failure, ExitStatus::BadOptions);
    true
}
