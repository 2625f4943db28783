//! Keys that come from other keys.

use kmip::operations::*;
use kmip::registry::{
    CryptographicUsageMask, DerivationMethod, HashingAlgorithm, LinkType, ObjectType, ResultReason,
};
use kmip::structures::CryptographicParameters;

use super::{V2_1, aes, attributes, get, mask};
use crate::peer::Peer;
use crate::rig::Rig;

#[tokio::test]
async fn derivation() {
    let rig = Rig::new();
    let server = rig.start().await;
    let mut peer = Peer::new(&rig, &server, V2_1).await;
    let base = peer.active_key(CryptographicUsageMask::DeriveKey).await;
    let request = |data: &[u8], bits| DeriveKeyRequest {
        object_type: ObjectType::SymmetricKey,
        unique_identifiers: vec![base.as_str().into()],
        derivation_method: DerivationMethod::HKDF,
        derivation_parameters: DerivationParameters {
            cryptographic_parameters: Some(CryptographicParameters {
                hashing_algorithm: Some(HashingAlgorithm::SHA_256),
                ..CryptographicParameters::default()
            }),
            derivation_data: vec![data.into()],
            ..DerivationParameters::default()
        },
        attributes: aes(bits).with(mask(CryptographicUsageMask::Encrypt)),
    };
    let mut keys = Vec::new();
    for data in [b"tenant 1", b"tenant 1", b"tenant 2"] {
        let derived: DeriveKeyResponse = peer.ask(request(data, 256)).await;
        let id = derived.unique_identifier.to_string();
        let of_derived = attributes(&mut peer, &id).await;
        let link = of_derived.link().unwrap();
        assert_eq!(link.link_type, LinkType::DerivationBaseObjectLink);
        let got = get(&mut peer, &id).await;
        keys.push(got.object.key_block().unwrap().key_bytes().unwrap().clone());
    }
    assert_eq!(keys[0], keys[1]);
    assert_ne!(keys[0], keys[2]);
    assert_eq!(
        peer.refused(request(b"x", 257)).await,
        ResultReason::InvalidField
    );
    let other = peer.active_key(CryptographicUsageMask::Encrypt).await;
    let mut refused = request(b"x", 256);
    refused.unique_identifiers = vec![other.into()];
    assert_eq!(
        peer.refused(refused).await,
        ResultReason::IncompatibleCryptographicUsageMask
    );
}
