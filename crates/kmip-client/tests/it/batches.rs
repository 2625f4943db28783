//! Batches: answers that belong to them, and answers that do not.

use kmip::objects::{KeyBlock, SymmetricKey};
use kmip::operations::{
    ActivateRequest, ActivateResponse, CreateRequest, CreateResponse, DestroyRequest, GetRequest,
    GetResponse, RequestPayload, ResponsePayload,
};
use kmip::registry::{
    BatchErrorContinuationOption, CryptographicAlgorithm, ObjectType, Operation, ResultReason,
    ResultStatus,
};
use kmip::{Attributes, Bytes, Limits, ProtocolVersion, ResponseBatchItem};
use kmip_client::{Answers, Batch, BatchItem, Client, Error, ErrorKind, Session};
use kmip_peer::{Act, Peer, Request, agree};

use crate::rig::{Rig, ends};

fn create() -> CreateRequest {
    CreateRequest {
        object_type: ObjectType::SymmetricKey,
        attributes: Attributes::new(),
        protection_storage_masks: None,
    }
}

/// The answer of a server that does what it is asked to, with the ID placeholder.
fn done(payload: &RequestPayload) -> ResponsePayload {
    match payload {
        RequestPayload::Create(_) => CreateResponse {
            object_type: ObjectType::SymmetricKey,
            unique_identifier: "new".into(),
            attributes: None,
        }
        .into(),
        RequestPayload::Activate(activate) => ActivateResponse {
            unique_identifier: activate
                .unique_identifier
                .clone()
                .unwrap_or_else(|| "new".into()),
        }
        .into(),
        RequestPayload::Get(get) => GetResponse {
            object_type: ObjectType::SymmetricKey,
            unique_identifier: get
                .unique_identifier
                .clone()
                .unwrap_or_else(|| "new".into()),
            object: SymmetricKey {
                key_block: KeyBlock::raw(CryptographicAlgorithm::AES, &[7; 32]),
            }
            .into(),
        }
        .into(),
        other => panic!("not expected: {:?}", other.operation()),
    }
}

/// Each item answered.
fn all(request: &Request) -> Vec<ResponseBatchItem> {
    request
        .message
        .batch_items
        .iter()
        .map(|item| {
            ResponseBatchItem::success(done(&item.payload))
                .answering(item.unique_batch_item_id.clone())
        })
        .collect()
}

fn refused(request: &Request, place: usize) -> ResponseBatchItem {
    let item = &request.message.batch_items[place];
    let reason = ResultReason::PermissionDenied;
    ResponseBatchItem::failure(item.payload.operation(), reason, "no")
        .answering(item.unique_batch_item_id.clone())
}

async fn session(
    rig: &Rig,
    version: ProtocolVersion,
    answer: impl Fn(&Request) -> Act + Send + Sync + 'static,
) -> (Session, Peer) {
    let peer = Peer::start(rig, move |request| {
        agree(request, version).unwrap_or_else(|| answer(request))
    })
    .await;
    let session = rig.session(&peer).await;
    (session, peer)
}

/// Create, Activate and Get as one batch, answered so.
async fn three(
    on_error: Option<BatchErrorContinuationOption>,
    answer: impl Fn(&Request) -> Vec<ResponseBatchItem> + Send + Sync + 'static,
) -> Result<Three, Error> {
    let rig = Rig::new();
    let (mut session, peer) = session(&rig, ProtocolVersion::V1_4, move |request| {
        Act::Items(answer(request))
    })
    .await;
    let mut batch = match on_error {
        Some(option) => Batch::new().on_error(option),
        None => Batch::new(),
    };
    let created = batch.add(create());
    let activated = batch.add(ActivateRequest::default());
    let got = batch.add(GetRequest::default());
    let answers = ends(session.send(batch)).await;
    assert_eq!(peer.count(Operation::Create), 1, "a batch is not repeated");
    Ok(Three {
        answers: answers?,
        created,
        activated,
        got,
    })
}

struct Three {
    answers: Answers,
    created: BatchItem<CreateRequest>,
    activated: BatchItem<ActivateRequest>,
    got: BatchItem<GetRequest>,
}

impl Three {
    /// How each of the three ended.
    fn kinds(mut self) -> [Option<ErrorKind>; 3] {
        let kind = |error: Error| error.kind().clone();
        [
            self.answers.take(self.created).err().map(kind),
            self.answers.take(self.activated).err().map(kind),
            self.answers.take(self.got).err().map(kind),
        ]
    }
}

const REFUSED: Option<ErrorKind> = Some(ErrorKind::Refused {
    status: ResultStatus::OperationFailed,
    reason: Some(ResultReason::PermissionDenied),
});
const NOT_DONE: Option<ErrorKind> = Some(ErrorKind::NotDone);

