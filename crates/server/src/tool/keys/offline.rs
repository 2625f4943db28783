//! The options of a server that is stopped, from its configuration file.

use std::path::Path;

use crate::config::{self, Environment, Invocation, Options};
use crate::daemon::{config_exit_status, encryption_options};
use crate::exit::ExitStatus;
use crate::startup::EncryptionOptions;
use crate::tool::Failure;

/// The options of a configuration file, as the server would take them.
pub(super) fn load(path: &Path, environment: &Environment) -> Result<Box<Options>, Failure> {
    let arguments = [
        "strongroomd".to_owned(),
        "--config".to_owned(),
        path.display().to_string(),
    ];
    match config::load(&arguments, environment) {
        Ok(Invocation::Run(options)) => Ok(options),
        // Nothing was asked for that would print.
        Ok(Invocation::Print(text)) => Err(Failure::new(&text, ExitStatus::BadOptions)),
        Err(error) => {
            let status = config_exit_status(&error);
            Err(Failure::new(
                &format!("{}: {error}", path.display()),
                status,
            ))
        }
    }
}

/// What they say of encryption, which has to be on.
pub(super) fn encryption(options: &Options, path: &Path) -> Result<EncryptionOptions, Failure> {
    let Some(encryption) = &options.security.encryption else {
        return Err(Failure::new(
            &format!(
                "{}: security.enableEncryption is not there: data cannot be taken into or out of encryption by a \
                 change of its master key",
                path.display()
            ),
            ExitStatus::BadOptions,
        ));
    };
    Ok(encryption_options(encryption))
}
