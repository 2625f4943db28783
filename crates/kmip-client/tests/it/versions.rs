//! Servers that lack Discover Versions, or answer in another version than they are asked in.

use std::sync::{Arc, Mutex};

use kmip::ProtocolVersion;
use kmip::operations::{DiscoverVersionsResponse, QueryResponse, RequestPayload};
use kmip::registry::ResultReason;
use kmip::{ProtocolVersion as V, ResponseBatchItem};
use kmip_client::{Client, ClientConfig, ErrorKind, VersionPolicy};
use kmip_peer::{Act, Peer, agree, encode};

use crate::rig::{Rig, ends};

fn refusal_in(version: ProtocolVersion, reason: ResultReason) -> Act {
    Act::Bytes(encode(
        version,
        ResponseBatchItem::failure(None, reason, "unsupported version"),
    ))
}

async fn negotiated(script: impl Fn(&kmip_peer::Request) -> Act + Send + Sync + 'static) -> V {
    let rig = Rig::new();
    let peer = Peer::start(&rig, script).await;
    rig.session(&peer).await.negotiated_version()
}

#[tokio::test]
async fn a_server_of_1_0() {
    // Answers what it does not know in a 1.0 header.
    let version = negotiated(|request| match (&request.payload, request.version) {
        (RequestPayload::Query(_), V::V1_0) => Act::Answer(QueryResponse::default().into()),
        _ => refusal_in(V::V1_0, ResultReason::InvalidMessage),
    })
    .await;
    assert_eq!(version, V::V1_0);
}

#[tokio::test]
async fn a_server_of_1_0_that_hangs_up() {
    let version = negotiated(|request| match (&request.payload, request.version) {
        (RequestPayload::Query(_), V::V1_0) => Act::Answer(QueryResponse::default().into()),
        _ => Act::Close,
    })
    .await;
    assert_eq!(version, V::V1_0);
}

#[tokio::test]
async fn a_server_of_2_x_only() {
    let version = negotiated(|request| match request.version {
        V::V2_0 => agree(request, V::V2_0).unwrap_or(Act::Close),
        _ => refusal_in(V::V2_0, ResultReason::InvalidMessage),
    })
    .await;
    assert_eq!(version, V::V2_0);
}

#[tokio::test]
async fn a_server_that_may_not_be_asked() {
    let version = negotiated(|request| match request.payload {
        RequestPayload::DiscoverVersions(_) => Act::Refuse(ResultReason::PermissionDenied),
        _ => Act::Close,
    })
    .await;
    assert_eq!(version, V::V1_1);
}

#[tokio::test]
async fn versions_of_the_future() {
    let both = DiscoverVersionsResponse {
        protocol_versions: vec![V::new(9, 9), V::V1_3],
    };
    let version = negotiated(move |_| Act::Answer(both.clone().into())).await;
    assert_eq!(version, V::V1_3);

    let rig = Rig::new();
    let none = DiscoverVersionsResponse {
        protocol_versions: vec![V::new(9, 9)],
    };
    let peer = Peer::start(&rig, move |_| Act::Answer(none.clone().into())).await;
    let error = rig
        .client(&peer.address.to_string())
        .connect()
        .await
        .unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::NoCommonVersion, "{error}");
    assert!(error.to_string().contains("9.9"), "{error}");
}

#[tokio::test]
async fn not_authenticated() {
    let rig = Rig::new();
    let peer = Peer::start(&rig, |_| {
        Act::Refuse(ResultReason::AuthenticationNotSuccessful)
    })
    .await;
    let error = rig
        .client(&peer.address.to_string())
        .connect()
        .await
        .unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::AuthenticationFailed, "{error}");
}

/// What the peer is asked in, and what it is offered.
#[derive(Default)]
struct Asked {
    headers: Vec<V>,
    offers: Vec<V>,
}

/// Connects with this policy to a server that speaks these versions, and asks for something.
async fn with_policy(policy: VersionPolicy, theirs: &[V]) -> (Result<V, ErrorKind>, Asked) {
    let rig = Rig::new();
    let asked = Arc::new(Mutex::new(Asked::default()));
    let (seen, theirs) = (asked.clone(), theirs.to_vec());
    let peer = Peer::start(&rig, move |request| {
        let mut asked = seen.lock().unwrap();
        asked.headers.push(request.version);
        if !theirs.contains(&request.version) {
            let oldest = *theirs.iter().min().unwrap();
            return refusal_in(oldest, ResultReason::InvalidMessage);
        }
        match &request.payload {
            RequestPayload::DiscoverVersions(discover) => {
                asked.offers.clone_from(&discover.protocol_versions);
                Act::Answer(
                    DiscoverVersionsResponse {
                        protocol_versions: theirs.clone(),
                    }
                    .into(),
                )
            }
            _ => Act::Answer(QueryResponse::default().into()),
        }
    })
    .await;
    let config = ClientConfig {
        version: policy,
        ..rig.config(&peer.address.to_string())
    };
    let result = match ends(Client::new(config).unwrap().connect()).await {
        Ok(mut session) => {
            session.query().await.unwrap();
            Ok(session.negotiated_version())
        }
        Err(error) => Err(error.kind().clone()),
    };
    drop(peer);
    let asked = std::mem::take(&mut *asked.lock().unwrap());
    (result, asked)
}

/// MongoDB Enterprise's `useLegacyProtocol`: nothing newer than 1.1 is asked for, whatever the server has.
#[tokio::test]
async fn at_most() {
    let legacy = VersionPolicy::AtMost(V::V1_1);
    for (theirs, expected) in [
        (&V::SUPPORTED[..], Ok(V::V1_1)),
        (&[V::V1_0], Ok(V::V1_0)),
        (&[V::V1_0, V::V1_1], Ok(V::V1_1)),
        (&[V::V1_1, V::V1_4], Ok(V::V1_1)),
        (&[V::V1_2, V::V1_4], Err(ErrorKind::NoCommonVersion)),
    ] {
        let (result, asked) = with_policy(legacy, theirs).await;
        assert_eq!(result, expected, "{theirs:?}");
        assert!(asked.headers.iter().all(|header| *header <= V::V1_1));
        assert!(asked.offers.iter().all(|offer| *offer <= V::V1_1));
    }
    let (result, asked) = with_policy(VersionPolicy::AtMost(V::V1_0), &V::SUPPORTED).await;
    assert_eq!(result, Ok(V::V1_0));
    assert_eq!(asked.headers, [V::V1_0, V::V1_0]);
}

/// A pinned version is neither negotiated nor left.
#[tokio::test]
async fn exactly() {
    for version in V::SUPPORTED {
        let pinned = VersionPolicy::Exactly(version);
        let (result, asked) = with_policy(pinned, &V::SUPPORTED).await;
        assert_eq!(result, Ok(version));
        assert_eq!(asked.headers, [version, version]);
        assert!(asked.offers.is_empty());
    }
    let pinned = VersionPolicy::Exactly(V::V2_1);
    let (result, asked) = with_policy(pinned, &[V::V1_0, V::V1_4]).await;
    assert_eq!(result, Err(ErrorKind::NoCommonVersion));
    assert_eq!(asked.headers, [V::V2_1]);
}
