//! What activate, revoke and destroy have in common: the object, and the state it is in then.

use kmip::registry::State;
use kmip_client::{Error, Session};
use serde::Serialize;

use crate::failure::Failure;
use crate::identify::Target;
use crate::page::Page;
use crate::summary::name;
use crate::tool::{Report, Tool};

/// An object and its state.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Outcome {
    unique_identifier: String,
    /// `None` if the server does not tell, or has forgotten the object.
    #[serde(serialize_with = "name")]
    state: Option<State>,
}

impl Report for Outcome {
    fn write(&self, page: &mut Page) {
        let state = self.state.map_or_else(
            || "the server does not say".to_owned(),
            |state| state.to_string(),
        );
        page.pairs(&[
            ("Unique Identifier", self.unique_identifier.clone()),
            ("State", state),
        ]);
    }
}

/// Asks for the state and prints it. What was asked for is done: that the state cannot be had is no failure.
pub(super) async fn report(
    tool: &mut Tool<'_>,
    session: &mut Session,
    unique_identifier: String,
) -> Result<(), Failure> {
    let attributes = session.get_attributes(&unique_identifier).await;
    let state = attributes.ok().and_then(|attributes| attributes.state);
    let outcome = Outcome {
        unique_identifier,
        state,
    };
    tool.report(session, &outcome)
}

/// Why it was not done; or how to find out whether it was.
pub(super) fn not_done(error: Error, target: &Target) -> Failure {
    let id = &target.unique_identifier;
    Failure::from(error)
        .about(id)
        .explain(target.state())
        .look_with(&format!("strongroom kmip attributes {id} State"))
}
