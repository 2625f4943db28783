//! Clients that misbehave: they are answered or dropped, and others do not notice.

use std::time::Duration;

use kmip::operations::QueryRequest;
use kmip::registry::{QueryFunction, ResultReason};
use kmip::{ProtocolVersion, RequestMessage, RequestPayload};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::rig::{Rig, answer, ask, raw, raw_as};

fn query(version: ProtocolVersion) -> Vec<u8> {
    let request = QueryRequest {
        query_functions: vec![QueryFunction::QueryOperations],
    };
    RequestMessage::new(version, request)
        .encode()
        .unwrap()
        .as_slice()
        .to_vec()
}

/// Whether the peer closed the connection, in whatever way.
async fn is_closed(stream: &mut TlsStream<TcpStream>) -> bool {
    let mut byte = [0; 1];
    matches!(stream.read(&mut byte).await, Ok(0) | Err(_))
}

#[tokio::test]
async fn without_a_trusted_certificate() {
    let rig = Rig::new();
    let server = rig.start().await;
    let anonymous = tls::ClientTls {
        identity: None,
        ..rig.client_tls("raw")
    };
    let tcp = TcpStream::connect(server.address).await.unwrap();
    let connector = TlsConnector::from(anonymous.load().unwrap().config);
    // In TLS 1.3 the refusal comes after the client's part of the handshake.
    if let Ok(mut stream) = connector
        .connect("localhost".try_into().unwrap(), tcp)
        .await
    {
        let _ = stream.write_all(&query(ProtocolVersion::V1_4)).await;
        assert!(is_closed(&mut stream).await);
    }
    rig.connect(&server).await;
}

#[tokio::test]
async fn one_that_never_begins_the_handshake() {
    let rig = Rig::new();
    let config = kmip_server::ServerConfig {
        handshake_timeout: Duration::from_millis(100),
        ..rig.server_config("kmip")
    };
    let server = rig.start_with(config).await;
    let mut silent = TcpStream::connect(server.address).await.unwrap();
    assert!(matches!(silent.read(&mut [0; 1]).await, Ok(0) | Err(_)));
}

#[tokio::test]
async fn one_that_never_asks() {
    let rig = Rig::new();
    let config = kmip_server::ServerConfig {
        idle_timeout: Duration::from_millis(100),
        ..rig.server_config("kmip")
    };
    let server = rig.start_with(config).await;
    assert!(is_closed(&mut raw(&rig, &server).await).await);
}

#[tokio::test]
async fn one_that_stops_in_the_middle() {
    let rig = Rig::new();
    let config = kmip_server::ServerConfig {
        message_timeout: Duration::from_millis(100),
        ..rig.server_config("kmip")
    };
    let server = rig.start_with(config).await;
    // Of the header, and of the message.
    for bytes in [4, 20] {
        let mut stream = raw(&rig, &server).await;
        stream
            .write_all(&query(ProtocolVersion::V1_4)[..bytes])
            .await
            .unwrap();
        assert!(is_closed(&mut stream).await, "{bytes} bytes");
    }
}

#[tokio::test]
async fn a_request_in_pieces_is_one_request() {
    let rig = Rig::new();
    let server = rig.start().await;
    let mut stream = raw(&rig, &server).await;
    for byte in query(ProtocolVersion::V1_2) {
        stream.write_all(&[byte]).await.unwrap();
        stream.flush().await.unwrap();
    }
    let response = answer(&mut stream).await;
    assert_eq!(response.header.protocol_version, ProtocolVersion::V1_2);
    // Two in one piece are two.
    let twice = [query(ProtocolVersion::V1_0), query(ProtocolVersion::V2_1)].concat();
    stream.write_all(&twice).await.unwrap();
    assert_eq!(
        answer(&mut stream).await.header.protocol_version,
        ProtocolVersion::V1_0
    );
    assert_eq!(
        answer(&mut stream).await.header.protocol_version,
        ProtocolVersion::V2_1
    );
}

#[tokio::test]
async fn rubbish() {
    let rig = Rig::new();
    let server = rig.start().await;
    // Not KMIP at all; a length beyond every limit; another type.
    for header in [
        *b"GET / HT",
        [0x42, 0, 0x78, 1, 0xff, 0xff, 0xff, 0xff],
        [0x42, 0, 0x78, 7, 0, 0, 0, 8],
    ] {
        let mut stream = raw(&rig, &server).await;
        stream.write_all(&header).await.unwrap();
        assert!(is_closed(&mut stream).await, "{header:?}");
    }
    // The length is right, the inside is not: answered, then closed.
    let mut stream = raw(&rig, &server).await;
    let mut request = query(ProtocolVersion::V1_4);
    request[15] = 0xff;
    stream.write_all(&request).await.unwrap();
    let response = answer(&mut stream).await;
    assert_eq!(
        response.batch_items[0].result_reason,
        Some(ResultReason::InvalidMessage)
    );
    assert!(is_closed(&mut stream).await);
    rig.connect(&server).await.query().await.unwrap();
}

#[tokio::test]
async fn a_version_of_the_future() {
    let rig = Rig::new();
    let server = rig.start().await;
    let mut stream = raw(&rig, &server).await;
    let mut request = query(ProtocolVersion::V1_4);
    // Request Message, Request Header, Protocol Version, then the major version: 24 bytes of headers, 8 of its own.
    request[35] = 3;
    stream.write_all(&request).await.unwrap();
    let response = answer(&mut stream).await;
    assert_eq!(response.header.protocol_version, ProtocolVersion::V2_1);
    assert_eq!(
        response.batch_items[0].result_reason,
        Some(ResultReason::InvalidMessage)
    );
    stream
        .write_all(&query(ProtocolVersion::V1_4))
        .await
        .unwrap();
    answer(&mut stream).await;
}

