//! What Create and Register have in common: an object is made once, and found by its Name when its identifier got lost.

use kmip::operations::Request;
use kmip::registry::{ObjectType, Operation};
use kmip::{AttributeValue, Attributes, ManagedObject, Name, UniqueIdentifier};
use tokio::time::{Instant, timeout_at};
use tracing::info;

use crate::key::material;
use crate::session::after;
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

/// A new object, as it is looked for when its identifier got lost.
pub(super) struct Sought<'a> {
    pub(super) object_type: ObjectType,
    pub(super) name: Option<Name>,
    /// The objects that had the Name before; `None` if that is not known.
    pub(super) namesakes: Option<&'a [String]>,
    /// What it is, if it was made here.
    pub(super) object: Option<&'a ManagedObject>,
}

/// Whether the server cannot still be at work on what was asked: the connection broke.
pub(super) fn is_over(error: &Error) -> bool {
    *error.kind() == ErrorKind::ConnectionLost && !error.may_come_late()
}

impl Session {
    /// Sends what makes an object. When the answer is lost, the object is looked for; when it is not there and the
    /// connection had broken, it is asked for once more, and looked for again if that answer is lost, too.
    pub(super) async fn make<Q: Request + Clone>(
        &mut self,
        request: Q,
        identifier: fn(Q::Response) -> UniqueIdentifier,
        sought: &Sought<'_>,
    ) -> Result<String> {
        let first = match self.send_make(request.clone(), identifier).await {
            Err(error) if error.outcome_is_unknown() => error,
            made => return made,
        };
        if let Some(found) = self.look_for(sought, &first, Q::OPERATION).await? {
            return Ok(found);
        }
        if !is_over(&first) {
            return Err(unsure(&first, sought, " or will be"));
        }
        let second = match self.send_make(request, identifier).await {
            Err(error) => error,
            made => return made,
        };
        // A server that lets each Name be used once refuses when it has been at work on the first request all along.
        let may_be_there =
            second.outcome_is_unknown() || matches!(second.kind(), ErrorKind::Refused { .. });
        if may_be_there && let Some(found) = self.look_for(sought, &second, Q::OPERATION).await? {
            return Ok(found);
        }
        match second.outcome_is_unknown() {
            true => Err(unsure(&second, sought, " or will be")),
            false => Err(second),
        }
    }

    async fn send_make<Q: Request>(
        &mut self,
        request: Q,
        identifier: fn(Q::Response) -> UniqueIdentifier,
    ) -> Result<String> {
        let response = self.call_once(request).await?;
        self.identifier(identifier(response), Q::OPERATION)
    }

    /// The object, if it is there. `lost` is what happened to the answer; an error says that nobody knows.
    async fn look_for(
        &mut self,
        sought: &Sought<'_>,
        lost: &Error,
        operation: Operation,
    ) -> Result<Option<String>> {
        let (Some(name), Some(namesakes)) = (&sought.name, sought.namesakes) else {
            return Err(unsure(lost, sought, ""));
        };
        let filter = Attributes::new()
            .with(AttributeValue::ObjectType(sought.object_type))
            .with(AttributeValue::Name(name.clone()));
        let end = self.end_of_looking();
        let Ok(mut found) = until(end, self.locate(&filter)).await else {
            return Err(unsure(lost, sought, " (the server cannot be asked now)"));
        };
        found.retain(|found| !namesakes.contains(&found.unique_identifier));
        let mut found = found.into_iter().map(|found| found.unique_identifier);
        let only = match (found.next(), found.next()) {
            (None, _) => return Ok(None),
            (Some(only), None) => only,
            (Some(_), Some(_)) => {
                let message = format!(
                    "the answer was lost, and several objects have the Name \"{}\"",
                    name.value
                );
                return Err(self.ambiguous(message, operation));
            }
        };
        if let Some(object) = sought.object {
            let got = until(end, self.get_object(&only)).await;
            match got.map(|got| is_same(&got, object)) {
                Ok(Some(true)) => {}
                Ok(Some(false)) => {
                    let message = format!(
                        "the answer was lost, and the Name \"{}\" belongs to another object, {only}",
                        name.value
                    );
                    return Err(self.ambiguous(message, operation));
                }
                Ok(None) | Err(_) => {
                    let why = format!(" (there is {only}, which cannot be compared with it)");
                    return Err(unsure(lost, sought, &why));
                }
            }
        }
        info!(
            identifier = only, server = %self.server(),
            "the answer to {operation} was lost; the object was found by its name"
        );
        Ok(Some(only))
    }

    fn ambiguous(&self, message: String, operation: Operation) -> Error {
        let error = Error::new(ErrorKind::AmbiguousName, message);
        self.at_here(error, operation)
    }

    /// Until when it may take to find out what became of a lost answer, however many requests that takes: the time of
    /// one operation on a new connection.
    pub(super) fn end_of_looking(&self) -> Instant {
        let config = self.client.config();
        let limit = config
            .connect_timeout
            .saturating_add(config.operation_timeout);
        after(limit)
    }
}

/// What is found out until then.
pub(super) async fn until<T>(end: Instant, looking: impl Future<Output = Result<T>>) -> Result<T> {
    match timeout_at(end, looking).await {
        Ok(result) => result,
        Err(_) => Err(Error::new(
            ErrorKind::Timeout,
            "it was not found out in time",
        )),
    }
}

/// The error for an answer that is lost for good.
fn unsure(error: &Error, sought: &Sought<'_>, why: &str) -> Error {
    let look = match &sought.name {
        Some(name) => format!("look for the Name \"{}\"", name.value),
        None => "it has no Name by which it could be found".to_owned(),
    };
    error.clone().with_hint(&format!(
        "; the answer was lost, and it is not known whether the object was made{why}: {look}"
    ))
}

/// Whether they hold the same; `None` if that cannot be seen.
fn is_same(got: &ManagedObject, ours: &ManagedObject) -> Option<bool> {
    match (material(got), material(ours)) {
        _ if got == ours => Some(true),
        (Some(got), Some(ours)) => Some(got == ours),
        _ => None,
    }
}
