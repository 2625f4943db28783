//! The operations that the client library has no function for, end to end.

use kmip::objects::{
    EncryptionKeyInformation, KeyWrappingSpecification, SecretData, WrappedOrPlain,
};
use kmip::operations::*;
use kmip::registry::{
    AdjustmentType, BatchErrorContinuationOption, BlockCipherMode, CryptographicAlgorithm,
    CryptographicUsageMask, DerivationMethod, EncodingOption, HashingAlgorithm, KeyFormatType,
    LinkType, ObjectType, PaddingMethod, RecommendedCurve, ResultReason, ResultStatus,
    RevocationReasonCode, State, StorageStatusMask, Tag, UsageLimitsUnit, ValidityIndicator,
    WrappingMethod,
};
use kmip::structures::{
    CryptographicDomainParameters, CryptographicParameters, Name, RevocationReason, UsageLimits,
};
use kmip::{AttributeValue, Attributes, Data, DateTime, Interval, KeyMaterial, ProtocolVersion};

use crate::peer::Peer;
use crate::rig::Rig;

const V1_4: ProtocolVersion = ProtocolVersion::V1_4;
const V2_1: ProtocolVersion = ProtocolVersion::V2_1;

fn active() -> AttributeValue {
    AttributeValue::ActivationDate(DateTime(1))
}

fn mask(mask: CryptographicUsageMask) -> AttributeValue {
    AttributeValue::CryptographicUsageMask(mask)
}

fn aes(bits: i32) -> Attributes {
    Attributes::new()
        .with(AttributeValue::CryptographicAlgorithm(
            CryptographicAlgorithm::AES,
        ))
        .with(AttributeValue::CryptographicLength(bits))
}

fn create(attributes: Attributes) -> CreateRequest {
    CreateRequest {
        object_type: ObjectType::SymmetricKey,
        attributes,
        protection_storage_masks: None,
    }
}

