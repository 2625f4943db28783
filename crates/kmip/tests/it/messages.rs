//! Messages as clients and servers build and read them.

use kmip::codec::Value;
use kmip::message::{AsynchronousIndicator, MessageExtension};
use kmip::objects::{KeyBlock, SymmetricKey};
use kmip::operations::*;
use kmip::registry::*;
use kmip::ttlv::{Buffer, Element, Item, ItemValue, Newer, Writer, check, message_bytes};
use kmip::*;

pub(crate) fn create_request(version: ProtocolVersion) -> Vec<u8> {
    let attributes = Attributes::new()
        .with(AttributeValue::CryptographicAlgorithm(
            CryptographicAlgorithm::AES,
        ))
        .with(AttributeValue::CryptographicLength(256))
        .with(AttributeValue::CryptographicUsageMask(
            CryptographicUsageMask::Encrypt | CryptographicUsageMask::Decrypt,
        ))
        .with(AttributeValue::Name(Name::text("payroll")))
        .with(Attribute::vendor("x", "Purpose", "test"));
    let create = CreateRequest {
        object_type: ObjectType::SymmetricKey,
        attributes,
        protection_storage_masks: None,
    };
    RequestMessage::new(version, create)
        .encode()
        .expect("encodes")
        .as_slice()
        .to_vec()
}

pub(crate) fn get_response(version: ProtocolVersion) -> Vec<u8> {
    let key = SymmetricKey {
        key_block: KeyBlock::raw(CryptographicAlgorithm::AES, &[0x5A; 32]),
    };
    let get = GetResponse {
        object_type: ObjectType::SymmetricKey,
        unique_identifier: "49a1ca88-6bea-4fb2-b450-7e58802c3038".into(),
        object: key.into(),
    };
    ResponseMessage::new(
        version,
        DateTime(1_600_000_000),
        vec![ResponseBatchItem::success(get)],
    )
    .encode()
    .expect("encodes")
    .as_slice()
    .to_vec()
}

/// The example of KMIP 1.0's use cases, 3.1.1 ("Create / Destroy"), which pins down the bytes.
#[test]
fn a_create_request_has_the_bytes_of_the_published_use_case() {
    let attributes = Attributes::new()
        .with(AttributeValue::CryptographicAlgorithm(
            CryptographicAlgorithm::AES,
        ))
        .with(AttributeValue::CryptographicLength(128))
        .with(AttributeValue::CryptographicUsageMask(
            CryptographicUsageMask::Encrypt | CryptographicUsageMask::Decrypt,
        ));
    let create = CreateRequest {
        object_type: ObjectType::SymmetricKey,
        attributes,
        protection_storage_masks: None,
    };
    let bytes = RequestMessage::new(ProtocolVersion::V1_0, create)
        .encode()
        .expect("encodes");
    let expected = concat!(
        "42007801000001204200770100000038420069010000002042006a0200000004000000010000000042006b02",
        "00000004000000000000000042000d0200000004000000010000000042000f01000000d842005c0500000004",
        "0000000100000000420079010000 00c04200570500000004000000020000000042009101000000a8420008",
        "010000003042000a070000001743727970746f6772617068696320416c676f726974686d0042000b0500000004",
        "0000000300000000420008010000003042000a070000001443727970746f67726170686963204c656e677468",
        "0000000042000b02000000040000008000000000420008010000003042000a070000001843727970746f6772",
        "617068696320557361676520 4d61736b42000b02000000040000000c00000000",
    )
    .replace(' ', "");
    assert_eq!(hex::encode(bytes.as_slice()), expected);
}

#[test]
fn attributes_look_the_same_in_every_version() {
    for version in ProtocolVersion::SUPPORTED {
        let bytes = create_request(version);
        let request = RequestMessage::decode(&bytes, &Limits::DEFAULT).expect("decodes");
        assert_eq!(request.header.protocol_version, version);
        let RequestPayload::Create(create) = &request.batch_items[0].payload else {
            panic!("not a Create");
        };
        let attributes = &create.attributes;
        assert_eq!(
            attributes.cryptographic_algorithm(),
            Some(&CryptographicAlgorithm::AES)
        );
        assert_eq!(attributes.cryptographic_length(), Some(&256));
        assert_eq!(
            attributes.name().map(|name| name.value.as_str()),
            Some("payroll")
        );
        assert_eq!(
            attributes
                .vendor("x", "Purpose")
                .and_then(ItemValue::as_text),
            Some("test")
        );
        assert_eq!(attributes.len(), 5);
        let typed = bytes.windows(3).any(|tag| tag == [0x42, 0x01, 0x25]);
        assert_eq!(typed, version.major == 2, "{version}");
    }
}

