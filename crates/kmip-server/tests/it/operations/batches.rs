//! Batches, and operations in several parts.

use kmip::operations::*;
use kmip::registry::{
    BatchErrorContinuationOption, CryptographicAlgorithm, CryptographicUsageMask, HashingAlgorithm,
    ResultReason, ResultStatus, State,
};
use kmip::structures::{CryptographicParameters, Name};
use kmip::{AttributeValue, Data};

use super::{V1_4, V2_1, aes, attributes, create, created, located};
use crate::peer::Peer;
use crate::rig::Rig;

/// What is done before the item that fails is undone; nothing of it stays.
#[tokio::test]
async fn a_batch_is_undone() {
    let rig = Rig::new();
    let server = rig.start().await;
    let mut peer = Peer::new(&rig, &server, V1_4).await;
    let kept = created(
        &mut peer,
        aes(128).with(AttributeValue::Name(Name::text("kept"))),
    )
    .await;
    let items = peer
        .batch(
            Some(BatchErrorContinuationOption::Undo),
            [
                create(aes(128).with(AttributeValue::Name(Name::text("undone")))).into(),
                ActivateRequest {
                    unique_identifier: Some(kept.as_str().into()),
                }
                .into(),
                GetRequest {
                    unique_identifier: Some("nowhere".into()),
                    ..GetRequest::default()
                }
                .into(),
                QueryRequest::default().into(),
            ],
        )
        .await;
    let statuses: Vec<ResultStatus> = items.iter().map(|item| item.result_status).collect();
    assert_eq!(
        statuses,
        [
            ResultStatus::OperationUndone,
            ResultStatus::OperationUndone,
            ResultStatus::OperationFailed
        ]
    );
    assert!(items[0].payload.is_none());
    assert_eq!(
        located(&mut peer, LocateRequest::default()).await,
        [kept.as_str()]
    );
    assert_eq!(
        attributes(&mut peer, &kept).await.state(),
        Some(&State::PreActive)
    );
    // The name is free again.
    created(
        &mut peer,
        aes(128).with(AttributeValue::Name(Name::text("undone"))),
    )
    .await;
}

/// In a batch of 2.x an item refers to what an earlier one has yielded.
#[tokio::test]
async fn data_of_earlier_items() {
    let rig = Rig::new();
    let server = rig.start().await;
    let mut peer = Peer::new(&rig, &server, V2_1).await;
    let key = peer.active_key(CryptographicUsageMask::MACGenerate).await;
    let parameters = CryptographicParameters {
        cryptographic_algorithm: Some(CryptographicAlgorithm::HMAC_SHA256),
        ..CryptographicParameters::default()
    };
    let items = peer
        .batch(
            None,
            [
                RNGRetrieveRequest { data_length: 32 }.into(),
                MACRequest {
                    unique_identifier: Some(key.as_str().into()),
                    cryptographic_parameters: Some(parameters),
                    data: Some(Data::BatchItem(-1)),
                    ..MACRequest::default()
                }
                .into(),
                PingRequest {}.into(),
            ],
        )
        .await;
    assert!(
        items
            .iter()
            .all(|item| item.result_status == ResultStatus::Success),
        "{items:?}"
    );
}

/// Parts of one operation; nobody else can go on with it, and it is not gone on with twice.
#[tokio::test]
async fn streams() {
    let rig = Rig::new();
    let server = rig.start().await;
    let mut peer = Peer::new(&rig, &server, V1_4).await;
    let parameters = CryptographicParameters {
        hashing_algorithm: Some(HashingAlgorithm::SHA_256),
        ..CryptographicParameters::default()
    };
    let hash = |data: &[u8], value, begins, ends| HashRequest {
        cryptographic_parameters: parameters.clone(),
        data: Some(data.into()),
        correlation_value: value,
        init_indicator: begins,
        final_indicator: ends,
    };
    let whole: HashResponse = peer.ask(hash(b"one and two", None, None, None)).await;
    let first: HashResponse = peer.ask(hash(b"one and", None, Some(true), None)).await;
    assert!(first.data.is_none());
    let last = hash(b" two", first.correlation_value, None, Some(true));
    let mut other = Peer::named(&rig, &server, V1_4, "somebody").await;
    assert_eq!(
        other.refused(last.clone()).await,
        ResultReason::InvalidField
    );
    let parts: HashResponse = peer.ask(last.clone()).await;
    assert_eq!(parts.data, whole.data);
    assert_eq!(peer.refused(last).await, ResultReason::InvalidField);
}
