//! Requests that take long: none goes on for ever, and a stop lets them finish, but not for long.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use kmip::operations::QueryRequest;
use kmip::registry::{BatchErrorContinuationOption, ResultReason, ResultStatus};
use kmip::{ProtocolVersion, RequestMessage, RequestPayload};
use kmip_server::{AuditError, AuditEvent, AuditSink, ServerConfig};
use tokio::io::AsyncWriteExt;

use crate::peer::Peer;
use crate::rig::{Rig, answer, raw};

fn queries(count: usize) -> Vec<RequestPayload> {
    (0..count)
        .map(|_| RequestPayload::Query(QueryRequest::default()))
        .collect()
}

#[tokio::test]
async fn a_batch_that_takes_too_long() {
    let rig = Rig::new();
    let config = ServerConfig {
        request_timeout: Duration::ZERO,
        ..rig.server_config("kmip")
    };
    let server = rig.start_with(config).await;
    let mut peer = Peer::new(&rig, &server, ProtocolVersion::V2_1).await;
    let on = Some(BatchErrorContinuationOption::Continue);
    let reasons: Vec<_> = peer
        .batch(on, queries(3))
        .await
        .iter()
        .map(|item| item.result_reason)
        .collect();
    let late = Some(ResultReason::ServerLimitExceeded);
    assert_eq!(reasons, [None, late, late]);
    let stopped = peer.batch(None, queries(3)).await;
    assert_eq!(stopped.len(), 2);
    let undo = Some(BatchErrorContinuationOption::Undo);
    let undone = peer.batch(undo, queries(2)).await;
    assert_eq!(undone[0].result_status, ResultStatus::OperationUndone);
    peer.version = ProtocolVersion::V1_4;
    let item = peer.batch(None, queries(2)).await.remove(1);
    assert_eq!(item.result_reason, Some(ResultReason::GeneralFailure));
    // A request of one item is always performed.
    assert_eq!(peer.batch(None, queries(1)).await[0].result_reason, None);
}

/// Each item waits until it is let go.
#[derive(Debug)]
struct Waits {
    begun: Mutex<Sender<()>>,
    go: Mutex<Receiver<()>>,
}

impl AuditSink for Waits {
    fn ready(&self, _: bool) -> Result<(), AuditError> {
        self.begun.lock().unwrap().send(()).unwrap();
        // An error: the test has let all of them go.
        let _ = self.go.lock().unwrap().recv();
        Ok(())
    }

    fn record(&self, _: &AuditEvent<'_>) -> Result<u64, AuditError> {
        Ok(0)
    }

    fn settle(&self, _: bool, _: u64) -> Result<(), AuditError> {
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_while_a_request_is_under_way() {
    let rig = Rig::new();
    let (begun, has_begun) = channel();
    let (let_go, go) = channel();
    let config = ServerConfig {
        audit: Arc::new(Waits {
            begun: Mutex::new(begun),
            go: Mutex::new(go),
        }),
        drain_timeout: Duration::from_secs(600),
        ..rig.server_config("kmip")
    };
    let server = rig.start_with(config).await;
    let mut stream = raw(&rig, &server).await;
    let request = RequestMessage::batch(ProtocolVersion::V2_1, queries(2));
    stream
        .write_all(request.encode().unwrap().as_slice())
        .await
        .unwrap();
    let waiting = tokio::task::spawn_blocking(move || {
        has_begun.recv().unwrap();
        has_begun
    });
    let _has_begun = waiting.await.unwrap();
    let stop = tokio::spawn(server.stop());
    drop(let_go);
    let items = answer(&mut stream).await.batch_items;
    assert!(items.iter().all(|item| item.result_reason.is_none()));
    stop.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_does_not_wait_for_ever() {
    let rig = Rig::new();
    let (begun, has_begun) = channel();
    let (let_go, go) = channel();
    let config = ServerConfig {
        audit: Arc::new(Waits {
            begun: Mutex::new(begun),
            go: Mutex::new(go),
        }),
        drain_timeout: Duration::from_millis(10),
        ..rig.server_config("kmip")
    };
    let server = rig.start_with(config).await;
    let mut stream = raw(&rig, &server).await;
    let request = RequestMessage::batch(ProtocolVersion::V2_1, queries(1));
    stream
        .write_all(request.encode().unwrap().as_slice())
        .await
        .unwrap();
    let waiting = tokio::task::spawn_blocking(move || {
        has_begun.recv().unwrap();
        has_begun
    });
    let _has_begun = waiting.await.unwrap();
    // Returns although the request never ends.
    server.stop().await;
    drop(let_go);
}
