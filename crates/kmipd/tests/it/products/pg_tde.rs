//! pg_tde, the encryption of PostgreSQL: KMIP 1.0. It looks for a principal key by its Name, and registers one if there is
//! none; with more than one key of a name it would not know which is right.

use kmip::registry::{ResultReason, Tag};
use time::OffsetDateTime;

use super::wire::{
    Product, SYMMETRIC_KEY, aes256, date, enumeration, integer, name, object, structure,
    symmetric_key,
};
use crate::rig::{Rig, Running};

async fn connect(rig: &Rig, server: &Running) -> Product {
    let now = OffsetDateTime::now_utc().unix_timestamp();
    let header = integer("MaximumResponseSize", 8192) + &date("TimeStamp", now);
    Product::connect(rig, server, "strongroom", (1, 0))
        .await
        .with_header(header)
}

fn register(key: &str, material: &[u8]) -> String {
    let mut attributes = aes256();
    if material.len() == 16 {
        attributes[1] =
            super::wire::attribute("Cryptographic Length", integer("AttributeValue", 128));
    }
    attributes.push(name(key));
    enumeration("ObjectType", "SymmetricKey")
        + &structure("TemplateAttribute", &attributes)
        + &symmetric_key(material)
}

#[tokio::test]
async fn principal_keys() {
    let rig = Rig::new();
    let server = rig.start();
    for (key, material) in [
        ("pg-principal-128", vec![0x11; 16]),
        ("pg-principal-256", vec![0x22; 32]),
    ] {
        let mut product = connect(&rig, &server).await;
        let none = product.does("Locate", &name(key)).await;
        assert_eq!(none.shape(), "", "success, and nothing found");
        let mut product = connect(&rig, &server).await;
        let id = product
            .does("Register", &register(key, &material))
            .await
            .id();
        // A start, after one of the KMIP server's.
        let mut product = connect(&rig, &server).await;
        let found = product.does("Locate", &name(key)).await;
        assert_eq!(found.shape(), "UniqueIdentifier");
        assert_eq!(found.ids(), [id.as_str()]);
        // It has not activated it: its material is there all the same.
        let mut product = connect(&rig, &server).await;
        let got = product.does("Get", &object(&id)).await;
        assert_eq!(got.shape(), SYMMETRIC_KEY);
        assert_eq!(got.material(Tag::SymmetricKey), material);
        // Two servers that start at once: the second one learns of the first one's key.
        let mut product = connect(&rig, &server).await;
        product
            .refused(
                "Register",
                &register(key, &vec![0x33; material.len()]),
                ResultReason::InvalidField,
            )
            .await;
        let found = product.does("Locate", &name(key)).await;
        assert_eq!(found.ids(), [id]);
    }
    server.stop();
}
