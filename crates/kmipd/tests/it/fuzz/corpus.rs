//! Valid requests of all operations, in all versions, about objects that are there.

use kmip::message::{Authentication, Credential, UsernameAndPassword};
use kmip::objects::{
    EncryptionKeyInformation, KeyBlock, KeyWrappingSpecification, OpaqueObject, SecretData,
    SymmetricKey,
};
use kmip::operations::*;
use kmip::registry::*;
use kmip::structures::{
    ApplicationSpecificInformation, CryptographicDomainParameters, CryptographicParameters, Link,
    RevocationReason, UsageLimits,
};
use kmip::ttlv::ItemValue;
use kmip::{
    Attribute, AttributeValue as V, Attributes, DateTime, Interval, ManagedObject, Name,
    ProtocolVersion, RequestMessage, RequestPayload, UniqueIdentifier,
};

/// The objects that requests are about.
pub(super) struct Objects {
    /// An active AES key that may do everything.
    pub(super) key: String,
    /// A key with the HMAC algorithm.
    pub(super) hmac: String,
    pub(super) private_key: String,
    pub(super) public_key: String,
    pub(super) secret: String,
    pub(super) opaque: String,
    pub(super) archived: String,
}

impl Objects {
    fn all(&self) -> [&str; 7] {
        [
            &self.key,
            &self.hmac,
            &self.private_key,
            &self.public_key,
            &self.secret,
            &self.opaque,
            &self.archived,
        ]
    }
}

pub(super) fn key_attributes() -> Attributes {
    Attributes::new()
        .with(V::CryptographicAlgorithm(CryptographicAlgorithm::AES))
        .with(V::CryptographicLength(256))
        .with(V::CryptographicUsageMask(CryptographicUsageMask(
            0x000F_FFFF,
        )))
        .with(V::ActivationDate(DateTime(1)))
}

pub(super) fn create() -> CreateRequest {
    CreateRequest {
        object_type: ObjectType::SymmetricKey,
        attributes: key_attributes(),
        protection_storage_masks: None,
    }
}

pub(super) fn pair() -> CreateKeyPairRequest {
    let curve = CryptographicDomainParameters {
        recommended_curve: Some(RecommendedCurve::P_256),
        ..CryptographicDomainParameters::default()
    };
    CreateKeyPairRequest {
        common_attributes: Some(
            Attributes::new()
                .with(V::CryptographicAlgorithm(CryptographicAlgorithm::ECDSA))
                .with(V::CryptographicDomainParameters(curve))
                .with(V::ActivationDate(DateTime(1))),
        ),
        private_key_attributes: Some(
            Attributes::new().with(V::CryptographicUsageMask(CryptographicUsageMask::Sign)),
        ),
        public_key_attributes: Some(
            Attributes::new().with(V::CryptographicUsageMask(CryptographicUsageMask::Verify)),
        ),
        ..CreateKeyPairRequest::default()
    }
}

pub(super) fn register(object: ManagedObject, attributes: Attributes) -> RegisterRequest {
    RegisterRequest {
        object_type: object.object_type(),
        attributes,
        object,
        protection_storage_masks: None,
    }
}

pub(super) fn hmac() -> RegisterRequest {
    let key_block = KeyBlock::raw(CryptographicAlgorithm::HMAC_SHA256, &[9; 32]);
    let attributes = Attributes::new()
        .with(V::CryptographicUsageMask(CryptographicUsageMask(0x180)))
        .with(V::ActivationDate(DateTime(1)));
    register(SymmetricKey { key_block }.into(), attributes)
}

pub(super) fn secret() -> RegisterRequest {
    let key_block = KeyBlock {
        key_format_type: KeyFormatType::Opaque,
        cryptographic_algorithm: None,
        cryptographic_length: None,
        ..KeyBlock::raw(CryptographicAlgorithm::AES, b"swordfish")
    };
    let secret = SecretData {
        secret_data_type: SecretDataType::Password,
        key_block,
    };
    let mask = V::CryptographicUsageMask(CryptographicUsageMask::DeriveKey);
    register(secret.into(), Attributes::new().with(mask))
}

pub(super) fn opaque() -> RegisterRequest {
    let opaque = OpaqueObject {
        opaque_data_type: OpaqueDataType::Other(0x8000_0001),
        opaque_data_value: b"anything".as_slice().into(),
    };
    register(opaque.into(), Attributes::new())
}

fn parameters(mode: BlockCipherMode) -> Option<CryptographicParameters> {
    Some(CryptographicParameters {
        block_cipher_mode: Some(mode),
        padding_method: Some(PaddingMethod::PKCS5),
        ..CryptographicParameters::default()
    })
}

