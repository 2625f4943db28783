//! Sign (KMIP 1.4, section 4.31; 2.1, section 6.1.55). Of 1.2.

use kmip::Bytes;
use kmip::operations::{SignRequest, SignResponse};
use kmip::registry::{CryptographicUsageMask, Operation};

use super::cipher::private_key;
use super::parts::{Gathered, Part, collect};
use crate::batch::Context;
use crate::clock::now;
use crate::crypto::{self, Signed};
use crate::failure::Failure;
use crate::usage::{self, Purpose};

pub(super) fn sign(
    context: &mut Context<'_>,
    request: SignRequest,
) -> Result<SignResponse, Failure> {
    let identifier = context.identifier(request.unique_identifier)?;
    let object = context.on_line(&identifier)?;
    usage::check(
        &object,
        Purpose::Protect,
        CryptographicUsageMask::Sign,
        now(),
    )?;
    let key = private_key(&object)?;
    let data = context.data(request.data)?;
    let length = data.len();
    let part = Part {
        operation: Operation::Sign,
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
    let (signature_data, correlation_value) = match gathered {
        Gathered::More(value) => (None, Some(value)),
        Gathered::Whole(data) => {
            let _turn = context.costs.turn_for_bytes(data.len(), context.deadline)?;
            let own = object.attributes.cryptographic_parameters();
            let parameters = request.cryptographic_parameters.as_ref().or(own);
            let signed = match &request.digested_data {
                Some(digest) => Signed::Digest(digest),
                None => Signed::Data(&data),
            };
            let parameters = parameters.cloned().unwrap_or_default();
            let signature = crypto::sign(&key, &parameters, &signed)?;
            context.yields_data(Some(&signature));
            (Some(Bytes(signature)), None)
        }
    };
    Ok(SignResponse {
        unique_identifier: identifier.into(),
        signature_data,
        correlation_value,
    })
}
