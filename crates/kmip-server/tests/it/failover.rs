//! Several servers.

use std::time::Duration;

use kmip_client::{Client, ClientConfig, ErrorKind, NewSymmetricKey};
use tokio::net::TcpListener;

use crate::rig::{Reserved, Rig};

#[tokio::test]
async fn the_first_host_is_down() {
    let rig = Rig::new();
    let server = rig.start().await;
    let nobody = Reserved::new();
    let client = Client::new(rig.client_config(&[nobody.address, server.address])).unwrap();
    let session = client.connect().await.unwrap();
    assert_eq!(session.address(), server.address);
    assert_eq!(session.server().to_string(), server.address.to_string());
}

#[tokio::test]
async fn the_first_host_hangs() {
    let rig = Rig::new();
    let server = rig.start().await;
    // Connections are completed by the operating system and never looked at.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let config = ClientConfig {
        connect_timeout: Duration::from_secs(2),
        // For the one that works, should this machine be too busy to answer in time.
        connect_retries: 50,
        ..rig.client_config(&[silent.local_addr().unwrap(), server.address])
    };
    let session = Client::new(config).unwrap().connect().await.unwrap();
    assert_eq!(session.address(), server.address);
}

#[tokio::test]
async fn the_first_host_lacks_the_key() {
    let rig = Rig::new();
    let first = rig.start_with(rig.server_config("first")).await;
    let second = rig.start_with(rig.server_config("second")).await;
    let id = rig
        .connect(&second)
        .await
        .create_symmetric_key(&NewSymmetricKey::aes256("k"))
        .await
        .unwrap();
    let client = Client::new(rig.client_config(&[first.address, second.address])).unwrap();
    let (session, key) = client.find_symmetric_key(&id).await.unwrap();
    assert_eq!(session.address(), second.address);
    assert_eq!(key.bits(), 256);

    let error = client.find_symmetric_key("nowhere").await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::NotFound, "{error}");
    assert_eq!(error.failures().len(), 2);

    // A server that cannot be asked may have it.
    second.stop().await;
    let error = client.find_symmetric_key(&id).await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Connect, "{error}");
}

#[tokio::test]
async fn all_down_and_back_again() {
    let rig = Rig::new();
    let (first, second) = (Reserved::new(), Reserved::new());
    let (address, other) = (first.address, second.address);
    let config = ClientConfig {
        connect_retries: 2,
        ..rig.client_config(&[address, other])
    };
    let client = Client::new(config).unwrap();
    let error = client.connect().await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Connect);
    let text = error.to_string();
    assert!(
        text.contains(&address.to_string()) && text.contains(&other.to_string()),
        "{text}"
    );
    assert!(text.contains("attempt 3 of 3"), "{text}");
    for failure in error.failures() {
        assert_eq!(
            failure
                .attempt()
                .map(|attempt| (attempt.number, attempt.of)),
            Some((3, 3))
        );
    }

    let config = kmip_server::ServerConfig {
        listen: address,
        ..rig.server_config("kmip")
    };
    let server = rig.start_with(config).await;
    assert_eq!(client.connect().await.unwrap().address(), server.address);
}
