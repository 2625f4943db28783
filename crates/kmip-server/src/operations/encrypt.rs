//! Encrypt (KMIP 1.4, section 4.29; 2.1, section 6.1.18). Of 1.2.

use kmip::operations::{EncryptRequest, EncryptResponse};
use kmip::{Data, ProtocolVersion};
use zeroize::Zeroizing;

use super::cipher;
use crate::batch::Context;
use crate::crypto::Direction;
use crate::failure::Failure;

pub(super) fn encrypt(
    context: &mut Context<'_>,
    request: EncryptRequest,
) -> Result<EncryptResponse, Failure> {
    let identifier = context.identifier(request.unique_identifier)?;
    let data = context.data(request.data)?;
    let mut outcome = cipher::run(
        context,
        cipher::Request {
            direction: Direction::Encrypt,
            identifier: &identifier,
            parameters: request.cryptographic_parameters,
            data,
            iv: request.iv_counter_nonce,
            additional: request.authenticated_encryption_additional_data,
            tag: None,
            correlation_value: request.correlation_value,
            begins: request.init_indicator == Some(true),
            ends: request.final_indicator == Some(true),
        },
    )?;
    // Before 1.4 there is no field for the tag: it is the end of the data, as in the ciphers' own documents.
    if context.version < ProtocolVersion::V1_4
        && let Some(tag) = outcome.tag.take()
    {
        let mut data = outcome.data.take().unwrap_or_default();
        data.extend_from_slice(&tag);
        outcome.data = Some(data);
    }
    let data = outcome
        .data
        .map(|mut data: Zeroizing<Vec<u8>>| std::mem::take(&mut *data));
    context.yields(&identifier);
    context.yields_data(data.as_deref());
    Ok(EncryptResponse {
        unique_identifier: identifier.into(),
        data: data.map(Data::from),
        iv_counter_nonce: outcome.iv,
        correlation_value: outcome.correlation_value,
        authenticated_encryption_tag: outcome.tag,
    })
}
