//! Signature Verify (KMIP 1.4, section 4.32; 2.1, section 6.1.56). Of 1.2.

use kmip::operations::{SignatureVerifyRequest, SignatureVerifyResponse};
use kmip::registry::{CryptographicUsageMask, Operation, ValidityIndicator};

use super::cipher::public_key;
use super::parts::{Gathered, Part, collect};
use crate::batch::Context;
use crate::clock::now;
use crate::crypto::{self, Signed};
use crate::failure::Failure;
use crate::usage::{self, Purpose};

pub(super) fn signature_verify(
    context: &mut Context<'_>,
    request: SignatureVerifyRequest,
) -> Result<SignatureVerifyResponse, Failure> {
    let identifier = context.identifier(request.unique_identifier)?;
    let object = context.on_line(&identifier)?;
    usage::check(
        &object,
        Purpose::Process,
        CryptographicUsageMask::Verify,
        now(),
    )?;
    let key = public_key(&object)?;
    let part = Part {
        operation: Operation::SignatureVerify,
        identifier: Some(&identifier),
        data: context.data(request.data)?,
        correlation_value: request.correlation_value,
        begins: request.init_indicator == Some(true),
        ends: request.final_indicator == Some(true),
    };
    let (validity_indicator, correlation_value) = match collect(context, part)? {
        Gathered::More(value) => (None, Some(value)),
        Gathered::Whole(data) => {
            let signature = request
                .signature_data
                .ok_or_else(|| Failure::missing("the Signature Data"))?;
            let _turn = context.costs.turn_for_bytes(data.len(), context.deadline)?;
            let own = object.attributes.cryptographic_parameters();
            let parameters = request.cryptographic_parameters.as_ref().or(own);
            let signed = match &request.digested_data {
                Some(digest) => Signed::Digest(digest),
                None => Signed::Data(&data),
            };
            let parameters = parameters.cloned().unwrap_or_default();
            let is_valid = crypto::verify(&key, &parameters, &signed, &signature)?;
            let validity = match is_valid {
                true => ValidityIndicator::Valid,
                false => ValidityIndicator::Invalid,
            };
            (Some(validity), None)
        }
    };
    context.yields(&identifier);
    Ok(SignatureVerifyResponse {
        unique_identifier: identifier.into(),
        validity_indicator,
        data: None,
        correlation_value,
    })
}