#[tokio::test]
async fn answers_in_every_version_and_order() {
    for version in ProtocolVersion::SUPPORTED {
        for reversed in [false, true] {
            let rig = Rig::new();
            let (mut session, _peer) = session(&rig, version, move |request| {
                let header = &request.message.header;
                assert_eq!(header.batch_order_option, Some(true));
                assert_eq!(header.batch_error_continuation_option, None);
                let ids: Vec<_> = request.message.batch_items.iter().collect();
                assert!(ids.iter().all(|item| item.unique_batch_item_id.is_some()));
                let mut items = all(request);
                if reversed {
                    items.reverse();
                }
                Act::Items(items)
            })
            .await;
            let mut batch = Batch::new();
            let created = batch.add(create());
            let activated = batch.add(ActivateRequest::default());
            let got = batch.add(GetRequest::default());
            let mut answers = ends(session.send(batch)).await.unwrap();
            assert!(answers.first_failure().is_none());
            assert!(!format!("{answers:?}").contains("7, 7"), "{answers:?}");
            let key = answers.take(got).unwrap();
            assert_eq!(key.unique_identifier.as_str(), Some("new"), "{version}");
            assert_eq!(
                answers.take(created).unwrap().unique_identifier,
                "new".into()
            );
            answers.take(activated).unwrap();
        }
    }
}

#[tokio::test]
async fn what_happens_behind_a_failure() {
    use BatchErrorContinuationOption as On;
    let stop = |request: &Request| vec![all(request).swap_remove(0), refused(request, 1)];
    for option in [None, Some(On::Stop)] {
        let three = three(option, stop).await.unwrap();
        let failure = three.answers.first_failure().unwrap();
        assert_eq!(failure.operation(), Some(Operation::Activate), "{failure}");
        assert_eq!(three.kinds(), [None, REFUSED, NOT_DONE]);
    }
    // Answered although it was not done.
    let told = |request: &Request| {
        vec![
            all(request).swap_remove(0),
            refused(request, 1),
            refused(request, 2),
        ]
    };
    let kinds = three(None, told).await.unwrap().kinds();
    assert_eq!(kinds, [None, REFUSED, REFUSED]);

    let goes_on = |request: &Request| {
        let mut items = all(request);
        items[1] = refused(request, 1);
        items
    };
    let kinds = three(Some(On::Continue), goes_on).await.unwrap().kinds();
    assert_eq!(kinds, [None, REFUSED, None]);

    let undone = |request: &Request| {
        let mut first = refused(request, 0);
        first.result_status = ResultStatus::OperationUndone;
        vec![first, refused(request, 1)]
    };
    let kinds = three(Some(On::Undo), undone).await.unwrap().kinds();
    assert_eq!(kinds, [NOT_DONE, REFUSED, NOT_DONE]);
}

/// A wrong answer to one item is a wrong answer to all: nobody can tell what was done.
#[tokio::test]
async fn answers_that_do_not_fit() {
    use BatchErrorContinuationOption as On;
    type Answer = fn(&Request) -> Vec<ResponseBatchItem>;
    let cases: [(&str, Option<On>, Answer); 8] = [
        ("no answer", None, |request| all(request)[..2].to_vec()),
        ("no answer", Some(On::Continue), |request| {
            vec![all(request).swap_remove(0), refused(request, 1)]
        }),
        // Before the failure.
        ("item 1 of 3", None, |request| vec![refused(request, 1)]),
        ("twice", None, |request| {
            let mut items = all(request);
            items[1] = items[0].clone();
            items
        }),
        ("not asked for", None, |request| {
            let mut items = all(request);
            items[1].unique_batch_item_id = Some(Bytes(vec![9; 4]));
            items
        }),
        ("no Unique Batch Item ID", None, |request| {
            let mut items = all(request);
            items[2].unique_batch_item_id = None;
            items
        }),
        // Names changed round.
        ("the answer to Activate", None, |request| {
            let mut items = all(request);
            let first = items[0].unique_batch_item_id.take();
            let second = items[1].unique_batch_item_id.take();
            (items[0].unique_batch_item_id, items[1].unique_batch_item_id) = (second, first);
            items.swap(0, 1);
            items
        }),
        ("no payload", None, |request| {
            let mut items = all(request);
            items[1].payload = None;
            items
        }),
    ];
    for (what, option, answer) in cases {
        let error = three(option, answer).await.err().expect(what);
        assert_eq!(*error.kind(), ErrorKind::Protocol, "{what}: {error}");
        assert!(error.outcome_is_unknown(), "{what}: {error}");
        assert!(error.to_string().contains(what), "{what}: {error}");
        assert!(error.to_string().contains("batch"), "{what}: {error}");
    }
}

#[tokio::test]
async fn refused_as_a_whole() {
    let whole = |_: &Request| {
        vec![ResponseBatchItem::failure(
            None,
            ResultReason::InvalidMessage,
            "too much",
        )]
    };
    let error = three(None, whole).await.err().unwrap();
    let refused = ErrorKind::Refused {
        status: ResultStatus::OperationFailed,
        reason: Some(ResultReason::InvalidMessage),
    };
    assert_eq!(*error.kind(), refused, "{error}");
    assert!(error.to_string().contains("too much"), "{error}");
    assert!(!error.outcome_is_unknown());
}

