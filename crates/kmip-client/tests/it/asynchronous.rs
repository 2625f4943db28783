//! Servers that answer later: asked to, or of their own accord.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use kmip::operations::{
    ArchiveRequest, ArchiveResponse, CancelResponse, CreateResponse, GetAttributesResponse,
    LocateResponse, RequestPayload, ResponsePayload,
};
use kmip::registry::{
    AsynchronousIndicatorOption, CancellationResult, ObjectType, Operation, ResultReason,
    ResultStatus, State,
};
use kmip::{AttributeValue, Attributes, Bytes, Name, ProtocolVersion, ResponseBatchItem};
use kmip_client::{Client, ErrorKind, NewSymmetricKey, Pending, Session, Submitted};
use kmip_peer::{Act, Peer, Request, agree};

use crate::rig::{Rig, ends};

/// By what the peer knows the operation.
const CORRELATION: [u8; 3] = [1, 2, 3];

fn pending(operation: Operation) -> Act {
    Act::Items(vec![ResponseBatchItem {
        result_status: ResultStatus::OperationPending,
        asynchronous_correlation_value: Some(Bytes(CORRELATION.to_vec())),
        operation: Some(operation),
        payload: None,
        ..ResponseBatchItem::success(ArchiveResponse {
            unique_identifier: "id-1".into(),
        })
    }])
}

fn refuse(operation: Operation, reason: ResultReason) -> Act {
    Act::Items(vec![ResponseBatchItem::failure(
        Some(operation),
        reason,
        "no",
    )])
}

fn archived() -> Act {
    Act::Answer(
        ArchiveResponse {
            unique_identifier: "id-1".into(),
        }
        .into(),
    )
}

fn cancelled(result: CancellationResult) -> Act {
    Act::Answer(
        CancelResponse {
            asynchronous_correlation_value: Bytes(CORRELATION.to_vec()),
            cancellation_result: result,
        }
        .into(),
    )
}

fn archive() -> ArchiveRequest {
    ArchiveRequest {
        unique_identifier: Some("id-1".into()),
    }
}

/// Checks that a Poll or Cancel is for the operation that is pending.
fn check_correlation(request: &Request) {
    match &request.payload {
        RequestPayload::Poll(poll) => {
            assert_eq!(poll.asynchronous_correlation_value.0, CORRELATION);
        }
        RequestPayload::Cancel(cancel) => {
            assert_eq!(cancel.asynchronous_correlation_value.0, CORRELATION);
        }
        _ => {}
    }
}

/// A peer that makes Archive wait: what it says to each Poll, from 0, and to Cancel.
async fn peer(
    rig: &Rig,
    poll: impl Fn(usize) -> Act + Send + Sync + 'static,
    cancel: impl Fn() -> Act + Send + Sync + 'static,
) -> Peer {
    let polls = AtomicUsize::new(0);
    Peer::start(rig, move |request| {
        check_correlation(request);
        match &request.payload {
            RequestPayload::Archive(_) => pending(Operation::Archive),
            RequestPayload::Poll(_) => poll(polls.fetch_add(1, Ordering::SeqCst)),
            RequestPayload::Cancel(_) => cancel(),
            _ => agree(request, ProtocolVersion::V1_4).unwrap_or(Act::Close),
        }
    })
    .await
}

async fn session(rig: &Rig, peer: &Peer, operation_timeout: Duration) -> Session {
    let mut config = rig.config(&peer.address.to_string());
    config.operation_timeout = operation_timeout;
    Client::new(config).unwrap().connect().await.unwrap()
}

const LONG: Duration = Duration::from_secs(300);

/// What is waited for in vain.
const SHORT: Duration = Duration::from_millis(500);

/// Long enough for the answers of a peer that does answer, on a machine that is busy, and waited for in vain in part.
const MIDDLE: Duration = Duration::from_secs(8);

