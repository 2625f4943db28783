//! What KMIP 2.0 took away: objects that clients of 1.x have made with it, and clients of 2.x who see them.

use kmip::objects::{
    EncryptionKeyInformation, KeyBlock, KeyMaterial, KeyWrappingData, KeyWrappingSpecification,
    PrivateKey, SymmetricKey, Template, TransparentEcPrivateKey, WrappedOrPlain,
};
use kmip::operations::{
    GetAttributesRequest, GetAttributesResponse, GetRequest, GetResponse,
    GetUsageAllocationRequest, LocateRequest, LocateResponse, QueryRequest, QueryResponse,
    RegisterRequest, RegisterResponse,
};
use kmip::registry::{
    CryptographicAlgorithm, CryptographicUsageMask, KeyFormatType, ObjectType, QueryFunction,
    RecommendedCurve, ResultReason, WrappingMethod,
};
use kmip::{AttributeValue, Attributes, BigInteger, ManagedObject, ProtocolVersion};

use crate::peer::Peer;
use crate::rig::Rig;

const V1_4: ProtocolVersion = ProtocolVersion::V1_4;
const V2_1: ProtocolVersion = ProtocolVersion::V2_1;

async fn registered(
    peer: &mut Peer,
    object: impl Into<ManagedObject>,
    attributes: Attributes,
) -> String {
    let object = object.into();
    let response: RegisterResponse = peer
        .ask(RegisterRequest {
            object_type: object.object_type(),
            attributes,
            object,
            protection_storage_masks: None,
        })
        .await;
    response.unique_identifier.to_string()
}

async fn key_format(peer: &mut Peer, id: &str) -> KeyFormatType {
    let got: GetResponse = peer
        .ask(GetRequest {
            unique_identifier: Some(id.into()),
            ..GetRequest::default()
        })
        .await;
    let block = got.object.key_block().unwrap();
    let Some(WrappedOrPlain::Plain(value)) = &block.key_value else {
        panic!("wrapped")
    };
    assert!(matches!(
        value.key_material,
        KeyMaterial::TransparentEcPrivateKey(_)
    ));
    block.key_format_type
}

async fn usage_mask(peer: &mut Peer, id: &str) -> CryptographicUsageMask {
    let got: GetAttributesResponse = peer
        .ask(GetAttributesRequest {
            unique_identifier: Some(id.into()),
            attribute_names: Vec::new(),
        })
        .await;
    *got.attributes.cryptographic_usage_mask().unwrap()
}

/// A key with a format and a use that 2.0 does not have is kept as it is, and shown to each in his words.
#[tokio::test]
async fn keys_of_1_x() {
    let rig = Rig::new();
    let server = rig.start().await;
    let mut peer = Peer::new(&rig, &server, V1_4).await;
    let uses = CryptographicUsageMask::Sign | CryptographicUsageMask::ContentCommitment;
    let mut number = vec![0; 31];
    number.push(7);
    let material = KeyMaterial::TransparentEcPrivateKey(TransparentEcPrivateKey {
        recommended_curve: RecommendedCurve::P_256,
        d: BigInteger(number.into()),
    });
    let mut key_block = KeyBlock {
        key_format_type: KeyFormatType::TransparentECDSAPrivateKey,
        ..KeyBlock::raw(CryptographicAlgorithm::ECDSA, &[0; 32])
    };
    if let Some(WrappedOrPlain::Plain(value)) = &mut key_block.key_value {
        value.key_material = material;
    }
    let attributes = Attributes::new().with(AttributeValue::CryptographicUsageMask(uses));
    let id = registered(&mut peer, PrivateKey { key_block }, attributes).await;
    server.stop().await;

    let server = rig.start().await;
    let mut peer = Peer::new(&rig, &server, V1_4).await;
    let format = key_format(&mut peer, &id).await;
    assert_eq!(format, KeyFormatType::TransparentECDSAPrivateKey);
    assert_eq!(usage_mask(&mut peer, &id).await, uses);
    peer.version = V2_1;
    let format = key_format(&mut peer, &id).await;
    assert_eq!(format, KeyFormatType::TransparentECPrivateKey);
    let shown = usage_mask(&mut peer, &id).await;
    assert_eq!(shown, CryptographicUsageMask::Sign);
}