#[test]
fn a_request_refuses_what_is_newer_and_a_response_leaves_it_out() {
    let attributes = Attributes::new()
        .with(AttributeValue::State(State::Active))
        .with(AttributeValue::Sensitive(true))
        .with(AttributeValue::QuantumSafe(true));
    let response = |version| {
        let payload = GetAttributesResponse {
            unique_identifier: "1".into(),
            attributes: attributes.clone(),
        };
        let item = ResponseBatchItem {
            result_reason: Some(ResultReason::ObjectDestroyed),
            ..ResponseBatchItem::success(payload)
        };
        let bytes = ResponseMessage::new(version, DateTime(0), vec![item])
            .encode()
            .expect("encodes");
        let message = ResponseMessage::decode(bytes.as_slice(), &Limits::DEFAULT).expect("decodes");
        let item = message.batch_items.into_iter().next().expect("an item");
        let got = GetAttributesResponse::try_from(item.payload.expect("a payload"))
            .expect("Get Attributes");
        (got.attributes.len(), item.result_reason)
    };
    assert_eq!(
        response(ProtocolVersion::V1_3),
        (1, Some(ResultReason::GeneralFailure))
    );
    assert_eq!(
        response(ProtocolVersion::V1_4),
        (2, Some(ResultReason::GeneralFailure))
    );
    assert_eq!(
        response(ProtocolVersion::V2_0),
        (3, Some(ResultReason::ObjectDestroyed))
    );

    let request = |version| {
        let create = CreateRequest {
            object_type: ObjectType::SymmetricKey,
            attributes: attributes.clone(),
            protection_storage_masks: None,
        };
        RequestMessage::new(version, create).encode().map(|_| ())
    };
    assert_eq!(
        request(ProtocolVersion::V1_2),
        Err(EncodeError::TooNew {
            what: "the attribute Sensitive".into(),
            since: ProtocolVersion::V1_4,
            version: ProtocolVersion::V1_2
        })
    );
    assert_eq!(request(ProtocolVersion::V2_0), Ok(()));

    let gone = Attributes::new().with(AttributeValue::OperationPolicyName("default".into()));
    let gone = CreateRequest {
        object_type: ObjectType::SymmetricKey,
        attributes: gone,
        protection_storage_masks: None,
    };
    assert!(matches!(
        RequestMessage::new(ProtocolVersion::V2_0, gone).encode(),
        Err(EncodeError::Gone { .. })
    ));
    let import = DiscoverVersionsRequest::default();
    assert!(
        RequestMessage::new(ProtocolVersion::V1_0, import)
            .encode()
            .is_err()
    );
    assert!(matches!(
        RequestMessage::new(ProtocolVersion::new(3, 0), PingRequest {}).encode(),
        Err(EncodeError::UnsupportedVersion { .. })
    ));
}

/// Query in a response lists operations and object types: those that the version lacks are not in it.
#[test]
fn lists_lose_what_the_version_does_not_have() {
    let query = QueryResponse {
        operations: vec![Operation::Get, Operation::Import, Operation::Ping],
        object_types: vec![ObjectType::SymmetricKey, ObjectType::PGPKey],
        ..QueryResponse::default()
    };
    let bytes = ResponseMessage::new(
        ProtocolVersion::V1_0,
        DateTime(0),
        vec![ResponseBatchItem::success(query)],
    )
    .encode()
    .expect("encodes");
    let message = ResponseMessage::decode(bytes.as_slice(), &Limits::DEFAULT).expect("decodes");
    let Some(ResponsePayload::Query(query)) = &message.batch_items[0].payload else {
        panic!("not a Query");
    };
    assert_eq!(query.operations, [Operation::Get]);
    assert_eq!(query.object_types, [ObjectType::SymmetricKey]);
}

