//! VAST Data, for the keys of its tenants: Create, attributes that are added afterwards one by one, and Re-key.

use kmip::registry::{ResultReason, Tag};
use kmip::ttlv::ItemValue;

use super::wire::{
    ACTIVE, Product, aes256, attribute, children, date, enumeration, find, name, object,
    revocation, state, structure, text, text_attribute,
};
use crate::rig::Rig;

/// The kinds of links and what they lead to.
fn links(answer: &super::wire::Answer) -> Vec<(u32, String)> {
    let values = answer.values("Link");
    values
        .into_iter()
        .map(|value| {
            let link = kmip::ttlv::Item::new(Tag::AttributeValue, value);
            assert_eq!(children(&link).len(), 2);
            let kind = &find(&link, &[Tag::LinkType]).unwrap().value;
            let to = &find(&link, &[Tag::LinkedObjectIdentifier]).unwrap().value;
            match (kind, to.as_text()) {
                (ItemValue::Enumeration(kind), Some(to)) => (*kind, to.to_owned()),
                other => panic!("{other:?}"),
            }
        })
        .collect()
}

const REPLACEMENT: u32 = 0x106;
const REPLACED: u32 = 0x107;

#[tokio::test]
async fn keys_of_tenants_and_their_replacement() {
    let rig = Rig::new();
    rig.client(&["add", "vast", "--role", "admin"]);
    let server = rig.start();
    for version in [(1, 0), (1, 2), (1, 4)] {
        let mut product = Product::connect(&rig, &server, "vast", version).await;
        let create =
            enumeration("ObjectType", "SymmetricKey") + &structure("TemplateAttribute", &aes256());
        let id = product.does("Create", &create).await.id();
        let called = format!("tenant-{}.{}", version.0, version.1);
        let answer = product
            .does("AddAttribute", &(object(&id) + &name(&called)))
            .await;
        assert_eq!(
            answer.shape(),
            "UniqueIdentifier Attribute(AttributeName AttributeValue(NameValue NameType))"
        );
        let cluster = format!("cluster-{called}");
        product
            .does(
                "AddAttribute",
                &(object(&id) + &text_attribute("x-cluster", &cluster)),
            )
            .await;
        let group = text_attribute("Object Group", &cluster);
        product.does("AddAttribute", &(object(&id) + &group)).await;
        // The same once more would be two that nobody could tell apart.
        product
            .refused(
                "AddAttribute",
                &(object(&id) + &group),
                ResultReason::IllegalOperation,
            )
            .await;
        // What the server alone says.
        product
            .refused(
                "AddAttribute",
                &(object(&id) + &attribute("Initial Date", date("AttributeValue", 1))),
                ResultReason::PermissionDenied,
            )
            .await;
        product.does("Activate", &object(&id)).await;
        let old = product.does("Get", &object(&id)).await;

        let answer = product.does("ReKey", &object(&id)).await;
        assert_eq!(answer.shape(), "UniqueIdentifier");
        let new = answer.id();
        assert_ne!(new, id);
        let got = product.does("Get", &object(&new)).await;
        assert_ne!(
            got.material(Tag::SymmetricKey),
            old.material(Tag::SymmetricKey)
        );
        let again = product.does("Get", &object(&id)).await;
        assert_eq!(
            again.material(Tag::SymmetricKey),
            old.material(Tag::SymmetricKey)
        );
        // The name finds the new one; what was said besides is said of both.
        let found = product.does("Locate", &name(&called)).await;
        assert_eq!(found.ids(), [new.as_str()], "{version:?}");
        let found = product
            .does("Locate", &text_attribute("x-cluster", &cluster))
            .await;
        let mut both = [id.clone(), new.clone()];
        both.sort();
        let mut ids = found.ids();
        ids.sort();
        assert_eq!(ids, both);
        let of_old = product.does("GetAttributes", &object(&id)).await;
        let of_new = product.does("GetAttributes", &object(&new)).await;
        assert!(of_old.values("Name").is_empty());
        assert_eq!(links(&of_old), [(REPLACEMENT, new.clone())]);
        assert_eq!(links(&of_new), [(REPLACED, id.clone())]);
        // Without an offset the dates go with the key, so that the new one is in use at once.
        assert_eq!(of_new.value("State"), state(ACTIVE));
        assert_eq!(
            of_new.value("Object Group"),
            ItemValue::from(cluster.as_str())
        );

        // The second rotation: of the new key; the chain can be followed.
        let newest = product.does("ReKey", &object(&new)).await.id();
        let of_new = product.does("GetAttributes", &object(&new)).await;
        let mut chain = links(&of_new);
        chain.sort();
        assert_eq!(chain, [(REPLACEMENT, newest), (REPLACED, id.clone())]);

        product.does("Revoke", &revocation(&id, "Superseded")).await;
        product.does("Destroy", &object(&id)).await;
        product
            .refused("ReKey", &object(&id), ResultReason::PermissionDenied)
            .await;
        let names = object(&id) + &text("AttributeName", "State");
        let answer = product.does("GetAttributes", &names).await;
        assert_eq!(answer.attributes().len(), 1);
    }
    server.stop();
}