#[tokio::test]
async fn too_many_connections() {
    let rig = Rig::new();
    let config = kmip_server::ServerConfig {
        max_connections: 2,
        ..rig.server_config("kmip")
    };
    let server = rig.start_with(config).await;
    let request = query(ProtocolVersion::V1_4);
    let (start, rest) = request.split_at(11);
    let mut busy = [raw(&rig, &server).await, raw(&rig, &server).await];
    for stream in &mut busy {
        stream.write_all(&request).await.unwrap();
        answer(stream).await;
        // In the middle of a request, it is not idle.
        stream.write_all(start).await.unwrap();
        stream.flush().await.unwrap();
    }
    // Whoever has not shaken hands yet takes nobody's place.
    let _silent = TcpStream::connect(server.address).await.unwrap();
    // The server may not have seen the start of the request yet: then the first has to go, but never both.
    let _ = is_closed(&mut raw(&rig, &server).await).await;
    busy[1].write_all(rest).await.unwrap();
    answer(&mut busy[1]).await;
    let [first, second] = busy;
    drop(first);
    // A place is free as soon as the server has noticed.
    let again = tokio::time::timeout(Duration::from_secs(300), async {
        loop {
            let mut stream = raw(&rig, &server).await;
            let mut byte = [0; 1];
            if stream.write_all(&request).await.is_ok()
                && matches!(stream.read(&mut byte).await, Ok(1))
            {
                return;
            }
        }
    });
    again.await.unwrap();
    drop(second);
}

/// Clients that hold connections and say nothing keep no others out.
#[tokio::test]
async fn the_longest_idle_connection_makes_room() {
    let rig = Rig::new();
    let config = kmip_server::ServerConfig {
        max_connections: 2,
        ..rig.server_config("kmip")
    };
    let server = rig.start_with(config).await;
    let request = query(ProtocolVersion::V1_4);
    let mut streams = Vec::new();
    for n in 0..5 {
        let mut stream = raw_as(&rig, &server, &format!("client-{n}")).await;
        stream.write_all(&request).await.unwrap();
        answer(&mut stream).await;
        streams.push(stream);
    }
    for stream in &mut streams[..3] {
        assert!(is_closed(stream).await);
    }
    for stream in &mut streams[3..] {
        stream.write_all(&request).await.unwrap();
        answer(stream).await;
    }
}

#[tokio::test]
async fn silent_connections_take_nobodys_place() {
    let rig = Rig::new();
    let config = kmip_server::ServerConfig {
        max_connections: 2,
        max_handshakes: 4,
        ..rig.server_config("kmip")
    };
    let server = rig.start_with(config).await;
    let mut silent = Vec::new();
    for _ in 0..40 {
        silent.push(TcpStream::connect(server.address).await.unwrap());
    }
    rig.connect(&server).await.query().await.unwrap();
    // The oldest had to go.
    assert!(matches!(silent[0].read(&mut [0; 1]).await, Ok(0) | Err(_)));
}

#[tokio::test]
async fn too_many_connections_of_one_client() {
    let rig = Rig::new();
    let config = kmip_server::ServerConfig {
        max_connections_per_client: 1,
        ..rig.server_config("kmip")
    };
    let server = rig.start_with(config).await;
    let mut first = raw(&rig, &server).await;
    first
        .write_all(&query(ProtocolVersion::V1_4))
        .await
        .unwrap();
    answer(&mut first).await;
    assert!(is_closed(&mut raw(&rig, &server).await).await);
    rig.connect(&server).await.query().await.unwrap();
}

#[tokio::test]
async fn too_many_requests() {
    let rig = Rig::new();
    let config = kmip_server::ServerConfig {
        request_rate: Some(kmip_server::RequestRate {
            per_second: 1e-6,
            burst: 2,
        }),
        ..rig.server_config("kmip")
    };
    let server = rig.start_with(config).await;
    let mut stream = raw(&rig, &server).await;
    for (version, reason) in [
        (ProtocolVersion::V1_4, None),
        (ProtocolVersion::V2_1, None),
        (ProtocolVersion::V1_4, Some(ResultReason::GeneralFailure)),
        (
            ProtocolVersion::V2_1,
            Some(ResultReason::ServerLimitExceeded),
        ),
    ] {
        stream.write_all(&query(version)).await.unwrap();
        let response = answer(&mut stream).await;
        assert_eq!(response.header.protocol_version, version);
        assert_eq!(response.batch_items[0].result_reason, reason);
    }
    // Each item of a batch counts.
    let batch = RequestMessage::batch(
        ProtocolVersion::V1_4,
        (0..3).map(|_| RequestPayload::Query(QueryRequest::default())),
    );
    let mut stream = raw_as(&rig, &server, "in-batches").await;
    for refused in [false, true] {
        let response = ask(&mut stream, &batch).await;
        let reason = response.batch_items[0].result_reason;
        assert_eq!(reason.is_some(), refused, "{reason:?}");
    }
    // Other clients do not notice; the client that does needs two requests to negotiate.
    let server_information = rig.connect(&server).await;
    drop(server_information);
}

#[tokio::test]
async fn a_stop_does_not_wait_for_idle_clients() {
    let rig = Rig::new();
    let config = kmip_server::ServerConfig {
        drain_timeout: Duration::from_secs(600),
        ..rig.server_config("kmip")
    };
    let server = rig.start_with(config).await;
    let mut idle = raw(&rig, &server).await;
    server.stop().await;
    assert!(is_closed(&mut idle).await);
}