/// Templates are found by their type in 1.x, and 2.x is told of none.
#[tokio::test]
async fn templates_of_1_x() {
    let rig = Rig::new();
    let server = rig.start().await;
    let mut peer = Peer::new(&rig, &server, V1_4).await;
    let template = Template {
        attributes: Attributes::new().with(AttributeValue::CryptographicLength(128)),
    };
    let id = registered(&mut peer, template, Attributes::new()).await;
    let of_type = AttributeValue::ObjectType(ObjectType::Template);
    let located: LocateResponse = peer
        .ask(LocateRequest {
            attributes: Attributes::new().with(of_type),
            ..LocateRequest::default()
        })
        .await;
    assert_eq!(located.unique_identifiers, [id.as_str().into()]);
    for (version, offered) in [(V1_4, true), (V2_1, false)] {
        peer.version = version;
        let answer: QueryResponse = peer
            .ask(QueryRequest {
                query_functions: vec![QueryFunction::QueryObjects],
            })
            .await;
        let told = answer.object_types.contains(&ObjectType::Template);
        assert_eq!(told, offered, "{version}");
    }
}

/// 1.x's tables of errors say Illegal Operation where 2.x's say what is the matter.
#[tokio::test]
async fn reasons() {
    let rig = Rig::new();
    let server = rig.start().await;
    let mut peer = Peer::new(&rig, &server, V1_4).await;
    let id = peer.active_key(CryptographicUsageMask::Encrypt).await;
    let information = EncryptionKeyInformation {
        unique_identifier: "elsewhere".into(),
        cryptographic_parameters: None,
    };
    let mut key_block = KeyBlock::raw(CryptographicAlgorithm::AES, &[0; 32]);
    key_block.key_value = Some(WrappedOrPlain::Wrapped(vec![0x5A; 40].into()));
    key_block.key_wrapping_data = Some(Box::new(KeyWrappingData {
        wrapping_method: WrappingMethod::Encrypt,
        encryption_key_information: Some(information.clone()),
        mac_signature_key_information: None,
        mac_signature: None,
        iv_counter_nonce: None,
        encoding_option: None,
    }));
    let attributes = Attributes::new().with(AttributeValue::CryptographicUsageMask(
        CryptographicUsageMask::Encrypt,
    ));
    let wrapped = registered(&mut peer, SymmetricKey { key_block }, attributes).await;
    let wrap = GetRequest {
        unique_identifier: Some(wrapped.as_str().into()),
        key_wrapping_specification: Some(KeyWrappingSpecification {
            wrapping_method: WrappingMethod::Encrypt,
            encryption_key_information: Some(information),
            mac_signature_key_information: None,
            attribute_names: Vec::new(),
            encoding_option: None,
        }),
        ..GetRequest::default()
    };
    let allocate = GetUsageAllocationRequest {
        unique_identifier: Some(id.as_str().into()),
        usage_limits_count: 1,
    };
    for (version, of_allocation, of_wrapping) in [
        (
            V1_4,
            ResultReason::IllegalOperation,
            ResultReason::IllegalOperation,
        ),
        (
            V2_1,
            ResultReason::AttributeNotFound,
            ResultReason::KeyWrapTypeNotSupported,
        ),
    ] {
        peer.version = version;
        let refused = peer.refused(allocate.clone()).await;
        assert_eq!(refused, of_allocation, "{version}");
        let refused = peer.refused(wrap.clone()).await;
        assert_eq!(refused, of_wrapping, "{version}");
    }
}
