//! Looking for objects. Every hit is verified: there are servers that return every object for an attribute that they
//! do not store.

use kmip::operations::{GetAttributesRequest, LocateRequest};
use kmip::registry::Operation;
use kmip::{AttributeName, AttributeValue, Attributes, Name};
use kmip_client::{Error, ErrorKind, Session};

use crate::failure::Failure;
use crate::summary::{Summary, WANTED};

/// More hits than this for one Name, and the server has not looked at the Name at all.
const MAX_HITS_OF_A_NAME: usize = 1_000;

/// The attributes of these names that the object has; all of them if no name is given.
pub(crate) async fn attributes_of(
    session: &mut Session,
    unique_identifier: &str,
    names: Vec<AttributeName>,
) -> Result<Attributes, Failure> {
    attributes_or_error(session, unique_identifier, names)
        .await?
        .map_err(Into::into)
}

/// As [`attributes_of`], with what the client met apart from an answer about another object.
async fn attributes_or_error(
    session: &mut Session,
    unique_identifier: &str,
    names: Vec<AttributeName>,
) -> Result<Result<Attributes, Error>, Failure> {
    let request = GetAttributesRequest {
        unique_identifier: Some(unique_identifier.into()),
        attribute_names: names,
    };
    match session.request(request).await {
        Ok(response) if response.unique_identifier.as_str() == Some(unique_identifier) => {
            Ok(Ok(response.attributes))
        }
        Ok(response) => Err(Failure::at(
            session,
            ErrorKind::Protocol,
            &format!(
                "asked for the attributes of {unique_identifier}, got those of {}",
                response.unique_identifier
            ),
        )
        .in_operation(Operation::GetAttributes)),
        Err(error) => Ok(Err(error)),
    }
}

/// The object in a line.
pub(crate) async fn summary(
    session: &mut Session,
    unique_identifier: &str,
) -> Result<Result<Summary, Error>, Failure> {
    let names = WANTED.into_iter().map(Into::into).collect();
    let attributes = attributes_or_error(session, unique_identifier, names).await?;
    Ok(attributes.map(|attributes| Summary::new(unique_identifier, &attributes)))
}

/// The identifiers that the server has for these attributes, not verified.
pub(crate) async fn hits(
    session: &mut Session,
    attributes: Attributes,
    maximum_items: Option<i32>,
) -> Result<Vec<String>, Failure> {
    let request = LocateRequest {
        attributes,
        maximum_items,
        ..LocateRequest::default()
    };
    match session.request(request).await {
        Ok(response) => Ok(response
            .unique_identifiers
            .iter()
            .filter_map(|identifier| identifier.as_str().map(str::to_owned))
            .collect()),
        // How some servers say "none".
        Err(error) if *error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error.into()),
    }
}

/// The objects of this Name, of any type.
pub(crate) async fn named(session: &mut Session, name: &str) -> Result<Vec<Summary>, Failure> {
    let wanted = Attributes::new().with(AttributeValue::Name(Name::text(name)));
    let identifiers = hits(session, wanted, None).await?;
    if identifiers.len() > MAX_HITS_OF_A_NAME {
        let message = format!(
            "{} objects for one Name: it does not search by Name",
            identifiers.len()
        );
        return Err(Failure::at(session, ErrorKind::Protocol, &message)
            .in_operation(Operation::Locate)
            .advise("give the Unique Identifier"));
    }
    let mut found = Vec::new();
    for identifier in identifiers {
        match summary(session, &identifier).await? {
            Ok(summary) if summary.names.iter().any(|own| own == name) => found.push(summary),
            Ok(_) => {}
            // Destroyed meanwhile.
            Err(error) if *error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(found)
}
