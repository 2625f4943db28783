//! Percona Server for MongoDB: KMIP 1.0, a connection for each operation, Register and never Create, no Name. Its
//! headers have a bound on the response and a time stamp.

use kmip::registry::{ResultReason, Tag};
use time::OffsetDateTime;

use super::wire::{
    ACTIVE, COMPROMISED, DEACTIVATED, PRE_ACTIVE, Product, SYMMETRIC_KEY, aes256, date,
    enumeration, integer, object, revocation, state, structure, symmetric_key, text,
};
use crate::rig::{Rig, Running};

const MATERIAL: [u8; 32] = [0x5A; 32];

/// A connection as it makes one for each operation, of a machine whose clock is that much ahead of ours.
async fn connect_at(rig: &Rig, server: &Running, seconds_ahead: i64) -> Product {
    let now = OffsetDateTime::now_utc().unix_timestamp();
    let header = integer("MaximumResponseSize", 8192) + &date("TimeStamp", now + seconds_ahead);
    Product::connect(rig, server, "strongroom", (1, 0))
        .await
        .with_header(header)
}

async fn connect(rig: &Rig, server: &Running) -> Product {
    connect_at(rig, server, 0).await
}

async fn register(rig: &Rig, server: &Running) -> String {
    let payload = enumeration("ObjectType", "SymmetricKey")
        + &structure("TemplateAttribute", &aes256())
        + &symmetric_key(&MATERIAL);
    let mut product = connect(rig, server).await;
    let answer = product.does("Register", &payload).await;
    assert_eq!(answer.shape(), "UniqueIdentifier");
    answer.id()
}

async fn state_of(rig: &Rig, server: &Running, id: &str) -> u32 {
    let payload = object(id) + &text("AttributeName", "State");
    let mut product = connect(rig, server).await;
    let answer = product.does("GetAttributes", &payload).await;
    assert_eq!(
        answer.shape(),
        "UniqueIdentifier Attribute(AttributeName AttributeValue)"
    );
    assert_eq!(answer.id(), id);
    answer.code(&[Tag::Attribute, Tag::AttributeValue])
}

#[tokio::test]
async fn the_first_start_and_the_next() {
    let rig = Rig::new();
    let server = rig.start();
    let id = register(&rig, &server).await;
    assert_eq!(state_of(&rig, &server, &id).await, PRE_ACTIVE);
    let mut product = connect(&rig, &server).await;
    let answer = product.does("Activate", &object(&id)).await;
    assert_eq!(
        (answer.shape().as_str(), answer.id()),
        ("UniqueIdentifier", id.clone())
    );
    // Its own polling, then a start of the database after one of the KMIP server.
    assert_eq!(state_of(&rig, &server, &id).await, ACTIVE);
    server.stop();
    let server = rig.start();
    assert_eq!(state_of(&rig, &server, &id).await, ACTIVE);
    let mut product = connect(&rig, &server).await;
    let answer = product.does("Get", &object(&id)).await;
    assert_eq!(answer.shape(), SYMMETRIC_KEY);
    assert_eq!(answer.id(), id);
    assert_eq!(answer.material(Tag::SymmetricKey), MATERIAL);
    server.stop();
}

#[tokio::test]
async fn the_states_that_it_asks_for() {
    let rig = Rig::new();
    let server = rig.start();
    for (code, expected) in [
        (Some("CessationOfOperation"), DEACTIVATED),
        (Some("KeyCompromise"), COMPROMISED),
        (None, ACTIVE),
    ] {
        let id = register(&rig, &server).await;
        let mut product = connect(&rig, &server).await;
        product.does("Activate", &object(&id)).await;
        if let Some(code) = code {
            let mut product = connect(&rig, &server).await;
            product.does("Revoke", &revocation(&id, code)).await;
        }
        assert_eq!(state_of(&rig, &server, &id).await, expected, "{code:?}");
        // A rotation reads the old key whatever its state.
        let mut product = connect(&rig, &server).await;
        let answer = product.does("Get", &object(&id)).await;
        assert_eq!(answer.material(Tag::SymmetricKey), MATERIAL, "{code:?}");
        // No state is activated twice.
        let mut product = connect(&rig, &server).await;
        product
            .refused("Activate", &object(&id), ResultReason::PermissionDenied)
            .await;
    }
    server.stop();
}

#[tokio::test]
async fn a_key_that_is_not_there() {
    let rig = Rig::new();
    let server = rig.start();
    for (operation, payload) in [
        ("Get", object("no-such-key")),
        (
            "GetAttributes",
            object("no-such-key") + &text("AttributeName", "State"),
        ),
        ("Activate", object("no-such-key")),
    ] {
        let mut product = connect(&rig, &server).await;
        product
            .refused(operation, &payload, ResultReason::ItemNotFound)
            .await;
    }
    server.stop();
}

/// What its tools do to find a key: Locate by Name, then Get.
#[tokio::test]
async fn by_name() {
    let rig = Rig::new();
    let server = rig.start();
    let mut product = connect(&rig, &server).await;
    let mut attributes = aes256();
    attributes.push(super::wire::name("mongod"));
    let payload = enumeration("ObjectType", "SymmetricKey")
        + &structure("TemplateAttribute", &attributes)
        + &symmetric_key(&MATERIAL);
    let id = product.does("Register", &payload).await.id();
    for (name, expected) in [("mongod", vec![id.clone()]), ("another", vec![])] {
        let answer = product.does("Locate", &super::wire::name(name)).await;
        assert_eq!(answer.ids(), expected, "{name}");
        // Located Items are of 1.3.
        assert_eq!(answer.payload.len(), expected.len(), "{name}");
    }
    let answer = product
        .does(
            "GetAttributes",
            &(object(&id) + &text("AttributeName", "State")),
        )
        .await;
    assert_eq!(answer.value("State"), state(PRE_ACTIVE));
    server.stop();
}

/// The clocks of databases go wrong; a time stamp says when a message was made, and nothing else follows from it.
#[tokio::test]
async fn the_clock_of_the_database_is_wrong() {
    let rig = Rig::new();
    let server = rig.start();
    let id = register(&rig, &server).await;
    for ahead in [-86_400, -61, 2, 86_400] {
        let mut product = connect_at(&rig, &server, ahead).await;
        let answer = product.does("Get", &object(&id)).await;
        assert_eq!(answer.material(Tag::SymmetricKey), MATERIAL, "{ahead}");
    }
    server.stop();
}

/// Its buffer is one of 8,192 bytes: what does not fit is refused, instead of cut off or sent all the same.
#[tokio::test]
async fn an_answer_that_does_not_fit() {
    let rig = Rig::new();
    let server = rig.start();
    let mut ids = Vec::new();
    for _ in 0..200 {
        ids.push(register(&rig, &server).await);
    }
    let mut product = connect(&rig, &server).await;
    let all = enumeration("AttributeValue", "SymmetricKey");
    let all = super::wire::attribute("Object Type", all);
    product
        .refused("Locate", &all, ResultReason::ResponseTooLarge)
        .await;
    let page = integer("MaximumItems", 100) + &all;
    let answer = product.does("Locate", &page).await;
    assert_eq!(answer.ids().len(), 100);
    assert!(answer.ids().iter().all(|id| ids.contains(id)));
    server.stop();
}
