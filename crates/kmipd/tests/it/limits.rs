//! Clients that take more than their share, and those that take nothing.

use kmip::operations::QueryRequest;
use kmip::registry::{QueryFunction, ResultReason};
use kmip::{ProtocolVersion, RequestMessage};
use kmip_client::NewSymmetricKey;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

use crate::rig::{Rig, ask};

#[tokio::test]
async fn three_hundred_silent_connections() {
    let rig = Rig::new();
    let server = rig.start();
    let mut silent = Vec::new();
    for _ in 0..300 {
        silent.push(TcpStream::connect(server.address).await.unwrap());
    }
    let mut working = rig.connect(&server, "strongroom").await;
    let id = working
        .create_symmetric_key(&NewSymmetricKey::aes256("k"))
        .await
        .unwrap();
    for _ in 0..20 {
        working.get_symmetric_key(&id).await.unwrap();
    }
    // More than there is room for: the oldest had to go, while the others wait.
    assert!(matches!(silent[0].read(&mut [0; 1]).await, Ok(0) | Err(_)));
    server.stop();
}

#[tokio::test]
async fn too_many_requests() {
    let rig = Rig::new();
    rig.configure(
        "storage:\n",
        "limits: {requestsPerSecond: 1, requestBurst: 3}\nstorage:\n",
    );
    rig.client(&["add", "other"]);
    let server = rig.start();
    let mut stream = rig.raw(&server, "strongroom").await;
    let request = RequestMessage::new(
        ProtocolVersion::V2_1,
        QueryRequest {
            query_functions: vec![QueryFunction::QueryOperations],
        },
    );
    let mut refused = false;
    // One more comes for each second: sooner or later they are fewer than the requests.
    for _ in 0..10_000 {
        let response = ask(&mut stream, &request).await;
        refused = response.batch_items[0].result_reason == Some(ResultReason::ServerLimitExceeded);
        if refused {
            break;
        }
    }
    assert!(refused);
    // It is the client that has a limit, not the connection; and others have their own.
    let mut other = rig.raw(&server, "other").await;
    assert_eq!(
        ask(&mut other, &request).await.batch_items[0].result_reason,
        None
    );
    server.stop();
}

#[tokio::test]
async fn too_many_connections_of_one_client() {
    let rig = Rig::new();
    rig.configure(
        "storage:\n",
        "limits: {connectionsPerClient: 2}\nstorage:\n",
    );
    rig.client(&["add", "other"]);
    let server = rig.start();
    let request = RequestMessage::new(
        ProtocolVersion::V1_4,
        QueryRequest {
            query_functions: vec![],
        },
    );
    let mut first = rig.raw(&server, "strongroom").await;
    let mut second = rig.raw(&server, "strongroom").await;
    for stream in [&mut first, &mut second] {
        ask(stream, &request).await;
    }
    let mut third = rig.raw(&server, "strongroom").await;
    assert!(matches!(third.read(&mut [0; 1]).await, Ok(0) | Err(_)));
    ask(&mut rig.raw(&server, "other").await, &request).await;
    server.stop();
}
