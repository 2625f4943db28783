//! What clients may do, and whose objects they see.

use kmip::operations::{DestroyRequest, GetRequest, LocateRequest, PollRequest, QueryRequest};
use kmip::registry::{Operation, QueryFunction, ResultReason};
use kmip::{ProtocolVersion, RequestMessage, RequestPayload};
use kmip_client::{ErrorKind, NewSymmetricKey};

use crate::rig::{Rig, ask};

fn refused(kind: &ErrorKind) -> Option<ResultReason> {
    match kind {
        ErrorKind::Refused { reason, .. } => *reason,
        _ => None,
    }
}

#[tokio::test]
async fn a_role_allows_what_it_names() {
    let rig = Rig::new();
    rig.client(&["add", "looker", "--role", "auditor"]);
    let server = rig.start();
    let mut database = rig.connect(&server, "strongroom").await;
    let id = database
        .create_symmetric_key(&NewSymmetricKey::aes256("k"))
        .await
        .unwrap();
    database.activate(&id).await.unwrap();
    database.get_symmetric_key(&id).await.unwrap();
    let error = database.destroy(&id).await.unwrap_err();
    assert_eq!(refused(error.kind()), Some(ResultReason::PermissionDenied));
    assert!(error.to_string().contains("database"), "{error}");

    // The same tenant, another role.
    let mut looker = rig.connect(&server, "looker").await;
    assert_eq!(looker.locate_by_name("k").await.unwrap().len(), 1);
    looker.get_attributes(&id).await.unwrap();
    let error = looker.get_symmetric_key(&id).await.unwrap_err();
    assert_eq!(refused(error.kind()), Some(ResultReason::PermissionDenied));

    // What nobody may do, since there is no such operation, is said to be so.
    let mut raw = rig.raw(&server, "looker").await;
    let poll = RequestPayload::Poll(PollRequest {
        asynchronous_correlation_value: vec![1].into(),
    });
    let answer = ask(&mut raw, &RequestMessage::new(ProtocolVersion::V1_4, poll)).await;
    assert_eq!(
        answer.batch_items[0].result_reason,
        Some(ResultReason::OperationNotSupported)
    );

    let offered = looker.query().await.unwrap().operations;
    for operation in [
        Operation::Locate,
        Operation::Query,
        Operation::DiscoverVersions,
    ] {
        assert!(offered.contains(&operation), "{operation} in {offered:?}");
    }
    for operation in [Operation::Get, Operation::Create, Operation::Destroy] {
        assert!(!offered.contains(&operation), "{operation} in {offered:?}");
    }
    let offered = database.query().await.unwrap().operations;
    assert!(offered.contains(&Operation::Get) && !offered.contains(&Operation::Destroy));
    server.stop();
}

#[tokio::test]
async fn a_foreign_object_is_like_a_missing_one() {
    let rig = Rig::new();
    rig.configure("  - default\n", "  - default\n  - other\n");
    rig.client(&["add", "stranger", "--tenant", "other", "--role", "admin"]);
    rig.client(&["add", "colleague", "--role", "admin"]);
    let server = rig.start();
    let mut ours = rig.connect(&server, "strongroom").await;
    let key = NewSymmetricKey::aes256("the same name");
    let id = ours.create_symmetric_key(&key).await.unwrap();

    let mut stranger = rig.connect(&server, "stranger").await;
    let missing = stranger.get_symmetric_key("no-such-id").await.unwrap_err();
    let foreign = stranger.get_symmetric_key(&id).await.unwrap_err();
    assert_eq!(*foreign.kind(), ErrorKind::NotFound);
    assert_eq!(
        missing.to_string().replace("no-such-id", ""),
        foreign.to_string().replace(&id, "")
    );
    assert!(stranger.locate_by_name(&key.name).await.unwrap().is_empty());
    assert_eq!(
        *stranger.destroy(&id).await.unwrap_err().kind(),
        ErrorKind::NotFound
    );
    // Another client of our tenant sees it.
    let mut colleague = rig.connect(&server, "colleague").await;
    colleague.destroy(&id).await.unwrap();
    server.stop();
}

#[tokio::test]
async fn a_certificate_without_a_rule() {
    let rig = Rig::new();
    rig.client(&["add", "gone"]);
    std::fs::remove_file(rig.layout().client("gone")).unwrap();
    let server = rig.start();
    let error = rig.try_connect(&server, "gone").await.err().unwrap();
    assert_eq!(*error.kind(), ErrorKind::AuthenticationFailed, "{error}");
    server.wait_for("a KMIP client is refused");
    rig.connect(&server, "strongroom")
        .await
        .query()
        .await
        .unwrap();
    server.stop();
    let log = std::fs::read_to_string(rig.audit_log()).unwrap();
    assert!(
        log.contains("\"refused\":\"no client of the policy has this certificate\""),
        "{log}"
    );
}

#[tokio::test]
async fn a_batch_goes_on_behind_what_is_denied() {
    let rig = Rig::new();
    let server = rig.start();
    let mut stream = rig.raw(&server, "strongroom").await;
    let mut request = RequestMessage::batch(
        ProtocolVersion::V1_4,
        [
            RequestPayload::Destroy(DestroyRequest {
                unique_identifier: Some("x".into()),
            }),
            RequestPayload::Query(QueryRequest {
                query_functions: vec![QueryFunction::QueryOperations],
            }),
            RequestPayload::Locate(LocateRequest::default()),
            RequestPayload::Get(GetRequest {
                unique_identifier: Some("x".into()),
                ..Default::default()
            }),
        ],
    );
    request.header.batch_error_continuation_option =
        Some(kmip::registry::BatchErrorContinuationOption::Continue);
    let response = ask(&mut stream, &request).await;
    let reasons: Vec<_> = response
        .batch_items
        .iter()
        .map(|item| item.result_reason)
        .collect();
    assert_eq!(
        reasons,
        [
            Some(ResultReason::PermissionDenied),
            None,
            None,
            Some(ResultReason::ItemNotFound)
        ]
    );
    server.stop();
    // Each item is in the audit, and says which object was meant.
    let log = std::fs::read_to_string(rig.audit_log()).unwrap();
    let denied = log.lines().find(|line| line.contains("PermissionDenied"));
    assert!(
        denied.is_some_and(|line| line.contains("\"objects\":[\"x\"]")
            && line.contains("\"operation\":\"Destroy\"")
            && line.contains("\"batchItem\":1,\"batchCount\":4")),
        "{log}"
    );
}
