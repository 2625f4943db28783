//! What is told to the audit, and what happens when it cannot be told.

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex};

use kmip::operations::{
    ActivateRequest, AddAttributeRequest, CreateResponse, EncryptRequest, GetAttributesRequest,
    GetAttributesResponse, GetRequest, GetResponse, LocateRequest, QueryRequest,
};
use kmip::registry::{
    BatchErrorContinuationOption, BlockCipherMode, Operation, PaddingMethod, ResultReason,
    ResultStatus, Tag, UsageLimitsUnit,
};
use kmip::structures::{CryptographicParameters, UsageLimits};
use kmip::{
    AttributeName, AttributeValue, Data, DateTime, ProtocolVersion, RequestMessage, RequestPayload,
};
use kmip_client::{ErrorKind, NewSymmetricKey};
use kmip_server::{AuditError, AuditEvent, AuditSink, RequestRate, ServerConfig};
use tokio::io::AsyncWriteExt;

use crate::peer::{Peer, aes256_with};
use crate::rig::{Rig, answer, ask, raw, raw_as};

/// What of a sink fails.
const NOTHING: u8 = 0;
const READY: u8 = 1;
const RECORD: u8 = 2;
const SETTLE: u8 = 3;
/// Only what changes something is refused.
const CHANGES: u8 = 4;

/// One batch item: operation, result, identifiers.
type Told = (Option<Operation>, ResultStatus, Vec<String>);

type Unheard = (Option<ProtocolVersion>, Option<ResultReason>, u64);

#[derive(Debug, Default)]
struct Sink {
    /// Then requests are performed where nobody may be waited for, and changes together with others'.
    is_quick: bool,
    broken: AtomicU8,
    told: Mutex<Vec<Told>>,
    /// Whether each request has changed something, and the place of its last event.
    settled: Mutex<Vec<(bool, u64)>>,
    /// Version, reason and number of requests that are not of a batch.
    unheard: Mutex<Vec<Unheard>>,
}

impl Sink {
    fn fails_at(&self, step: u8) -> Result<(), AuditError> {
        if self.broken.load(Ordering::SeqCst) == step {
            return Err(AuditError);
        }
        Ok(())
    }

    fn changed(&self) -> Vec<bool> {
        let settled = std::mem::take(&mut *self.settled.lock().unwrap());
        settled.into_iter().map(|(changes, _)| changes).collect()
    }

    fn told(&self) -> Vec<Told> {
        std::mem::take(&mut self.told.lock().unwrap())
    }
}

impl AuditSink for Sink {
    fn ready(&self, changes: bool) -> Result<(), AuditError> {
        if changes {
            self.fails_at(CHANGES)?;
        }
        self.fails_at(READY)
    }

    fn record(&self, event: &AuditEvent<'_>) -> Result<u64, AuditError> {
        self.fails_at(RECORD)?;
        if event.operation.is_none() {
            let unheard = (event.version, event.reason, event.count);
            self.unheard.lock().unwrap().push(unheard);
        }
        let mut told = self.told.lock().unwrap();
        told.push((event.operation, event.status, event.objects.to_vec()));
        // As one that goes on without some of the events.
        let has_place = event.operation != Some(Operation::Query);
        Ok(if has_place { told.len() as u64 } else { 0 })
    }

    fn is_quick(&self) -> bool {
        self.is_quick
    }

    fn settle(&self, changes: bool, last: u64) -> Result<(), AuditError> {
        self.settled.lock().unwrap().push((changes, last));
        self.fails_at(SETTLE)
    }
}

fn audited(rig: &Rig) -> (Arc<Sink>, ServerConfig) {
    audited_by(rig, false)
}

fn audited_by(rig: &Rig, is_quick: bool) -> (Arc<Sink>, ServerConfig) {
    let sink = Arc::new(Sink {
        is_quick,
        ..Sink::default()
    });
    let config = ServerConfig {
        audit: sink.clone(),
        ..rig.server_config("kmip")
    };
    (sink, config)
}

#[tokio::test]
async fn every_item_with_its_objects() {
    for is_quick in [false, true] {
        every_item_if(is_quick).await;
    }
}

async fn every_item_if(is_quick: bool) {
    let rig = Rig::new();
    let (sink, config) = audited_by(&rig, is_quick);
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
    for is_quick in [false, true] {
        nothing_is_done_or_told_if(is_quick).await;
    }
}