async fn submitted(session: &mut Session) -> Pending<ArchiveRequest> {
    match session.submit(archive()).await.unwrap() {
        Submitted::Pending(pending) => pending,
        Submitted::Done(_) => panic!("done at once"),
    }
}

#[tokio::test]
async fn submitted_and_waited_for() {
    for version in [
        ProtocolVersion::V1_0,
        ProtocolVersion::V1_4,
        ProtocolVersion::V2_1,
    ] {
        let rig = Rig::new();
        let polls = AtomicUsize::new(0);
        let peer = Peer::start(&rig, move |request| {
            check_correlation(request);
            let allowed = request.message.header.asynchronous_indicator;
            match &request.payload {
                RequestPayload::Archive(_) => {
                    let allowed = allowed.map(|indicator| indicator.0);
                    assert_eq!(allowed, Some(AsynchronousIndicatorOption::Optional));
                    pending(Operation::Archive)
                }
                // Still pending: some say so as the operation, some as Poll.
                RequestPayload::Poll(_) => {
                    assert!(allowed.is_none(), "Poll itself is not asynchronous");
                    match polls.fetch_add(1, Ordering::SeqCst) {
                        0 => pending(Operation::Archive),
                        1 => pending(Operation::Poll),
                        _ => archived(),
                    }
                }
                _ => agree(request, version).unwrap_or(Act::Close),
            }
        })
        .await;
        let mut session = session(&rig, &peer, LONG).await;
        let pending = submitted(&mut session).await;
        assert_eq!(pending.correlation_value(), CORRELATION);
        assert!(session.poll(&pending).await.unwrap().is_none());
        let response = ends(session.wait(pending, Duration::MAX)).await.unwrap();
        assert_eq!(response.unique_identifier, "id-1".into());
        assert_eq!(peer.count(Operation::Poll), 3);
        assert_eq!(peer.count(Operation::Cancel), 0);
    }
}

#[tokio::test]
async fn done_at_once() {
    let rig = Rig::new();
    let peer = Peer::start(&rig, |request| {
        agree(request, ProtocolVersion::V1_4).unwrap_or_else(archived)
    })
    .await;
    let mut session = session(&rig, &peer, LONG).await;
    assert!(matches!(
        session.submit(archive()).await.unwrap(),
        Submitted::Done(_)
    ));
}

/// A server may be slow without having been allowed to.
#[tokio::test]
async fn pending_without_having_been_asked() {
    let rig = Rig::new();
    let poll = |n| match n {
        0..3 => pending(Operation::Archive),
        _ => archived(),
    };
    let peer = peer(&rig, poll, || Act::Close).await;
    let mut session = session(&rig, &peer, LONG).await;
    ends(session.archive("id-1")).await.unwrap();
    assert_eq!(peer.count(Operation::Archive), 1);
    assert_eq!(peer.count(Operation::Poll), 4);
}

#[tokio::test]
async fn refused_after_a_while() {
    let rig = Rig::new();
    let poll = |n| match n {
        0 => pending(Operation::Archive),
        _ => refuse(Operation::Archive, ResultReason::PermissionDenied),
    };
    let peer = peer(&rig, poll, || Act::Close).await;
    let mut session = session(&rig, &peer, LONG).await;
    let error = ends(session.archive("id-1")).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Refused { .. }), "{error}");
    assert_eq!(error.operation(), Some(Operation::Archive));
    assert!(!error.outcome_is_unknown(), "{error}");
}

#[tokio::test]
async fn cancelled_in_the_end() {
    let rig = Rig::new();
    let peer = peer(
        &rig,
        |_| pending(Operation::Archive),
        || cancelled(CancellationResult::Canceled),
    )
    .await;
    let mut session = session(&rig, &peer, MIDDLE).await;
    let error = ends(session.archive("id-1")).await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Cancelled, "{error}");
    assert!(!error.outcome_is_unknown(), "{error}");
    assert_eq!(peer.count(Operation::Cancel), 1);

    let pending = submitted(&mut session).await;
    let error = ends(session.wait(pending, SHORT)).await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Cancelled, "{error}");

    let pending = submitted(&mut session).await;
    let result = ends(session.cancel(&pending)).await.unwrap();
    assert_eq!(result, CancellationResult::Canceled);
}

