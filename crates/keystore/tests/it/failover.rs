//! The answer of a KMIP server is lost in a rotation, and the rotation goes on, with that server or with another one of
//! the list.

use keystore::rotation::{Origin, RotationError, Target, TreeTarget, rotate, set_tree_key};
use keystore::{Keystore, MasterKeyRef, key_name, tree_key_name};

use crate::front::{Front, Ways};
use crate::support::*;
use crate::world::*;

/// What a rotation does first; the Name that it announces.
fn announce_next(keystore: &Keystore) -> String {
    let name = key_name(keystore.info().dbpath_id, 2);
    let next = MasterKeyRef::kmip(2, Some(name.clone()), None).unwrap();
    keystore.announce_next(Some(next)).unwrap();
    name
}

/// The key was made on the second server, and the first one is there again: it is found and used.
#[tokio::test(flavor = "multi_thread")]
async fn the_announced_key_is_looked_for_on_every_server() {
    let (mut world, first) = World::new().await;
    let second = world.another_server().await;
    let (a, b, dbpath) = (world.site(first), world.site(second), world.dbpath());
    let keystore = a.created(&dbpath).await;
    keystore.create_data_key(tree(1)).unwrap();
    let before = contents(&keystore);
    let name = announce_next(&keystore);
    let made = b.active_key(&name).await;
    let mut keys = a.before(&b).keys().await;
    let rotated = rotate(&keystore, Target::NewKmipKey(&mut keys))
        .await
        .unwrap();
    assert_eq!(rotated.origin, Origin::FoundAgain);
    assert_eq!(rotated.new.identifier, Some(made));
    assert_eq!((a.count(&name).await, b.count(&name).await), (0, 1));
    assert_eq!(contents(&*b.open(&dbpath).await), before);
}

/// The server on which the key was made does not answer: the key of this server has another Name, and the first is
/// told, with the server where it may be.
#[tokio::test(flavor = "multi_thread")]
async fn a_name_is_not_given_twice_when_a_server_is_away() {
    let (mut world, first) = World::new().await;
    let second = world.another_server().await;
    let (a, b, dbpath) = (world.site(first), world.site(second), world.dbpath());
    let keystore = a.created(&dbpath).await;
    keystore.create_data_key(tree(1)).unwrap();
    let before = contents(&keystore);
    let name = announce_next(&keystore);
    a.active_key(&name).await;
    world.stop(0).await;
    let mut keys = a.before(&b).keys().await;
    let rotated = rotate(&keystore, Target::NewKmipKey(&mut keys))
        .await
        .unwrap();
    assert_eq!(rotated.origin, Origin::Created);
    assert_eq!(rotated.new.generation, 2);
    assert_eq!(rotated.new.name, Some(format!("{name}-2")));
    let left = rotated.not_needed.unwrap();
    assert_eq!((&left.name, &left.identifier), (&name, &None));
    let [away] = &left.perhaps_on[..] else {
        panic!("{left:?}");
    };
    assert!(away.starts_with(&format!("127.0.0.1:{first}")), "{away}");
    assert_eq!(keystore.info().pending, None);
    assert_eq!(b.count(&name).await, 0);
    assert_eq!(contents(&*b.open(&dbpath).await), before);
}

/// All servers answer and none has it: it was not created, and its Name is free.
#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_nowhere_is_created() {
    let (mut world, first) = World::new().await;
    let second = world.another_server().await;
    let (a, b, dbpath) = (world.site(first), world.site(second), world.dbpath());
    let keystore = a.created(&dbpath).await;
    let name = announce_next(&keystore);
    let mut keys = a.before(&b).keys().await;
    let rotated = rotate(&keystore, Target::NewKmipKey(&mut keys))
        .await
        .unwrap();
    assert_eq!(rotated.new.name, Some(name.clone()));
    assert_eq!((a.count(&name).await, b.count(&name).await), (1, 0));
    assert!(rotated.not_needed.is_none());
}

/// The key is there and nobody knows its identifier: its Name was announced, so it is found, and there is no second.
#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_leaves_no_second_key() {
    let (world, port) = World::new().await;
    for of_tree in [false, true] {
        let front = Front::start(&world, port, Ways::LosesCreate).await;
        let (site, dbpath) = (world.site(port), world.dbpath());
        let keystore = site.created(&dbpath).await;
        keystore.create_data_key(tree(1)).unwrap();
        let id = keystore.info().dbpath_id;
        let name = match of_tree {
            false => key_name(id, 2),
            true => tree_key_name(id, tree(1), 1),
        };
        let change = async |port| {
            let mut keys = world.site(port).keys().await;
            match of_tree {
                false => rotate(&keystore, Target::NewKmipKey(&mut keys))
                    .await
                    .map(|rotated| (Some(rotated.origin), rotated.new)),
                true => set_tree_key(&keystore, tree(1), TreeTarget::NewKmipKey(&mut keys))
                    .await
                    .map(|rotated| (rotated.origin, rotated.new.unwrap())),
            }
        };
        let before = contents(&keystore);
        let error = change(front.port).await.unwrap_err();
        let RotationError::Interrupted {
            name: announced, ..
        } = &error
        else {
            panic!("{error}");
        };
        assert_eq!(announced, &name);
        assert_eq!(site.count(&name).await, 1);
        assert_eq!(contents(&*site.open(&dbpath).await), before);
        let (origin, new) = change(port).await.unwrap();
        assert_eq!(origin, Some(Origin::FoundAgain));
        assert_eq!(new.name.as_ref(), Some(&name));
        assert_eq!(site.count(&name).await, 1);
        assert_eq!(site.count(&format!("{name}-2")).await, 0);
    }
}
