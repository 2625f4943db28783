//! The operations, one file each, and the one table that dispatches to them and that Query answers from.

mod activate;
mod add_attribute;
mod adjust_attribute;
mod archive;
mod check;
mod cipher;
mod create;
mod create_key_pair;
mod decrypt;
mod delete_attribute;
mod derive_key;
mod destroy;
mod discover_versions;
mod encrypt;
mod export;
mod get;
mod get_attribute_list;
mod get_attributes;
mod get_usage_allocation;
mod hash;
mod import;
mod interop;
mod locate;
mod log;
mod mac;
mod mac_verify;
mod modify_attribute;
mod new_object;
mod obtain_lease;
mod parts;
mod ping;
mod pkcs12;
mod query;
mod re_key;
mod re_key_key_pair;
mod recover;
mod register;
mod replacement;
mod revoke;
mod rng_retrieve;
mod rng_seed;
mod set_attribute;
mod sign;
mod signature_verify;
mod value;

use kmip::operations::{RequestPayload, ResponsePayload};
use kmip::registry::{Enumeration, Operation, ResultReason};

use crate::batch::Context;
use crate::failure::Failure;

/// The table: operation, and what does it. A handler takes the context and its own request.
macro_rules! operations {
    ($( $operation:ident => $handler:expr, )*) => {
        /// What is offered, as Query tells it to those whose version has it.
        pub const OFFERED: &[Operation] = &[$( Operation::$operation, )*];

        fn dispatch(
            context: &mut Context<'_>,
            payload: RequestPayload,
        ) -> Result<ResponsePayload, Failure> {
            match payload {
                $( RequestPayload::$operation(request) => $handler(context, request).map(Into::into), )*
                RequestPayload::Malformed(payload) => Err(Failure::new(
                    ResultReason::InvalidMessage,
                    payload.error.to_string(),
                )),
                other => Err(match other.operation() {
                    Some(operation) => not_supported(operation),
                    None => Failure::missing("the operation"),
                }),
            }
        }
    };
}

operations! {
    Create => create::create,
    CreateKeyPair => create_key_pair::create_key_pair,
    Register => register::register,
    ReKey => re_key::re_key,
    ReKeyKeyPair => re_key_key_pair::re_key_key_pair,
    DeriveKey => derive_key::derive_key,
    Locate => locate::locate,
    Check => check::check,
    Get => get::get,
    GetAttributes => get_attributes::get_attributes,
    GetAttributeList => get_attribute_list::get_attribute_list,
    AddAttribute => add_attribute::add_attribute,
    ModifyAttribute => modify_attribute::modify_attribute,
    DeleteAttribute => delete_attribute::delete_attribute,
    ObtainLease => obtain_lease::obtain_lease,
    GetUsageAllocation => get_usage_allocation::get_usage_allocation,
    Activate => activate::activate,
    Revoke => revoke::revoke,
    Destroy => destroy::destroy,
    Archive => archive::archive,
    Recover => recover::recover,
    Query => |context: &mut Context<'_>, request| query::query(context, request),
    DiscoverVersions => |_: &mut Context<'_>, request| discover_versions::discover_versions(request),
    Encrypt => encrypt::encrypt,
    Decrypt => decrypt::decrypt,
    Sign => sign::sign,
    SignatureVerify => signature_verify::signature_verify,
    MAC => mac::mac,
    MACVerify => mac_verify::mac_verify,
    RNGRetrieve => rng_retrieve::rng_retrieve,
    RNGSeed => rng_seed::rng_seed,
    Hash => hash::hash,
    Import => import::import,
    Export => export::export,
    Log => |context: &mut Context<'_>, request| log::log(context, request),
    AdjustAttribute => adjust_attribute::adjust_attribute,
    SetAttribute => set_attribute::set_attribute,
    Interop => |_: &mut Context<'_>, request| interop::interop(request),
    Ping => |_: &mut Context<'_>, request| ping::ping(request),
}

/// Does one operation.
pub(crate) fn perform(
    context: &mut Context<'_>,
    payload: RequestPayload,
) -> Result<ResponsePayload, Failure> {
    if let Some(operation) = payload.operation()
        && (!OFFERED.contains(&operation)
            || operation
                .since()
                .is_none_or(|since| !context.version.at_least(since)))
    {
        return Err(not_supported(operation));
    }
    dispatch(context, payload)
}

fn not_supported(operation: Operation) -> Failure {
    Failure::new(
        ResultReason::OperationNotSupported,
        format!("{operation} is not supported"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = include_str!("../../../../COMPATIBILITY.md");

    /// The page lists what is offered, in order of the versions that brought it, and nothing else.
    #[test]
    fn every_operation_is_listed_and_no_other() {
        let section = PAGE.split("## KMIP server").nth(1).unwrap();
        let section = section.split("\n## ").next().unwrap();
        let listed: Vec<(&str, &str)> = section
            .lines()
            .filter_map(|line| line.strip_prefix("| `"))
            .map(|row| {
                let mut cells = row.split('|').map(str::trim);
                (
                    cells.next().unwrap().trim_end_matches('`'),
                    cells.next().unwrap(),
                )
            })
            .collect();
        let mut offered = OFFERED.to_vec();
        offered.sort_by_key(|operation| (operation.since(), operation.code()));
        let offered: Vec<(String, String)> = offered
            .iter()
            .map(|operation| {
                (
                    operation.to_string(),
                    operation.since().unwrap().to_string(),
                )
            })
            .collect();
        let listed: Vec<(String, String)> = listed
            .into_iter()
            .map(|(name, since)| (name.to_owned(), since.to_owned()))
            .collect();
        assert_eq!(listed, offered);
    }
}
