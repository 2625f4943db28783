//! Key pairs: made, used, replaced.

use kmip::objects::{SecretData, WrappedOrPlain};
use kmip::operations::*;
use kmip::registry::{
    CryptographicAlgorithm, CryptographicUsageMask, HashingAlgorithm, KeyFormatType, LinkType,
    ObjectType, PaddingMethod, RecommendedCurve, ResultReason, RevocationReasonCode, State,
    ValidityIndicator,
};
use kmip::structures::{
    CryptographicDomainParameters, CryptographicParameters, Name, RevocationReason,
};
use kmip::{AttributeValue, Attributes, Data, Interval, KeyMaterial};

use super::{V1_4, V2_1, active, aes, attributes, created, get, mask, signing_pair};
use crate::peer::Peer;
use crate::rig::Rig;

/// A key pair on a curve signs and verifies; its halves lead to each other, in all formats.
#[tokio::test]
async fn key_pairs() {
    let rig = Rig::new();
    let server = rig.start().await;
    let mut peer = Peer::new(&rig, &server, V1_4).await;
    let curve = CryptographicDomainParameters {
        recommended_curve: Some(RecommendedCurve::P_384),
        ..CryptographicDomainParameters::default()
    };
    let ecdsa = Attributes::new()
        .with(AttributeValue::CryptographicAlgorithm(
            CryptographicAlgorithm::ECDSA,
        ))
        .with(AttributeValue::CryptographicDomainParameters(curve));
    let (private, public) = signing_pair(&mut peer, ecdsa).await;
    let of_private = attributes(&mut peer, &private).await;
    assert_eq!(of_private.cryptographic_length(), Some(&384));
    assert_eq!(
        of_private.link().unwrap().link_type,
        LinkType::PublicKeyLink
    );

    let signed: SignResponse = peer
        .ask(SignRequest {
            unique_identifier: Some(private.as_str().into()),
            data: Some(b"data".as_slice().into()),
            ..SignRequest::default()
        })
        .await;
    for (data, expected) in [
        (b"data", ValidityIndicator::Valid),
        (b"beta", ValidityIndicator::Invalid),
    ] {
        let verified: SignatureVerifyResponse = peer
            .ask(SignatureVerifyRequest {
                unique_identifier: Some(public.as_str().into()),
                data: Some(data.as_slice().into()),
                signature_data: signed.signature_data.clone(),
                ..SignatureVerifyRequest::default()
            })
            .await;
        assert_eq!(verified.validity_indicator, Some(expected));
    }
    for (id, format) in [
        (&private, KeyFormatType::PKCS_8),
        (&private, KeyFormatType::TransparentECPrivateKey),
        (&public, KeyFormatType::X_509),
        (&public, KeyFormatType::TransparentECPublicKey),
    ] {
        let request = GetRequest {
            unique_identifier: Some(id.as_str().into()),
            key_format_type: Some(format),
            ..GetRequest::default()
        };
        let got: GetResponse = peer.ask(request).await;
        assert_eq!(got.object.key_block().unwrap().key_format_type, format);
    }
    // The public half does not sign.
    let sign = SignRequest {
        unique_identifier: Some(public.as_str().into()),
        data: Some(b"data".as_slice().into()),
        ..SignRequest::default()
    };
    assert_eq!(peer.refused(sign).await, ResultReason::PermissionDenied);
}

