//! Servers that lack Discover Versions, or answer in another version than they are asked in.

use kmip::ProtocolVersion;
use kmip::operations::{DiscoverVersionsResponse, QueryResponse, RequestPayload};
use kmip::registry::ResultReason;
use kmip::{ProtocolVersion as V, ResponseBatchItem};
use kmip_client::ErrorKind;

use crate::peer::{Act, Peer, agree, encode};
use crate::rig::Rig;

fn refusal_in(version: ProtocolVersion, reason: ResultReason) -> Act {
    Act::Bytes(encode(
        version,
        ResponseBatchItem::failure(None, reason, "unsupported version"),
    ))
}

async fn negotiated(script: impl Fn(&crate::peer::Request) -> Act + Send + Sync + 'static) -> V {
    let rig = Rig::new();
    let peer = Peer::start(&rig, script).await;
    rig.client(&peer.address.to_string())
        .connect()
        .await
        .unwrap()
        .negotiated_version()
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