/// Done just before it would have been cancelled.
#[tokio::test]
async fn complete_when_it_is_to_be_cancelled() {
    let rig = Rig::new();
    let is_cancelled = std::sync::Arc::new(Mutex::new(false));
    let seen = is_cancelled.clone();
    let peer = peer(
        &rig,
        move |_| match *seen.lock().unwrap() {
            false => pending(Operation::Archive),
            true => archived(),
        },
        move || {
            *is_cancelled.lock().unwrap() = true;
            cancelled(CancellationResult::Completed)
        },
    )
    .await;
    let mut session = session(&rig, &peer, LONG).await;
    let pending = submitted(&mut session).await;
    let response = ends(session.wait(pending, SHORT)).await.unwrap();
    assert_eq!(response.unique_identifier, "id-1".into());
}

#[tokio::test]
async fn neither_done_nor_cancelled() {
    for cancel in [
        (|| cancelled(CancellationResult::UnableToCancel)) as fn() -> Act,
        || cancelled(CancellationResult::Failed),
        || Act::Refuse(ResultReason::OperationNotSupported),
        || Act::Close,
        || pending(Operation::Cancel),
    ] {
        let rig = Rig::new();
        let peer = peer(&rig, |_| pending(Operation::Archive), cancel).await;
        let mut session = session(&rig, &peer, LONG).await;
        let pending = submitted(&mut session).await;
        let error = ends(session.wait(pending, SHORT)).await.unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::Timeout, "{error}");
        assert!(error.outcome_is_unknown(), "{error}");
        assert!(error.to_string().contains("still pending"), "{error}");
    }
}

/// Polls go on over a new connection; a Poll that hangs leaves time to cancel.
#[tokio::test]
async fn connections_that_break_while_it_is_pending() {
    let rig = Rig::new();
    let poll = |n| match n {
        0 => Act::Close,
        1 => Act::Reset,
        _ => archived(),
    };
    let breaking = peer(&rig, poll, || Act::Close).await;
    let mut session_ = session(&rig, &breaking, LONG).await;
    ends(session_.archive("id-1")).await.unwrap();
    assert_eq!(breaking.count(Operation::Archive), 1);
    assert_eq!(breaking.connections(), 3);

    let silent = peer(
        &rig,
        |_| Act::Silence,
        || cancelled(CancellationResult::Canceled),
    )
    .await;
    let mut session = session(&rig, &silent, MIDDLE).await;
    let error = ends(session.archive("id-1")).await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Cancelled, "{error}");
}

/// The result was given away, and got lost: that it is not there any more says nothing about the operation.
#[tokio::test]
async fn a_result_that_got_lost() {
    let rig = Rig::new();
    let poll = |n| match n {
        0 => Act::Reset,
        _ => Act::Refuse(ResultReason::ItemNotFound),
    };
    let peer_ = peer(&rig, poll, || Act::Close).await;
    let mut session_ = session(&rig, &peer_, LONG).await;
    let error = ends(session_.archive("id-1")).await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::ConnectionLost, "{error}");
    assert!(error.outcome_is_unknown(), "{error}");

    // Nothing got lost; but whoever knows nothing of the operation does not know that it was not done.
    for unknown in [
        (|_| refuse(Operation::Poll, ResultReason::InvalidField)) as fn(usize) -> Act,
        |_| Act::Refuse(ResultReason::ItemNotFound),
    ] {
        let peer = peer(&rig, unknown, || Act::Close).await;
        let mut session = session(&rig, &peer, LONG).await;
        let resumed = Pending::<ArchiveRequest>::from_correlation_value(CORRELATION);
        assert!(
            session
                .poll(&resumed)
                .await
                .unwrap_err()
                .outcome_is_unknown()
        );
        let error = ends(session.wait(resumed, LONG)).await.unwrap_err();
        assert!(error.outcome_is_unknown(), "{error}");
    }
}

