//! Attributes that follow from others, and those that an object has several of.

use kmip::objects::{KeyBlock, SymmetricKey};
use kmip::operations::{
    AddAttributeRequest, AdjustAttributeRequest, GetAttributesRequest, GetAttributesResponse,
    ImportRequest, RegisterRequest, RegisterResponse,
};
use kmip::registry::{
    AdjustmentType, CryptographicAlgorithm, CryptographicUsageMask, ObjectType, ResultReason, Tag,
};
use kmip::ttlv::ItemValue;
use kmip::{AttributeName, AttributeValue, Attributes, ManagedObject, ProtocolVersion};

use crate::peer::Peer;
use crate::rig::Rig;

fn key() -> ManagedObject {
    let key_block = KeyBlock::raw(CryptographicAlgorithm::AES, &[7; 32]);
    SymmetricKey { key_block }.into()
}

async fn attributes(peer: &mut Peer, id: &str) -> Attributes {
    let request = GetAttributesRequest {
        unique_identifier: Some(id.into()),
        attribute_names: Vec::new(),
    };
    let response: GetAttributesResponse = peer.ask(request).await;
    response.attributes
}

fn add(id: &str, value: AttributeValue) -> AddAttributeRequest {
    AddAttributeRequest {
        unique_identifier: Some(id.into()),
        attribute: value.into(),
    }
}

fn adjust(id: &str, name: AttributeName, kind: AdjustmentType) -> AdjustAttributeRequest {
    AdjustAttributeRequest {
        unique_identifier: Some(id.into()),
        attribute_reference: name,
        adjustment_type: kind,
        adjustment_value: None,
    }
}

/// What has been sensitive, and is not any longer, has not been so always, whichever operation changed it.
#[tokio::test]
async fn adjusting_has_the_consequences_of_setting() {
    let rig = Rig::new();
    let server = rig.start().await;
    let mut peer = Peer::new(&rig, &server, ProtocolVersion::V2_1).await;
    let registered: RegisterResponse = peer
        .ask(RegisterRequest {
            object_type: ObjectType::SymmetricKey,
            attributes: Attributes::new()
                .with(AttributeValue::Sensitive(true))
                .with(AttributeValue::Extractable(false)),
            object: key(),
            protection_storage_masks: None,
        })
        .await;
    let id = registered.unique_identifier.to_string();
    let before = attributes(&mut peer, &id).await;
    assert_eq!(before.always_sensitive(), Some(&true));
    assert_eq!(before.never_extractable(), Some(&true));
    for tag in [Tag::Sensitive, Tag::Extractable] {
        let request = adjust(&id, tag.into(), AdjustmentType::Negate);
        assert_eq!(peer.item(request).await.result_reason, None);
    }
    let after = attributes(&mut peer, &id).await;
    assert_eq!(after.sensitive(), Some(&false));
    assert_eq!(after.always_sensitive(), Some(&false));
    assert_eq!(after.extractable(), Some(&true));
    assert_eq!(after.never_extractable(), Some(&false));
}

#[tokio::test]
async fn several_values() {
    let rig = Rig::new();
    let server = rig.start().await;
    let mut peer = Peer::new(&rig, &server, ProtocolVersion::V2_1).await;
    let id = peer.key(CryptographicUsageMask::Encrypt).await;
    let counter = |value| AttributeValue::Vendor {
        vendor: "x".to_owned(),
        name: "Counter".to_owned(),
        value: ItemValue::Integer(value),
    };
    for value in [1, 2] {
        let reason = peer.item(add(&id, counter(value))).await.result_reason;
        assert_eq!(reason, None);
    }
    // The same once more could not be told from the first.
    assert_eq!(
        peer.refused(add(&id, counter(1))).await,
        ResultReason::InvalidField
    );
    // Which one, the request cannot say; none is lost.
    let name = counter(0).attribute_name();
    assert_eq!(
        peer.refused(adjust(&id, name.clone(), AdjustmentType::Increment))
            .await,
        ResultReason::MultiValuedAttribute
    );
    let now = attributes(&mut peer, &id).await;
    let counters = now
        .iter()
        .filter(|own| own.value.attribute_name() == name)
        .count();
    assert_eq!(counters, 2);
}

#[tokio::test]
async fn an_import_with_two_of_what_there_is_one_of() {
    let rig = Rig::new();
    let server = rig.start().await;
    let mut peer = Peer::new(&rig, &server, ProtocolVersion::V2_1).await;
    let import = |attributes: Attributes| ImportRequest {
        unique_identifier: "imported".into(),
        object_type: ObjectType::SymmetricKey,
        replace_existing: None,
        key_wrap_type: None,
        attributes,
        object: key(),
    };
    let comment = |text: &str| AttributeValue::Comment(text.to_owned());
    let twice = Attributes::new().with(comment("a")).with(comment("b"));
    assert_eq!(
        peer.refused(import(twice)).await,
        ResultReason::InvalidField
    );
    let once = Attributes::new().with(comment("a"));
    assert_eq!(peer.item(import(once)).await.result_reason, None);
}
