//! A key's life, in every version.

use kmip::registry::{CryptographicAlgorithm, ObjectType, Operation, RevocationReasonCode, State};
use kmip::{ProtocolVersion, SecretBytes};
use kmip_client::{ErrorKind, NewSymmetricKey, Session, VersionPolicy};

use crate::rig::Rig;

async fn state(session: &mut Session, id: &str) -> Option<State> {
    session.get_attributes(id).await.unwrap().state
}

#[tokio::test]
async fn created_used_and_destroyed() {
    let rig = Rig::new();
    let server = rig.start().await;
    for version in ProtocolVersion::SUPPORTED {
        let mut session = rig
            .connect_as(&server, "db-1", VersionPolicy::Exactly(version))
            .await;
        let session = &mut session;
        let name = format!("key-{version}");
        let id = session
            .create_symmetric_key(&NewSymmetricKey::aes256(&name))
            .await
            .unwrap();

        let attributes = session.get_attributes(&id).await.unwrap();
        assert_eq!(attributes.names, [name.as_str()], "{version}");
        assert_eq!(
            attributes.object_type,
            Some(ObjectType::SymmetricKey),
            "{version}"
        );
        assert_eq!(attributes.state, Some(State::PreActive), "{version}");
        assert_eq!(
            attributes.algorithm,
            Some(CryptographicAlgorithm::AES),
            "{version}"
        );
        assert_eq!(attributes.bits, Some(256), "{version}");
        assert!(attributes.initial_date.is_some(), "{version}");

        session.activate(&id).await.unwrap();
        session.activate(&id).await.unwrap();
        assert_eq!(state(session, &id).await, Some(State::Active), "{version}");
        let key = session.get_symmetric_key(&id).await.unwrap();
        assert_eq!(
            (key.bits(), key.algorithm),
            (256, Some(CryptographicAlgorithm::AES))
        );
        let again = session.get_symmetric_key(&id).await.unwrap();
        assert_eq!(key.material, again.material, "{version}");

        let found = session.locate_by_name(&name).await.unwrap();
        assert_eq!(found.len(), 1, "{version}");
        assert_eq!(found[0].unique_identifier, id, "{version}");
        assert!(
            session
                .locate_by_name("no such name")
                .await
                .unwrap()
                .is_empty(),
            "{version}"
        );

        let refused = session.destroy(&id).await.unwrap_err();
        assert!(
            matches!(refused.kind(), ErrorKind::Refused { .. }),
            "{version}: {refused}"
        );
        session
            .revoke(
                &id,
                RevocationReasonCode::CessationOfOperation,
                Some("test"),
            )
            .await
            .unwrap();
        assert_eq!(
            state(session, &id).await,
            Some(State::Deactivated),
            "{version}"
        );
        session.get_symmetric_key(&id).await.unwrap();
        let refused = session.activate(&id).await.unwrap_err();
        assert!(
            refused.to_string().contains("Deactivated"),
            "{version}: {refused}"
        );

        session.destroy(&id).await.unwrap();
        let gone = session.get_symmetric_key(&id).await.unwrap_err();
        assert_eq!(*gone.kind(), ErrorKind::NotFound, "{version}: {gone}");
        assert_eq!(
            state(session, &id).await,
            Some(State::Destroyed),
            "{version}"
        );
        assert!(
            session.locate_by_name(&name).await.unwrap().is_empty(),
            "{version}"
        );
    }
}

#[tokio::test]
async fn registered() {
    let rig = Rig::new();
    let server = rig.start().await;
    let material = SecretBytes::from(&[0xA5; 32]);
    for version in ProtocolVersion::SUPPORTED {
        let mut session = rig
            .connect_as(&server, "db-1", VersionPolicy::Exactly(version))
            .await;
        let key = NewSymmetricKey::aes256(format!("registered-{version}"));
        let id = session
            .register_symmetric_key(&key, &material)
            .await
            .unwrap();
        let got = session.get_symmetric_key(&id).await.unwrap();
        assert_eq!(got.material, material, "{version}");
        session
            .revoke(&id, RevocationReasonCode::KeyCompromise, None)
            .await
            .unwrap();
        assert_eq!(
            state(&mut session, &id).await,
            Some(State::Compromised),
            "{version}"
        );

        let short = session
            .register_symmetric_key(&key, &SecretBytes::from(&[0; 16]))
            .await;
        assert_eq!(*short.unwrap_err().kind(), ErrorKind::Configuration);
    }
}

#[tokio::test]
async fn a_name_is_one_keys() {
    let rig = Rig::new();
    let server = rig.start().await;
    let mut session = rig.connect(&server).await;
    let key = NewSymmetricKey::aes256("strongroom/1");
    let first = session.create_symmetric_key(&key).await.unwrap();
    let refused = session.create_symmetric_key(&key).await.unwrap_err();
    assert!(
        matches!(refused.kind(), ErrorKind::Refused { .. }),
        "{refused}"
    );
    assert!(refused.to_string().contains("Create"), "{refused}");
    assert_eq!(
        session.locate_by_name("strongroom/1").await.unwrap().len(),
        1
    );

    session.destroy(&first).await.unwrap();
    session.create_symmetric_key(&key).await.unwrap();
}

#[tokio::test]
async fn keys_that_cannot_be_made() {
    let rig = Rig::new();
    let server = rig.start().await;
    let mut session = rig.connect(&server).await;
    for key in [
        NewSymmetricKey {
            bits: 255,
            ..NewSymmetricKey::aes256("odd")
        },
        NewSymmetricKey {
            bits: 0,
            ..NewSymmetricKey::aes256("empty")
        },
        NewSymmetricKey {
            algorithm: CryptographicAlgorithm::RSA,
            ..NewSymmetricKey::aes256("asymmetric")
        },
    ] {
        let refused = session.create_symmetric_key(&key).await.unwrap_err();
        assert!(
            matches!(refused.kind(), ErrorKind::Refused { .. }),
            "{refused}"
        );
        assert!(session.locate_by_name(&key.name).await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn what_it_offers() {
    let rig = Rig::new();
    let server = rig.start().await;
    let mut session = rig.connect(&server).await;
    let information = session.query().await.unwrap();
    assert!(information.operations.contains(&Operation::Create));
    assert!(!information.operations.contains(&Operation::Certify));
    assert!(information.object_types.contains(&ObjectType::SymmetricKey));
    assert!(information.vendor.unwrap().contains("Strongroom"));
    assert!(information.operations.contains(&Operation::Encrypt));
    let refused = session
        .encrypt("id", None, &SecretBytes::from(b"clear text"), None, None)
        .await
        .unwrap_err();
    assert_eq!(*refused.kind(), ErrorKind::NotFound, "{refused}");
    assert!(!refused.to_string().contains("clear text"));

    let mut old = rig
        .connect_as(
            &server,
            "db-1",
            VersionPolicy::Exactly(ProtocolVersion::V1_0),
        )
        .await;
    let information = old.query().await.unwrap();
    assert!(
        !information
            .operations
            .contains(&Operation::DiscoverVersions)
    );
}