/// The replacement takes over the name and the dates, and the two lead to each other.
#[tokio::test]
async fn re_keying() {
    let rig = Rig::new();
    let server = rig.start().await;
    let mut peer = Peer::new(&rig, &server, V2_1).await;
    let wanted = aes(256)
        .with(mask(CryptographicUsageMask::Encrypt))
        .with(AttributeValue::Name(Name::text("payroll")))
        .with(active());
    let old = created(&mut peer, wanted).await;
    let new: ReKeyResponse = peer
        .ask(ReKeyRequest {
            unique_identifier: Some(old.as_str().into()),
            ..ReKeyRequest::default()
        })
        .await;
    let new = new.unique_identifier.to_string();
    let (of_old, of_new) = (
        attributes(&mut peer, &old).await,
        attributes(&mut peer, &new).await,
    );
    assert_eq!(of_old.names().count(), 0);
    assert_eq!(of_new.name(), Some(&Name::text("payroll")));
    assert_eq!(of_new.state(), Some(&State::Active));
    assert_eq!(
        of_old.link().unwrap().linked_object_identifier,
        new.as_str().into()
    );
    assert_eq!(
        of_new.link().unwrap().linked_object_identifier,
        old.as_str().into()
    );
    let (old_key, new_key) = (get(&mut peer, &old).await, get(&mut peer, &new).await);
    assert_ne!(old_key.object, new_key.object);
    // With an offset it becomes active later.
    let later: ReKeyResponse = peer
        .ask(ReKeyRequest {
            unique_identifier: Some(new.as_str().into()),
            offset: Some(Interval(3600)),
            ..ReKeyRequest::default()
        })
        .await;
    let of_later = attributes(&mut peer, &later.unique_identifier.to_string()).await;
    assert_eq!(of_later.state(), Some(&State::PreActive));
}

/// A secret as bytes, and RSA encryption with a public key, which the server makes with its pair.
#[tokio::test]
async fn rsa_and_secrets() {
    let rig = Rig::new();
    let server = rig.start().await;
    let mut peer = Peer::new(&rig, &server, V1_4).await;
    let pair: CreateKeyPairResponse = peer
        .ask(CreateKeyPairRequest {
            common_attributes: Some(
                Attributes::new()
                    .with(AttributeValue::CryptographicAlgorithm(
                        CryptographicAlgorithm::RSA,
                    ))
                    .with(AttributeValue::CryptographicLength(2048))
                    .with(active()),
            ),
            private_key_attributes: Some(
                Attributes::new().with(mask(CryptographicUsageMask::Decrypt)),
            ),
            public_key_attributes: Some(
                Attributes::new().with(mask(CryptographicUsageMask::Encrypt)),
            ),
            ..CreateKeyPairRequest::default()
        })
        .await;
    let parameters = CryptographicParameters {
        padding_method: Some(PaddingMethod::OAEP),
        hashing_algorithm: Some(HashingAlgorithm::SHA_256),
        ..CryptographicParameters::default()
    };
    let sealed: EncryptResponse = peer
        .ask(EncryptRequest {
            unique_identifier: Some(pair.public_key_unique_identifier),
            cryptographic_parameters: Some(parameters.clone()),
            data: Some(b"data key".as_slice().into()),
            ..EncryptRequest::default()
        })
        .await;
    let opened: DecryptResponse = peer
        .ask(DecryptRequest {
            unique_identifier: Some(pair.private_key_unique_identifier),
            cryptographic_parameters: Some(parameters),
            data: sealed.data,
            ..DecryptRequest::default()
        })
        .await;
    assert_eq!(opened.data, Some(Data::from(b"data key".as_slice())));
    let secret = SecretData {
        secret_data_type: kmip::registry::SecretDataType::Password,
        key_block: kmip::objects::KeyBlock::secret(b"swordfish"),
    };
    let registered: RegisterResponse = peer
        .ask(RegisterRequest {
            object_type: ObjectType::SecretData,
            attributes: Attributes::new(),
            object: secret.into(),
            protection_storage_masks: None,
        })
        .await;
    let got = get(&mut peer, &registered.unique_identifier.to_string()).await;
    let Some(WrappedOrPlain::Plain(value)) = &got.object.key_block().unwrap().key_value else {
        panic!("not plain")
    };
    assert_eq!(value.key_material, KeyMaterial::Bytes(b"swordfish".into()));
    let revoke = RevokeRequest {
        unique_identifier: Some(registered.unique_identifier),
        revocation_reason: RevocationReason {
            code: RevocationReasonCode::Superseded,
            message: None,
        },
        compromise_occurrence_date: None,
    };
    assert_eq!(
        peer.refused(revoke).await,
        ResultReason::PermissionDenied,
        "it is not active"
    );
}
