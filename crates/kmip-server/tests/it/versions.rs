//! Which version a session speaks.

use kmip::ProtocolVersion;
use kmip_client::{ErrorKind, VersionPolicy};

use crate::rig::Rig;

#[tokio::test]
async fn policies() {
    let rig = Rig::new();
    let server = rig.start().await;
    for (policy, expected) in [
        (VersionPolicy::Negotiate, ProtocolVersion::V2_1),
        (
            VersionPolicy::AtMost(ProtocolVersion::V1_3),
            ProtocolVersion::V1_3,
        ),
        (
            VersionPolicy::AtMost(ProtocolVersion::V1_1),
            ProtocolVersion::V1_1,
        ),
        (
            VersionPolicy::AtMost(ProtocolVersion::V1_0),
            ProtocolVersion::V1_0,
        ),
        (
            VersionPolicy::Exactly(ProtocolVersion::V2_0),
            ProtocolVersion::V2_0,
        ),
    ] {
        let session = rig.connect_as(&server, "db-1", policy).await;
        assert_eq!(session.negotiated_version(), expected, "{policy:?}");
    }
}

#[tokio::test]
async fn discovered() {
    let rig = Rig::new();
    let server = rig.start().await;
    let mut session = rig.connect(&server).await;
    assert_eq!(
        session.discover_versions().await.unwrap(),
        ProtocolVersion::SUPPORTED
    );

    let oldest = VersionPolicy::Exactly(ProtocolVersion::V1_0);
    let mut session = rig.connect_as(&server, "db-1", oldest).await;
    let error = session.discover_versions().await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Configuration, "{error}");
    session.query().await.unwrap();
}
