//! Clients that share a certificate, and say in each request who they are.

use kmip::message::{Authentication, Credential, DeviceCredential, UsernameAndPassword};
use kmip::operations::{CreateRequest, DestroyRequest, GetAttributeListRequest, GetRequest};
use kmip::registry::{
    BatchErrorContinuationOption, CryptographicAlgorithm, CryptographicUsageMask, ObjectType,
    ResultReason,
};
use kmip::{
    AttributeValue, Attributes, ProtocolVersion, RequestMessage, RequestPayload, ResponsePayload,
    SecretText,
};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use crate::rig::{Rig, ask, password_hash};

fn user(name: &str, password: &str) -> Credential {
    Credential::UsernameAndPassword(UsernameAndPassword {
        username: name.to_owned(),
        password: Some(SecretText::new(password.to_owned())),
    })
}

fn device(serial_number: &str, password: &str) -> Credential {
    Credential::Device(DeviceCredential {
        device_serial_number: Some(serial_number.to_owned()),
        password: Some(SecretText::new(password.to_owned())),
        ..DeviceCredential::default()
    })
}

async fn reasons(
    stream: &mut TlsStream<TcpStream>,
    credential: &Credential,
    payloads: impl IntoIterator<Item = RequestPayload>,
) -> (Vec<Option<ResultReason>>, Option<ResponsePayload>) {
    let mut request = RequestMessage::batch(ProtocolVersion::V1_2, payloads);
    request.header.batch_error_continuation_option = Some(BatchErrorContinuationOption::Continue);
    request.header.authentication = Some(Authentication {
        credentials: vec![credential.clone()],
    });
    let mut items = ask(stream, &request).await.batch_items;
    let reasons = items.iter().map(|item| item.result_reason).collect();
    (reasons, items.pop().and_then(|item| item.payload))
}

/// As in the published cases TC-111 and TC-112: who made a key may destroy it, somebody else of the tenant may not even
/// get it, and a wrong password is nobody's.
#[tokio::test]
async fn users_and_devices() {
    let rig = Rig::new();
    rig.configure(
        "roles:\n",
        &format!(
            "clients:
  fred: {{commonName: strongroom, tenant: default, role: admin, credential: {{username: Fred, passwordHash: '{}'}}}}
  barney: {{commonName: strongroom, tenant: default, role: none, credential: {{username: Barney, passwordHash: '{}'}}}}
  tape: {{commonName: strongroom, tenant: default, role: admin, credential: {{deviceSerialNumber: serNum123456, passwordHash: '{}'}}}}
  other-tape: {{commonName: strongroom, tenant: default, role: none, credential: {{deviceSerialNumber: serNum101010}}}}
roles:
  none: {{operations: []}}
",
            password_hash("password1\n"),
            password_hash("secret2\n"),
            password_hash("secret\n"),
        ),
    );
    std::fs::remove_file(rig.layout().client("strongroom")).unwrap();
    let server = rig.start();
    for (owner, other) in [
        (user("Fred", "password1"), user("Barney", "secret2")),
        (
            device("serNum123456", "secret"),
            device("serNum101010", "x"),
        ),
    ] {
        let mut stream = rig.raw(&server, "strongroom").await;
        let create = CreateRequest {
            object_type: ObjectType::SymmetricKey,
            attributes: Attributes::new()
                .with(AttributeValue::CryptographicAlgorithm(
                    CryptographicAlgorithm::AES,
                ))
                .with(AttributeValue::CryptographicLength(128))
                .with(AttributeValue::CryptographicUsageMask(
                    CryptographicUsageMask::Encrypt,
                )),
            protection_storage_masks: None,
        };
        let (done, made) = reasons(&mut stream, &owner, [create.into()]).await;
        assert_eq!(done, [None]);
        let Some(ResponsePayload::Create(made)) = made else {
            panic!("no key")
        };
        let id = made.unique_identifier;
        let looks = || -> [RequestPayload; 2] {
            [
                GetRequest {
                    unique_identifier: Some(id.clone()),
                    ..GetRequest::default()
                }
                .into(),
                GetAttributeListRequest {
                    unique_identifier: Some(id.clone()),
                }
                .into(),
            ]
        };
        let (done, _) = reasons(&mut stream, &owner, looks()).await;
        assert_eq!(done, [None, None]);
        let denied = Some(ResultReason::PermissionDenied);
        let (done, _) = reasons(&mut stream, &other, looks()).await;
        assert_eq!(done, [denied, denied]);
        let destroy = DestroyRequest {
            unique_identifier: Some(id.clone()),
        };
        let (done, _) = reasons(&mut stream, &owner, [destroy.into()]).await;
        assert_eq!(done, [None]);
    }
    for wrong in [
        user("Fred", "secret2"),
        user("Wilma", "password1"),
        device("1", "secret"),
    ] {
        let mut stream = rig.raw(&server, "strongroom").await;
        let (done, _) = reasons(&mut stream, &wrong, [GetRequest::default().into()]).await;
        assert_eq!(done, [Some(ResultReason::AuthenticationNotSuccessful)]);
    }
    server.stop();
    let log = std::fs::read_to_string(rig.audit_log()).unwrap();
    for expected in [
        "\"client\":\"fred\"",
        "\"client\":\"barney\"",
        "\"client\":\"tape\"",
        "\"client\":\"other-tape\"",
        "\"refused\":\"the credential is wrong\"",
    ] {
        assert!(log.contains(expected), "{expected} in {log}");
    }
}
