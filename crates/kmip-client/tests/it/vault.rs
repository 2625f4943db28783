//! A server of the shape of Vault Enterprise's KMIP engine, as its documentation and its users describe it.

use kmip::operations::{DiscoverVersionsResponse, RequestPayload};
use kmip::registry::{ResultReason, State};
use kmip::{ProtocolVersion, ResponseBatchItem, SecretBytes};
use kmip_client::{Client, ClientConfig, NewSymmetricKey, VersionPolicy};
use kmip_peer::{Act, Certificates, Keys, Peer, encode, honest};
use tls::dev_pki::{CertificateAuthority, KeyKind, Request};

use crate::rig::{Rig, ends};
use crate::strange_answers::{insert, text};

const RESPONSE: u32 = 0x42_00_7b;
const HEADER: u32 = 0x42_00_7a;
const BATCH_ITEM: u32 = 0x42_00_0f;
const PAYLOAD: u32 = 0x42_00_7c;

/// 1.4 only, also when 2.x is asked for; P-521 signed with SHA-256 throughout; a Server Correlation Value (of 1.4) in
/// every response, whatever its version; an Object Type in the response to Register, which has none.
#[tokio::test]
async fn everything_that_is_peculiar_to_it() {
    let p521 = KeyKind::P521;
    let client = Request {
        key_kind: p521,
        ..Request::client("db-1")
    };
    let server = Request {
        key_kind: p521,
        ..Request::server(&["127.0.0.1"])
    };
    let rig = Rig::with(CertificateAuthority::with_key("CA", p521).unwrap(), &client);
    let keys = Keys::default();
    let served = keys.clone();
    let peer = Peer::start_with(&rig.server_file(&server), &rig.ca(), move |request| {
        let act = match &request.payload {
            RequestPayload::DiscoverVersions(_) => Act::Answer(
                DiscoverVersionsResponse {
                    protocol_versions: vec![ProtocolVersion::V1_4],
                }
                .into(),
            ),
            RequestPayload::Query(_) => Act::Refuse(ResultReason::PermissionDenied),
            _ => honest(&served, request),
        };
        let item = match act {
            Act::Answer(payload) => ResponseBatchItem::success(payload),
            Act::Refuse(reason) => {
                ResponseBatchItem::failure(request.payload.operation(), reason, "no")
            }
            other => return other,
        };
        let mut answer = encode(request.version, item);
        insert(
            &mut answer,
            &[RESPONSE, HEADER],
            &text(0x42_01_06, "3f5e0b7c"),
        );
        if matches!(request.payload, RequestPayload::Register(_)) {
            let object_type = [0x42, 0x00, 0x57, 5, 0, 0, 0, 4, 0, 0, 0, 2, 0, 0, 0, 0];
            insert(&mut answer, &[RESPONSE, BATCH_ITEM, PAYLOAD], &object_type);
        }
        Act::Bytes(answer)
    })
    .await;
    let config = rig.config(&peer.address.to_string());
    for (version, expected) in [
        (VersionPolicy::Negotiate, ProtocolVersion::V1_4),
        // In a 1.0 response the value is of a version to come.
        (
            VersionPolicy::Exactly(ProtocolVersion::V1_0),
            ProtocolVersion::V1_0,
        ),
    ] {
        let config = ClientConfig {
            version,
            ..config.clone()
        };
        let mut session = Client::new(config).unwrap().connect().await.unwrap();
        assert_eq!(session.negotiated_version(), expected);
        let key = NewSymmetricKey::aes256(format!("strongroom/{expected}"));
        let material = SecretBytes::from(&[0x33; 32]);
        let id = ends(session.register_symmetric_key(&key, &material))
            .await
            .unwrap();
        session.activate(&id).await.unwrap();
        let found = session.locate_by_name(&key.name).await.unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].state, Some(State::Active));
        let got = session.get_symmetric_key(&id).await.unwrap();
        assert_eq!(got.material, material);
    }
    assert_eq!(keys.lock().unwrap().len(), 2);
}
