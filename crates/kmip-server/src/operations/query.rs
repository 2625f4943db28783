//! Query (KMIP 1.4, section 4.25; 2.1, section 6.1.37).

use kmip::operations::{QueryRequest, QueryResponse};
use kmip::registry::{Enumeration, ObjectType, QueryFunction};

use super::OFFERED;
use crate::batch::Context;
use crate::failure::Failure;

/// The object types that Register takes.
const OBJECT_TYPES: &[ObjectType] = &[
    ObjectType::Certificate,
    ObjectType::SymmetricKey,
    ObjectType::PublicKey,
    ObjectType::PrivateKey,
    ObjectType::SplitKey,
    ObjectType::SecretData,
    ObjectType::OpaqueObject,
    ObjectType::PGPKey,
];

pub(super) fn query(
    context: &Context<'_>,
    request: QueryRequest,
) -> Result<QueryResponse, Failure> {
    let mut response = QueryResponse::default();
    for function in request.query_functions {
        match function {
            QueryFunction::QueryOperations => {
                response.operations = known(OFFERED, context);
            }
            QueryFunction::QueryObjects => {
                response.object_types = known(OBJECT_TYPES, context);
            }
            QueryFunction::QueryServerInformation => {
                response.vendor_identification =
                    Some(concat!("Strongroom ", env!("CARGO_PKG_VERSION")).to_owned());
            }
            // Nothing to say about the others.
            _ => {}
        }
    }
    Ok(response)
}

/// Those that the client's version has.
fn known<E: Enumeration>(all: &[E], context: &Context<'_>) -> Vec<E> {
    all.iter()
        .copied()
        .filter(|value| {
            value
                .since()
                .is_some_and(|since| context.version.at_least(since))
        })
        .collect()
}
