//! The options of `strongroomd`: `mongod`'s flags and `mongod.conf`.
//!
//! Both sources are read against one table ([`known::OPTIONS`]) into settings by key; the command line
//! is laid over the file; rules between options make [`Options`] of them. An option is accepted only if
//! the server does what it says. An option that only `mongod` has is refused by name.
//!
//! | file | holds |
//! |---|---|
//! | `known` | the options, with types, limits and help |
//! | `unsupported` | the options that only `mongod` has |
//! | `command_line`, `yaml` | the two sources |
//! | `settings`, `value`, `place` | options as given, with where |
//! | `resolve`, `resolve_kmip` | rules between options, defaults |
//! | `options` | options as used |
//! | `password`, `environment` | the password of the client certificate's key, from one of its three places |
//! | `cmd_line_opts` | options as shown, secrets replaced |
//! | `tool` | the command line of `strongroom` |
//! | `kmip_connection` | the part of the file that `strongroom kmip` takes |

mod cmd_line_opts;
mod command_line;
mod environment;
mod error;
mod kmip_connection;
pub mod known;
mod options;
mod password;
mod place;
mod resolve;
mod resolve_kmip;
mod secret;
mod settings;
mod suggest;
pub mod tool;
mod tool_keys;
mod unsupported;
mod value;
mod yaml;

#[cfg(test)]
mod tests;

pub use cmd_line_opts::CmdLineOpts;
pub use environment::{CLIENT_CERTIFICATE_PASSWORD, Environment};
pub use error::{Error, ErrorKind};
pub use kmip_connection::kmip_connection;
pub use options::{
    EncryptionOptions, KmipOptions, LogRotate, MasterKeyOptions, NetOptions, Options,
    ProcessOptions, SecurityOptions, ServerParameters, StorageOptions, SystemLogOptions,
};
pub use place::{Origin, Place};
pub use resolve::{DEFAULT_BIND_IP, DEFAULT_DB_PATH, DEFAULT_PORT};
pub use secret::{Password, REDACTED};
pub use yaml::MAX_FILE_BYTES;

use command_line::Asked;

/// What the command line asks of `strongroomd`.
#[derive(Debug)]
pub enum Invocation {
    /// Print this (help, version) and exit 0.
    Print(String),
    /// Start the server.
    Run(Box<Options>),
}

/// Reads the command line, program name first, and the files that it names: the configuration file and that
/// of the password.
///
/// # Errors
/// See [`Error`]; nothing has been touched when it is returned.
pub fn load(args: &[String], environment: &Environment) -> Result<Invocation, Error> {
    match command_line::read(args)? {
        Asked::Print(text) => Ok(Invocation::Print(text)),
        Asked::Run { settings, config } => {
            let merged = match &config {
                Some(file) => {
                    let mut merged = yaml::read(file)?;
                    merged.overlay(settings);
                    merged
                }
                None => settings,
            };
            let options = resolve::resolve(&merged, args, config.as_deref(), environment)?;
            Ok(Invocation::Run(Box::new(options)))
        }
    }
}
