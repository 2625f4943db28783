//! MAC (KMIP 1.4, section 4.33; 2.1, section 6.1.30). Of 1.2.

use kmip::Bytes;
use kmip::operations::{MACRequest, MACResponse};
use kmip::registry::{CryptographicUsageMask, Operation};
use kmip::structures::CryptographicParameters;

use super::cipher::symmetric_key;
use super::parts::{Gathered, Part, collect};
use crate::batch::Context;
use crate::clock::now;
use crate::crypto::mac as code;
use crate::failure::Failure;
use crate::object::Object;
use crate::usage::{self, Purpose};

pub(super) fn mac(context: &mut Context<'_>, request: MACRequest) -> Result<MACResponse, Failure> {
    let identifier = context.identifier(request.unique_identifier)?;
    let object = context.on_line(&identifier)?;
    usage::check(
        &object,
        Purpose::Protect,
        CryptographicUsageMask::MACGenerate,
        now(),
    )?;
    let data = context.data(request.data)?;
    let length = data.len();
    let part = Part {
        operation: Operation::MAC,
        identifier: Some(&identifier),
        data,
        correlation_value: request.correlation_value,
        begins: request.init_indicator == Some(true),
        ends: request.final_indicator == Some(true),
    };
    let gathered = collect(context, part)?;
    if usage::is_limited(&object) {
        context.change(&identifier, |object| usage::spend(object, length))?;
    }
    context.yields(&identifier);
    let (mac_data, correlation_value) = match gathered {
        Gathered::More(value) => (None, Some(value)),
        Gathered::Whole(data) => {
            let _turn = context.costs.turn_for_bytes(data.len(), context.deadline)?;
            let made = make(&object, request.cryptographic_parameters.as_ref(), &data)?;
            context.yields_data(Some(&made));
            (Some(Bytes(made)), None)
        }
    };
    Ok(MACResponse {
        unique_identifier: identifier.into(),
        mac_data,
        correlation_value,
    })
}

/// The code, with the parameters of the request or else of the key.
pub(super) fn make(
    object: &Object,
    parameters: Option<&CryptographicParameters>,
    data: &[u8],
) -> Result<Vec<u8>, Failure> {
    let parameters = parameters.or(object.attributes.cryptographic_parameters());
    let (algorithm, key) = symmetric_key(object)?;
    code(algorithm, parameters, key.expose(), data)
}
