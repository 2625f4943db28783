//! Import (KMIP 1.4, section 4.41; 2.1, section 6.1.26). Of 1.4.

use kmip::operations::{ImportRequest, ImportResponse};
use kmip::registry::{KeyWrapType, ResultReason, State, Tag};
use kmip::{AttributeName, AttributeValue};

use super::new_object::{self, Origin};
use super::register::check_object;
use crate::attribute_rules::{check_known, check_repeated};
use crate::batch::Context;
use crate::failure::Failure;
use crate::object::Object;

/// An identifier that a client chooses stands in logs and on command lines: letters, digits, `-` and `_`.
fn check_identifier(identifier: &str) -> Result<(), Failure> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    let is_good = (1..=128).contains(&identifier.len()) && identifier.chars().all(allowed);
    if is_good {
        return Ok(());
    }
    Err(Failure::invalid(
        "the Unique Identifier has other characters than letters, digits, - and _, or more than 128",
    ))
}

pub(super) fn import(
    context: &mut Context<'_>,
    request: ImportRequest,
) -> Result<ImportResponse, Failure> {
    let identifier = context.identifier(Some(request.unique_identifier))?;
    check_identifier(&identifier)?;
    let block = request.object.key_block();
    let is_wrapped = block.is_some_and(|block| block.key_wrapping_data.is_some());
    if is_wrapped && request.key_wrap_type == Some(KeyWrapType::NotWrapped) {
        return Err(Failure::new(
            ResultReason::KeyWrapTypeNotSupported,
            "keys are not unwrapped when they are imported",
        ));
    }
    let mut attributes = request.attributes;
    check_repeated(&attributes)?;
    check_object(request.object_type, &request.object, &mut attributes)?;
    let mut object = Object {
        identifier: identifier.clone(),
        owner: context.owner.clone(),
        sequence: context.objects.next_sequence(),
        attributes: kmip::Attributes::new()
            .with(AttributeValue::UniqueIdentifier(identifier.as_str().into()))
            .with(AttributeValue::ObjectType(request.object_type)),
        value: None,
    };
    for attribute in &attributes {
        check_known(&attribute.value)?;
        let name = attribute.value.attribute_name();
        // An archive is the exporting server's; the rest of its life the object brings with it.
        let own = [Tag::UniqueIdentifier, Tag::ObjectType, Tag::ArchiveDate];
        if !own.map(AttributeName::from).contains(&name) {
            object
                .attributes
                .push(new_object::normal(attribute.value.clone()));
        }
    }
    new_object::set_by_server(&mut object, &request.object, Origin::Registered)?;
    object.value = Some(request.object);
    if matches!(
        object.state(),
        State::Destroyed | State::DestroyedCompromised
    ) {
        object.value = None;
    }
    let replaces = request.replace_existing == Some(true);
    context.transact(|transaction| {
        if transaction.is_taken(&identifier)? && !replaces {
            return Err(Failure::new(
                ResultReason::ObjectAlreadyExists,
                "there is an object with this Unique Identifier",
            ));
        }
        transaction.replace(object)
    })?;
    context.yields(&identifier);
    Ok(ImportResponse {
        unique_identifier: identifier.into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers() {
        assert!(check_identifier("0d7c-a_1").is_ok());
        for bad in ["", "../kek", "a/b", "a.tmp", ".", "ä", &"x".repeat(129)] {
            assert!(check_identifier(bad).is_err(), "{bad}");
        }
    }
}