/// Attributes of every shape.
fn attributes() -> Vec<V> {
    vec![
        V::Name(Name::text("fuzzed")),
        V::ObjectGroup("group".to_owned()),
        V::ContactInformation("somebody".to_owned()),
        V::DeactivationDate(DateTime(4_000_000_000)),
        V::UsageLimits(UsageLimits {
            total: 1_000_000,
            count: None,
            unit: UsageLimitsUnit::Byte,
        }),
        V::ApplicationSpecificInformation(ApplicationSpecificInformation {
            application_namespace: "ssl".to_owned(),
            application_data: Some("www.example.com".to_owned()),
        }),
        V::Link(Link {
            link_type: LinkType::ParentLink,
            linked_object_identifier: "parent".into(),
        }),
        V::CryptographicParameters(CryptographicParameters {
            block_cipher_mode: Some(BlockCipherMode::GCM),
            tag_length: Some(16),
            ..CryptographicParameters::default()
        }),
        V::Vendor {
            vendor: "x".to_owned(),
            name: "Purpose".to_owned(),
            value: ItemValue::from("testing"),
        },
    ]
}

fn payloads(objects: &Objects) -> Vec<RequestPayload> {
    let id = |id: &str| Some(UniqueIdentifier::from(id));
    let key = || id(&objects.key);
    let data = || Some(b"sixteen bytes...".as_slice().into());
    let mut all: Vec<RequestPayload> = vec![
        create().into(),
        pair().into(),
        hmac().into(),
        secret().into(),
        opaque().into(),
        ReKeyRequest {
            unique_identifier: key(),
            offset: Some(Interval(10)),
            ..ReKeyRequest::default()
        }
        .into(),
        ReKeyKeyPairRequest {
            private_key_unique_identifier: id(&objects.private_key),
            ..ReKeyKeyPairRequest::default()
        }
        .into(),
        DeriveKeyRequest {
            object_type: ObjectType::SymmetricKey,
            unique_identifiers: vec![objects.key.as_str().into(), objects.secret.as_str().into()],
            derivation_method: DerivationMethod::PBKDF2,
            derivation_parameters: DerivationParameters {
                cryptographic_parameters: Some(CryptographicParameters {
                    hashing_algorithm: Some(HashingAlgorithm::SHA_256),
                    ..CryptographicParameters::default()
                }),
                salt: Some(vec![1; 16].into()),
                iteration_count: Some(10),
                ..DerivationParameters::default()
            },
            attributes: key_attributes(),
        }
        .into(),
        LocateRequest {
            maximum_items: Some(10),
            attributes: Attributes::new()
                .with(V::ObjectType(ObjectType::SymmetricKey))
                .with(V::State(State::Active))
                .with(V::InitialDate(DateTime(1)))
                .with(V::InitialDate(DateTime(4_000_000_000))),
            ..LocateRequest::default()
        }
        .into(),
        CheckRequest {
            unique_identifier: key(),
            usage_limits_count: Some(10),
            cryptographic_usage_mask: Some(CryptographicUsageMask::Encrypt),
            lease_time: Some(Interval(60)),
        }
        .into(),
        GetRequest {
            unique_identifier: key(),
            key_format_type: Some(KeyFormatType::TransparentSymmetricKey),
            ..GetRequest::default()
        }
        .into(),
        GetRequest {
            unique_identifier: id(&objects.secret),
            key_wrapping_specification: Some(KeyWrappingSpecification {
                wrapping_method: WrappingMethod::Encrypt,
                encryption_key_information: Some(EncryptionKeyInformation {
                    unique_identifier: objects.key.as_str().into(),
                    cryptographic_parameters: parameters(BlockCipherMode::NISTKeyWrap),
                }),
                mac_signature_key_information: None,
                attribute_names: Vec::new(),
                encoding_option: None,
            }),
            ..GetRequest::default()
        }
        .into(),
        ObtainLeaseRequest {
            unique_identifier: key(),
        }
        .into(),
        GetUsageAllocationRequest {
            unique_identifier: key(),
            usage_limits_count: 5,
        }
        .into(),
        ActivateRequest {
            unique_identifier: id(&objects.secret),
        }
        .into(),
        RevokeRequest {
            unique_identifier: id(&objects.opaque),
            revocation_reason: RevocationReason {
                code: RevocationReasonCode::KeyCompromise,
                message: Some("why not".to_owned()),
            },
            compromise_occurrence_date: Some(DateTime(1)),
        }
        .into(),
        DestroyRequest {
            unique_identifier: id("nothing"),
        }
        .into(),
        ArchiveRequest {
            unique_identifier: id(&objects.archived),
        }
        .into(),
        RecoverRequest {
            unique_identifier: id(&objects.archived),
        }
        .into(),
        QueryRequest {
            query_functions: (1..=14).map(QueryFunction::from_code).collect(),
        }
        .into(),
        DiscoverVersionsRequest::default().into(),
        SignRequest {
            unique_identifier: id(&objects.private_key),
            data: data(),
            ..SignRequest::default()
        }
        .into(),
        SignatureVerifyRequest {
            unique_identifier: id(&objects.public_key),
            data: data(),
            signature_data: Some(vec![0x30; 70].into()),
            ..SignatureVerifyRequest::default()
        }
        .into(),
        MACRequest {
            unique_identifier: id(&objects.hmac),
            data: data(),
            ..MACRequest::default()
        }
        .into(),
        MACVerifyRequest {
            unique_identifier: id(&objects.hmac),
            data: data(),
            mac_data: Some(vec![1; 32].into()),
            ..MACVerifyRequest::default()
        }
        .into(),
        HashRequest {
            cryptographic_parameters: CryptographicParameters {
                hashing_algorithm: Some(HashingAlgorithm::SHA_256),
                ..CryptographicParameters::default()
            },
            data: data(),
            correlation_value: None,
            init_indicator: Some(true),
            final_indicator: None,
        }
        .into(),
        RNGRetrieveRequest { data_length: 32 }.into(),
        RNGSeedRequest {
            data: b"seed".as_slice().into(),
        }
        .into(),
        ImportRequest {
            unique_identifier: "imported".into(),
            object_type: ObjectType::OpaqueObject,
            replace_existing: Some(true),
            key_wrap_type: None,
            attributes: Attributes::new(),
            object: opaque().object,
        }
        .into(),
        ExportRequest {
            unique_identifier: key(),
            ..ExportRequest::default()
        }
        .into(),
        LogRequest {
            log_message: "a message".to_owned(),
        }
        .into(),
        AdjustAttributeRequest {
            unique_identifier: key(),
            attribute_reference: Tag::CryptographicLength.into(),
            adjustment_type: AdjustmentType::Increment,
            adjustment_value: Some(ItemValue::Integer(1)),
        }
        .into(),
        InteropRequest {
            interop_function: InteropFunction::Begin,
            interop_identifier: Some("TC-1".to_owned()),
        }
        .into(),
        PingRequest::default().into(),
        // Not offered.
        CertifyRequest::default().into(),
        ReCertifyRequest::default().into(),
        ValidateRequest::default().into(),
        LoginRequest::default().into(),
    ];
    for mode in [
        BlockCipherMode::CBC,
        BlockCipherMode::GCM,
        BlockCipherMode::CTR,
    ] {
        all.push(
            EncryptRequest {
                unique_identifier: key(),
                cryptographic_parameters: parameters(mode),
                data: data(),
                iv_counter_nonce: Some(vec![7; 16].into()),
                init_indicator: Some(true),
                ..EncryptRequest::default()
            }
            .into(),
        );
        all.push(
            DecryptRequest {
                unique_identifier: key(),
                cryptographic_parameters: parameters(mode),
                data: data(),
                iv_counter_nonce: Some(vec![7; 12].into()),
                ..DecryptRequest::default()
            }
            .into(),
        );
    }
    for object in objects.all() {
        all.push(
            GetAttributesRequest {
                unique_identifier: id(object),
                attribute_names: Vec::new(),
            }
            .into(),
        );
        all.push(
            GetAttributeListRequest {
                unique_identifier: id(object),
            }
            .into(),
        );
    }
    for value in attributes() {
        let name = value.attribute_name();
        all.push(
            AddAttributeRequest {
                unique_identifier: key(),
                attribute: value.clone().into(),
            }
            .into(),
        );
        all.push(
            SetAttributeRequest {
                unique_identifier: key(),
                attribute: value.clone().into(),
            }
            .into(),
        );
        all.push(
            ModifyAttributeRequest {
                unique_identifier: key(),
                current_attribute: None,
                attribute: Attribute {
                    index: Some(1),
                    value,
                },
            }
            .into(),
        );
        all.push(
            DeleteAttributeRequest {
                unique_identifier: key(),
                current_attribute: None,
                attribute_name: Some(name),
                attribute_index: Some(1),
            }
            .into(),
        );
    }
    all
}

/// Each request that a version can express, alone; some with a header that says more; and batches.
pub(super) fn requests(objects: &Objects) -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    for version in ProtocolVersion::SUPPORTED {
        let payloads = payloads(objects);
        for payload in &payloads {
            let mut request = RequestMessage::new(version, payload.clone());
            all.extend(encoded(&request));
            request.header.maximum_response_size = Some(4_096);
            request.header.authentication = Some(Authentication {
                credentials: vec![Credential::UsernameAndPassword(UsernameAndPassword {
                    username: "user".to_owned(),
                    password: Some("password".into()),
                })],
            });
            request.header.time_stamp = Some(DateTime(1));
            all.extend(encoded(&request));
        }
        for (option, several) in [
            BatchErrorContinuationOption::Undo,
            BatchErrorContinuationOption::Continue,
        ]
        .into_iter()
        .cycle()
        .zip(payloads.chunks(4))
        {
            let mut request = RequestMessage::batch(version, several.iter().cloned());
            request.header.batch_error_continuation_option = Some(option);
            all.extend(encoded(&request));
        }
    }
    all
}

/// `None` if the version has no such thing.
fn encoded(request: &RequestMessage) -> Option<Vec<u8>> {
    Some(request.encode().ok()?.as_slice().to_vec())
}
