//! Objects belong to the client whose certificate made them.

use kmip_client::{ErrorKind, NewSymmetricKey, VersionPolicy};

use crate::rig::Rig;

#[tokio::test]
async fn a_foreign_object_is_like_a_missing_one() {
    let rig = Rig::new();
    let server = rig.start().await;
    let mut ours = rig
        .connect_as(&server, "db-1", VersionPolicy::Negotiate)
        .await;
    let mut theirs = rig
        .connect_as(&server, "db-2", VersionPolicy::Negotiate)
        .await;
    let key = NewSymmetricKey::aes256("the same name");
    let id = ours.create_symmetric_key(&key).await.unwrap();

    let missing = theirs.get_symmetric_key("no-such-id").await.unwrap_err();
    let foreign = theirs.get_symmetric_key(&id).await.unwrap_err();
    assert_eq!(*foreign.kind(), ErrorKind::NotFound);
    assert_eq!(
        missing.to_string().replace("no-such-id", ""),
        foreign.to_string().replace(&id, ""),
        "the words must not tell a foreign object from a missing one"
    );
    assert_eq!(
        *theirs.activate(&id).await.unwrap_err().kind(),
        ErrorKind::NotFound
    );
    assert_eq!(
        *theirs.destroy(&id).await.unwrap_err().kind(),
        ErrorKind::NotFound
    );
    assert!(theirs.locate_by_name(&key.name).await.unwrap().is_empty());

    let own = theirs.create_symmetric_key(&key).await.unwrap();
    assert_ne!(own, id);
    assert_eq!(ours.locate_by_name(&key.name).await.unwrap().len(), 1);
    ours.get_symmetric_key(&id).await.unwrap();
}
