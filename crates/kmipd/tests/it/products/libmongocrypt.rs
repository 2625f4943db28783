//! libmongocrypt, for client-side field level encryption: KMIP 1.2 (1.4 in its first releases); its key-encryption key
//! is 96 bytes of Secret Data that it brings along, or, if the encryption is delegated, a key that stays here.

use kmip::registry::{ResultReason, Tag};
use kmip::ttlv::ItemValue;

use super::wire::{
    Product, aes256, attribute, bytes, enumeration, integer, object, structure, text,
};
use crate::rig::Rig;

/// 96 bytes; no two alike.
fn material() -> Vec<u8> {
    (0..96).collect()
}

fn register(attributes: &[String]) -> String {
    let block = [
        enumeration("KeyFormatType", "Opaque"),
        structure("KeyValue", &[bytes("KeyMaterial", &material())]),
    ];
    let secret = [
        enumeration("SecretDataType", "Seed"),
        structure("KeyBlock", &block),
    ];
    enumeration("ObjectType", "SecretData")
        + &structure("TemplateAttribute", attributes)
        + &structure("SecretData", &secret)
}

#[tokio::test]
async fn secret_data_of_96_bytes() {
    let rig = Rig::new();
    let server = rig.start();
    let mask = attribute("Cryptographic Usage Mask", integer("AttributeValue", 0));
    for version in [(1, 2), (1, 4)] {
        // Releases before 1.8 say nothing at all about it.
        for attributes in [vec![], vec![mask.clone()]] {
            let mut product = Product::connect(&rig, &server, "strongroom", version).await;
            let answer = product.does("Register", &register(&attributes)).await;
            assert_eq!(answer.shape(), "UniqueIdentifier");
            let id = answer.id();
            let answer = product.does("Activate", &object(&id)).await;
            assert_eq!(answer.id(), id);
            // Each operation has a connection of its own.
            let mut product = Product::connect(&rig, &server, "strongroom", version).await;
            let answer = product.does("Get", &object(&id)).await;
            assert_eq!(
                answer.shape(),
                "ObjectType UniqueIdentifier SecretData(SecretDataType \
                 KeyBlock(KeyFormatType KeyValue(KeyMaterial)))"
            );
            assert_eq!(answer.code(&[Tag::ObjectType]), 7);
            assert_eq!(answer.code(&[Tag::SecretData, Tag::SecretDataType]), 2);
            assert_eq!(answer.material(Tag::SecretData), material());
        }
    }
    server.stop();
}

#[tokio::test]
async fn delegated_encryption() {
    let rig = Rig::new();
    let server = rig.start();
    let mut product = Product::connect(&rig, &server, "strongroom", (1, 2)).await;
    let create =
        enumeration("ObjectType", "SymmetricKey") + &structure("TemplateAttribute", &aes256());
    let answer = product.does("Create", &create).await;
    assert_eq!(answer.shape(), "ObjectType UniqueIdentifier");
    let id = answer.id();
    product.does("Activate", &object(&id)).await;
    let parameters = structure(
        "CryptographicParameters",
        &[
            enumeration("BlockCipherMode", "CBC"),
            enumeration("PaddingMethod", "PKCS5"),
            enumeration("CryptographicAlgorithm", "AES"),
            "<RandomIV type=\"Boolean\" value=\"true\"/>".to_owned(),
        ],
    );
    let encrypt = object(&id) + &parameters + &bytes("Data", &material());
    let first = product.does("Encrypt", &encrypt).await;
    assert_eq!(first.shape(), "UniqueIdentifier Data IVCounterNonce");
    let second = product.does("Encrypt", &encrypt).await;
    let iv = |answer: &super::wire::Answer| answer.bytes(&[Tag::IVCounterNonce]);
    assert_eq!(iv(&first).len(), 16);
    assert_ne!(iv(&first), iv(&second), "random");
    for sealed in [first, second] {
        let data = sealed.bytes(&[Tag::Data]);
        let decrypt = object(&id)
            + &parameters
            + &bytes("Data", &data)
            + &bytes("IVCounterNonce", &iv(&sealed));
        let answer = product.does("Decrypt", &decrypt).await;
        assert_eq!(answer.bytes(&[Tag::Data]), material());
    }
    server.stop();
}

#[tokio::test]
async fn what_it_takes_for_an_error() {
    let rig = Rig::new();
    let server = rig.start();
    let mut product = Product::connect(&rig, &server, "strongroom", (1, 2)).await;
    product
        .refused("Get", &object("not-there"), ResultReason::ItemNotFound)
        .await;
    // What is no key encrypts nothing.
    let id = product.does("Register", &register(&[])).await.id();
    product.does("Activate", &object(&id)).await;
    let encrypt = object(&id) + &bytes("Data", &material());
    let answer = product.ask("Encrypt", &encrypt).await;
    assert!(answer.reason.is_some(), "{answer:?}");
    let state = object(&id) + &text("AttributeName", "State");
    let answer = product.does("GetAttributes", &state).await;
    assert_eq!(answer.value("State"), ItemValue::Enumeration(2));
    server.stop();
}
