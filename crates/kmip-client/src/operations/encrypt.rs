//! Encrypt (KMIP 1.4, section 4.29; 2.1, section 6.1.18). Of KMIP 1.2.

use kmip::operations::EncryptRequest;
use kmip::registry::Operation;
use kmip::structures::CryptographicParameters;
use kmip::{Bytes, Data, SecretBytes};

use crate::{Error, ErrorKind, Result, Session};

/// What Encrypt yields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Encrypted {
    /// The cipher text.
    pub data: Vec<u8>,
    /// The initialization vector, counter or nonce, if the server made it.
    pub iv_counter_nonce: Option<Vec<u8>>,
    /// The authentication tag of an AEAD mode. Of KMIP 1.4.
    pub tag: Option<Vec<u8>>,
}

impl Session {
    /// Has the server encrypt with one of its keys, which never leaves it. `parameters` are the key's own if `None`;
    /// `iv_counter_nonce` is for modes that need one unless the server makes it (Random IV); `additional` is what AEAD
    /// authenticates only (KMIP 1.4).
    ///
    /// # Errors
    /// `Configuration` if the session's version lacks the operation or a parameter; `NotFound`, `Refused`,
    /// and what can happen to a connection.
    pub async fn encrypt(
        &mut self,
        unique_identifier: &str,
        parameters: Option<CryptographicParameters>,
        data: &SecretBytes,
        iv_counter_nonce: Option<&[u8]>,
        additional: Option<&[u8]>,
    ) -> Result<Encrypted> {
        let request = EncryptRequest {
            unique_identifier: Some(unique_identifier.into()),
            cryptographic_parameters: parameters,
            data: Some(Data::Bytes(data.clone())),
            iv_counter_nonce: iv_counter_nonce.map(Bytes::from),
            authenticated_encryption_additional_data: additional.map(Bytes::from),
            ..EncryptRequest::default()
        };
        // A repetition has another random nonce, and the lost cipher text is nobody's.
        let response = self.call(request).await?;
        let Some(data) = response.data.as_ref().and_then(Data::as_bytes) else {
            let error = Error::new(ErrorKind::Protocol, "the answer has no data");
            return Err(self.at_here(error, Operation::Encrypt));
        };
        Ok(Encrypted {
            data: data.to_vec(),
            iv_counter_nonce: response.iv_counter_nonce.map(|bytes| bytes.0),
            tag: response.authenticated_encryption_tag.map(|bytes| bytes.0),
        })
    }
}
