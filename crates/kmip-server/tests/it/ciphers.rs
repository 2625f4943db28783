//! Encrypt and Decrypt: the server encrypts, and the key stays where it is.

use kmip::operations::{
    CreateRequest, DecryptRequest, DecryptResponse, EncryptRequest, EncryptResponse, RevokeRequest,
};
use kmip::registry::{
    BlockCipherMode, CryptographicAlgorithm, CryptographicUsageMask, ObjectType, PaddingMethod,
    ResultReason, RevocationReasonCode,
};
use kmip::structures::{CryptographicParameters, RevocationReason};
use kmip::{AttributeValue, Attributes, Bytes, Data, ProtocolVersion};

use crate::peer::Peer;
use crate::rig::Rig;

fn mode(mode: BlockCipherMode, padding: Option<PaddingMethod>) -> Option<CryptographicParameters> {
    Some(CryptographicParameters {
        block_cipher_mode: Some(mode),
        padding_method: padding,
        ..CryptographicParameters::default()
    })
}

fn encrypt(id: &str, parameters: Option<CryptographicParameters>, data: &[u8]) -> EncryptRequest {
    EncryptRequest {
        unique_identifier: Some(id.into()),
        cryptographic_parameters: parameters,
        data: Some(data.into()),
        ..EncryptRequest::default()
    }
}

const BOTH: CryptographicUsageMask =
    CryptographicUsageMask(CryptographicUsageMask::Encrypt.0 | CryptographicUsageMask::Decrypt.0);

#[tokio::test]
async fn there_and_back_in_every_version_that_has_them() {
    let rig = Rig::new();
    let server = rig.start().await;
    let mut peer = Peer::new(&rig, &server, ProtocolVersion::V1_2).await;
    for version in ProtocolVersion::SUPPORTED {
        peer.version = version;
        let id = peer.active_key(BOTH).await;
        if version < ProtocolVersion::V1_2 {
            // The library does not even write it: the request goes out as 1.2's would.
            continue;
        }
        for (mode_of, padding) in [
            (BlockCipherMode::GCM, None),
            (BlockCipherMode::CBC, Some(PaddingMethod::PKCS5)),
            (BlockCipherMode::CTR, None),
        ] {
            let parameters = mode(mode_of, padding);
            let request = encrypt(&id, parameters.clone(), b"a data key to be wrapped");
            let first: EncryptResponse = peer.ask(request.clone()).await;
            let second: EncryptResponse = peer.ask(request).await;
            assert_ne!(first.data, second.data, "an IV of its own each time");
            let has_tag_field = version >= ProtocolVersion::V1_4;
            assert_eq!(
                first.authenticated_encryption_tag.is_some(),
                mode_of == BlockCipherMode::GCM && has_tag_field,
                "{version}"
            );
            let request = DecryptRequest {
                unique_identifier: Some(id.as_str().into()),
                cryptographic_parameters: parameters,
                data: first.data.clone(),
                iv_counter_nonce: first.iv_counter_nonce.clone(),
                authenticated_encryption_tag: first.authenticated_encryption_tag,
                ..DecryptRequest::default()
            };
            let clear: DecryptResponse = peer.ask(request.clone()).await;
            assert_eq!(
                clear.data,
                Some(Data::from(b"a data key to be wrapped".as_slice()))
            );
            let without_iv = DecryptRequest {
                iv_counter_nonce: None,
                ..request
            };
            assert_eq!(peer.refused(without_iv).await, ResultReason::InvalidMessage);
        }
    }
}

