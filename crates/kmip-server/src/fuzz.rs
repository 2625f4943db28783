//! Whatever an authenticated client sends is answered with a response message, and nothing panics: the published
//! requests, changed at random, on a server with objects in it.

use std::fs;
use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};

use kmip::message::RequestMessage;
use kmip::operations::{
    CreateRequest, EncryptRequest, GetAttributesRequest, GetRequest, LocateRequest, QueryRequest,
};
use kmip::registry::{CryptographicAlgorithm, CryptographicUsageMask, ObjectType, QueryFunction};
use kmip::{AttributeValue, Attributes, Limits, ProtocolVersion, ResponseMessage, text};

use crate::service::TestService;

/// The folder of the published cases, as in the test that replays them.
fn cases_dir() -> Option<PathBuf> {
    if let Some(shared) = std::env::var_os("STRONGROOM_SHARED") {
        return Some(Path::new(&shared).join("cases/kmip")).filter(|dir| dir.is_dir());
    }
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .map(|dir| dir.join("shared/cases/kmip"))
        .find(|dir| dir.is_dir())
}

/// Requests of every kind, published ones if there are any here. Making RSA keys takes too long for a fuzzer.
fn requests() -> Vec<Vec<u8>> {
    let mut all = own();
    let folders = cases_dir()
        .into_iter()
        .flat_map(|dir| fs::read_dir(dir).unwrap());
    let files = folders
        .flatten()
        .filter(|folder| folder.path().is_dir())
        .flat_map(|folder| fs::read_dir(folder.path()).unwrap())
        .flatten();
    for file in files {
        let text = fs::read_to_string(file.path()).unwrap();
        for part in text.split("<RequestMessage>").skip(1) {
            let Some((body, _)) = part.split_once("</RequestMessage>") else {
                continue;
            };
            if body.contains("CreateKeyPair") || body.contains("ReKeyKeyPair") {
                continue;
            }
            let xml = filled(&format!("<RequestMessage>{body}</RequestMessage>"));
            if let Ok(message) = text::xml::to_ttlv(&xml, &Limits::DEFAULT) {
                all.push(message.as_slice().to_vec());
            }
        }
    }
    all
}

/// Variables become times, bytes, or the first object's identifier.
fn filled(xml: &str) -> String {
    let mut filled = String::with_capacity(xml.len());
    for element in xml.split_inclusive('>') {
        match element.split_once("value=\"$") {
            Some((head, tail)) => {
                let tail = tail.split_once('"').map_or("", |(_, tail)| tail);
                let value = match head {
                    _ if head.contains("DateTime") => "2020-01-01T00:00:00Z",
                    _ if head.contains("ByteString") => "00112233445566778899aabbccddeeff",
                    _ => "object-1",
                };
                filled.push_str(&format!("{head}value=\"{value}\"{tail}"));
            }
            None if element.contains("<AttributeName") => {
                filled.push_str(&element.split_whitespace().collect::<Vec<_>>().join(" "));
            }
            None => filled.push_str(element),
        }
    }
    filled
}

/// Requests that are always there.
fn own() -> Vec<Vec<u8>> {
    let attributes = Attributes::new()
        .with(AttributeValue::CryptographicAlgorithm(
            CryptographicAlgorithm::AES,
        ))
        .with(AttributeValue::CryptographicLength(256))
        .with(AttributeValue::CryptographicUsageMask(
            CryptographicUsageMask::Encrypt,
        ));
    let mut all = Vec::new();
    for version in [ProtocolVersion::V1_4, ProtocolVersion::V2_1] {
        let create = CreateRequest {
            object_type: ObjectType::SymmetricKey,
            attributes: attributes.clone(),
            protection_storage_masks: None,
        };
        let query = QueryRequest {
            query_functions: vec![QueryFunction::QueryOperations],
        };
        let encrypt = EncryptRequest {
            data: Some(b"clear".as_slice().into()),
            ..EncryptRequest::default()
        };
        let batch = RequestMessage::batch(
            version,
            [
                create.into(),
                GetRequest::default().into(),
                GetAttributesRequest::default().into(),
                LocateRequest::default().into(),
                encrypt.into(),
                query.into(),
            ],
        );
        all.push(batch.encode().unwrap().as_slice().to_vec());
    }
    all
}

#[test]
fn any_request_of_an_authenticated_client() {
    let service = AssertUnwindSafe(TestService::new());
    let peer = AssertUnwindSafe(crate::identity::test_peer("fuzz"));
    let requests = requests();
    // Objects for the others to work on; each must be answered as it is, too.
    for request in requests.iter().take(400) {
        let reply = service.service.handle(&peer, request);
        ResponseMessage::decode(reply.message.as_slice(), &Limits::DEFAULT).unwrap();
    }
    bolero::check!()
        .with_iterations(1_000)
        .with_type::<(u16, Vec<(u16, u8)>)>()
        .for_each(|(which, edits)| {
            let mut bytes = requests[usize::from(*which) % requests.len()].clone();
            for (position, value) in edits {
                let position = usize::from(*position) % bytes.len();
                bytes[position] = *value;
            }
            let reply = service.service.handle(&peer, &bytes);
            ResponseMessage::decode(reply.message.as_slice(), &Limits::DEFAULT).unwrap();
        });
}
