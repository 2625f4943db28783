//! Decrypt (KMIP 1.4, section 4.30; 2.1, section 6.1.12). Of 1.2.

use kmip::operations::{DecryptRequest, DecryptResponse};
use kmip::registry::BlockCipherMode;
use kmip::structures::CryptographicParameters;
use kmip::{Bytes, Data, ProtocolVersion, SecretBytes};

use super::cipher;
use crate::batch::Context;
use crate::crypto::Direction;
use crate::failure::Failure;

pub(super) fn decrypt(
    context: &mut Context<'_>,
    request: DecryptRequest,
) -> Result<DecryptResponse, Failure> {
    let identifier = context.identifier(request.unique_identifier)?;
    let mut data = context.data(request.data)?;
    let mut tag = request.authenticated_encryption_tag;
    if context.version < ProtocolVersion::V1_4 && tag.is_none() {
        let object = context.objects.get(&identifier)?;
        let own = object.attributes.cryptographic_parameters();
        let parameters = request.cryptographic_parameters.as_ref().or(own);
        (data, tag) = split_tag(data, parameters);
    }
    let outcome = cipher::run(
        context,
        cipher::Request {
            direction: Direction::Decrypt,
            identifier: &identifier,
            parameters: request.cryptographic_parameters,
            data,
            iv: request.iv_counter_nonce,
            additional: request.authenticated_encryption_additional_data,
            tag,
            correlation_value: request.correlation_value,
            begins: request.init_indicator == Some(true),
            ends: request.final_indicator == Some(true),
        },
    )?;
    let data = outcome.data.map(|mut data| std::mem::take(&mut *data));
    context.yields(&identifier);
    context.yields_data(data.as_deref());
    Ok(DecryptResponse {
        unique_identifier: identifier.into(),
        data: data.map(Data::from),
        correlation_value: outcome.correlation_value,
    })
}

/// The tag that is the end of the data: before 1.4 there is no field for it.
fn split_tag(
    data: SecretBytes,
    parameters: Option<&CryptographicParameters>,
) -> (SecretBytes, Option<Bytes>) {
    let mode = parameters.and_then(|parameters| parameters.block_cipher_mode);
    if !matches!(mode, Some(BlockCipherMode::GCM | BlockCipherMode::AEAD)) {
        return (data, None);
    }
    let length = parameters.and_then(|parameters| parameters.tag_length);
    let length = usize::try_from(length.unwrap_or(16)).unwrap_or(16);
    let bytes = data.expose();
    match bytes
        .len()
        .checked_sub(length)
        .and_then(|at| bytes.split_at_checked(at))
    {
        Some((data, tag)) => (data.into(), Some(tag.into())),
        None => (data, None),
    }
}