fn written(fill: impl FnOnce(&mut Writer)) -> Vec<u8> {
    let mut writer = Writer::new(Buffer::new(), ProtocolVersion::V2_1, Newer::Keep);
    fill(&mut writer);
    writer.finish().expect("fits").as_slice().to_vec()
}

/// As HashiCorp Vault and Entrust KeyControl have been seen to answer: a Server Correlation Value in a 1.0 response, an
/// Object Type in the Register response, and fields that nobody knows.
#[test]
fn extra_fields_in_a_response_are_skipped() {
    let bytes = written(|w| {
        w.structure(Tag::ResponseMessage, |w| {
            w.structure(Tag::ResponseHeader, |w| {
                ProtocolVersion::V1_0.encode(Tag::ProtocolVersion, w);
                w.date_time(Tag::TimeStamp, 0);
                w.text(Tag::ServerCorrelationValue, "abc");
                w.integer(Tag(0x54_0001), 1);
                w.integer(Tag::BatchCount, 1);
            });
            w.structure(Tag::BatchItem, |w| {
                w.enumeration(Tag::Operation, Operation::Register);
                w.enumeration(Tag::ResultStatus, ResultStatus::Success);
                w.structure(Tag::ResponsePayload, |w| {
                    w.enumeration(Tag::ObjectType, ObjectType::SymmetricKey);
                    w.text(Tag::UniqueIdentifier, "42");
                    w.structure(Tag(0x54_0002), |_| {});
                });
                w.structure(Tag(0x42_FFFF), |_| {});
            });
        });
    });
    let message = ResponseMessage::decode(&bytes, &Limits::DEFAULT).expect("decodes");
    let payload = message
        .batch_items
        .into_iter()
        .next()
        .and_then(|item| item.payload)
        .expect("a payload");
    let register = RegisterResponse::try_from(payload).expect("Register");
    assert_eq!(register.unique_identifier, "42".into());
}

/// A vendor's fields in the payload of an operation that is known survive, behind the operation's own.
#[test]
fn extensions_in_a_payload_survive() {
    let extension = Item::new(Tag(0x54_0001), ItemValue::from("x"));
    let mut request = RequestMessage::new(ProtocolVersion::V1_0, GetRequest::default());
    request.batch_items[0]
        .payload_extensions
        .push(extension.clone());
    let bytes = request.encode().expect("encodes");
    let decoded = RequestMessage::decode(bytes.as_slice(), &Limits::DEFAULT).expect("decodes");
    assert_eq!(decoded.batch_items, request.batch_items);

    let mut item = ResponseBatchItem::success(ActivateResponse {
        unique_identifier: "1".into(),
    });
    item.payload_extensions.push(extension);
    let bytes =
        ResponseMessage::new(ProtocolVersion::V1_0, DateTime(0), vec![item.clone()]).encode();
    let bytes = bytes.expect("encodes");
    let decoded = ResponseMessage::decode(bytes.as_slice(), &Limits::DEFAULT).expect("decodes");
    assert_eq!(decoded.batch_items, [item]);
}

