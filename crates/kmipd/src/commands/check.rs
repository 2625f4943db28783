//! `kmipd check`.

use std::path::PathBuf;

use clap::Args;

use super::say;
use crate::Error;
use crate::serve;

#[derive(Args)]
pub(super) struct Check {
    /// The configuration
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
}

impl Check {
    pub(super) fn run(&self) -> Result<(), Error> {
        let prepared = serve::check(&self.config)?;
        say(&format!(
            "{}: {} clients, {} tenants, {} roles, {} revoked certificates; the server's certificate ends on {}.",
            self.config.display(),
            prepared.clients,
            prepared.tenants,
            prepared.roles,
            prepared.revoked,
            prepared.certificate_ends
        ));
        for warning in prepared.warnings {
            say(&format!("Warning: {warning}"));
        }
        Ok(())
    }
}