#[tokio::test]
async fn associated_data_and_tag_are_verified() {
    let rig = Rig::new();
    let server = rig.start().await;
    let mut peer = Peer::new(&rig, &server, ProtocolVersion::V1_4).await;
    let id = peer.active_key(BOTH).await;
    let parameters = mode(BlockCipherMode::GCM, None);
    let sealed: EncryptResponse = peer
        .ask(EncryptRequest {
            authenticated_encryption_additional_data: Some(Bytes(b"database 7".to_vec())),
            ..encrypt(&id, parameters.clone(), b"clear")
        })
        .await;
    let open = DecryptRequest {
        unique_identifier: Some(id.as_str().into()),
        cryptographic_parameters: parameters,
        data: sealed.data,
        iv_counter_nonce: sealed.iv_counter_nonce,
        authenticated_encryption_additional_data: Some(Bytes(b"database 7".to_vec())),
        authenticated_encryption_tag: sealed.authenticated_encryption_tag,
        ..DecryptRequest::default()
    };
    let clear: DecryptResponse = peer.ask(open.clone()).await;
    assert_eq!(clear.data, Some(Data::from(b"clear".as_slice())));
    let other = DecryptRequest {
        authenticated_encryption_additional_data: Some(Bytes(b"database 8".to_vec())),
        ..open.clone()
    };
    assert_eq!(
        peer.refused(other).await,
        ResultReason::CryptographicFailure
    );
    let no_tag = DecryptRequest {
        authenticated_encryption_tag: None,
        ..open
    };
    assert_eq!(peer.refused(no_tag).await, ResultReason::MissingData);
}

#[tokio::test]
async fn state_and_usage_mask_decide() {
    let rig = Rig::new();
    let server = rig.start().await;
    let mut peer = Peer::new(&rig, &server, ProtocolVersion::V2_1).await;
    let parameters = mode(BlockCipherMode::ECB, None);
    let data = [1; 16];

    let inactive = peer.key(BOTH).await;
    let request = encrypt(&inactive, parameters.clone(), &data);
    assert_eq!(peer.refused(request).await, ResultReason::PermissionDenied);

    let only_decrypts = peer.active_key(CryptographicUsageMask::Decrypt).await;
    let request = encrypt(&only_decrypts, parameters.clone(), &data);
    assert_eq!(
        peer.refused(request.clone()).await,
        ResultReason::IncompatibleCryptographicUsageMask
    );
    peer.version = ProtocolVersion::V1_4;
    assert_eq!(peer.refused(request).await, ResultReason::PermissionDenied);

    for reason in [
        RevocationReasonCode::Superseded,
        RevocationReasonCode::KeyCompromise,
    ] {
        let id = peer.active_key(BOTH).await;
        let sealed: EncryptResponse = peer.ask(encrypt(&id, parameters.clone(), &data)).await;
        let revoke = RevokeRequest {
            unique_identifier: Some(id.as_str().into()),
            revocation_reason: RevocationReason {
                code: reason,
                message: None,
            },
            compromise_occurrence_date: None,
        };
        assert!(peer.item(revoke).await.payload.is_some());
        let request = encrypt(&id, parameters.clone(), &data);
        assert_eq!(peer.refused(request).await, ResultReason::PermissionDenied);
        let clear: DecryptResponse = peer
            .ask(DecryptRequest {
                unique_identifier: Some(id.as_str().into()),
                cryptographic_parameters: parameters.clone(),
                data: sealed.data,
                ..DecryptRequest::default()
            })
            .await;
        assert_eq!(clear.data, Some(Data::from(data.as_slice())), "{reason}");
    }
}

#[tokio::test]
async fn a_new_key_encrypts_too() {
    let rig = Rig::new();
    let server = rig.start().await;
    let mut peer = Peer::new(&rig, &server, ProtocolVersion::V1_4).await;
    let attributes = Attributes::new()
        .with(AttributeValue::CryptographicAlgorithm(
            CryptographicAlgorithm::AES,
        ))
        .with(AttributeValue::CryptographicLength(256))
        .with(AttributeValue::CryptographicUsageMask(BOTH))
        .with(AttributeValue::ActivationDate(kmip::DateTime(0)))
        .with(AttributeValue::CryptographicParameters(
            mode(BlockCipherMode::GCM, None).unwrap(),
        ));
    let created: kmip::operations::CreateResponse = peer
        .ask(CreateRequest {
            object_type: ObjectType::SymmetricKey,
            attributes,
            protection_storage_masks: None,
        })
        .await;
    let sealed: EncryptResponse = peer
        .ask(encrypt(
            &created.unique_identifier.to_string(),
            None,
            b"clear",
        ))
        .await;
    assert_eq!(sealed.authenticated_encryption_tag.unwrap().len(), 16);
}
