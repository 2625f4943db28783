//! What is told to the audit, and what happens when it cannot be told.

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex};

use kmip::operations::{ActivateRequest, LocateRequest};
use kmip::registry::{BatchErrorContinuationOption, Operation, ResultReason, ResultStatus};
use kmip::{ProtocolVersion, RequestMessage, RequestPayload};
use kmip_client::{ErrorKind, NewSymmetricKey};
use kmip_server::{AuditError, AuditEvent, AuditSink, ServerConfig};

use crate::rig::{Rig, ask, raw};

/// What of a sink fails.
const NOTHING: u8 = 0;
const READY: u8 = 1;
const RECORD: u8 = 2;
const SETTLE: u8 = 3;

/// One batch item: operation, result, identifiers.
type Told = (Option<Operation>, ResultStatus, Vec<String>);

#[derive(Debug, Default)]
struct Sink {
    broken: AtomicU8,
    told: Mutex<Vec<Told>>,
}

impl Sink {
    fn fails_at(&self, step: u8) -> Result<(), AuditError> {
        if self.broken.load(Ordering::SeqCst) == step {
            return Err(AuditError);
        }
        Ok(())
    }

    fn told(&self) -> Vec<Told> {
        std::mem::take(&mut self.told.lock().unwrap())
    }
}

impl AuditSink for Sink {
    fn ready(&self, _: bool) -> Result<(), AuditError> {
        self.fails_at(READY)
    }

    fn record(&self, event: &AuditEvent<'_>) -> Result<(), AuditError> {
        self.fails_at(RECORD)?;
        self.told
            .lock()
            .unwrap()
            .push((event.operation, event.status, event.objects.to_vec()));
        Ok(())
    }

    fn settle(&self, _: bool) -> Result<(), AuditError> {
        self.fails_at(SETTLE)
    }
}

fn audited(rig: &Rig) -> (Arc<Sink>, ServerConfig) {
    let sink = Arc::new(Sink::default());
    let config = ServerConfig {
        audit: sink.clone(),
        ..rig.server_config("kmip")
    };
    (sink, config)
}

#[tokio::test]
async fn every_item_with_its_objects() {
    let rig = Rig::new();
    let (sink, config) = audited(&rig);
    let server = rig.start_with(config).await;
    let mut session = rig.connect(&server).await;
    sink.told();
    let id = session
        .create_symmetric_key(&NewSymmetricKey::aes256("k"))
        .await
        .unwrap();
    session.activate(&id).await.unwrap();
    session.get_symmetric_key("missing").await.unwrap_err();
    let about = |operation, status, objects: &[&str]| {
        let objects = objects.iter().map(|id| (*id).to_owned()).collect();
        (Some(operation), status, objects)
    };
    let told = sink.told();
    for expected in [
        about(Operation::Create, ResultStatus::Success, &[&id]),
        about(Operation::Activate, ResultStatus::Success, &[&id]),
        about(Operation::Get, ResultStatus::OperationFailed, &["missing"]),
    ] {
        assert!(told.contains(&expected), "{expected:?} in {told:?}");
    }
    session.locate_by_name("k").await.unwrap();
    let told = sink.told();
    let located = about(Operation::Locate, ResultStatus::Success, &[&id]);
    assert!(told.contains(&located), "{told:?}");
}

#[tokio::test]
async fn nothing_is_done_or_told_to_the_client_that_cannot_be_audited() {
    let rig = Rig::new();
    let (sink, config) = audited(&rig);
    let server = rig.start_with(config).await;
    let mut session = rig.connect(&server).await;
    let id = session
        .create_symmetric_key(&NewSymmetricKey::aes256("k"))
        .await
        .unwrap();
    for step in [READY, RECORD, SETTLE] {
        sink.broken.store(step, Ordering::SeqCst);
        for error in [
            session.get_symmetric_key(&id).await.map(drop).unwrap_err(),
            session.destroy(&id).await.unwrap_err(),
        ] {
            let ErrorKind::Refused { reason, .. } = error.kind() else {
                panic!("{error}");
            };
            assert_eq!(*reason, Some(ResultReason::GeneralFailure), "{error}");
        }
        if step == READY {
            // It was known before, so it was not done.
            sink.broken.store(NOTHING, Ordering::SeqCst);
            session.get_symmetric_key(&id).await.unwrap();
        }
    }
    sink.broken.store(NOTHING, Ordering::SeqCst);
    session.query().await.unwrap();
}

#[tokio::test]
async fn what_is_undone() {
    let rig = Rig::new();
    let (sink, config) = audited(&rig);
    let server = rig.start_with(config).await;
    let mut stream = raw(&rig, &server).await;
    let activate = RequestPayload::Activate(ActivateRequest {
        unique_identifier: Some("missing".into()),
    });
    let mut request = RequestMessage::batch(
        ProtocolVersion::V1_4,
        [RequestPayload::Locate(LocateRequest::default()), activate],
    );
    request.header.batch_error_continuation_option = Some(BatchErrorContinuationOption::Undo);
    let answer = ask(&mut stream, &request).await;
    assert_eq!(
        answer.batch_items[0].result_status,
        ResultStatus::OperationUndone
    );
    let told: Vec<_> = sink
        .told()
        .into_iter()
        .map(|(operation, status, _)| (operation, status))
        .collect();
    assert_eq!(
        told,
        [
            (Some(Operation::Locate), ResultStatus::Success),
            (Some(Operation::Activate), ResultStatus::OperationFailed),
            (Some(Operation::Locate), ResultStatus::OperationUndone),
        ]
    );
}
