//! Private keys in PKCS #12 containers.

use kmip::objects::{Certificate, KeyBlock, PrivateKey, SecretData, WrappedOrPlain};
use kmip::operations::{
    AddAttributeRequest, AddAttributeResponse, GetRequest, GetResponse, RegisterRequest,
    RegisterResponse,
};
use kmip::registry::{
    CertificateType, CryptographicAlgorithm, KeyFormatType, LinkType, ObjectType, ResultReason,
    SecretDataType,
};
use kmip::structures::Link;
use kmip::{AttributeValue, Attributes, Bytes, ManagedObject, ProtocolVersion};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tls::dev_pki::{CertificateAuthority, Request};

use crate::peer::Peer;
use crate::rig::Rig;

async fn register(
    peer: &mut Peer,
    object_type: ObjectType,
    object: impl Into<ManagedObject>,
) -> String {
    let registered: RegisterResponse = peer
        .ask(RegisterRequest {
            object_type,
            attributes: Attributes::new(),
            object: object.into(),
            protection_storage_masks: None,
        })
        .await;
    registered.unique_identifier.to_string()
}

async fn link(peer: &mut Peer, from: &str, link_type: LinkType, to: &str) {
    let _: AddAttributeResponse = peer
        .ask(AddAttributeRequest {
            unique_identifier: Some(from.into()),
            attribute: AttributeValue::Link(Link {
                link_type,
                linked_object_identifier: to.into(),
            })
            .into(),
        })
        .await;
}

fn get(id: &str) -> GetRequest {
    GetRequest {
        unique_identifier: Some(id.into()),
        key_format_type: Some(KeyFormatType::PKCS_12),
        ..GetRequest::default()
    }
}

#[tokio::test]
async fn what_is_missing_is_said() {
    let rig = Rig::new();
    let server = rig.start().await;
    let mut peer = Peer::new(&rig, &server, ProtocolVersion::V2_1).await;
    let issued = CertificateAuthority::new("CA")
        .and_then(|authority| authority.issue(&Request::client("db")))
        .unwrap();
    let der = CertificateDer::from_pem_slice(issued.certificate_pem.as_bytes()).unwrap();
    let key = PrivateKeyDer::from_pem_slice(issued.key_pem.as_bytes()).unwrap();
    let key = register(
        &mut peer,
        ObjectType::PrivateKey,
        PrivateKey {
            key_block: KeyBlock {
                key_format_type: KeyFormatType::PKCS_8,
                cryptographic_length: Some(256),
                ..KeyBlock::raw(CryptographicAlgorithm::EC, key.secret_der())
            },
        },
    )
    .await;
    let not_supported = ResultReason::KeyFormatTypeNotSupported;
    assert_eq!(peer.refused(get(&key)).await, not_supported, "no password");
    let password = register(
        &mut peer,
        ObjectType::SecretData,
        SecretData {
            secret_data_type: SecretDataType::Password,
            key_block: KeyBlock::secret(b"open sesame"),
        },
    )
    .await;
    link(&mut peer, &key, LinkType::PKCS_12PasswordLink, &password).await;
    assert_eq!(
        peer.refused(get(&key)).await,
        not_supported,
        "no certificate"
    );
    let certificate = register(
        &mut peer,
        ObjectType::Certificate,
        Certificate {
            certificate_type: CertificateType::X_509,
            certificate_value: Bytes(der.to_vec()),
        },
    )
    .await;
    link(
        &mut peer,
        &key,
        LinkType::PKCS_12CertificateLink,
        &certificate,
    )
    .await;
    let got: GetResponse = peer.ask(get(&key)).await;
    let block = got.object.key_block().unwrap();
    assert_eq!(block.key_format_type, KeyFormatType::PKCS_12);
    let Some(WrappedOrPlain::Wrapped(container)) = &block.key_value else {
        panic!("not a container")
    };
    let holds = |what: &[u8]| {
        let mut windows = container.expose().windows(what.len());
        windows.any(|window| window == what)
    };
    assert!(holds(&der) && !holds(b"sesame"));
    // A circle of certificates has no end.
    link(
        &mut peer,
        &certificate,
        LinkType::PKCS_12CertificateLink,
        &certificate,
    )
    .await;
    assert_eq!(peer.refused(get(&key)).await, not_supported, "a circle");
    // Only private keys have such a form.
    assert_eq!(peer.refused(get(&password)).await, not_supported);
}