/// Unknown tags, a vendor's and one of the standard that is newer than this library: what has them comes back byte for
/// byte.
#[test]
fn unknown_tags_survive_in_headers_batch_items_and_payloads() {
    let unknown = |w: &mut Writer| {
        w.text(Tag(0x54_0001), "x");
        w.structure(Tag(0x42_FFFE), |w| {
            w.integer(Tag::BatchCount, 7);
            w.enumeration_code(Tag(0x54_0002), 0x8000_0001);
        });
    };
    let request = written(|w| {
        w.structure(Tag::RequestMessage, |w| {
            w.structure(Tag::RequestHeader, |w| {
                ProtocolVersion::V1_4.encode(Tag::ProtocolVersion, w);
                w.integer(Tag::BatchCount, 1);
                unknown(w);
            });
            w.structure(Tag::BatchItem, |w| {
                w.enumeration(Tag::Operation, Operation::Get);
                w.structure(Tag::RequestPayload, |w| {
                    w.text(Tag::UniqueIdentifier, "42");
                    unknown(w);
                });
                unknown(w);
            });
        });
    });
    let message = RequestMessage::decode(&request, &Limits::DEFAULT).expect("decodes");
    assert_eq!(message.header.extensions.len(), 2);
    assert_eq!(message.batch_items[0].extensions.len(), 2);
    assert_eq!(message.batch_items[0].payload_extensions.len(), 2);
    assert_eq!(message.encode().expect("encodes").as_slice(), request);

    let response = written(|w| {
        w.structure(Tag::ResponseMessage, |w| {
            w.structure(Tag::ResponseHeader, |w| {
                ProtocolVersion::V2_1.encode(Tag::ProtocolVersion, w);
                w.date_time(Tag::TimeStamp, 0);
                w.integer(Tag::BatchCount, 1);
                unknown(w);
            });
            w.structure(Tag::BatchItem, |w| {
                w.enumeration(Tag::Operation, Operation::Activate);
                w.enumeration(Tag::ResultStatus, ResultStatus::Success);
                w.structure(Tag::ResponsePayload, |w| {
                    w.text(Tag::UniqueIdentifier, "42");
                    unknown(w);
                });
                unknown(w);
            });
        });
    });
    let message = ResponseMessage::decode(&response, &Limits::DEFAULT).expect("decodes");
    assert_eq!(message.encode().expect("encodes").as_slice(), response);
}

/// What does not survive, as the documentation says: unknown tags in other structures, and known ones out of place.
#[test]
fn other_structures_keep_what_they_have_fields_for() {
    let request = |with_more: bool| {
        written(|w| {
            w.structure(Tag::RequestMessage, |w| {
                w.structure(Tag::RequestHeader, |w| {
                    ProtocolVersion::V1_4.encode(Tag::ProtocolVersion, w);
                    w.integer(Tag::BatchCount, 1);
                    if with_more {
                        w.text(Tag::NameValue, "out of place");
                    }
                });
                w.structure(Tag::BatchItem, |w| {
                    w.enumeration(Tag::Operation, Operation::Encrypt);
                    w.structure(Tag::RequestPayload, |w| {
                        w.structure(Tag::CryptographicParameters, |w| {
                            w.enumeration(Tag::BlockCipherMode, BlockCipherMode::GCM);
                            if with_more {
                                w.text(Tag(0x54_0001), "x");
                            }
                        });
                        w.bytes(Tag::Data, &[1, 2, 3]);
                    });
                });
            });
        })
    };
    let message = RequestMessage::decode(&request(true), &Limits::DEFAULT).expect("decodes");
    let encoded = message.encode().expect("encodes");
    assert_eq!(encoded.as_slice(), request(false));
}

/// Only the item that cannot be read fails.
#[test]
fn a_malformed_payload_leaves_the_batch_alone() {
    let bytes = written(|w| {
        w.structure(Tag::RequestMessage, |w| {
            w.structure(Tag::RequestHeader, |w| {
                ProtocolVersion::V1_4.encode(Tag::ProtocolVersion, w);
                w.integer(Tag::BatchCount, 3);
            });
            w.structure(Tag::BatchItem, |w| {
                w.enumeration(Tag::Operation, Operation::Get);
                w.structure(Tag::RequestPayload, |w| w.integer(Tag::KeyFormatType, 1));
            });
            w.structure(Tag::BatchItem, |w| {
                w.enumeration(Tag::Operation, Operation::Other(0x8000_0001));
                w.structure(Tag::RequestPayload, |w| w.integer(Tag(0x54_0001), 1));
            });
            w.structure(Tag::BatchItem, |w| {
                w.enumeration(Tag::Operation, Operation::Get);
                w.structure(Tag::RequestPayload, |_| {});
            });
        });
    });
    let request = RequestMessage::decode(&bytes, &Limits::DEFAULT).expect("decodes");
    let RequestPayload::Malformed(payload) = &request.batch_items[0].payload else {
        panic!("not malformed");
    };
    assert_eq!(payload.operation, Operation::Get);
    assert_eq!(
        payload.error.to_string(),
        "KeyFormatType is of type Integer, expected Enumeration"
    );
    let RequestPayload::Unknown(payload) = &request.batch_items[1].payload else {
        panic!("known");
    };
    assert_eq!(payload.operation, Some(Operation::Other(0x8000_0001)));
    assert_eq!(
        payload.items,
        [Item::new(Tag(0x54_0001), ItemValue::Integer(1))]
    );
    assert!(matches!(
        request.batch_items[2].payload,
        RequestPayload::Get(_)
    ));
    assert!(matches!(
        request.encode(),
        Err(EncodeError::Unencodable { .. })
    ));
}

