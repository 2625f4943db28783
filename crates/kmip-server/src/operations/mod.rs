//! The operations, one file each, and what dispatches to them.

mod activate;
mod add_attribute;
mod cipher;
mod create;
mod decrypt;
mod destroy;
mod discover_versions;
mod encrypt;
mod get;
mod get_attribute_list;
mod get_attributes;
mod locate;
mod modify_attribute;
mod new_object;
mod query;
mod register;
mod revoke;

use kmip::operations::{RequestPayload, ResponsePayload};
use kmip::registry::{Enumeration, Operation, ResultReason};

use crate::batch::Context;
use crate::failure::Failure;

/// What Query says is offered.
pub(crate) const OFFERED: &[Operation] = &[
    Operation::Create,
    Operation::Register,
    Operation::Locate,
    Operation::Get,
    Operation::GetAttributes,
    Operation::GetAttributeList,
    Operation::AddAttribute,
    Operation::ModifyAttribute,
    Operation::Activate,
    Operation::Revoke,
    Operation::Destroy,
    Operation::Query,
    Operation::DiscoverVersions,
    Operation::Encrypt,
    Operation::Decrypt,
];

/// Does one operation.
pub(crate) fn perform(
    context: &mut Context<'_>,
    payload: RequestPayload,
) -> Result<ResponsePayload, Failure> {
    use RequestPayload as P;
    if let Some(operation) = payload.operation()
        && (!OFFERED.contains(&operation)
            || operation
                .since()
                .is_none_or(|since| !context.version.at_least(since)))
    {
        return Err(not_supported(operation));
    }
    match payload {
        P::Create(request) => create::create(context, request).map(Into::into),
        P::Register(request) => register::register(context, request).map(Into::into),
        P::Locate(request) => locate::locate(context, request).map(Into::into),
        P::Get(request) => get::get(context, request).map(Into::into),
        P::GetAttributes(request) => {
            get_attributes::get_attributes(context, request).map(Into::into)
        }
        P::GetAttributeList(request) => {
            get_attribute_list::get_attribute_list(context, request).map(Into::into)
        }
        P::AddAttribute(request) => add_attribute::add_attribute(context, request).map(Into::into),
        P::ModifyAttribute(request) => {
            modify_attribute::modify_attribute(context, request).map(Into::into)
        }
        P::Activate(request) => activate::activate(context, request).map(Into::into),
        P::Revoke(request) => revoke::revoke(context, request).map(Into::into),
        P::Destroy(request) => destroy::destroy(context, request).map(Into::into),
        P::Query(request) => query::query(context, request).map(Into::into),
        P::DiscoverVersions(request) => {
            discover_versions::discover_versions(request).map(Into::into)
        }
        P::Encrypt(request) => encrypt::encrypt(context, request).map(Into::into),
        P::Decrypt(request) => decrypt::decrypt(context, request).map(Into::into),
        P::Malformed(payload) => Err(Failure::new(
            ResultReason::InvalidMessage,
            payload.error.to_string(),
        )),
        other => Err(match other.operation() {
            Some(operation) => not_supported(operation),
            None => Failure::missing("the operation"),
        }),
    }
}

fn not_supported(operation: Operation) -> Failure {
    Failure::new(
        ResultReason::OperationNotSupported,
        format!("{operation} is not supported"),
    )
}
