//! Which object is meant: a Unique Identifier, or a Name that exactly one object has.

use kmip::Name;
use kmip::registry::State;
use kmip_client::{ErrorKind, ObjectAttributes, Session};
use tracing::debug;

use crate::failure::Failure;
use crate::find;

/// How many identifiers a message lists.
const LISTED: usize = 10;

/// The object that is meant.
#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) unique_identifier: String,
    /// `None` if the server does not tell its attributes to us.
    pub(crate) attributes: Option<ObjectAttributes>,
}

impl Target {
    pub(crate) fn state(&self) -> Option<State> {
        self.attributes
            .as_ref()
            .and_then(|attributes| attributes.state)
    }
}

/// Finds the object: the text is looked up as a Unique Identifier, then as a Name, as `kmipKeyIdentifier` is.
///
/// Objects that were destroyed count only if no other has the Name.
pub(crate) async fn identify(session: &mut Session, text: &str) -> Result<Target, Failure> {
    match session.get_attributes(text).await {
        Ok(attributes) => {
            return Ok(Target {
                unique_identifier: text.to_owned(),
                attributes: Some(attributes),
            });
        }
        Err(error) if *error.kind() == ErrorKind::NotFound => {}
        // We may not ask, but may be allowed to do what is asked for: its refusal would say more.
        Err(error) if matches!(error.kind(), ErrorKind::Refused { .. }) => {
            return Ok(Target {
                unique_identifier: text.to_owned(),
                attributes: None,
            });
        }
        Err(error) => return Err(error.into()),
    }
    let found = match find::named(session, Name::text(text)).await {
        Err(error) if *error.kind() == ErrorKind::Protocol => {
            return Err(Failure::from(error).advise("give the Unique Identifier"));
        }
        found => found?,
    };
    let (destroyed, there): (Vec<_>, Vec<_>) = found.into_iter().partition(is_destroyed);
    let mut candidates = if there.is_empty() { destroyed } else { there };
    match (candidates.pop(), candidates.is_empty()) {
        (Some(only), true) => {
            debug!(identifier = ?only.unique_identifier, "found by its Name");
            Ok(Target {
                unique_identifier: only.unique_identifier.clone(),
                attributes: Some(only),
            })
        }
        (None, _) => Err(Failure::at(
            session,
            ErrorKind::NotFound,
            &format!("there is no object with the Unique Identifier or Name \"{text}\""),
        )
        .advise("`strongroom kmip locate` lists the objects that this certificate may see")),
        (Some(last), false) => {
            candidates.push(last);
            let listed: Vec<&str> = candidates
                .iter()
                .take(LISTED)
                .map(|candidate| candidate.unique_identifier.as_str())
                .collect();
            Err(Failure::at(
                session,
                ErrorKind::AmbiguousName,
                &format!(
                    "{} objects have the Name \"{text}\": {}",
                    candidates.len(),
                    listed.join(", ")
                ),
            )
            .advise("give the Unique Identifier of the one that is meant"))
        }
    }
}

fn is_destroyed(object: &ObjectAttributes) -> bool {
    matches!(
        object.state,
        Some(State::Destroyed | State::DestroyedCompromised)
    )
}
