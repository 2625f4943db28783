//! The keyring components of MySQL. Percona's (KMIP 1.0) brings its keys along, and finds those of one server by their
//! Object Group; MySQL Enterprise's (1.1) has them made here.

use kmip::registry::{ResultReason, Tag};
use kmip::ttlv::ItemValue;
use time::OffsetDateTime;

use super::wire::{
    ACTIVE, Product, SYMMETRIC_KEY, aes256, attribute, bytes, date, enumeration, integer, name,
    object, revocation, state, structure, symmetric_key, text, text_attribute,
};
use crate::rig::{Rig, Running};

async fn percona(rig: &Rig, server: &Running) -> Product {
    let now = OffsetDateTime::now_utc().unix_timestamp();
    let header = integer("MaximumResponseSize", 8192) + &date("TimeStamp", now);
    Product::connect(rig, server, "mysql", (1, 0))
        .await
        .with_header(header)
}

fn called(key: &str, group: &str) -> Vec<String> {
    let mut attributes = aes256();
    attributes.push(name(key));
    attributes.push(text_attribute("Object Group", group));
    attributes
}

fn of_type(kind: &str) -> String {
    attribute("Object Type", enumeration("AttributeValue", kind))
}

#[tokio::test]
async fn perconas_keyring() {
    let rig = Rig::new();
    rig.client(&["add", "mysql", "--role", "admin"]);
    let server = rig.start();
    // Two database servers with one certificate: their keys have the same names, but other groups.
    let mut ids = Vec::new();
    for (group, byte) in [("server-1", 1), ("server-2", 2)] {
        for number in 1..=2_u8 {
            let key = format!("INNODBKey-{group}-{number}");
            let register = enumeration("ObjectType", "SymmetricKey")
                + &structure("TemplateAttribute", &called(&key, group))
                + &symmetric_key(&[byte * 16 + number; 32]);
            let mut product = percona(&rig, &server).await;
            let id = product.does("Register", &register).await.id();
            let mut product = percona(&rig, &server).await;
            product.does("Activate", &object(&id)).await;
            ids.push(id);
        }
    }
    // Secrets besides keys.
    let block = [
        enumeration("KeyFormatType", "Opaque"),
        structure(
            "KeyValue",
            &[bytes("KeyMaterial", b"a secret of any length")],
        ),
    ];
    let register = enumeration("ObjectType", "SecretData")
        + &structure(
            "TemplateAttribute",
            &[
                attribute(
                    "Cryptographic Usage Mask",
                    integer("AttributeValue", "Export"),
                ),
                name("secret-1"),
                text_attribute("Object Group", "server-1"),
            ],
        )
        + &structure(
            "SecretData",
            &[
                enumeration("SecretDataType", "Password"),
                structure("KeyBlock", &block),
            ],
        );
    let mut product = percona(&rig, &server).await;
    let secret = product.does("Register", &register).await.id();

    // The start: all keys of the group, their names, their material.
    let group = of_type("SymmetricKey") + &text_attribute("Object Group", "server-1");
    let mut product = percona(&rig, &server).await;
    let mut found = product.does("Locate", &group).await.ids();
    found.sort();
    let mut expected = ids[..2].to_vec();
    expected.sort();
    assert_eq!(found, expected);
    for id in &found {
        let mut product = percona(&rig, &server).await;
        let names = object(id) + &text("AttributeName", "Name");
        let answer = product.does("GetAttributes", &names).await;
        assert_eq!(
            answer.shape(),
            "UniqueIdentifier Attribute(AttributeName AttributeValue(NameValue NameType))"
        );
        let path = [Tag::Attribute, Tag::AttributeValue, Tag::NameValue];
        let key = answer.find(&path).as_text().unwrap().to_owned();
        assert!(key.starts_with("INNODBKey-server-1-"), "{key}");
        let mut product = percona(&rig, &server).await;
        let got = product.does("Get", &object(id)).await;
        assert_eq!(got.shape(), SYMMETRIC_KEY);
        let byte = 16 + key.bytes().last().unwrap() - b'0';
        assert_eq!(got.material(Tag::SymmetricKey), [byte; 32], "{key}");
    }
    let secrets = of_type("SecretData") + &text_attribute("Object Group", "server-1");
    let mut product = percona(&rig, &server).await;
    assert_eq!(
        product.does("Locate", &secrets).await.ids(),
        [secret.as_str()]
    );
    let got = product.does("Get", &object(&secret)).await;
    assert_eq!(got.material(Tag::SecretData), b"a secret of any length");

    // keyring_key_remove: revoked, then destroyed, and gone from its group.
    let mut product = percona(&rig, &server).await;
    let gone = &ids[0];
    product
        .does("Revoke", &revocation(gone, "CessationOfOperation"))
        .await;
    product.does("Destroy", &object(gone)).await;
    let found = product.does("Locate", &group).await;
    assert_eq!(found.ids(), [ids[1].as_str()]);
    let by_name = product.does("Locate", &name("INNODBKey-server-1-1")).await;
    assert!(by_name.ids().is_empty());
    server.stop();
}

#[tokio::test]
async fn the_keyring_of_mysql_enterprise() {
    let rig = Rig::new();
    rig.client(&["add", "mysql", "--role", "admin"]);
    let server = rig.start();
    let mut product = Product::connect(&rig, &server, "mysql", (1, 1)).await;
    let create = enumeration("ObjectType", "SymmetricKey")
        + &structure("TemplateAttribute", &called("MyKey", "mysql"));
    let id = product.does("Create", &create).await.id();
    product.does("Activate", &object(&id)).await;
    // keyring_key_generate of a name that is there.
    product
        .refused("Create", &create, ResultReason::InvalidField)
        .await;
    // Everything that is there, in the order that the server likes; then each one's attributes.
    let found = product.does("Locate", "").await;
    assert_eq!(found.ids(), [id.as_str()]);
    let answer = product.does("GetAttributes", &object(&id)).await;
    assert_eq!(answer.value("State"), state(ACTIVE));
    assert_eq!(answer.value("Object Group"), ItemValue::from("mysql"));
    assert_eq!(
        answer.value("Cryptographic Length"),
        ItemValue::Integer(256)
    );
    assert_eq!(answer.value("Fresh"), ItemValue::Boolean(true));
    let got = product.does("Get", &object(&id)).await;
    assert_eq!(got.shape(), SYMMETRIC_KEY);
    let answer = product.does("GetAttributes", &object(&id)).await;
    assert_eq!(answer.value("Fresh"), ItemValue::Boolean(false));
    let active = attribute("State", enumeration("AttributeValue", "Active"));
    assert_eq!(product.does("Locate", &active).await.ids(), [id]);
    server.stop();
}
