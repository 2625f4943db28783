//! How keys leave the server: wrapped, exported, or not at all.

use kmip::objects::{EncryptionKeyInformation, KeyWrappingSpecification, WrappedOrPlain};
use kmip::operations::*;
use kmip::registry::{
    BlockCipherMode, CryptographicUsageMask, EncodingOption, ResultReason, RevocationReasonCode,
    State, Tag, WrappingMethod,
};
use kmip::structures::{CryptographicParameters, Name, RevocationReason};
use kmip::{AttributeValue, ProtocolVersion};

use super::{V1_4, active, aes, attributes, created, mask};
use crate::peer::Peer;
use crate::rig::Rig;

/// RFC 3394, section 4.1, with keys of the server's.
#[tokio::test]
async fn wrapped_keys() {
    let rig = Rig::new();
    let server = rig.start().await;
    let mut peer = Peer::new(&rig, &server, V1_4).await;
    let kek = peer.active_key(CryptographicUsageMask::WrapKey).await;
    let key = created(
        &mut peer,
        aes(256).with(mask(CryptographicUsageMask::Encrypt)),
    )
    .await;
    let wrapping = |encoding, names| KeyWrappingSpecification {
        wrapping_method: WrappingMethod::Encrypt,
        encryption_key_information: Some(EncryptionKeyInformation {
            unique_identifier: kek.as_str().into(),
            cryptographic_parameters: Some(CryptographicParameters {
                block_cipher_mode: Some(BlockCipherMode::NISTKeyWrap),
                ..CryptographicParameters::default()
            }),
        }),
        mac_signature_key_information: None,
        attribute_names: names,
        encoding_option: encoding,
    };
    let request = |specification| GetRequest {
        unique_identifier: Some(key.as_str().into()),
        key_wrapping_specification: Some(specification),
        ..GetRequest::default()
    };
    let raw: GetResponse = peer
        .ask(request(wrapping(
            Some(EncodingOption::NoEncoding),
            Vec::new(),
        )))
        .await;
    let block = raw.object.key_block().unwrap();
    let Some(WrappedOrPlain::Wrapped(bytes)) = &block.key_value else {
        panic!("not wrapped")
    };
    assert_eq!(bytes.len(), 40);
    assert!(block.key_wrapping_data.is_some());
    let names = vec![Tag::CryptographicUsageMask.into()];
    let encoded: GetResponse = peer.ask(request(wrapping(None, names.clone()))).await;
    let block = encoded.object.key_block().unwrap();
    let Some(WrappedOrPlain::Wrapped(bytes)) = &block.key_value else {
        panic!("not wrapped")
    };
    assert!(bytes.len() > 40);
    let both = wrapping(Some(EncodingOption::NoEncoding), names);
    assert_eq!(
        peer.refused(request(both)).await,
        ResultReason::EncodingOptionError
    );
    // A key that may not wrap does not.
    let mut wrong = wrapping(Some(EncodingOption::NoEncoding), Vec::new());
    wrong
        .encryption_key_information
        .as_mut()
        .unwrap()
        .unique_identifier = key.as_str().into();
    assert_eq!(
        peer.refused(request(wrong)).await,
        ResultReason::PermissionDenied
    );
}

#[tokio::test]
async fn sensitive_and_unextractable_keys_stay() {
    let rig = Rig::new();
    let server = rig.start().await;
    let mut peer = Peer::new(&rig, &server, V1_4).await;
    for (attribute, expected) in [
        (AttributeValue::Sensitive(true), ResultReason::Sensitive),
        (
            AttributeValue::Extractable(false),
            ResultReason::NotExtractable,
        ),
    ] {
        let id = created(&mut peer, aes(128).with(attribute)).await;
        let request = GetRequest {
            unique_identifier: Some(id.as_str().into()),
            ..GetRequest::default()
        };
        assert_eq!(peer.refused(request.clone()).await, expected);
        let export = ExportRequest {
            unique_identifier: Some(id.as_str().into()),
            ..ExportRequest::default()
        };
        assert_eq!(peer.refused(export).await, expected);
        // In versions that do not know the attribute it holds too.
        peer.version = ProtocolVersion::V1_0;
        assert_eq!(peer.refused(request).await, ResultReason::PermissionDenied);
        peer.version = V1_4;
    }
}

#[tokio::test]
async fn exported_and_imported() {
    let rig = Rig::new();
    let server = rig.start().await;
    let mut peer = Peer::new(&rig, &server, V1_4).await;
    let wanted = aes(256)
        .with(mask(CryptographicUsageMask::Encrypt))
        .with(AttributeValue::Name(Name::text("exported")))
        .with(active());
    let id = created(&mut peer, wanted).await;
    let exported: ExportResponse = peer
        .ask(ExportRequest {
            unique_identifier: Some(id.as_str().into()),
            ..ExportRequest::default()
        })
        .await;
    let import = |replace| ImportRequest {
        unique_identifier: id.as_str().into(),
        object_type: exported.object_type,
        replace_existing: Some(replace),
        key_wrap_type: None,
        attributes: exported.attributes.clone(),
        object: exported.object.clone().unwrap(),
    };
    assert_eq!(
        peer.refused(import(false)).await,
        ResultReason::ObjectAlreadyExists
    );
    let _: ImportResponse = peer.ask(import(true)).await;
    let again = attributes(&mut peer, &id).await;
    assert_eq!(again.state(), Some(&State::Active));
    assert_eq!(again.initial_date(), exported.attributes.initial_date());
    // Identifiers are each tenant's own: whether somebody else has this one is not to be learnt, and it stays theirs.
    let mut other = Peer::named(&rig, &server, V1_4, "somebody").await;
    let _: ImportResponse = other.ask(import(false)).await;
    let _: RevokeResponse = other
        .ask(RevokeRequest {
            unique_identifier: Some(id.as_str().into()),
            revocation_reason: RevocationReason {
                code: RevocationReasonCode::KeyCompromise,
                message: None,
            },
            compromise_occurrence_date: None,
        })
        .await;
    let mine = attributes(&mut peer, &id).await;
    assert_eq!(mine.state(), Some(&State::Active));
    let mut path = import(true);
    path.unique_identifier = "../kek".into();
    assert_eq!(peer.refused(path).await, ResultReason::InvalidField);
}
