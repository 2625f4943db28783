//! What Create and Register have in common: a Name to find the new object by when its identifier got lost.

use kmip::registry::Operation;
use kmip::{AttributeValue, Attributes, Name};
use tracing::info;

use crate::{Error, ErrorKind, NewSymmetricKey, Result, Session};

/// The attributes that a new key is asked for with.
pub(super) fn attributes(key: &NewSymmetricKey) -> Attributes {
    Attributes::new()
        .with(AttributeValue::CryptographicAlgorithm(key.algorithm))
        .with(AttributeValue::CryptographicLength(
            i32::try_from(key.bits).unwrap_or(i32::MAX),
        ))
        .with(AttributeValue::CryptographicUsageMask(key.usage))
        .with(AttributeValue::Name(Name::text(key.name.clone())))
}

/// What is known about a request whose answer is missing.
pub(super) enum Lost {
    /// It was carried out, and this is the object.
    Done(String),
    /// It was not carried out, and will not be: the connection broke, and the object is not there.
    NotDone,
}

/// Whether the server cannot still be at work on what was asked: the connection broke.
pub(super) fn is_over(error: &Error) -> bool {
    *error.kind() == ErrorKind::ConnectionLost && !error.may_come_late()
}

/// Looks for the object by its Name. Only a broken connection and no such object together mean that the request was not
/// carried out: after a time-out the server may still be at work.
pub(super) async fn recover(
    session: &mut Session,
    key: &NewSymmetricKey,
    error: Error,
    operation: Operation,
) -> Result<Lost> {
    if !error.outcome_is_unknown() {
        return Err(error);
    }
    let unsure = |why: &str| {
        error.clone().with_hint(&format!(
            "; it is not known whether the key was made{why}: look for the Name \"{}\"",
            key.name
        ))
    };
    let found = match session.locate_by_name(&key.name).await {
        Ok(found) => found,
        Err(_) => return Err(unsure(" (the server cannot be asked now)")),
    };
    let mut found = found.into_iter();
    match (found.next(), found.next()) {
        (Some(only), None) => {
            info!(
                identifier = only.unique_identifier, server = %session.server(),
                "the answer to {operation} was lost; the key was found by its name"
            );
            Ok(Lost::Done(only.unique_identifier))
        }
        (None, _) if is_over(&error) => Ok(Lost::NotDone),
        (None, _) => Err(unsure(" or will be")),
        (Some(_), Some(_)) => Err(session.at_here(
            Error::new(
                ErrorKind::AmbiguousName,
                format!(
                    "the answer was lost, and several keys have the name \"{}\"",
                    key.name
                ),
            ),
            operation,
        )),
    }
}
