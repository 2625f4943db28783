//! Decrypt (KMIP 1.4, section 4.30; 2.1, section 6.1.12). Of KMIP 1.2.

use kmip::operations::DecryptRequest;
use kmip::registry::Operation;
use kmip::structures::CryptographicParameters;
use kmip::{Bytes, Data, SecretBytes};

use crate::{Encrypted, Error, ErrorKind, Result, Session};

impl Session {
    /// Has the server decrypt with one of its keys what [`Session::encrypt`] yielded, with the same
    /// parameters and additional data.
    ///
    /// # Errors
    /// As for [`Session::encrypt`]; `Refused` with Cryptographic Failure for data that is not authentic.
    pub async fn decrypt(
        &mut self,
        unique_identifier: &str,
        parameters: Option<CryptographicParameters>,
        encrypted: &Encrypted,
        additional: Option<&[u8]>,
    ) -> Result<SecretBytes> {
        let request = DecryptRequest {
            unique_identifier: Some(unique_identifier.into()),
            cryptographic_parameters: parameters,
            data: Some(Data::from(encrypted.data.as_slice())),
            iv_counter_nonce: encrypted.iv_counter_nonce.as_deref().map(Bytes::from),
            authenticated_encryption_additional_data: additional.map(Bytes::from),
            authenticated_encryption_tag: encrypted.tag.as_deref().map(Bytes::from),
            ..DecryptRequest::default()
        };
        let response = self.call(request).await?;
        match response.data {
            Some(Data::Bytes(data)) => Ok(data),
            _ => {
                let error = Error::new(ErrorKind::Protocol, "the answer has no data");
                Err(self.at_here(error, Operation::Decrypt))
            }
        }
    }
}
