//! `revoke`: Revoke (KMIP 1.4, section 4.20; 2.1, section 6.1.48).

use clap::Args;
use kmip::DateTime;
use kmip::registry::RevocationReasonCode;

use super::outcome;
use crate::failure::Failure;
use crate::identify::identify;
use crate::tool::Tool;
use crate::words::{date_time, enumeration};

/// The arguments of `revoke`.
#[derive(Debug, Args)]
pub(crate) struct Revoke {
    /// The object: its Unique Identifier, or a Name that only it has
    #[arg(value_name = "ID")]
    id: String,
    /// Why: KeyCompromise and CACompromise make it Compromised; CessationOfOperation, Superseded, AffiliationChanged,
    /// PrivilegeWithdrawn and Unspecified make it Deactivated
    #[arg(long, value_name = "REASON", default_value = "Unspecified",
        value_parser = enumeration::<RevocationReasonCode>)]
    reason: RevocationReasonCode,
    /// More about it, for whoever looks at the object later
    #[arg(long, value_name = "TEXT")]
    message: Option<String>,
    /// Since when it may have been compromised, such as 2026-11-23T18:00:00Z. Default: now
    #[arg(long, value_name = "TIME", value_parser = date_time)]
    compromise_date: Option<DateTime>,
}

impl Revoke {
    pub(super) async fn run(&self, tool: &mut Tool<'_>) -> Result<(), Failure> {
        let is_compromise = matches!(
            self.reason,
            RevocationReasonCode::KeyCompromise | RevocationReasonCode::CACompromise
        );
        if self.compromise_date.is_some() && !is_compromise {
            return Err(Failure::options(
                "--compromise-date needs --reason KeyCompromise or CACompromise",
            ));
        }
        let mut session = tool.connect().await?;
        let target = identify(&mut session, &self.id).await?;
        let id = &target.unique_identifier;
        let revoked = match self.compromise_date {
            None => {
                session
                    .revoke(id, self.reason, self.message.as_deref())
                    .await
            }
            Some(date) => {
                session
                    .revoke_compromised(id, self.reason, self.message.as_deref(), date)
                    .await
            }
        };
        if let Err(error) = revoked {
            return Err(outcome::not_done(error, &target));
        }
        outcome::report(tool, &mut session, target.unique_identifier).await
    }
}
