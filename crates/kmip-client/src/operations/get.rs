//! Get (KMIP 1.4, section 4.11; 2.1, section 6.1.20).

use kmip::ManagedObject;
use kmip::operations::{GetRequest, GetResponse};
use kmip::registry::{KeyFormatType, Operation};

use crate::{Error, ErrorKind, Result, Session, SymmetricKey};

impl Session {
    /// Reads a symmetric key: in clear, in the format Raw (Transparent Symmetric Key is understood
    /// as well). Its state is not looked at: servers hand out keys in every state, and whoever
    /// decrypts old data needs that; see [`Session::get_attributes`].
    ///
    /// # Errors
    /// `NotFound`; `UnusableKey` for another kind of object, a wrapped key, another format, or a key whose length is
    /// not what the server says it is; `Protocol` for another object than the one asked for.
    pub async fn get_symmetric_key(&mut self, unique_identifier: &str) -> Result<SymmetricKey> {
        let object = self.get_object(unique_identifier).await?;
        usable(&object, unique_identifier).map_err(|error| self.at_here(error, Operation::Get))
    }

    /// Reads an object of any type, as the server has it.
    ///
    /// # Errors
    /// `NotFound`, `Refused`, `Protocol` for another object than the one asked for, and what can happen to a
    /// connection.
    pub async fn get_object(&mut self, unique_identifier: &str) -> Result<ManagedObject> {
        let request = GetRequest {
            unique_identifier: Some(unique_identifier.into()),
            ..GetRequest::default()
        };
        let response = self.call(request).await?;
        object(response, unique_identifier).map_err(|error| self.at_here(error, Operation::Get))
    }
}

/// The object, if it is the one asked for and what the answer says it is.
fn object(response: GetResponse, asked_for: &str) -> Result<ManagedObject> {
    if response.unique_identifier.as_str() != Some(asked_for) {
        return Err(Error::new(
            ErrorKind::Protocol,
            format!("asked for {asked_for}, got {}", response.unique_identifier),
        ));
    }
    let held = response.object.object_type();
    if held != response.object_type {
        return Err(Error::new(
            ErrorKind::Protocol,
            format!(
                "{asked_for} is said to be a {}, and comes as a {held}",
                response.object_type
            ),
        ));
    }
    Ok(response.object)
}

fn usable(object: &ManagedObject, asked_for: &str) -> Result<SymmetricKey> {
    let unusable = |why: String| Error::new(ErrorKind::UnusableKey, format!("{asked_for} {why}"));
    let ManagedObject::SymmetricKey(key) = object else {
        return Err(unusable(format!(
            "is a {}, not a symmetric key",
            object.object_type()
        )));
    };
    let block = &key.key_block;
    if block.key_wrapping_data.is_some() {
        return Err(unusable("is wrapped under another key".to_owned()));
    }
    if !matches!(
        block.key_format_type,
        KeyFormatType::Raw | KeyFormatType::Opaque | KeyFormatType::TransparentSymmetricKey
    ) {
        return Err(unusable(format!(
            "is in the format {}, not Raw",
            block.key_format_type
        )));
    }
    let Some(material) = block.key_bytes() else {
        return Err(unusable("came without its key material".to_owned()));
    };
    let bits = material.len().saturating_mul(8);
    if material.is_empty() {
        return Err(unusable("has an empty key".to_owned()));
    }
    if let Some(said) = block.cryptographic_length
        && usize::try_from(said) != Ok(bits)
    {
        return Err(unusable(format!(
            "has {bits} bits, but the server says {said}"
        )));
    }
    Ok(SymmetricKey {
        unique_identifier: asked_for.to_owned(),
        algorithm: block.cryptographic_algorithm,
        material: material.clone(),
    })
}