#[test]
fn headers_and_extensions_come_back() {
    let mut request = RequestMessage::batch(
        ProtocolVersion::V2_1,
        [
            GetRequest {
                unique_identifier: Some("1".into()),
                ..GetRequest::default()
            }
            .into(),
            GetRequest {
                unique_identifier: Some(UniqueIdentifier::Placeholder(
                    UniqueIdentifierPlaceholder::Locate,
                )),
                ..GetRequest::default()
            }
            .into(),
        ],
    );
    request.header.asynchronous_indicator = Some(AsynchronousIndicator(
        AsynchronousIndicatorOption::Mandatory,
    ));
    request.header.maximum_response_size = Some(1 << 20);
    request.header.client_correlation_value = Some("c".into());
    request.header.batch_error_continuation_option = Some(BatchErrorContinuationOption::Undo);
    request.batch_items[0]
        .message_extensions
        .push(MessageExtension {
            vendor_identification: "acme".into(),
            criticality_indicator: false,
            vendor_extension: AnyStructure(vec![Item::new(Tag(0x54_0001), ItemValue::from("x"))]),
        });
    let bytes = request.encode().expect("encodes");
    let decoded = RequestMessage::decode(bytes.as_slice(), &Limits::DEFAULT).expect("decodes");
    request.header.batch_count = 2;
    assert_eq!(decoded, request);
    assert_eq!(
        decoded.batch_items[1].unique_batch_item_id.as_deref(),
        Some(&[0, 0, 0, 2][..])
    );
}

#[test]
fn limits_are_checked_before_anything_is_made_of_a_message() {
    let limits = Limits {
        message_bytes: 4096,
        depth: 4,
        items: 20,
        batch_items: 2,
    };
    let header = |length: u32| {
        let [a, b, c, d] = length.to_be_bytes();
        [0x42, 0x00, 0x78, 0x01, a, b, c, d]
    };
    assert_eq!(message_bytes(header(4088), &limits), Ok(4096));
    assert_eq!(
        message_bytes(header(4089), &limits),
        Err(DecodeError::Limit {
            what: "bytes",
            max: 4096
        })
    );
    assert!(message_bytes(header(u32::MAX), &limits).is_err());
    assert!(matches!(
        message_bytes([0x16, 0x03, 0x01, 0, 0, 0, 0, 0], &limits),
        Err(DecodeError::NotAMessage { .. })
    ));

    // A length that lies, far beyond its parent.
    let mut lying = get_response(ProtocolVersion::V1_4);
    let place = lying
        .windows(3)
        .position(|tag| tag == [0x42, 0x00, 0x43])
        .expect("Key Material");
    lying[place + 4..place + 8].copy_from_slice(&[0xFF, 0xFF, 0xFF, 0xF8]);
    assert!(matches!(
        check(&lying, &Limits::DEFAULT),
        Err(DecodeError::Overrun {
            tag: Tag::KeyMaterial,
            ..
        })
    ));

    fn nested(depth: usize, w: &mut Writer) {
        w.structure(Tag::BatchItem, |w| {
            if depth > 1 {
                nested(depth - 1, w);
            }
        });
    }
    assert!(check(&written(|w| nested(4, w)), &limits).is_ok());
    assert!(matches!(
        check(&written(|w| nested(5, w)), &limits),
        Err(DecodeError::Limit {
            what: "levels of nesting",
            max: 4
        })
    ));
    let flat = |items| {
        written(|w| {
            w.structure(Tag::BatchItem, |w| {
                (0..items).for_each(|n| w.integer(Tag::Offset, n))
            })
        })
    };
    assert!(check(&flat(19), &limits).is_ok());
    assert!(matches!(
        check(&flat(20), &limits),
        Err(DecodeError::Limit {
            what: "items",
            max: 20
        })
    ));

    let gets = |count| {
        let payloads = (0..count).map(|_| GetRequest::default().into());
        RequestMessage::batch(ProtocolVersion::V1_4, payloads)
            .encode()
            .expect("encodes")
    };
    let limits = Limits {
        batch_items: 2,
        ..Limits::DEFAULT
    };
    assert!(RequestMessage::decode(gets(2).as_slice(), &limits).is_ok());
    assert!(matches!(
        RequestMessage::decode(gets(3).as_slice(), &limits),
        Err(DecodeError::Limit {
            what: "batch items",
            max: 2
        })
    ));
}

