//! The operations that the client library has no function for, end to end.

mod attributes;
mod batches;
mod deriving;
mod key_pairs;
mod leaving;
mod limits;
mod signing;

use kmip::operations::*;
use kmip::registry::CryptographicUsageMask;
use kmip::{AttributeValue, Attributes, DateTime, ProtocolVersion};

use crate::peer::{Peer, aes, create};

const V1_4: ProtocolVersion = ProtocolVersion::V1_4;
const V2_1: ProtocolVersion = ProtocolVersion::V2_1;

fn active() -> AttributeValue {
    AttributeValue::ActivationDate(DateTime(1))
}

fn mask(mask: CryptographicUsageMask) -> AttributeValue {
    AttributeValue::CryptographicUsageMask(mask)
}

async fn created(peer: &mut Peer, attributes: Attributes) -> String {
    let response: CreateResponse = peer.ask(create(attributes)).await;
    response.unique_identifier.to_string()
}

/// A key pair that signs and verifies; the identifiers of its private and its public key.
async fn signing_pair(peer: &mut Peer, attributes: Attributes) -> (String, String) {
    let pair: CreateKeyPairResponse = peer
        .ask(CreateKeyPairRequest {
            common_attributes: Some(attributes.with(active())),
            private_key_attributes: Some(
                Attributes::new().with(mask(CryptographicUsageMask::Sign)),
            ),
            public_key_attributes: Some(
                Attributes::new().with(mask(CryptographicUsageMask::Verify)),
            ),
            ..CreateKeyPairRequest::default()
        })
        .await;
    (
        pair.private_key_unique_identifier.to_string(),
        pair.public_key_unique_identifier.to_string(),
    )
}

async fn attributes(peer: &mut Peer, id: &str) -> Attributes {
    let response: GetAttributesResponse = peer
        .ask(GetAttributesRequest {
            unique_identifier: Some(id.into()),
            attribute_names: Vec::new(),
        })
        .await;
    response.attributes
}

async fn get(peer: &mut Peer, id: &str) -> GetResponse {
    peer.ask(GetRequest {
        unique_identifier: Some(id.into()),
        ..GetRequest::default()
    })
    .await
}

async fn located(peer: &mut Peer, request: LocateRequest) -> Vec<String> {
    let response: LocateResponse = peer.ask(request).await;
    let ids = response.unique_identifiers.iter();
    ids.map(ToString::to_string).collect()
}
