//! `destroy`: Destroy (KMIP 1.4, section 4.21; 2.1, section 6.1.16).

use clap::Args;

use super::outcome;
use crate::failure::Failure;
use crate::identify::identify;
use crate::tool::Tool;

/// The arguments of `destroy`.
#[derive(Debug, Args)]
pub(crate) struct Destroy {
    /// The object: its Unique Identifier, or a Name that only it has
    #[arg(value_name = "ID")]
    id: String,
    /// Yes, for good: needed at a terminal
    #[arg(long)]
    yes: bool,
}

impl Destroy {
    pub(super) async fn run(&self, tool: &mut Tool<'_>) -> Result<(), Failure> {
        if !self.yes && tool.io.stdin_is_terminal {
            return Err(Failure::options(
                "an object that is destroyed is gone for good, and so is what is encrypted with it: \
                 repeat the command with --yes if that is meant",
            ));
        }
        let mut session = tool.connect().await?;
        let target = identify(&mut session, &self.id).await?;
        if let Err(error) = session.destroy(&target.unique_identifier).await {
            return Err(outcome::not_done(error, &target));
        }
        outcome::report(tool, &mut session, target.unique_identifier).await
    }
}
