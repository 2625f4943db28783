//! `strongroom keys`: looking after the keys that the data is encrypted with.

mod check;

use super::Failure;
use crate::config::Environment;
use crate::config::tool::KeysCommand;

pub(super) async fn run(command: &KeysCommand, environment: Environment) -> Result<(), Failure> {
    match command {
        KeysCommand::Check(options) => check::run(options.clone().sorted(), environment).await,
    }
}
