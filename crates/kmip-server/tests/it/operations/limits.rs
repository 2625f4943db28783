//! Objects that are used up, or in the archive.

use kmip::operations::*;
use kmip::registry::{
    BlockCipherMode, CryptographicUsageMask, ResultReason, StorageStatusMask, UsageLimitsUnit,
};
use kmip::structures::{CryptographicParameters, Name, UsageLimits};
use kmip::{AttributeValue, Attributes};

use super::{V1_4, active, aes, created, get, located, mask};
use crate::peer::Peer;
use crate::rig::Rig;

/// What is used up is gone, whoever uses it, and stays gone.
#[tokio::test]
async fn usage_limits() {
    let rig = Rig::new();
    let server = rig.start().await;
    let mut peer = Peer::new(&rig, &server, V1_4).await;
    let limits = UsageLimits {
        total: 40,
        count: None,
        unit: UsageLimitsUnit::Byte,
    };
    let wanted = aes(128)
        .with(mask(CryptographicUsageMask::Encrypt))
        .with(AttributeValue::UsageLimits(limits))
        .with(active());
    let id = created(&mut peer, wanted).await;
    let take = |count| GetUsageAllocationRequest {
        unique_identifier: Some(id.as_str().into()),
        usage_limits_count: count,
    };
    let _: GetUsageAllocationResponse = peer.ask(take(8)).await;
    assert_eq!(peer.refused(take(33)).await, ResultReason::PermissionDenied);
    assert_eq!(peer.refused(take(-1)).await, ResultReason::PermissionDenied);
    let encrypt = EncryptRequest {
        unique_identifier: Some(id.as_str().into()),
        cryptographic_parameters: Some(CryptographicParameters {
            block_cipher_mode: Some(BlockCipherMode::ECB),
            ..CryptographicParameters::default()
        }),
        data: Some(vec![0; 32].into()),
        ..EncryptRequest::default()
    };
    let _: EncryptResponse = peer.ask(encrypt.clone()).await;
    assert_eq!(peer.refused(encrypt).await, ResultReason::PermissionDenied);
    let check: CheckResponse = peer
        .ask(CheckRequest {
            unique_identifier: Some(id.as_str().into()),
            usage_limits_count: Some(1),
            cryptographic_usage_mask: Some(CryptographicUsageMask::Decrypt),
            lease_time: None,
        })
        .await;
    assert_eq!(check.usage_limits_count, Some(0));
    assert_eq!(
        check.cryptographic_usage_mask,
        Some(CryptographicUsageMask::Encrypt)
    );
}

#[tokio::test]
async fn archived_and_recovered() {
    let rig = Rig::new();
    let server = rig.start().await;
    let mut peer = Peer::new(&rig, &server, V1_4).await;
    let id = created(
        &mut peer,
        aes(256).with(AttributeValue::Name(Name::text("old"))),
    )
    .await;
    let _: ArchiveResponse = peer
        .ask(ArchiveRequest {
            unique_identifier: Some(id.as_str().into()),
        })
        .await;
    let request = GetRequest {
        unique_identifier: Some(id.as_str().into()),
        ..GetRequest::default()
    };
    assert_eq!(peer.refused(request).await, ResultReason::ObjectArchived);
    let by_name = |mask| LocateRequest {
        storage_status_mask: mask,
        attributes: Attributes::new().with(AttributeValue::Name(Name::text("old"))),
        ..LocateRequest::default()
    };
    assert!(located(&mut peer, by_name(None)).await.is_empty());
    let archive = Some(StorageStatusMask::ArchivalStorage);
    assert_eq!(located(&mut peer, by_name(archive)).await, [id.as_str()]);
    let _: RecoverResponse = peer
        .ask(RecoverRequest {
            unique_identifier: Some(id.as_str().into()),
        })
        .await;
    get(&mut peer, &id).await;
    assert_eq!(located(&mut peer, by_name(None)).await, [id.as_str()]);
}
