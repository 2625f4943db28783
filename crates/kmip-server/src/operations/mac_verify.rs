//! MAC Verify (KMIP 1.4, section 4.34; 2.1, section 6.1.31). Of 1.2.

use kmip::operations::{MACVerifyRequest, MACVerifyResponse};
use kmip::registry::{CryptographicUsageMask, Operation, ValidityIndicator};
use subtle::ConstantTimeEq;

use super::mac::make;
use super::parts::{Gathered, Part, collect};
use crate::batch::Context;
use crate::clock::now;
use crate::failure::Failure;
use crate::usage::{self, Purpose};

pub(super) fn mac_verify(
    context: &mut Context<'_>,
    request: MACVerifyRequest,
) -> Result<MACVerifyResponse, Failure> {
    let identifier = context.identifier(request.unique_identifier)?;
    let object = context.on_line(&identifier)?;
    usage::check(
        &object,
        Purpose::Process,
        CryptographicUsageMask::MACVerify,
        now(),
    )?;
    let part = Part {
        operation: Operation::MACVerify,
        identifier: Some(&identifier),
        data: context.data(request.data)?,
        correlation_value: request.correlation_value,
        begins: request.init_indicator == Some(true),
        ends: request.final_indicator == Some(true),
    };
    let (validity_indicator, correlation_value) = match collect(context, part)? {
        Gathered::More(value) => (None, Some(value)),
        Gathered::Whole(data) => {
            let given = request
                .mac_data
                .ok_or_else(|| Failure::missing("the MAC Data"))?;
            let _turn = context.costs.turn_for_bytes(data.len(), context.deadline)?;
            let made = make(&object, request.cryptographic_parameters.as_ref(), &data)?;
            let is_valid = bool::from(made.as_slice().ct_eq(&given));
            let validity = if is_valid {
                ValidityIndicator::Valid
            } else {
                ValidityIndicator::Invalid
            };
            (Some(validity), None)
        }
    };
    context.yields(&identifier);
    Ok(MACVerifyResponse {
        unique_identifier: identifier.into(),
        validity_indicator,
        correlation_value,
    })
}
