//! FortiOS, for the keys of IPsec tunnels: it finds each key by its Name alone, and sends its user name and password in
//! an Authentication within an Authentication.

use kmip::registry::{ResultReason, Tag};

use super::wire::{
    Answer, Product, SYMMETRIC_KEY, aes256, enumeration, name, object, structure, symmetric_key,
    text,
};
use crate::rig::{Rig, Running, password_hash};

/// Keys of both directions, to encrypt and to authenticate.
const NAMES: [&str; 4] = [
    "tunnel-enc-in",
    "tunnel-enc-out",
    "tunnel-auth-in",
    "tunnel-auth-out",
];

fn credential(password: &str) -> String {
    let value = [text("Username", "fortigate"), text("Password", password)];
    structure(
        "Credential",
        &[
            enumeration("CredentialType", "UsernameAndPassword"),
            structure("CredentialValue", &value),
        ],
    )
}

fn authentication(inside: String) -> String {
    structure("Authentication", &[inside])
}

async fn connect(rig: &Rig, server: &Running, header: String) -> Product {
    Product::connect(rig, server, "fortigate", (1, 0))
        .await
        .with_header(header)
}

/// An administrator makes the keys.
async fn keys(rig: &Rig, server: &Running) -> Vec<String> {
    let mut product = Product::connect(rig, server, "strongroom", (1, 4)).await;
    let mut ids = Vec::new();
    for (byte, key) in (1..).zip(NAMES) {
        let mut attributes = aes256();
        attributes.push(name(key));
        let register = enumeration("ObjectType", "SymmetricKey")
            + &structure("TemplateAttribute", &attributes)
            + &symmetric_key(&[byte; 32]);
        let id = product.does("Register", &register).await.id();
        product.does("Activate", &object(&id)).await;
        ids.push(id);
    }
    ids
}

async fn all_keys_are_found(product: &mut Product, ids: &[String]) {
    for ((byte, key), id) in (1..).zip(NAMES).zip(ids) {
        let found = product.does("Locate", &name(key)).await;
        // Each name is one key, and every name another one.
        assert_eq!(found.ids(), [id.as_str()], "{key}");
        let got = product.does("Get", &object(id)).await;
        assert_eq!(got.shape(), SYMMETRIC_KEY);
        assert_eq!(got.material(Tag::SymmetricKey), [byte; 32], "{key}");
    }
    let none = product.does("Locate", &name("tunnel-enc")).await;
    assert!(none.ids().is_empty(), "a part of a name is no name");
}

#[tokio::test]
async fn keys_by_name_with_a_credential_that_nobody_asks_for() {
    let rig = Rig::new();
    rig.client(&["add", "fortigate", "--role", "database"]);
    let server = rig.start();
    let ids = keys(&rig, &server).await;
    let nested = authentication(authentication(credential("anything")));
    for header in [
        String::new(),
        authentication(credential("anything")),
        nested,
    ] {
        let mut product = connect(&rig, &server, header).await;
        all_keys_are_found(&mut product, &ids).await;
    }
    server.stop();
}

#[tokio::test]
async fn keys_by_name_with_a_credential_that_is_asked_for() {
    let rig = Rig::new();
    rig.client(&["add", "fortigate", "--role", "database"]);
    let hash = password_hash("swordfish");
    let rule = rig.path().join("clients/fortigate.yaml");
    let text = std::fs::read_to_string(&rule).unwrap();
    let more = format!("credential:\n  username: fortigate\n  passwordHash: \"{hash}\"\n");
    std::fs::write(&rule, text + &more).unwrap();
    let server = rig.start();
    let ids = keys(&rig, &server).await;
    let nested = |password: &str| authentication(authentication(credential(password)));
    for header in [authentication(credential("swordfish")), nested("swordfish")] {
        let mut product = connect(&rig, &server, header).await;
        all_keys_are_found(&mut product, &ids).await;
    }
    for header in [
        String::new(),
        authentication(credential("catfish")),
        nested("catfish"),
        authentication(authentication(String::new())),
    ] {
        let mut product = connect(&rig, &server, header).await;
        let answer: Answer = product.ask("Get", &object(&ids[0])).await;
        assert_eq!(
            answer.reason,
            Some(ResultReason::AuthenticationNotSuccessful)
        );
        assert!(answer.payload.is_empty());
    }
    server.stop();
    let log = std::fs::read_to_string(rig.audit_log()).unwrap();
    assert!(!log.contains("swordfish") && !log.contains("catfish"));
}
