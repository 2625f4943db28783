//! `wrapOnServer`: the KMIP key never leaves its server.

use std::fs;
use std::sync::Arc;

use keystore::provider::kmip::{Fetched, KmipKeyError, KmipKeys};
use keystore::rotation::{Origin, RotationError, Target, rotate};
use keystore::{Cipher, FILE_NAME, Keystore, WrapContext, key_name};
use kmip::ProtocolVersion;
use kmip::registry::{CryptographicUsageMask, RevocationReasonCode};
use kmip_client::{NewSymmetricKey, VersionPolicy};
use uuid::Uuid;

use crate::front::{Front, Ways};
use crate::support::*;
use crate::world::*;

const CONTEXT: WrapContext = WrapContext {
    dbpath_id: DBPATH_ID,
    tree: None,
    generation: 1,
};

async fn wrapping(site: &Site) -> KmipKeys {
    site.keys().await.with_wrap_on_server(true)
}

async fn take(keys: &mut KmipKeys, key: &str) -> Result<Fetched, KmipKeyError> {
    let found = keys.find(key).await.unwrap().unwrap();
    keys.take_into_use(found, &CONTEXT).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_keystore_opens_by_asking_the_server() {
    for ways in [Ways::MakesNonce, Ways::WantsNonce] {
        let (world, port) = World::new().await;
        let front = Front::start(&world, port, ways).await;
        let (site, dbpath) = (world.site(front.port), world.dbpath());
        let identifier = site.active_key("kek").await;
        let mut keys = wrapping(&site).await;
        let taken = take(&mut keys, "kek").await.unwrap();
        let key = taken.reference(1, Some("kek".to_owned())).unwrap();
        assert!(key.is_wrapped_on_server());
        let cipher = Cipher::default();
        let keystore = Keystore::create(&dbpath, DBPATH_ID, cipher, key.clone(), &taken.key);
        let keystore = keystore.unwrap();
        keystore.create_data_key(tree(1)).unwrap();
        let before = contents(&keystore);
        assert!(keystore.info().history[0].is_wrapped_on_server);

        // Whoever opens it need not be told of the option.
        let mut keys = site.keys().await;
        let header = Keystore::inspect(&dbpath).unwrap().unwrap();
        let saved = header.master_key().unwrap();
        assert_eq!(saved, &key);
        let opened = keys.open_key(saved, DBPATH_ID, None).await.unwrap();
        assert_eq!(
            contents(&Keystore::open(&dbpath, &opened.key).unwrap()),
            before
        );

        // The KMIP key itself is no way in.
        let fetched = keys.fetch(&identifier).await.unwrap();
        let error = Keystore::open(&dbpath, &fetched.key).unwrap_err();
        assert!(
            error.to_string().contains("stays on the KMIP server"),
            "{error}"
        );
        assert!(!keystore.is_under(&fetched.key).unwrap());

        // What was wrapped is bound to its place.
        let other = keys.open_key(saved, Uuid::from_u128(9), None).await;
        assert!(
            matches!(other, Err(KmipKeyError::NotUnwrapped { .. })),
            "{other:?}"
        );
        let other = keys.open_key(saved, DBPATH_ID, Some(tree(1))).await;
        assert!(
            matches!(other, Err(KmipKeyError::NotUnwrapped { .. })),
            "{other:?}"
        );
        let mut next = saved.clone();
        next.generation = 2;
        let other = keys.open_key(&next, DBPATH_ID, None).await.unwrap_err();
        assert!(other.to_string().contains(&identifier), "{other}");

        // Nothing secret is shown, and the wrapped key is no secret.
        let bytes = opened.key.expose();
        for shown in [
            format!("{opened:?}"),
            format!("{saved:?}"),
            format!("{keystore:?}"),
        ] {
            assert!(!shown.contains(&format!("{:?}", &bytes[..3]).replace(['[', ']'], "")));
        }
        let file = fs::read(dbpath.join(FILE_NAME)).unwrap();
        assert!(!file.windows(8).any(|window| window == &bytes[..8]));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn in_and_out_by_rotation() {
    let (world, port) = World::new().await;
    let front = Front::start(&world, port, Ways::MakesNonce).await;
    let (site, dbpath) = (world.site(front.port), world.dbpath());
    let keystore = site.created(&dbpath).await;
    keystore.create_data_key(tree(1)).unwrap();
    let before = contents(&keystore);
    let given = keystore.master_key().identifier.unwrap();
    let (mut plain, mut wrap) = (site.keys().await, wrapping(&site).await);
    let key = given.as_str();

    // The same KMIP key, used in the other way, and back.
    let target = |keys| Target::KmipKey { keys, key };
    let rotated = rotate(&keystore, target(&mut wrap)).await.unwrap();
    assert!(rotated.new.is_wrapped_on_server() && !rotated.old.is_wrapped_on_server());
    assert_eq!(contents(&*site.open(&dbpath).await), before);
    let target = |keys| Target::KmipKey { keys, key };
    let error = rotate(&keystore, target(&mut wrap)).await.unwrap_err();
    assert!(
        matches!(error, RotationError::NothingToRotate { .. }),
        "{error}"
    );
    let target = |keys| Target::KmipKey { keys, key };
    let rotated = rotate(&keystore, target(&mut plain)).await.unwrap();
    assert!(!rotated.new.is_wrapped_on_server());
    assert_eq!(contents(&*site.open(&dbpath).await), before);

    // To new keys.
    for wrapped in [true, true, false] {
        let keys = if wrapped { &mut wrap } else { &mut plain };
        let rotated = rotate(&keystore, Target::NewKmipKey(keys)).await.unwrap();
        assert_eq!(rotated.new.is_wrapped_on_server(), wrapped);
        assert_eq!(rotated.origin, Origin::Created);
        assert_eq!(contents(&*site.open(&dbpath).await), before);
    }
    let history = keystore.info().history;
    let wrapped: Vec<_> = history
        .iter()
        .map(|entry| entry.is_wrapped_on_server)
        .collect();
    assert_eq!(wrapped, [false, true, false, true, true, false]);

    // A tenant's key can stay on its server, too.
    let found = wrap.find(key).await.unwrap().unwrap();
    let context = WrapContext {
        dbpath_id: keystore.info().dbpath_id,
        tree: Some(tree(1)),
        generation: 1,
    };
    let taken = wrap.take_into_use(found, &context).await.unwrap();
    let own = taken.reference(1, None).unwrap();
    keystore
        .set_tree_master_key(tree(1), own, &taken.key)
        .unwrap();
    let keystore = site.open(&dbpath).await;
    let own = &keystore.tree_master_keys()[0].key;
    let opened = plain
        .open_key(own, context.dbpath_id, Some(tree(1)))
        .await
        .unwrap();
    keystore.unlock_tree(tree(1), &opened.key).unwrap();
    assert_eq!(contents(&keystore), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_cannot_is_told_and_nothing_is_left() {
    let (world, port) = World::new().await;
    for ways in [Ways::NoEncrypt, Ways::NoGcm, Ways::Confused] {
        let front = Front::start(&world, port, ways).await;
        let (site, dbpath) = (world.site(front.port), world.dbpath());
        let keystore = site.created(&dbpath).await;
        let before = fs::read(dbpath.join(FILE_NAME)).unwrap();
        let mut keys = wrapping(&site).await;
        let error = rotate(&keystore, Target::NewKmipKey(&mut keys))
            .await
            .unwrap_err();
        let name = key_name(keystore.info().dbpath_id, 2);
        let pending = keystore.info().pending;
        match ways {
            // A server that returns another key than it was given is broken: who knows what is left there.
            Ways::Confused => {
                assert!(
                    matches!(error, RotationError::Interrupted { .. }),
                    "{error}"
                );
                assert_eq!(pending.unwrap().name, Some(name.clone()));
            }
            _ => {
                let RotationError::Kmip(KmipKeyError::NotOffered { .. }) = error else {
                    panic!("{error}");
                };
                assert!(error.to_string().contains("wrapOnServer"), "{error}");
                assert_eq!(pending, None);
                let mut session = site.session().await;
                for left in session.locate_by_name(&name).await.unwrap() {
                    assert!(left.destroy_date.is_some(), "{left:?}");
                }
            }
        }
        if ways == Ways::NoEncrypt {
            assert_eq!(fs::read(dbpath.join(FILE_NAME)).unwrap(), before);
            assert_eq!(site.count(&name).await, 0);
            let error = keys.check_can_create().await.unwrap_err();
            assert!(error.to_string().contains("Encrypt, Decrypt"), "{error}");
        }
        // It opens as before.
        site.open(&dbpath).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn it_needs_kmip_1_4() {
    let (world, port) = World::new().await;
    let front = Front::start(&world, port, Ways::MakesNonce).await;
    let mut site = world.site(front.port);
    site.active_key("kek").await;
    site.version = VersionPolicy::Exactly(ProtocolVersion::V1_3);
    let mut keys = wrapping(&site).await;
    let error = take(&mut keys, "kek").await.unwrap_err();
    assert!(matches!(error, KmipKeyError::NotOffered { .. }), "{error}");
    assert!(error.to_string().contains("1.4"), "{error}");
    site.version = VersionPolicy::Exactly(ProtocolVersion::V1_4);
    let mut keys = wrapping(&site).await;
    take(&mut keys, "kek").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_may_not_wrap_is_refused() {
    let (world, port) = World::new().await;
    let front = Front::start(&world, port, Ways::MakesNonce).await;
    let site = world.site(front.port);
    let mut session = site.session().await;
    let pre_active = NewSymmetricKey::aes256("pre-active");
    session.create_symmetric_key(&pre_active).await.unwrap();
    let signs = NewSymmetricKey {
        usage: CryptographicUsageMask::Encrypt,
        ..NewSymmetricKey::aes256("encrypts only")
    };
    let id = session.create_symmetric_key(&signs).await.unwrap();
    session.activate(&id).await.unwrap();
    let mut keys = wrapping(&site).await;
    for (key, expected) in [("pre-active", "Active"), ("encrypts only", "Usage Mask")] {
        let error = take(&mut keys, key).await.unwrap_err();
        assert!(matches!(error, KmipKeyError::CannotWrap { .. }), "{error}");
        assert!(error.to_string().contains(expected), "{error}");
    }
}

/// The point of it: who ends the key's life ends the use of it.
#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_key_opens_nothing() {
    let (world, port) = World::new().await;
    let front = Front::start(&world, port, Ways::MakesNonce).await;
    let (site, dbpath) = (world.site(front.port), world.dbpath());
    let keystore = site.created(&dbpath).await;
    let mut keys = wrapping(&site).await;
    let rotated = rotate(&keystore, Target::NewKmipKey(&mut keys))
        .await
        .unwrap();
    let mut session = site.session().await;
    let reason = RevocationReasonCode::CessationOfOperation;
    let identifier = rotated.new.identifier.clone().unwrap();
    session.revoke(&identifier, reason, None).await.unwrap();
    let id = keystore.info().dbpath_id;
    let error = keys.open_key(&rotated.new, id, None).await.unwrap_err();
    assert!(matches!(error, KmipKeyError::NotActive { .. }), "{error}");
    let error = keys
        .open_key_in_any_state(&rotated.new, id, None)
        .await
        .unwrap_err();
    assert!(
        matches!(error, KmipKeyError::NotUnwrapped { .. }),
        "{error}"
    );
    // A server that is running has its keys in memory and can rotate away.
    let rotated = rotate(&keystore, Target::NewKmipKey(&mut keys))
        .await
        .unwrap();
    assert_eq!(rotated.new.generation, 3);
    assert_eq!(Arc::strong_count(&keystore), 1);
    site.open(&dbpath).await;
}
