//! Signatures with every hash, of data and of digests that the client brings.

use kmip::operations::*;
use kmip::registry::{
    CryptographicAlgorithm, HashingAlgorithm, PaddingMethod, RecommendedCurve, ResultReason,
    ValidityIndicator,
};
use kmip::structures::{CryptographicDomainParameters, CryptographicParameters};
use kmip::{AttributeValue, Attributes, Bytes};
use kmip_server::{CryptoLimits, ServerConfig};

use super::{V1_4, V2_1, signing_pair};
use crate::peer::Peer;
use crate::rig::Rig;

use HashingAlgorithm as H;

const HASHES: [HashingAlgorithm; 10] = [
    H::SHA_224,
    H::SHA_256,
    H::SHA_384,
    H::SHA_512,
    H::SHA_512_224,
    H::SHA_512_256,
    H::SHA3_224,
    H::SHA3_256,
    H::SHA3_384,
    H::SHA3_512,
];

fn with_hash(hash: HashingAlgorithm) -> CryptographicParameters {
    CryptographicParameters {
        hashing_algorithm: Some(hash),
        ..CryptographicParameters::default()
    }
}

async fn digest(peer: &mut Peer, hash: HashingAlgorithm, data: &[u8]) -> Bytes {
    let hashed: HashResponse = peer
        .ask(HashRequest {
            cryptographic_parameters: with_hash(hash),
            data: Some(data.into()),
            correlation_value: None,
            init_indicator: None,
            final_indicator: None,
        })
        .await;
    let Some(kmip::Data::Bytes(bytes)) = hashed.data else {
        panic!("no hash")
    };
    Bytes(bytes.expose().to_vec())
}

async fn is_valid(peer: &mut Peer, request: SignatureVerifyRequest) -> bool {
    let verified: SignatureVerifyResponse = peer.ask(request).await;
    verified.validity_indicator == Some(ValidityIndicator::Valid)
}

/// Whoever signs the data, and whoever signs its digest, makes signatures of the same thing.
#[tokio::test]
async fn ecdsa_with_every_hash() {
    let rig = Rig::new();
    let server = rig.start().await;
    let mut peer = Peer::new(&rig, &server, V2_1).await;
    for curve in [
        RecommendedCurve::P_256,
        RecommendedCurve::P_384,
        RecommendedCurve::P_521,
        RecommendedCurve::SECP256K1,
    ] {
        let of_curve = CryptographicDomainParameters {
            recommended_curve: Some(curve),
            ..CryptographicDomainParameters::default()
        };
        let attributes = Attributes::new()
            .with(AttributeValue::CryptographicAlgorithm(
                CryptographicAlgorithm::ECDSA,
            ))
            .with(AttributeValue::CryptographicDomainParameters(of_curve));
        let (private, public) = signing_pair(&mut peer, attributes).await;
        for hash in HASHES {
            let digested = digest(&mut peer, hash, b"data").await;
            let other = digest(&mut peer, hash, b"other").await;
            let of_data = SignRequest {
                unique_identifier: Some(private.as_str().into()),
                cryptographic_parameters: Some(with_hash(hash)),
                data: Some(b"data".as_slice().into()),
                ..SignRequest::default()
            };
            let of_digest = SignRequest {
                data: None,
                digested_data: Some(digested.clone()),
                ..of_data.clone()
            };
            for request in [of_data, of_digest] {
                let signed: SignResponse = peer.ask(request).await;
                for (data, digest, expected) in [
                    (Some(b"data".as_slice()), None, true),
                    (Some(b"other".as_slice()), None, false),
                    (None, Some(digested.clone()), true),
                    (None, Some(other.clone()), false),
                ] {
                    let request = SignatureVerifyRequest {
                        unique_identifier: Some(public.as_str().into()),
                        cryptographic_parameters: Some(with_hash(hash)),
                        data: data.map(Into::into),
                        digested_data: digest,
                        signature_data: signed.signature_data.clone(),
                        ..SignatureVerifyRequest::default()
                    };
                    let got = is_valid(&mut peer, request).await;
                    assert_eq!(got, expected, "{curve} {hash}");
                }
            }
        }
        // A digest is as long as its hash's are, and SHA-1 signs no more.
        for (hash, bytes, reason) in [
            (H::SHA_256, 31, ResultReason::InvalidField),
            (
                H::SHA_1,
                20,
                ResultReason::UnsupportedCryptographicParameters,
            ),
        ] {
            let refused = SignRequest {
                unique_identifier: Some(private.as_str().into()),
                cryptographic_parameters: Some(with_hash(hash)),
                digested_data: Some(Bytes(vec![0; bytes])),
                ..SignRequest::default()
            };
            assert_eq!(peer.refused(refused).await, reason);
        }
    }
}

/// Keys that are too short are made by those servers only that have been told to.
#[tokio::test]
async fn weak_keys() {
    let rig = Rig::new();
    let server = rig.start().await;
    let mut peer = Peer::new(&rig, &server, V1_4).await;
    let of_bits = |bits| {
        Attributes::new()
            .with(AttributeValue::CryptographicAlgorithm(
                CryptographicAlgorithm::RSA,
            ))
            .with(AttributeValue::CryptographicLength(bits))
    };
    for bits in [1024, 8192, 2047, -1] {
        let request = CreateKeyPairRequest {
            common_attributes: Some(of_bits(bits)),
            ..CreateKeyPairRequest::default()
        };
        let reason = peer.refused(request).await;
        assert_eq!(reason, ResultReason::InvalidField, "{bits}");
    }
    server.stop().await;
    let config = ServerConfig {
        crypto: CryptoLimits {
            weak_keys: true,
            ..CryptoLimits::default()
        },
        ..rig.server_config("kmip")
    };
    let server = rig.start_with(config).await;
    let mut peer = Peer::new(&rig, &server, V1_4).await;
    let (private, public) = signing_pair(&mut peer, of_bits(1024)).await;
    let parameters = CryptographicParameters {
        padding_method: Some(PaddingMethod::PSS),
        ..with_hash(H::SHA3_256)
    };
    let signed: SignResponse = peer
        .ask(SignRequest {
            unique_identifier: Some(private.into()),
            cryptographic_parameters: Some(parameters.clone()),
            data: Some(b"data".as_slice().into()),
            ..SignRequest::default()
        })
        .await;
    let request = SignatureVerifyRequest {
        unique_identifier: Some(public.into()),
        cryptographic_parameters: Some(parameters),
        data: Some(b"data".as_slice().into()),
        signature_data: signed.signature_data,
        ..SignatureVerifyRequest::default()
    };
    assert!(is_valid(&mut peer, request).await);
}