async fn nothing_is_done_or_told_if(is_quick: bool) {
    let rig = Rig::new();
    let (sink, config) = audited_by(&rig, is_quick);
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

/// A new AES key, still fresh.
async fn new_key(peer: &mut Peer) -> String {
    let active = AttributeValue::ActivationDate(DateTime(1));
    let created: CreateResponse = peer.ask(aes256_with(active)).await;
    created.unique_identifier.to_string()
}

fn get(id: &str) -> GetRequest {
    GetRequest {
        unique_identifier: Some(id.into()),
        ..GetRequest::default()
    }
}

fn encrypt(id: &str) -> EncryptRequest {
    EncryptRequest {
        unique_identifier: Some(id.into()),
        cryptographic_parameters: Some(CryptographicParameters {
            block_cipher_mode: Some(BlockCipherMode::ECB),
            padding_method: Some(PaddingMethod::PKCS5),
            ..CryptographicParameters::default()
        }),
        data: Some(Data::Bytes(b"some data".as_slice().into())),
        ..EncryptRequest::default()
    }
}

/// A fresh object is changed when it is handed out, a key with Usage Limits when it is used: such a request
/// waits for the disk like any other that changes something.
#[tokio::test]
async fn operations_that_mostly_read_and_now_and_then_change() {
    for is_quick in [false, true] {
        now_and_then_change_if(is_quick).await;
    }
}

async fn now_and_then_change_if(is_quick: bool) {
    let rig = Rig::new();
    let (sink, config) = audited_by(&rig, is_quick);
    let server = rig.start_with(config).await;
    let mut peer = Peer::new(&rig, &server, ProtocolVersion::V1_4).await;
    let id = new_key(&mut peer).await;
    let changed = || sink.changed();
    assert_eq!(changed(), [true]);
    for expected in [true, false] {
        let _: GetResponse = peer.ask(get(&id)).await;
        assert_eq!(changed(), [expected]);
    }
    assert!(peer.item(encrypt(&id)).await.result_reason.is_none());
    assert_eq!(changed(), [false]);
    let limits = UsageLimits {
        total: 2,
        count: None,
        unit: UsageLimitsUnit::Object,
    };
    let add = AddAttributeRequest {
        unique_identifier: Some(id.as_str().into()),
        attribute: AttributeValue::UsageLimits(limits).into(),
    };
    assert!(peer.item(add).await.result_reason.is_none());
    changed();
    assert!(peer.item(encrypt(&id)).await.result_reason.is_none());
    assert_eq!(changed(), [true]);

    // Where changes are refused, these are.
    let fresh = new_key(&mut peer).await;
    sink.broken.store(CHANGES, Ordering::SeqCst);
    assert_eq!(
        peer.refused(encrypt(&id)).await,
        ResultReason::GeneralFailure
    );
    // A key is handed out all the same, and stays fresh.
    let _: GetResponse = peer.ask(get(&fresh)).await;
    sink.broken.store(NOTHING, Ordering::SeqCst);
    let request = GetAttributesRequest {
        unique_identifier: Some(fresh.as_str().into()),
        attribute_names: vec![AttributeName::Standard(Tag::Fresh)],
    };
    let got: GetAttributesResponse = peer.ask(request).await;
    assert_eq!(got.attributes.fresh(), Some(&true));
    assert!(peer.item(encrypt(&id)).await.result_reason.is_none());
    assert_eq!(
        peer.refused(encrypt(&id)).await,
        ResultReason::PermissionDenied
    );
}

/// A request waits for all of its events, also where the sink goes on without the last one.
#[tokio::test]
async fn the_place_of_the_last_event() {
    let rig = Rig::new();
    let (sink, config) = audited(&rig);
    let server = rig.start_with(config).await;
    let mut peer = Peer::new(&rig, &server, ProtocolVersion::V1_4).await;
    let id = new_key(&mut peer).await;
    let items = [
        ActivateRequest {
            unique_identifier: Some(id.as_str().into()),
        }
        .into(),
        get(&id).into(),
        QueryRequest::default().into(),
    ];
    peer.batch(Some(BatchErrorContinuationOption::Continue), items)
        .await;
    assert_eq!(*sink.settled.lock().unwrap(), [(true, 1), (true, 3)]);
}

/// What nobody has looked at is told as well, but not each for itself: the log does not grow as fast as a client sends.
#[tokio::test]
async fn what_nobody_has_looked_at() {
    let rig = Rig::new();
    let (sink, config) = audited(&rig);
    let config = ServerConfig {
        request_rate: Some(RequestRate {
            per_second: 1e-6,
            burst: 2,
        }),
        ..config
    };
    let server = rig.start_with(config).await;
    let query = |version| RequestMessage::new(version, QueryRequest::default());
    let unheard = || std::mem::take(&mut *sink.unheard.lock().unwrap());

    let mut stream = raw(&rig, &server).await;
    let future = ProtocolVersion::new(9, 1);
    let mut bytes = query(ProtocolVersion::V1_4)
        .encode()
        .unwrap()
        .as_slice()
        .to_vec();
    // The major and the minor version, of one byte each that is not 0.
    bytes[35] = 9;
    bytes[51] = 1;
    stream.write_all(&bytes).await.unwrap();
    answer(&mut stream).await;
    let invalid = Some(ResultReason::InvalidMessage);
    assert_eq!(unheard(), [(Some(future), invalid, 1)]);

    let mut stream = raw_as(&rig, &server, "rubbish").await;
    stream
        .write_all(&[0x42, 0, 0x78, 1, 0, 0, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8])
        .await
        .unwrap();
    answer(&mut stream).await;
    assert_eq!(unheard(), [(None, invalid, 1)]);

    let mut stream = raw_as(&rig, &server, "eager").await;
    for _ in 0..12 {
        ask(&mut stream, &query(ProtocolVersion::V2_1)).await;
    }
    server.stop().await;
    let told = unheard();
    let (version, limited) = (
        Some(ProtocolVersion::V2_1),
        Some(ResultReason::ServerLimitExceeded),
    );
    assert!(
        told.iter().all(|(v, r, _)| (*v, *r) == (version, limited)),
        "{told:?}"
    );
    assert_eq!(told.iter().map(|(_, _, count)| count).sum::<u64>(), 10);
    assert_eq!(told[0].2, 1);
}
