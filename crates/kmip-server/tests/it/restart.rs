//! What is kept, and how.

use kmip::SecretBytes;
use kmip::registry::State;
use kmip_client::{ErrorKind, NewSymmetricKey};
use kmip_server::{Error, Server};

use crate::rig::{Reserved, Rig};

#[tokio::test]
async fn everything_is_there_again_and_nothing_in_clear() {
    let rig = Rig::new();
    let server = rig.start().await;
    let mut session = rig.connect(&server).await;
    let material = SecretBytes::from(b"0123456789abcdefghijklmnopqrstuv");
    let key = NewSymmetricKey::aes256("a-name-to-look-for");
    let id = session
        .register_symmetric_key(&key, &material)
        .await
        .unwrap();
    session.activate(&id).await.unwrap();
    let gone = session
        .create_symmetric_key(&NewSymmetricKey::aes256("gone"))
        .await
        .unwrap();
    session.destroy(&gone).await.unwrap();
    server.stop().await;

    let mut files = Vec::new();
    collect(&rig.path().join("kmip"), &mut files);
    assert!(
        files.len() >= 5,
        "lock, key, keystore, format, logs: {files:?}"
    );
    for path in &files {
        let bytes = std::fs::read(path).unwrap();
        for secret in [material.expose(), b"a-name-to-look-for".as_slice(), b"db-1"] {
            let found = bytes.windows(secret.len()).any(|window| window == secret);
            assert!(
                !found,
                "{} is in clear in {path:?}",
                String::from_utf8_lossy(secret)
            );
        }
    }

    let server = rig.start().await;
    let mut session = rig.connect(&server).await;
    assert_eq!(
        session.get_symmetric_key(&id).await.unwrap().material,
        material
    );
    let attributes = session.get_attributes(&id).await.unwrap();
    assert_eq!(attributes.state, Some(State::Active));
    assert_eq!(attributes.names, ["a-name-to-look-for"]);
    let error = session.get_symmetric_key(&gone).await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn a_session_survives_a_restart_at_the_same_address() {
    let rig = Rig::new();
    let reserved = Reserved::new();
    let config = || kmip_server::ServerConfig {
        listen: reserved.address,
        ..rig.server_config("kmip")
    };
    let server = rig.start_with(config()).await;
    let mut session = rig.connect(&server).await;
    let id = session
        .create_symmetric_key(&NewSymmetricKey::aes256("k"))
        .await
        .unwrap();
    server.stop().await;
    let down = session.get_symmetric_key(&id).await.unwrap_err();
    assert_eq!(*down.kind(), ErrorKind::Connect, "{down}");

    let server = rig.start_with(config()).await;
    session.get_symmetric_key(&id).await.unwrap();
    drop(server);
}

#[tokio::test]
async fn a_directory_is_one_servers() {
    let rig = Rig::new();
    let server = rig.start().await;
    let second = Server::bind(rig.server_config("kmip")).await;
    let Some(Error::Store(error)) = second.err() else {
        panic!("two servers on one directory");
    };
    assert!(error.is_in_use(), "{error}");
    server.stop().await;
    Server::bind(rig.server_config("kmip")).await.unwrap();
}

#[tokio::test]
async fn damage_stops_the_start_or_the_answer() {
    let rig = Rig::new();
    let server = rig.start().await;
    let mut session = rig.connect(&server).await;
    for number in 0..20 {
        session
            .create_symmetric_key(&NewSymmetricKey::aes256(format!("k{number}")))
            .await
            .unwrap();
    }
    server.stop().await;
    let mut files = Vec::new();
    collect(&rig.path().join("kmip/trees"), &mut files);
    let size = |path: &std::path::PathBuf| std::fs::metadata(path).unwrap().len();
    let largest = files.iter().max_by_key(|path| size(path)).unwrap();
    let mut bytes = std::fs::read(largest).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(largest, bytes).unwrap();
    let error = Server::bind(rig.server_config("kmip")).await.err().unwrap();
    assert!(matches!(error, Error::Store(_)), "{error}");
}

fn collect(directory: &std::path::Path, files: &mut Vec<std::path::PathBuf>) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else {
            files.push(path);
        }
    }
}
