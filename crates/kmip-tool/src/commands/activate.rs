//! `activate`: Activate (KMIP 1.4, section 4.19; 2.1, section 6.1.1).

use clap::Args;

use super::outcome;
use crate::failure::Failure;
use crate::identify::identify;
use crate::tool::Tool;

/// The arguments of `activate`.
#[derive(Debug, Args)]
pub(crate) struct Activate {
    /// The object: its Unique Identifier, or a Name that only it has
    #[arg(value_name = "ID")]
    id: String,
}

impl Activate {
    pub(super) async fn run(&self, tool: &mut Tool<'_>) -> Result<(), Failure> {
        let mut session = tool.connect().await?;
        let target = identify(&mut session, &self.id).await?;
        if let Err(error) = session.activate(&target.unique_identifier).await {
            return Err(outcome::not_done(error, &target));
        }
        outcome::report(tool, &mut session, target.unique_identifier).await
    }
}
