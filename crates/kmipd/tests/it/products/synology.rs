//! Synology DSM, for its vault of volume keys: KMIP 1.2, an Operation Policy Name from 1.0, and Modify Attribute, whose
//! answer must have the attribute in it.

use kmip::registry::{ResultReason, Tag};
use kmip::ttlv::ItemValue;

use super::wire::{
    ACTIVE, Product, attribute, bytes, enumeration, integer, name, object, revocation, state,
    structure, text, text_attribute,
};
use crate::rig::Rig;

/// A volume's key, as text.
const KEY: &[u8] = b"QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo5ODc2NTQzMjEw";

fn register(called: &str) -> String {
    let block = [
        enumeration("KeyFormatType", "Opaque"),
        structure("KeyValue", &[bytes("KeyMaterial", KEY)]),
    ];
    let secret = [
        enumeration("SecretDataType", "Password"),
        structure("KeyBlock", &block),
    ];
    let attributes = [
        attribute(
            "Cryptographic Usage Mask",
            integer("AttributeValue", "Export"),
        ),
        text_attribute("Operation Policy Name", "default"),
        name(called),
        text_attribute("x-Serial", "2030QWR0A1B2C"),
    ];
    enumeration("ObjectType", "SecretData")
        + &structure("TemplateAttribute", &attributes)
        + &structure("SecretData", &secret)
}

fn renaming(id: &str, to: &str) -> String {
    object(id) + &name(to)
}

#[tokio::test]
async fn a_volume_from_its_creation_to_its_end() {
    let rig = Rig::new();
    rig.client(&["add", "nas", "--role", "admin"]);
    let server = rig.start();
    let mut product = Product::connect(&rig, &server, "nas", (1, 2)).await;
    // The check of the connection.
    let functions = enumeration("QueryFunction", "QueryOperations")
        + &enumeration("QueryFunction", "QueryObjects");
    let offered = product.does("Query", &functions).await;
    for operation in [3, 8, 0x0A, 0x0E, 0x12, 0x13, 0x14] {
        let value = ItemValue::Enumeration(operation);
        assert!(offered.payload.iter().any(|item| item.value == value));
    }

    let id = product.does("Register", &register("volume-new")).await.id();
    product.does("Activate", &object(&id)).await;
    // The key gets its final name when the volume is there.
    let answer = product
        .does("ModifyAttribute", &renaming(&id, "volume-1"))
        .await;
    assert_eq!(
        answer.shape(),
        "UniqueIdentifier Attribute(AttributeName AttributeValue(NameValue NameType))"
    );
    assert_eq!(answer.id(), id);
    let path = [Tag::Attribute, Tag::AttributeValue, Tag::NameValue];
    assert_eq!(answer.find(&path), &ItemValue::from("volume-1"));
    let answer = product
        .does(
            "ModifyAttribute",
            &(object(&id) + &text_attribute("x-Serial", "another")),
        )
        .await;
    assert_eq!(answer.value("x-Serial"), ItemValue::from("another"));

    // The start of the appliance.
    for (called, expected) in [("volume-1", vec![id.clone()]), ("volume-new", vec![])] {
        let found = product.does("Locate", &name(called)).await;
        assert_eq!(found.ids(), expected, "{called}");
    }
    let got = product.does("Get", &object(&id)).await;
    assert_eq!(got.material(Tag::SecretData), KEY);
    let answer = product.does("GetAttributes", &object(&id)).await;
    assert_eq!(
        answer.value("Operation Policy Name"),
        ItemValue::from("default")
    );
    assert_eq!(answer.value("State"), state(ACTIVE));
    let names = object(&id) + &text("AttributeName", "Operation Policy Name");
    let answer = product.does("GetAttributes", &names).await;
    assert_eq!(answer.attributes().len(), 1);

    // The volume goes.
    product
        .does("Revoke", &revocation(&id, "CessationOfOperation"))
        .await;
    product.does("Destroy", &object(&id)).await;
    let found = product.does("Locate", &name("volume-1")).await;
    assert!(found.ids().is_empty());
    // And another one may have its name.
    product.does("Register", &register("volume-1")).await;
    server.stop();
}

#[tokio::test]
async fn modifications_that_make_no_sense() {
    let rig = Rig::new();
    let server = rig.start();
    let mut product = Product::connect(&rig, &server, "strongroom", (1, 2)).await;
    let id = product.does("Register", &register("one")).await.id();
    product.does("Register", &register("two")).await;
    // A name is one object's; what was asked for is not done in part.
    let answer = product.ask("ModifyAttribute", &renaming(&id, "two")).await;
    assert_eq!(
        answer.reason,
        Some(ResultReason::InvalidField),
        "{answer:?}"
    );
    assert_eq!(
        product.does("Locate", &name("one")).await.ids(),
        [id.as_str()]
    );
    let absent = object(&id) + &text_attribute("x-NotThere", "value");
    product
        .refused("ModifyAttribute", &absent, ResultReason::ItemNotFound)
        .await;
    let state = object(&id) + &attribute("State", enumeration("AttributeValue", "Active"));
    product
        .refused("ModifyAttribute", &state, ResultReason::PermissionDenied)
        .await;
    server.stop();
}
