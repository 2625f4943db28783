//! `strongroom`: the operator's tool, from the command line to the exit status.

mod backup;
mod dev;
mod keys;
mod kmip;
mod progress;
mod restore;

use std::fmt::Display;
use std::io::Write;
use std::process::ExitCode;

use clap::Parser;

use crate::config::Environment;
use crate::config::tool::{Tool, ToolCommand};
use crate::exit::ExitStatus;

/// Why a subcommand failed.
struct Failure {
    message: String,
    status: ExitStatus,
}

impl Failure {
    fn new(message: &dyn Display, status: ExitStatus) -> Self {
        Self {
            message: message.to_string(),
            status,
        }
    }

    /// One of which everything was said already.
    fn told(status: ExitStatus) -> Self {
        Self {
            message: String::new(),
            status,
        }
    }
}

/// Runs the tool with this command line, program name first. The environment is consumed, so that nothing
/// secret in it outlives the reading of the options.
pub fn main(arguments: &[String], environment: Environment) -> ExitCode {
    let tool = match Tool::try_parse_from(arguments) {
        Ok(tool) => tool,
        Err(error) => {
            if !kmip::tells_wrong_arguments(arguments, &error) {
                let _ = error.print();
            }
            let status = if error.use_stderr() {
                ExitStatus::BadOptions
            } else {
                ExitStatus::Success
            };
            return status.into();
        }
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    let result = match runtime {
        Ok(runtime) => runtime.block_on(run(&tool.command, environment)),
        Err(error) => Err(Failure::new(&error, ExitStatus::Internal)),
    };
    match result {
        Ok(()) => ExitStatus::Success.into(),
        Err(Failure { message, status }) => {
            if !message.is_empty() {
                let _ = writeln!(std::io::stderr(), "strongroom: {message}");
            }
            status.into()
        }
    }
}

async fn run(command: &ToolCommand, environment: Environment) -> Result<(), Failure> {
    match command {
        ToolCommand::Backup(command) => backup::run(command),
        ToolCommand::Dev(options) => dev::run(options).await,
        ToolCommand::Keys(command) => keys::run(command, environment).await,
        ToolCommand::Kmip(arguments) => kmip::run(arguments, environment).await,
        ToolCommand::Restore(options) => restore::run(options),
    }
}
