//! Hash (KMIP 1.4, section 4.37; 2.1, section 6.1.25). Of 1.2.

use kmip::Data;
use kmip::operations::{HashRequest, HashResponse};
use kmip::registry::Operation;

use super::parts::{Gathered, Part, collect};
use crate::batch::Context;
use crate::crypto::hash as hash_with;
use crate::failure::Failure;

pub(super) fn hash(
    context: &mut Context<'_>,
    request: HashRequest,
) -> Result<HashResponse, Failure> {
    let algorithm = request
        .cryptographic_parameters
        .hashing_algorithm
        .ok_or_else(|| Failure::missing("the Hashing Algorithm"))?;
    let part = Part {
        operation: Operation::Hash,
        identifier: None,
        data: context.data(request.data)?,
        correlation_value: request.correlation_value,
        begins: request.init_indicator == Some(true),
        ends: request.final_indicator == Some(true),
    };
    let data = match collect(context, part)? {
        Gathered::More(value) => {
            return Ok(HashResponse {
                data: None,
                correlation_value: Some(value),
            });
        }
        Gathered::Whole(data) => data,
    };
    let _turn = context.costs.turn_for_bytes(data.len(), context.deadline)?;
    let hashed = hash_with(algorithm, &data)?;
    context.yields_data(Some(&hashed));
    Ok(HashResponse {
        data: Some(Data::from(hashed)),
        correlation_value: None,
    })
}
