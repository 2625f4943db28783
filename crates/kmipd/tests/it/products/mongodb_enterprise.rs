//! MongoDB Enterprise: KMIP 1.2, where the master key stays on the KMIP server, which encrypts and decrypts; with
//! `useLegacyProtocol`, 1.0 or 1.1 without those two.

use kmip::registry::{ResultReason, Tag};

use super::wire::{
    ACTIVE, DEACTIVATED, PRE_ACTIVE, Product, SYMMETRIC_KEY, aes256, bytes, enumeration, integer,
    object, revocation, state, structure, symmetric_key, text,
};
use crate::rig::Rig;

fn create() -> String {
    enumeration("ObjectType", "SymmetricKey") + &structure("TemplateAttribute", &aes256())
}

/// How it wants to be encrypted.
fn parameters() -> String {
    structure(
        "CryptographicParameters",
        &[
            enumeration("BlockCipherMode", "CBC"),
            enumeration("PaddingMethod", "PKCS5"),
        ],
    )
}

/// The keystore's key, as a database has one.
const KEYSTORE_KEY: [u8; 32] = [0xC3; 32];

async fn encrypt(product: &mut Product, id: &str, clear: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let iv = [7; 16];
    let payload =
        object(id) + &parameters() + &bytes("Data", clear) + &bytes("IVCounterNonce", &iv);
    let answer = product.does("Encrypt", &payload).await;
    assert_eq!(answer.id(), id);
    let data = answer.bytes(&[Tag::Data]);
    assert_ne!(data, clear);
    assert_eq!(
        data.len(),
        (clear.len() / 16 + 1) * 16,
        "one to sixteen bytes of padding"
    );
    (data, iv.to_vec())
}

fn decryption(id: &str, (data, iv): &(Vec<u8>, Vec<u8>)) -> String {
    object(id) + &parameters() + &bytes("Data", data) + &bytes("IVCounterNonce", iv)
}

async fn state_of(product: &mut Product, id: &str) -> kmip::ttlv::ItemValue {
    let payload = object(id) + &text("AttributeName", "State");
    product.does("GetAttributes", &payload).await.value("State")
}

#[tokio::test]
async fn the_key_stays_on_the_server() {
    let rig = Rig::new();
    let server = rig.start();
    let mut product = Product::connect(&rig, &server, "strongroom", (1, 2)).await;
    let versions = product.does("DiscoverVersions", "").await;
    let offered = versions
        .payload
        .iter()
        .filter(|item| item.tag == Tag::ProtocolVersion);
    assert_eq!(offered.count(), 7);

    let id = product.does("Create", &create()).await.id();
    assert_eq!(state_of(&mut product, &id).await, state(PRE_ACTIVE));
    // activateKeys: a key that is not active encrypts nothing.
    let early = object(&id) + &parameters() + &bytes("Data", &KEYSTORE_KEY);
    product
        .refused("Encrypt", &early, ResultReason::PermissionDenied)
        .await;
    product.does("Activate", &object(&id)).await;
    let wrapped = encrypt(&mut product, &id, &KEYSTORE_KEY).await;

    // A restart of the KMIP server, and then of the database.
    server.kill();
    let server = rig.start();
    let mut product = Product::connect(&rig, &server, "strongroom", (1, 2)).await;
    assert_eq!(state_of(&mut product, &id).await, state(ACTIVE));
    let answer = product.does("Decrypt", &decryption(&id, &wrapped)).await;
    assert_eq!(answer.shape(), "UniqueIdentifier Data");
    assert_eq!(answer.bytes(&[Tag::Data]), KEYSTORE_KEY);

    // rotateMasterKey: a new key; what is under the old one is put under it.
    let new = product.does("Create", &create()).await.id();
    product.does("Activate", &object(&new)).await;
    let rewrapped = encrypt(&mut product, &new, &KEYSTORE_KEY).await;
    assert_ne!(rewrapped.0, wrapped.0, "another key");
    product.does("Revoke", &revocation(&id, "Superseded")).await;
    assert_eq!(state_of(&mut product, &id).await, state(DEACTIVATED));
    // The old key still opens old backups, and protects nothing new.
    let answer = product.does("Decrypt", &decryption(&id, &wrapped)).await;
    assert_eq!(answer.bytes(&[Tag::Data]), KEYSTORE_KEY);
    let again = object(&id) + &parameters() + &bytes("Data", &KEYSTORE_KEY);
    product
        .refused("Encrypt", &again, ResultReason::PermissionDenied)
        .await;
    server.stop();
}

