//! `rekey`: Re-key (KMIP 1.4, section 4.4; 2.1, section 6.1.42).

use clap::Args;
use serde::Serialize;

use crate::failure::Failure;
use crate::identify::identify;
use crate::page::Page;
use crate::tool::{Report, Tool};

/// The arguments of `rekey`.
#[derive(Debug, Args)]
pub(crate) struct Rekey {
    /// The key to replace: its Unique Identifier, or a Name that only it has. The new key takes its Names over
    #[arg(value_name = "ID")]
    id: String,
    /// How long after its making the new key becomes active, in seconds
    #[arg(long, value_name = "SECONDS")]
    offset: Option<u32>,
    /// Activate the new key at once
    #[arg(long, conflicts_with = "offset")]
    activate: bool,
}

/// The new key and the one that it replaces.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Rekeyed<'a> {
    unique_identifier: &'a str,
    replaced: &'a str,
    activated: bool,
}

impl Report for Rekeyed<'_> {
    fn write(&self, page: &mut Page) {
        page.pairs(&[
            ("Unique Identifier", self.unique_identifier.to_owned()),
            ("Replaces", self.replaced.to_owned()),
            (
                "State",
                if self.activated { "Active" } else { "" }.to_owned(),
            ),
        ]);
    }
}

impl Rekey {
    pub(super) async fn run(&self, tool: &mut Tool<'_>) -> Result<(), Failure> {
        let mut session = tool.connect().await?;
        let target = identify(&mut session, &self.id).await?;
        let old = target.unique_identifier.as_str();
        let new = session.re_key(old, self.offset).await.map_err(|error| {
            Failure::from(error)
                .about(old)
                .explain(target.state())
                .look_with(&format!("strongroom kmip attributes {old} Link"))
        })?;
        if self.activate {
            session.activate(&new).await.map_err(|error| {
                Failure::from(error)
                    .after(&format!("the key {new} was made, but is not activated"))
                    .about(&new)
                    .advise(format!("try again with `strongroom kmip activate {new}`"))
            })?;
        }
        let rekeyed = Rekeyed {
            unique_identifier: &new,
            replaced: old,
            activated: self.activate,
        };
        tool.report(&session, &rekeyed)
    }
}
