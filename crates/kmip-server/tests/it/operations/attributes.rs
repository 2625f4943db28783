//! What is said about objects.

use kmip::operations::*;
use kmip::registry::{
    AdjustmentType, CryptographicUsageMask, ObjectType, ResultReason, State, Tag,
};
use kmip::structures::Name;
use kmip::{AttributeValue, Attributes, DateTime, ProtocolVersion};

use super::{V1_4, V2_1, aes, attributes, create, created, mask};
use crate::peer::Peer;
use crate::rig::Rig;

#[tokio::test]
async fn attributes_are_set_adjusted_and_deleted() {
    let rig = Rig::new();
    let server = rig.start().await;
    let mut peer = Peer::new(&rig, &server, V2_1).await;
    let id = created(&mut peer, aes(128)).await;
    let set = |value: AttributeValue| SetAttributeRequest {
        unique_identifier: Some(id.as_str().into()),
        attribute: value.into(),
    };
    let later = DateTime(4_000_000_000);
    let _: SetAttributeResponse = peer.ask(set(AttributeValue::ActivationDate(later))).await;
    let adjust = |tag: Tag| AdjustAttributeRequest {
        unique_identifier: Some(id.as_str().into()),
        attribute_reference: tag.into(),
        adjustment_type: AdjustmentType::Decrement,
        adjustment_value: None,
    };
    let _: AdjustAttributeResponse = peer.ask(adjust(Tag::ActivationDate)).await;
    let now = attributes(&mut peer, &id).await;
    assert_eq!(now.activation_date(), Some(&DateTime(3_999_999_999)));
    assert_eq!(
        peer.refused(adjust(Tag::CryptographicLength)).await,
        ResultReason::PermissionDenied
    );
    assert_eq!(
        peer.refused(set(AttributeValue::State(State::Active)))
            .await,
        ResultReason::PermissionDenied
    );
    let delete = |tag: Tag| DeleteAttributeRequest {
        unique_identifier: Some(id.as_str().into()),
        attribute_name: Some(tag.into()),
        ..DeleteAttributeRequest::default()
    };
    assert_eq!(
        peer.refused(delete(Tag::ActivationDate)).await,
        ResultReason::PermissionDenied
    );
    assert_eq!(
        peer.refused(delete(Tag::ContactInformation)).await,
        ResultReason::AttributeNotFound
    );
    let contact = AttributeValue::ContactInformation("operators".to_owned());
    let _: SetAttributeResponse = peer.ask(set(contact)).await;
    let _: DeleteAttributeResponse = peer.ask(delete(Tag::ContactInformation)).await;
    assert_eq!(attributes(&mut peer, &id).await.contact_information(), None);
}

#[tokio::test]
async fn templates() {
    let rig = Rig::new();
    let server = rig.start().await;
    let mut peer = Peer::new(&rig, &server, ProtocolVersion::V1_2).await;
    let template = kmip::objects::Template {
        attributes: aes(192).with(mask(CryptographicUsageMask::Encrypt)),
    };
    let _: RegisterResponse = peer
        .ask(RegisterRequest {
            object_type: ObjectType::Template,
            attributes: Attributes::new().with(AttributeValue::Name(Name::text("template"))),
            object: template.into(),
            protection_storage_masks: None,
        })
        .await;
    let wanted = Attributes::new().with_template(Name::text("template"));
    let id = created(&mut peer, wanted).await;
    assert_eq!(
        attributes(&mut peer, &id).await.cryptographic_length(),
        Some(&192)
    );
    let unknown = Attributes::new().with_template(Name::text("no such"));
    assert_eq!(
        peer.refused(create(unknown)).await,
        ResultReason::ItemNotFound
    );
}

/// Nobody is told of attributes that his version does not have.
#[tokio::test]
async fn nothing_newer_than_the_request() {
    let rig = Rig::new();
    let server = rig.start().await;
    let mut peer = Peer::new(&rig, &server, V2_1).await;
    let id = created(&mut peer, aes(256)).await;
    for version in ProtocolVersion::SUPPORTED {
        peer.version = version;
        let all = attributes(&mut peer, &id).await;
        assert_eq!(all.sensitive().is_some(), version >= V1_4, "{version}");
        assert_eq!(
            all.original_creation_date().is_some(),
            version >= ProtocolVersion::V1_2,
            "{version}"
        );
        assert_eq!(
            all.short_unique_identifier().is_some(),
            version >= ProtocolVersion::V2_0,
            "{version}"
        );
        assert_eq!(
            all.fresh().is_some(),
            version >= ProtocolVersion::V1_1,
            "{version}"
        );
    }
}