async fn created(peer: &mut Peer, attributes: Attributes) -> String {
    let response: CreateResponse = peer.ask(create(attributes)).await;
    response.unique_identifier.to_string()
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

/// A key pair on a curve signs and verifies; its halves lead to each other, in all formats.
#[tokio::test]
async fn key_pairs() {
    let rig = Rig::new();
    let server = rig.start().await;
    let mut peer = Peer::new(&rig, &server, V1_4).await;
    let curve = CryptographicDomainParameters {
        recommended_curve: Some(RecommendedCurve::P_384),
        ..CryptographicDomainParameters::default()
    };
    let pair: CreateKeyPairResponse = peer
        .ask(CreateKeyPairRequest {
            common_attributes: Some(
                Attributes::new()
                    .with(AttributeValue::CryptographicAlgorithm(
                        CryptographicAlgorithm::ECDSA,
                    ))
                    .with(AttributeValue::CryptographicDomainParameters(curve))
                    .with(active()),
            ),
            private_key_attributes: Some(
                Attributes::new().with(mask(CryptographicUsageMask::Sign)),
            ),
            public_key_attributes: Some(
                Attributes::new().with(mask(CryptographicUsageMask::Verify)),
            ),
            ..CreateKeyPairRequest::default()
        })
        .await;
    let private = pair.private_key_unique_identifier.to_string();
    let public = pair.public_key_unique_identifier.to_string();
    let of_private = attributes(&mut peer, &private).await;
    assert_eq!(of_private.cryptographic_length(), Some(&384));
    assert_eq!(
        of_private.link().unwrap().link_type,
        LinkType::PublicKeyLink
    );

    let signed: SignResponse = peer
        .ask(SignRequest {
            unique_identifier: Some(private.as_str().into()),
            data: Some(b"data".as_slice().into()),
            ..SignRequest::default()
        })
        .await;
    for (data, expected) in [
        (b"data", ValidityIndicator::Valid),
        (b"beta", ValidityIndicator::Invalid),
    ] {
        let verified: SignatureVerifyResponse = peer
            .ask(SignatureVerifyRequest {
                unique_identifier: Some(public.as_str().into()),
                data: Some(data.as_slice().into()),
                signature_data: signed.signature_data.clone(),
                ..SignatureVerifyRequest::default()
            })
            .await;
        assert_eq!(verified.validity_indicator, Some(expected));
    }
    for (id, format) in [
        (&private, KeyFormatType::PKCS_8),
        (&private, KeyFormatType::TransparentECPrivateKey),
        (&public, KeyFormatType::X_509),
        (&public, KeyFormatType::TransparentECPublicKey),
    ] {
        let request = GetRequest {
            unique_identifier: Some(id.as_str().into()),
            key_format_type: Some(format),
            ..GetRequest::default()
        };
        let got: GetResponse = peer.ask(request).await;
        assert_eq!(got.object.key_block().unwrap().key_format_type, format);
    }
    // The public half does not sign.
    let sign = SignRequest {
        unique_identifier: Some(public.as_str().into()),
        data: Some(b"data".as_slice().into()),
        ..SignRequest::default()
    };
    assert_eq!(peer.refused(sign).await, ResultReason::PermissionDenied);
}

/// The replacement takes over the name and the dates, and the two lead to each other.
#[tokio::test]
async fn re_keying() {
    let rig = Rig::new();
    let server = rig.start().await;
    let mut peer = Peer::new(&rig, &server, V2_1).await;
    let wanted = aes(256)
        .with(mask(CryptographicUsageMask::Encrypt))
        .with(AttributeValue::Name(Name::text("payroll")))
        .with(active());
    let old = created(&mut peer, wanted).await;
    let new: ReKeyResponse = peer
        .ask(ReKeyRequest {
            unique_identifier: Some(old.as_str().into()),
            ..ReKeyRequest::default()
        })
        .await;
    let new = new.unique_identifier.to_string();
    let (of_old, of_new) = (
        attributes(&mut peer, &old).await,
        attributes(&mut peer, &new).await,
    );
    assert_eq!(of_old.names().count(), 0);
    assert_eq!(of_new.name(), Some(&Name::text("payroll")));
    assert_eq!(of_new.state(), Some(&State::Active));
    assert_eq!(
        of_old.link().unwrap().linked_object_identifier,
        new.as_str().into()
    );
    assert_eq!(
        of_new.link().unwrap().linked_object_identifier,
        old.as_str().into()
    );
    let (old_key, new_key) = (get(&mut peer, &old).await, get(&mut peer, &new).await);
    assert_ne!(old_key.object, new_key.object);
    // With an offset it becomes active later.
    let later: ReKeyResponse = peer
        .ask(ReKeyRequest {
            unique_identifier: Some(new.as_str().into()),
            offset: Some(Interval(3600)),
            ..ReKeyRequest::default()
        })
        .await;
    let of_later = attributes(&mut peer, &later.unique_identifier.to_string()).await;
    assert_eq!(of_later.state(), Some(&State::PreActive));
}

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

/// RFC 3394, section 4.1, with keys of the server's.
#[tokio::test]
async fn wrapped_keys() {
    let rig = Rig::new();
    let server = rig.start().await;
    let mut peer = Peer::new(&rig, &server, V1_4).await;
    let kek = peer.active_key(CryptographicUsageMask::WrapKey).await;
    let key = created(
        &mut peer,
        aes(256).with(mask(CryptographicUsageMask::Encrypt)),
    )
    .await;
    let wrapping = |encoding, names| KeyWrappingSpecification {
        wrapping_method: WrappingMethod::Encrypt,
        encryption_key_information: Some(EncryptionKeyInformation {
            unique_identifier: kek.as_str().into(),
            cryptographic_parameters: Some(CryptographicParameters {
                block_cipher_mode: Some(BlockCipherMode::NISTKeyWrap),
                ..CryptographicParameters::default()
            }),
        }),
        mac_signature_key_information: None,
        attribute_names: names,
        encoding_option: encoding,
    };
    let request = |specification| GetRequest {
        unique_identifier: Some(key.as_str().into()),
        key_wrapping_specification: Some(specification),
        ..GetRequest::default()
    };
    let raw: GetResponse = peer
        .ask(request(wrapping(
            Some(EncodingOption::NoEncoding),
            Vec::new(),
        )))
        .await;
    let block = raw.object.key_block().unwrap();
    let Some(WrappedOrPlain::Wrapped(bytes)) = &block.key_value else {
        panic!("not wrapped")
    };
    assert_eq!(bytes.len(), 40);
    assert!(block.key_wrapping_data.is_some());
    let names = vec![Tag::CryptographicUsageMask.into()];
    let encoded: GetResponse = peer.ask(request(wrapping(None, names.clone()))).await;
    let block = encoded.object.key_block().unwrap();
    let Some(WrappedOrPlain::Wrapped(bytes)) = &block.key_value else {
        panic!("not wrapped")
    };
    assert!(bytes.len() > 40);
    let both = wrapping(Some(EncodingOption::NoEncoding), names);
    assert_eq!(
        peer.refused(request(both)).await,
        ResultReason::EncodingOptionError
    );
    // A key that may not wrap does not.
    let mut wrong = wrapping(Some(EncodingOption::NoEncoding), Vec::new());
    wrong
        .encryption_key_information
        .as_mut()
        .unwrap()
        .unique_identifier = key.as_str().into();
    assert_eq!(
        peer.refused(request(wrong)).await,
        ResultReason::PermissionDenied
    );
}

#[tokio::test]
async fn sensitive_and_unextractable_keys_stay() {
    let rig = Rig::new();
    let server = rig.start().await;
    let mut peer = Peer::new(&rig, &server, V1_4).await;
    for (attribute, expected) in [
        (AttributeValue::Sensitive(true), ResultReason::Sensitive),
        (
            AttributeValue::Extractable(false),
            ResultReason::NotExtractable,
        ),
    ] {
        let id = created(&mut peer, aes(128).with(attribute)).await;
        let request = GetRequest {
            unique_identifier: Some(id.as_str().into()),
            ..GetRequest::default()
        };
        assert_eq!(peer.refused(request.clone()).await, expected);
        let export = ExportRequest {
            unique_identifier: Some(id.as_str().into()),
            ..ExportRequest::default()
        };
        assert_eq!(peer.refused(export).await, expected);
        // In versions that do not know the attribute it holds too.
        peer.version = ProtocolVersion::V1_0;
        assert_eq!(peer.refused(request).await, ResultReason::PermissionDenied);
        peer.version = V1_4;
    }
}

#[tokio::test]
async fn exported_and_imported() {
    let rig = Rig::new();
    let server = rig.start().await;
    let mut peer = Peer::new(&rig, &server, V1_4).await;
    let wanted = aes(256)
        .with(mask(CryptographicUsageMask::Encrypt))
        .with(AttributeValue::Name(Name::text("exported")))
        .with(active());
    let id = created(&mut peer, wanted).await;
    let exported: ExportResponse = peer
        .ask(ExportRequest {
            unique_identifier: Some(id.as_str().into()),
            ..ExportRequest::default()
        })
        .await;
    let import = |replace| ImportRequest {
        unique_identifier: id.as_str().into(),
        object_type: exported.object_type,
        replace_existing: Some(replace),
        key_wrap_type: None,
        attributes: exported.attributes.clone(),
        object: exported.object.clone().unwrap(),
    };
    assert_eq!(
        peer.refused(import(false)).await,
        ResultReason::ObjectAlreadyExists
    );
    let _: ImportResponse = peer.ask(import(true)).await;
    let again = attributes(&mut peer, &id).await;
    assert_eq!(again.state(), Some(&State::Active));
    assert_eq!(again.initial_date(), exported.attributes.initial_date());
    // Identifiers are each tenant's own: whether somebody else has this one is not to be learnt, and it stays theirs.
    let mut other = Peer::named(&rig, &server, V1_4, "somebody").await;
    let _: ImportResponse = other.ask(import(false)).await;
    let _: RevokeResponse = other
        .ask(RevokeRequest {
            unique_identifier: Some(id.as_str().into()),
            revocation_reason: RevocationReason {
                code: RevocationReasonCode::KeyCompromise,
                message: None,
            },
            compromise_occurrence_date: None,
        })
        .await;
    let mine = attributes(&mut peer, &id).await;
    assert_eq!(mine.state(), Some(&State::Active));
    let mut path = import(true);
    path.unique_identifier = "../kek".into();
    assert_eq!(peer.refused(path).await, ResultReason::InvalidField);
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

#[tokio::test]
async fn attributes_are_set_adjusted_and_deleted() {
    let rig = Rig::new();
    let server = rig.start().await;
    let mut peer = Peer::new(&rig, &server, V2_1).await;
    let id = created(&mut peer, aes(128)).await;
    let set = |value: AttributeValue| SetAttributeRequest {
        unique_identifier: Some(id.as_str().into()),
        attribute: value.into(),
    };
    let later = DateTime(4_000_000_000);
    let _: SetAttributeResponse = peer.ask(set(AttributeValue::ActivationDate(later))).await;
    let adjust = |tag: Tag| AdjustAttributeRequest {
        unique_identifier: Some(id.as_str().into()),
        attribute_reference: tag.into(),
        adjustment_type: AdjustmentType::Decrement,
        adjustment_value: None,
    };
    let _: AdjustAttributeResponse = peer.ask(adjust(Tag::ActivationDate)).await;
    let now = attributes(&mut peer, &id).await;
    assert_eq!(now.activation_date(), Some(&DateTime(3_999_999_999)));
    assert_eq!(
        peer.refused(adjust(Tag::CryptographicLength)).await,
        ResultReason::PermissionDenied
    );
    assert_eq!(
        peer.refused(set(AttributeValue::State(State::Active)))
            .await,
        ResultReason::PermissionDenied
    );
    let delete = |tag: Tag| DeleteAttributeRequest {
        unique_identifier: Some(id.as_str().into()),
        attribute_name: Some(tag.into()),
        ..DeleteAttributeRequest::default()
    };
    assert_eq!(
        peer.refused(delete(Tag::ActivationDate)).await,
        ResultReason::PermissionDenied
    );
    assert_eq!(
        peer.refused(delete(Tag::ContactInformation)).await,
        ResultReason::AttributeNotFound
    );
    let contact = AttributeValue::ContactInformation("operators".to_owned());
    let _: SetAttributeResponse = peer.ask(set(contact)).await;
    let _: DeleteAttributeResponse = peer.ask(delete(Tag::ContactInformation)).await;
    assert_eq!(attributes(&mut peer, &id).await.contact_information(), None);
}

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

#[tokio::test]
async fn templates() {
    let rig = Rig::new();
    let server = rig.start().await;
    let mut peer = Peer::new(&rig, &server, ProtocolVersion::V1_2).await;
    let template = kmip::objects::Template {
        attributes: aes(192).with(mask(CryptographicUsageMask::Encrypt)),
    };
    let _: RegisterResponse = peer
        .ask(RegisterRequest {
            object_type: ObjectType::Template,
            attributes: Attributes::new().with(AttributeValue::Name(Name::text("template"))),
            object: template.into(),
            protection_storage_masks: None,
        })
        .await;
    let wanted = Attributes::new().with_template(Name::text("template"));
    let id = created(&mut peer, wanted).await;
    assert_eq!(
        attributes(&mut peer, &id).await.cryptographic_length(),
        Some(&192)
    );
    let unknown = Attributes::new().with_template(Name::text("no such"));
    assert_eq!(
        peer.refused(create(unknown)).await,
        ResultReason::ItemNotFound
    );
}

/// Nobody is told of attributes that his version does not have.
#[tokio::test]
async fn nothing_newer_than_the_request() {
    let rig = Rig::new();
    let server = rig.start().await;
    let mut peer = Peer::new(&rig, &server, V2_1).await;
    let id = created(&mut peer, aes(256)).await;
    for version in ProtocolVersion::SUPPORTED {
        peer.version = version;
        let all = attributes(&mut peer, &id).await;
        assert_eq!(all.sensitive().is_some(), version >= V1_4, "{version}");
        assert_eq!(
            all.original_creation_date().is_some(),
            version >= ProtocolVersion::V1_2,
            "{version}"
        );
        assert_eq!(
            all.short_unique_identifier().is_some(),
            version >= ProtocolVersion::V2_0,
            "{version}"
        );
        assert_eq!(
            all.fresh().is_some(),
            version >= ProtocolVersion::V1_1,
            "{version}"
        );
    }
}

/// A secret as bytes, and RSA encryption with a public key, which the server makes with its pair.
#[tokio::test]
async fn rsa_and_secrets() {
    let rig = Rig::new();
    let server = rig.start().await;
    let mut peer = Peer::new(&rig, &server, V1_4).await;
    let pair: CreateKeyPairResponse = peer
        .ask(CreateKeyPairRequest {
            common_attributes: Some(
                Attributes::new()
                    .with(AttributeValue::CryptographicAlgorithm(
                        CryptographicAlgorithm::RSA,
                    ))
                    .with(AttributeValue::CryptographicLength(2048))
                    .with(active()),
            ),
            private_key_attributes: Some(
                Attributes::new().with(mask(CryptographicUsageMask::Decrypt)),
            ),
            public_key_attributes: Some(
                Attributes::new().with(mask(CryptographicUsageMask::Encrypt)),
            ),
            ..CreateKeyPairRequest::default()
        })
        .await;
    let parameters = CryptographicParameters {
        padding_method: Some(PaddingMethod::OAEP),
        hashing_algorithm: Some(HashingAlgorithm::SHA_256),
        ..CryptographicParameters::default()
    };
    let sealed: EncryptResponse = peer
        .ask(EncryptRequest {
            unique_identifier: Some(pair.public_key_unique_identifier),
            cryptographic_parameters: Some(parameters.clone()),
            data: Some(b"data key".as_slice().into()),
            ..EncryptRequest::default()
        })
        .await;
    let opened: DecryptResponse = peer
        .ask(DecryptRequest {
            unique_identifier: Some(pair.private_key_unique_identifier),
            cryptographic_parameters: Some(parameters),
            data: sealed.data,
            ..DecryptRequest::default()
        })
        .await;
    assert_eq!(opened.data, Some(Data::from(b"data key".as_slice())));
    let secret = SecretData {
        secret_data_type: kmip::registry::SecretDataType::Password,
        key_block: kmip::objects::KeyBlock::secret(b"swordfish"),
    };
    let registered: RegisterResponse = peer
        .ask(RegisterRequest {
            object_type: ObjectType::SecretData,
            attributes: Attributes::new(),
            object: secret.into(),
            protection_storage_masks: None,
        })
        .await;
    let got = get(&mut peer, &registered.unique_identifier.to_string()).await;
    let Some(WrappedOrPlain::Plain(value)) = &got.object.key_block().unwrap().key_value else {
        panic!("not plain")
    };
    assert_eq!(value.key_material, KeyMaterial::Bytes(b"swordfish".into()));
    let revoke = RevokeRequest {
        unique_identifier: Some(registered.unique_identifier),
        revocation_reason: RevocationReason {
            code: RevocationReasonCode::Superseded,
            message: None,
        },
        compromise_occurrence_date: None,
    };
    assert_eq!(
        peer.refused(revoke).await,
        ResultReason::PermissionDenied,
        "it is not active"
    );
}