/// A server that cannot read a request still knows in which version to say so.
#[test]
fn the_version_can_be_told_from_a_message_that_cannot_be_read() {
    let bytes = written(|w| {
        w.structure(Tag::RequestMessage, |w| {
            w.structure(Tag::RequestHeader, |w| {
                ProtocolVersion::new(3, 0).encode(Tag::ProtocolVersion, w);
            });
        });
    });
    assert!(RequestMessage::decode(&bytes, &Limits::DEFAULT).is_err());
    let element = check(&bytes, &Limits::DEFAULT).expect("well-formed");
    assert_eq!(
        message::version_of(&element),
        Some(ProtocolVersion::new(3, 0))
    );
}

#[test]
fn malformed_items_are_refused() {
    let integer = |length: u32, kind: u8| {
        let mut bytes = vec![0x42, 0x00, 0x0D, kind];
        bytes.extend(length.to_be_bytes());
        bytes.extend([0; 8]);
        bytes
    };
    let error =
        |bytes: &[u8]| check(bytes, &Limits::DEFAULT).map(|element: Element<'_>| element.tag());
    assert_eq!(error(&integer(4, 0x02)), Ok(Tag::BatchCount));
    for (length, kind) in [
        (8, 0x02),
        (0, 0x05),
        (4, 0x03),
        (4, 0x06),
        (4, 0x09),
        (8, 0x0A),
        (4, 0x0B),
    ] {
        assert!(
            matches!(
                error(&integer(length, kind)),
                Err(DecodeError::WrongLength { .. })
            ),
            "{kind}"
        );
    }
    assert!(matches!(
        error(&integer(0, 0x04)),
        Err(DecodeError::TrailingBytes { extra: 8 })
    ));
    assert!(matches!(
        error(&integer(0, 0x04)[..8]),
        Err(DecodeError::WrongLength { .. })
    ));
    assert!(matches!(
        error(&integer(4, 0x00)),
        Err(DecodeError::UnknownItemType { got: 0, .. })
    ));
    assert!(matches!(
        error(&integer(4, 0x0C)),
        Err(DecodeError::UnknownItemType { got: 12, .. })
    ));
    assert!(matches!(error(&[0x42]), Err(DecodeError::Truncated { .. })));
    assert!(matches!(
        error(&integer(9, 0x08)),
        Err(DecodeError::Truncated { .. })
    ));

    let mut boolean = written(|w| w.boolean(Tag::Fresh, true));
    boolean[15] = 2;
    assert!(matches!(
        error(&boolean),
        Err(DecodeError::InvalidValue { .. })
    ));
    let mut text = written(|w| w.text(Tag::NameValue, "abc"));
    text[8] = 0xFF;
    assert_eq!(
        error(&text),
        Err(DecodeError::NotUtf8 {
            tag: Tag::NameValue
        })
    );
    // Rubbish in the padding is a peer's sloppiness, not an error.
    let mut padding = written(|w| w.text(Tag::NameValue, "abc"));
    padding[15] = 0xFF;
    assert_eq!(error(&padding), Ok(Tag::NameValue));

    let batch_count = |count| {
        written(|w| {
            w.structure(Tag::RequestMessage, |w| {
                w.structure(Tag::RequestHeader, |w| {
                    ProtocolVersion::V1_4.encode(Tag::ProtocolVersion, w);
                    w.integer(Tag::BatchCount, count);
                });
            });
        })
    };
    assert!(RequestMessage::decode(&batch_count(0), &Limits::DEFAULT).is_ok());
    for count in [1, -1] {
        assert!(matches!(
            RequestMessage::decode(&batch_count(count), &Limits::DEFAULT),
            Err(DecodeError::BatchCount { got: 0, .. })
        ));
    }
}
