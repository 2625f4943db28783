//! `versions`: Discover Versions (KMIP 1.4, section 4.26; 2.1, section 6.1.17).

use clap::Args;
use kmip::ProtocolVersion;
use kmip_client::ErrorKind;
use serde::Serialize;

use crate::failure::Failure;
use crate::page::{Page, words};
use crate::tool::{Report, Tool};

/// The arguments of `versions`: none.
#[derive(Debug, Args)]
pub(crate) struct Versions {}

/// The versions of both sides.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Spoken {
    negotiated: String,
    /// `None` if the server does not tell.
    server_versions: Option<Vec<String>>,
    client_versions: Vec<String>,
}

impl Report for Spoken {
    fn write(&self, page: &mut Page) {
        let server = match &self.server_versions {
            Some(versions) => words(versions),
            None => "it does not say (Discover Versions came with KMIP 1.1)".to_owned(),
        };
        page.pairs(&[
            ("In use", self.negotiated.clone()),
            ("Server", server),
            ("Strongroom", words(&self.client_versions)),
        ]);
    }
}

impl Versions {
    pub(super) async fn run(&self, tool: &mut Tool<'_>) -> Result<(), Failure> {
        let mut session = tool.connect().await?;
        let negotiated = session.negotiated_version();
        let text =
            |versions: &[ProtocolVersion]| versions.iter().map(ToString::to_string).collect();
        let server_versions = if negotiated.at_least(ProtocolVersion::V1_1) {
            match session.discover_versions().await {
                Ok(versions) => Some(text(&versions)),
                Err(error) if matches!(error.kind(), ErrorKind::Refused { .. }) => None,
                Err(error) => return Err(error.into()),
            }
        } else {
            None
        };
        let spoken = Spoken {
            negotiated: negotiated.to_string(),
            server_versions,
            client_versions: text(&ProtocolVersion::SUPPORTED),
        };
        tool.report(&session, &spoken)
    }
}
