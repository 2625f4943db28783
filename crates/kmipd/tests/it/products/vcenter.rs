//! vCenter Server: KMIP 1.1, a connection for each operation; it says who it is in custom attributes, asks for the state
//! before each use, and lets go of a key without destroying it.

use kmip::registry::{ResultReason, Tag};
use kmip::ttlv::ItemValue;

use super::wire::{
    ACTIVE, DEACTIVATED, DESTROYED, PRE_ACTIVE, Product, SYMMETRIC_KEY, aes256, enumeration,
    object, revocation, state, structure, text, text_attribute,
};
use crate::rig::{Rig, Running};

async fn connect(rig: &Rig, server: &Running) -> Product {
    Product::connect(rig, server, "vcenter", (1, 1)).await
}

async fn state_of(rig: &Rig, server: &Running, id: &str) -> ItemValue {
    let payload = object(id) + &text("AttributeName", "State");
    let mut product = connect(rig, server).await;
    product.does("GetAttributes", &payload).await.value("State")
}

#[tokio::test]
async fn a_machine_is_encrypted_and_encrypted_anew() {
    let rig = Rig::new();
    rig.client(&["add", "vcenter", "--role", "admin"]);
    let server = rig.start();

    // The wizard's check: versions, and what there is.
    let mut product = connect(&rig, &server).await;
    let ask = structure(
        "ProtocolVersion",
        &[
            super::wire::integer("ProtocolVersionMajor", 1),
            super::wire::integer("ProtocolVersionMinor", 1),
        ],
    );
    let versions = product.does("DiscoverVersions", &ask).await;
    assert_eq!(
        versions.shape(),
        "ProtocolVersion(ProtocolVersionMajor ProtocolVersionMinor)"
    );
    let functions = enumeration("QueryFunction", "QueryOperations")
        + &enumeration("QueryFunction", "QueryObjects")
        + &enumeration("QueryFunction", "QueryServerInformation");
    let offered = product.does("Query", &functions).await;
    assert!(!offered.text(Tag::VendorIdentification).is_empty());

    let mut keys = Vec::new();
    for number in 0..2 {
        let mut attributes = aes256();
        attributes.push(text_attribute("x-Vendor", "VMware, Inc."));
        attributes.push(text_attribute("x-Product", "VMware vSphere"));
        attributes.push(text_attribute("x-Product_Version", "8.0.3"));
        attributes.push(text_attribute("x-Component", &format!("vm-{number}")));
        let create = enumeration("ObjectType", "SymmetricKey")
            + &structure("TemplateAttribute", &attributes);
        let mut product = connect(&rig, &server).await;
        let answer = product.does("Create", &create).await;
        assert_eq!(answer.shape(), "ObjectType UniqueIdentifier");
        let id = answer.id();
        assert_eq!(state_of(&rig, &server, &id).await, state(PRE_ACTIVE));
        let mut product = connect(&rig, &server).await;
        product.does("Activate", &object(&id)).await;
        assert_eq!(state_of(&rig, &server, &id).await, state(ACTIVE));
        keys.push(id);
    }
    let mut product = connect(&rig, &server).await;
    let first = product.does("Get", &object(&keys[0])).await;
    assert_eq!(first.shape(), SYMMETRIC_KEY);
    let second = product.does("Get", &object(&keys[1])).await;
    assert_ne!(
        first.material(Tag::SymmetricKey),
        second.material(Tag::SymmetricKey)
    );

    // A host gets the key later, with what was said about it.
    let answer = product.does("GetAttributes", &object(&keys[1])).await;
    for (name, value) in [
        ("x-Vendor", "VMware, Inc."),
        ("x-Product", "VMware vSphere"),
        ("x-Product_Version", "8.0.3"),
        ("x-Component", "vm-1"),
    ] {
        assert_eq!(answer.value(name), ItemValue::from(value), "{name}");
    }
    let list = product.does("GetAttributeList", &object(&keys[1])).await;
    assert!(
        list.payload
            .iter()
            .any(|item| item.value == ItemValue::from("x-Component"))
    );

    // More is said later, and found by.
    let cluster = object(&keys[0]) + &text_attribute("x-Cluster", "cluster-01");
    let answer = product.does("AddAttribute", &cluster).await;
    assert_eq!(
        answer.shape(),
        "UniqueIdentifier Attribute(AttributeName AttributeValue)"
    );
    let found = product
        .does("Locate", &text_attribute("x-Cluster", "cluster-01"))
        .await;
    assert_eq!(found.ids(), [keys[0].as_str()]);
    let found = product
        .does("Locate", &text_attribute("x-Vendor", "VMware, Inc."))
        .await;
    let mut both = found.ids();
    both.sort();
    keys.sort();
    assert_eq!(both, keys);

    // An administrator ends a key's life on the key server: vCenter sees it, and an identifier stays known.
    let id = &keys[0];
    product
        .refused("Destroy", &object(id), ResultReason::PermissionDenied)
        .await;
    product.does("Revoke", &revocation(id, "Superseded")).await;
    assert_eq!(state_of(&rig, &server, id).await, state(DEACTIVATED));
    product.does("Destroy", &object(id)).await;
    assert_eq!(state_of(&rig, &server, id).await, state(DESTROYED));
    product
        .refused("Get", &object(id), ResultReason::ItemNotFound)
        .await;
    server.stop();
}