#[tokio::test]
async fn lost() {
    for lose in [
        (|| Act::Close) as fn() -> Act,
        || Act::Reset,
        || Act::BytesThenReset(vec![0x42, 0x00, 0x7b, 0x01]),
    ] {
        let rig = Rig::new();
        let (mut session, peer) =
            session(&rig, ProtocolVersion::V1_4, move |request| {
                match request.connection {
                    0 => lose(),
                    _ => Act::Items(all(request)),
                }
            })
            .await;
        let mut batch = Batch::new();
        let _ = batch.add(create());
        let _ = batch.add(ActivateRequest::default());
        let error = ends(session.send(batch)).await.unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::ConnectionLost, "{error}");
        assert!(error.outcome_is_unknown());
        assert_eq!(peer.count(Operation::Create), 1);
        // The session goes on.
        let mut batch = Batch::new();
        let got = batch.add(GetRequest::default());
        let mut answers = ends(session.send(batch)).await.unwrap();
        answers.take(got).unwrap();
    }
}

/// Nothing is sent that cannot be answered, or cannot be asked.
#[tokio::test]
async fn batches_that_are_not_sent() {
    let rig = Rig::new();
    let peer = Peer::start(&rig, |request| {
        agree(request, ProtocolVersion::V1_0).unwrap_or_else(|| Act::Items(all(request)))
    })
    .await;
    let mut config = rig.config(&peer.address.to_string());
    config.limits = Limits {
        batch_items: 2,
        ..Limits::DEFAULT
    };
    let mut session = Client::new(config).unwrap().connect().await.unwrap();
    let configuration = |error: Error, what: &str| {
        assert_eq!(*error.kind(), ErrorKind::Configuration, "{error}");
        assert!(error.to_string().contains(what), "{error}");
        assert!(!error.outcome_is_unknown(), "{error}");
    };
    let error = session.send(Batch::new()).await.unwrap_err();
    configuration(error, "no operations");

    let mut batch = Batch::new();
    for _ in 0..3 {
        let _ = batch.add(ActivateRequest::default());
    }
    let error = session.send(batch).await.unwrap_err();
    configuration(error, "limits.batch_items");

    let mut batch = Batch::new();
    let _ = batch.add(kmip::operations::PingRequest::default());
    let error = session.send(batch).await.unwrap_err();
    configuration(error, "1.0");
    assert_eq!(peer.count(Operation::Activate), 0);

    // An item of another batch; and the connection is as good as before.
    let mut other = Batch::new();
    let foreign = other.add(DestroyRequest::default());
    let mut batch = Batch::new();
    let activated = batch.add(ActivateRequest::default());
    let mut answers = ends(session.send(batch)).await.unwrap();
    configuration(answers.take(foreign).unwrap_err(), "another batch");
    answers.take(activated).unwrap();
    assert_eq!(peer.connections(), 1);
}

/// More items than the limits allow are not read, whoever sends them.
#[tokio::test]
async fn an_answer_beyond_the_limits() {
    let flood = |request: &Request| vec![all(request).swap_remove(0); 2_000];
    let error = three(None, flood).await.err().unwrap();
    assert_eq!(*error.kind(), ErrorKind::Protocol, "{error}");
}

/// A single operation is sent as it would be without a batch.
#[tokio::test]
async fn a_batch_of_one() {
    let rig = Rig::new();
    let (mut session, _peer) = session(&rig, ProtocolVersion::V1_0, |request| {
        assert_eq!(request.message.header.batch_order_option, None);
        assert_eq!(request.message.batch_items[0].unique_batch_item_id, None);
        Act::Items(all(request))
    })
    .await;
    let mut batch = Batch::new();
    let created = batch.add(create());
    assert_eq!((batch.len(), batch.is_empty()), (1, false));
    let mut answers = ends(session.send(batch)).await.unwrap();
    answers.take(created).unwrap();
}

/// An operation of a batch that the server finishes later is waited for.
#[tokio::test]
async fn pending() {
    let rig = Rig::new();
    let (mut session, peer) = session(&rig, ProtocolVersion::V1_4, |request| {
        match &request.payload {
            RequestPayload::Poll(_) => Act::Answer(done(&GetRequest::default().into())),
            _ => {
                let mut items = all(request);
                items[1] = ResponseBatchItem {
                    result_status: ResultStatus::OperationPending,
                    asynchronous_correlation_value: Some(Bytes(vec![5])),
                    payload: None,
                    ..items[1].clone()
                };
                Act::Items(items)
            }
        }
    })
    .await;
    let mut batch = Batch::new();
    let created = batch.add(create());
    let got = batch.add(GetRequest::default());
    let mut answers = ends(session.send(batch)).await.unwrap();
    answers.take(created).unwrap();
    answers.take(got).unwrap();
    assert_eq!(peer.count(Operation::Poll), 1);
}