#[tokio::test]
async fn pending_answers_that_do_not_fit() {
    type Script = fn() -> Act;
    let nameless: Script = || {
        Act::Items(vec![ResponseBatchItem {
            result_status: ResultStatus::OperationPending,
            payload: None,
            ..ResponseBatchItem::success(ArchiveResponse {
                unique_identifier: "id-1".into(),
            })
        }])
    };
    let rig = Rig::new();
    let peer_ = Peer::start(&rig, move |request| {
        agree(request, ProtocolVersion::V1_4).unwrap_or_else(nameless)
    })
    .await;
    let mut session_ = session(&rig, &peer_, LONG).await;
    let error = ends(session_.archive("id-1")).await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Protocol, "{error}");
    assert!(error.outcome_is_unknown());

    // The result of another operation.
    let other = |_| Act::Answer(LocateResponse::default().into());
    let peer = peer(&rig, other, || Act::Close).await;
    let mut session = session(&rig, &peer, LONG).await;
    let error = ends(session.archive("id-1")).await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Protocol, "{error}");
    assert!(error.outcome_is_unknown());
}

/// A Create that the server is still at work on is never sent a second time, and is found by its Name once it is done.
#[tokio::test]
async fn create_that_is_pending_makes_one_key() {
    for (is_made, expected) in [
        (true, None),
        // The connection broke, and there is no key, but there may be one in a moment.
        (false, Some(ErrorKind::ConnectionLost)),
    ] {
        let rig = Rig::new();
        let peer = Peer::start(&rig, move |request| {
            let answer: ResponsePayload = match &request.payload {
                RequestPayload::Create(_) => return pending(Operation::Create),
                RequestPayload::Poll(_) if request.connection == 0 => return Act::Reset,
                RequestPayload::Poll(_) => return Act::Refuse(ResultReason::ItemNotFound),
                RequestPayload::Locate(_) => LocateResponse {
                    located_items: None,
                    unique_identifiers: if is_made { vec!["7".into()] } else { vec![] },
                }
                .into(),
                RequestPayload::GetAttributes(_) => GetAttributesResponse {
                    unique_identifier: "7".into(),
                    attributes: Attributes::new()
                        .with(AttributeValue::Name(Name::text("mine")))
                        .with(AttributeValue::State(State::PreActive)),
                }
                .into(),
                _ => return agree(request, ProtocolVersion::V1_4).unwrap_or(Act::Close),
            };
            Act::Answer(answer)
        })
        .await;
        let mut session = session(&rig, &peer, LONG).await;
        let key = NewSymmetricKey::aes256("mine");
        let result = ends(session.create_symmetric_key(&key)).await;
        assert_eq!(peer.count(Operation::Create), 1);
        match expected {
            None => assert_eq!(result.unwrap(), "7"),
            Some(kind) => {
                let error = result.unwrap_err();
                assert_eq!(*error.kind(), kind, "{error}");
                assert!(error.to_string().contains("\"mine\""), "{error}");
            }
        }
    }
}

/// The key of a Create that took long is that of the answer to Poll.
#[tokio::test]
async fn create_that_takes_long() {
    let rig = Rig::new();
    let peer = Peer::start(&rig, |request| match &request.payload {
        RequestPayload::Create(_) => pending(Operation::Create),
        RequestPayload::Poll(_) => Act::Answer(
            CreateResponse {
                object_type: ObjectType::SymmetricKey,
                unique_identifier: "7".into(),
                attributes: None,
            }
            .into(),
        ),
        _ => agree(request, ProtocolVersion::V2_0).unwrap_or(Act::Close),
    })
    .await;
    let mut session = session(&rig, &peer, LONG).await;
    let key = NewSymmetricKey::aes256("mine");
    let id = ends(session.create_symmetric_key(&key)).await.unwrap();
    assert_eq!(id, "7");
}