/// Data of another key, or damaged data, is not decrypted to something else without a word.
#[tokio::test]
async fn what_cannot_be_decrypted() {
    let rig = Rig::new();
    let server = rig.start();
    let mut product = Product::connect(&rig, &server, "strongroom", (1, 2)).await;
    let id = product.does("Create", &create()).await.id();
    product.does("Activate", &object(&id)).await;
    let (mut data, iv) = encrypt(&mut product, &id, &KEYSTORE_KEY).await;
    let cut = (data[..data.len() - 1].to_vec(), iv.clone());
    product
        .refused(
            "Decrypt",
            &decryption(&id, &cut),
            ResultReason::CryptographicFailure,
        )
        .await;
    // The block before the last one: the padding comes out with one bit changed in its first byte.
    let before_last = data.len() - 32;
    data[before_last] ^= 0x40;
    product
        .refused(
            "Decrypt",
            &decryption(&id, &(data, iv)),
            ResultReason::CryptographicFailure,
        )
        .await;
    let nothing = object(&id) + &parameters();
    let answer = product.ask("Decrypt", &nothing).await;
    assert!(answer.reason.is_some(), "{answer:?}");
    server.stop();
}

#[tokio::test]
async fn the_legacy_protocol() {
    let rig = Rig::new();
    let server = rig.start();
    for version in [(1, 0), (1, 1)] {
        let mut product = Product::connect(&rig, &server, "strongroom", version).await;
        let id = product.does("Create", &create()).await.id();
        product.does("Activate", &object(&id)).await;
        let answer = product.does("Get", &object(&id)).await;
        assert_eq!(answer.shape(), SYMMETRIC_KEY, "{version:?}");
        let material = answer.material(Tag::SymmetricKey);
        assert_eq!(material.len(), 32);
        assert_ne!(material, [0; 32]);
        let again = product.does("Get", &object(&id)).await;
        assert_eq!(again.material(Tag::SymmetricKey), material);

        // A key that it brings along.
        let register = enumeration("ObjectType", "SymmetricKey")
            + &structure("TemplateAttribute", &aes256())
            + &symmetric_key(&KEYSTORE_KEY);
        let given = product.does("Register", &register).await.id();
        product.does("Activate", &object(&given)).await;
        let answer = product.does("Get", &object(&given)).await;
        assert_eq!(answer.material(Tag::SymmetricKey), KEYSTORE_KEY);

        for operation in ["Encrypt", "Decrypt"] {
            let payload = object(&id) + &bytes("Data", &KEYSTORE_KEY);
            product
                .refused(operation, &payload, ResultReason::OperationNotSupported)
                .await;
        }
        // It asks what there is: no operation of a later version.
        let functions = enumeration("QueryFunction", "QueryOperations");
        let offered = product.does("Query", &functions).await;
        let last = if version == (1, 0) { 0x1C } else { 0x1E };
        assert!(offered.payload.len() > 5, "{}", offered.shape());
        for item in &offered.payload {
            let kmip::ttlv::ItemValue::Enumeration(code) = item.value else {
                panic!("{item:?}");
            };
            assert!(code <= last, "{code:#x} in {version:?}");
        }
    }
    server.stop();
}

/// Keys of other lengths and usages than it asks for are not what it gets.
#[tokio::test]
async fn the_attributes_of_what_it_has_created() {
    let rig = Rig::new();
    let server = rig.start();
    let mut product = Product::connect(&rig, &server, "strongroom", (1, 2)).await;
    let id = product.does("Create", &create()).await.id();
    let answer = product.does("GetAttributes", &object(&id)).await;
    use kmip::ttlv::ItemValue as V;
    assert_eq!(answer.value("Cryptographic Algorithm"), V::Enumeration(3));
    assert_eq!(answer.value("Cryptographic Length"), V::Integer(256));
    assert_eq!(answer.value("Cryptographic Usage Mask"), V::Integer(12));
    assert_eq!(answer.value("Object Type"), V::Enumeration(2));
    assert_eq!(answer.value("Unique Identifier"), V::from(id.as_str()));
    let odd = enumeration("ObjectType", "SymmetricKey")
        + &structure(
            "TemplateAttribute",
            &[
                super::wire::attribute(
                    "Cryptographic Algorithm",
                    enumeration("AttributeValue", "AES"),
                ),
                super::wire::attribute("Cryptographic Length", integer("AttributeValue", 255)),
            ],
        );
    product
        .refused("Create", &odd, ResultReason::InvalidField)
        .await;
    server.stop();
}
