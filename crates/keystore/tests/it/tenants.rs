//! Tenants bring their own keys, on a KMIP server.

use keystore::Error;
use keystore::provider::kmip::KmipKeyError;
use keystore::rotation::{RotationError, Target, rotate, set_tree_key, unlock_tree};
use kmip::registry::RevocationReasonCode;

use crate::front::{Front, Ways};
use crate::support::*;
use crate::world::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_brings_a_key() {
    let (world, port) = World::new().await;
    let front = Front::start(&world, port, Ways::MakesNonce).await;
    let (site, dbpath) = (world.site(front.port), world.dbpath());
    let keystore = site.created(&dbpath).await;
    keystore.create_data_key(tree(1)).unwrap();
    keystore.create_data_key(tree(2)).unwrap();
    let before = contents(&keystore);
    let first = site.active_key("tenant").await;
    let second = site.active_key("tenant 2").await;
    for (wrap, key) in [
        (false, "tenant"),
        (true, "tenant"),
        (true, &second),
        (false, &first),
    ] {
        let mut keys = site.keys().await.with_wrap_on_server(wrap);
        let set = set_tree_key(&keystore, tree(2), &mut keys, key)
            .await
            .unwrap();
        assert_eq!(set.key.is_wrapped_on_server(), wrap);
        let again = set_tree_key(&keystore, tree(2), &mut keys, key).await;
        assert!(matches!(again, Err(RotationError::NothingToRotate { .. })));

        let reopened = site.open(&dbpath).await;
        let other = set_tree_key(&reopened, tree(2), &mut keys, "tenant").await;
        let Err(RotationError::Keystore(Error::Locked { .. })) = other else {
            panic!("{other:?}");
        };
        unlock_tree(&reopened, tree(2), &mut site.keys().await)
            .await
            .unwrap();
        assert_eq!(contents(&reopened), before);
    }
    assert_eq!(keystore.tree_master_keys()[0].key.generation, 4);
    let mut keys = site.keys().await;
    let none = unlock_tree(&keystore, tree(1), &mut keys).await;
    let Err(RotationError::Keystore(Error::NoTreeMasterKey(_))) = none else {
        panic!("{none:?}");
    };

    // The tenant takes the key away: his tree stays locked, and the rest goes on.
    let mut session = site.session().await;
    let reason = RevocationReasonCode::CessationOfOperation;
    session.revoke(&first, reason, None).await.unwrap();
    let reopened = site.open(&dbpath).await;
    let refused = unlock_tree(&reopened, tree(2), &mut keys)
        .await
        .unwrap_err();
    let RotationError::Kmip(KmipKeyError::NotActive { .. }) = refused else {
        panic!("{refused}");
    };
    assert!(reopened.check_unlocked(tree(2)).is_err());
    reopened.rotate_data_key(tree(1)).unwrap();
    rotate(&reopened, Target::NewKmipKey(&mut keys))
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn trees_with_a_key_of_their_own_stay_under_it() {
    let (world, port) = World::new().await;
    let (site, dbpath) = (world.site(port), world.dbpath());
    let keystore = site.created(&dbpath).await;
    keystore.create_data_key(tree(1)).unwrap();
    keystore.create_data_key(tree(2)).unwrap();
    let mut keys = site.keys().await;
    let fetched = keys.fetch(&site.active_key("tenant").await).await.unwrap();
    let own = fetched.reference(1, None).unwrap();
    keystore
        .set_tree_master_key(tree(2), own.clone(), &fetched.key)
        .unwrap();
    let before = contents(&keystore);
    keystore.lock_tree(tree(2)).unwrap();
    let rotated = rotate(&keystore, Target::NewKmipKey(&mut keys))
        .await
        .unwrap();
    assert_eq!(rotated.untouched_trees, [tree(2)]);
    let keystore = site.open(&dbpath).await;
    let id = keystore.info().dbpath_id;
    let opened = keys.open_key(&own, id, Some(tree(2))).await.unwrap();
    keystore.unlock_tree(tree(2), &opened.key).unwrap();
    assert_eq!(contents(&keystore), before);
}
