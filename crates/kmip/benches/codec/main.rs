//! Decoding and encoding, side by side with `kmip-protocol` 0.4.3 in the same run.
//!
//! `cargo bench -p kmip`. Decoding is into typed form, encoding from it; both sides handle the same bytes.

mod other_side;

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use kmip::objects::{KeyBlock, SymmetricKey};
use kmip::operations::{
    CreateRequest, GetAttributesRequest, GetRequest, GetResponse, LocateResponse, RequestPayload,
};
use kmip::registry::{CryptographicAlgorithm, CryptographicUsageMask, ObjectType};
use kmip::ttlv::Buffer;
use kmip::{
    AttributeValue, Attributes, DateTime, Limits, Name, ProtocolVersion, RequestMessage,
    ResponseBatchItem, ResponseMessage, UniqueIdentifier,
};
use kmip_protocol::types::{common, request, response};
use serde::Serialize;

const VERSION: ProtocolVersion = ProtocolVersion::V1_0;
const TIME: u64 = 1_600_000_000;

fn identifier(number: u32) -> String {
    format!("49a1ca88-6bea-4fb2-b450-7e58{number:08x}")
}

fn get_response(number: u32) -> GetResponse {
    let key = SymmetricKey {
        key_block: KeyBlock::raw(CryptographicAlgorithm::AES, &[0x5A; 32]),
    };
    GetResponse {
        object_type: ObjectType::SymmetricKey,
        unique_identifier: identifier(number).into(),
        object: key.into(),
    }
}

fn response(items: Vec<ResponseBatchItem>) -> ResponseMessage {
    ResponseMessage::new(VERSION, DateTime(TIME as i64), items)
}

fn batch_of_gets() -> RequestMessage {
    let payloads = (0..100).map(|n| -> RequestPayload {
        GetRequest {
            unique_identifier: Some(identifier(n).into()),
            ..GetRequest::default()
        }
        .into()
    });
    RequestMessage::batch(VERSION, payloads)
}

fn create() -> RequestMessage {
    let attributes = Attributes::new()
        .with(AttributeValue::CryptographicAlgorithm(
            CryptographicAlgorithm::AES,
        ))
        .with(AttributeValue::CryptographicLength(256))
        .with(AttributeValue::CryptographicUsageMask(
            CryptographicUsageMask::Encrypt | CryptographicUsageMask::Decrypt,
        ))
        .with(AttributeValue::Name(Name::text("payroll")));
    let object_type = ObjectType::SymmetricKey;
    RequestMessage::new(
        VERSION,
        CreateRequest {
            object_type,
            attributes,
            protection_storage_masks: None,
        },
    )
}

fn their_header(batch_count: i32) -> request::RequestHeader {
    request::RequestHeader(
        request::ProtocolVersion(
            request::ProtocolVersionMajor(1),
            request::ProtocolVersionMinor(0),
        ),
        None,
        None,
        request::BatchCount(batch_count),
    )
}

fn their_create() -> request::RequestMessage {
    use request::Attribute;
    let attributes = vec![
        Attribute::CryptographicAlgorithm(common::CryptographicAlgorithm::AES),
        Attribute::CryptographicLength(256),
        Attribute::CryptographicUsageMask(
            common::CryptographicUsageMask::Encrypt | common::CryptographicUsageMask::Decrypt,
        ),
        Attribute::Name("payroll".into()),
    ];
    let payload = request::RequestPayload::Create(
        common::ObjectType::SymmetricKey,
        request::TemplateAttribute::unnamed(attributes),
    );
    request::RequestMessage(
        their_header(1),
        vec![request::BatchItem(common::Operation::Create, None, payload)],
    )
}

fn their_decode(bytes: &[u8]) -> response::ResponseMessage {
    kmip_protocol::response::from_slice(bytes).expect("a message that it can read")
}

fn our_decode(bytes: &[u8]) -> ResponseMessage {
    ResponseMessage::decode(bytes, &Limits::DEFAULT).expect("a message")
}

fn decode(c: &mut Criterion) {
    let cases = [
        (
            "decode_get_response",
            response(vec![ResponseBatchItem::success(get_response(1))]),
        ),
        (
            "decode_locate_response_of_1000",
            response(vec![ResponseBatchItem::success(LocateResponse {
                located_items: None,
                unique_identifiers: (0..1000)
                    .map(|n| UniqueIdentifier::from(identifier(n)))
                    .collect(),
            })]),
        ),
        (
            "decode_batch_of_100_get_responses",
            response(
                (0..100)
                    .map(|n| ResponseBatchItem::success(get_response(n)))
                    .collect(),
            ),
        ),
    ];
    for (name, message) in cases {
        let buffer = message.encode().expect("encodes");
        let bytes = buffer.as_slice();
        let mut group = c.benchmark_group(name);
        group.bench_function("kmip", |b| b.iter(|| our_decode(black_box(bytes))));
        group.bench_function("kmip-protocol 0.4.3", |b| {
            b.iter(|| their_decode(black_box(bytes)));
        });
        group.bench_function("kmip, check only", |b| {
            b.iter(|| kmip::ttlv::check(black_box(bytes), &Limits::DEFAULT).map(|e| e.tag()));
        });
        group.finish();
    }
}

fn encode(c: &mut Criterion) {
    let mut group = c.benchmark_group("encode_create_request");
    let (ours, theirs) = (create(), their_create());
    let our_bytes = ours.encode().expect("encodes");
    assert_eq!(
        our_bytes.as_slice(),
        their_bytes(&theirs),
        "both write the same"
    );
    let mut buffer = Buffer::new();
    group.bench_function("kmip", |b| {
        b.iter(|| {
            buffer = black_box(&ours)
                .encode_into(std::mem::take(&mut buffer))
                .expect("encodes");
            buffer.len()
        });
    });
    group.bench_function("kmip-protocol 0.4.3", |b| {
        b.iter(|| their_bytes(black_box(&theirs)));
    });
    group.finish();

    let mut group = c.benchmark_group("encode_batch_of_100_requests");
    let ours = batch_of_gets();
    let theirs = request::RequestMessage(
        their_header(100),
        (0..100)
            .map(|n| {
                let id = common::UniqueIdentifier(identifier(n));
                let payload = request::RequestPayload::Get(Some(id), None, None, None);
                let item = common::UniqueBatchItemID((n + 1).to_be_bytes().to_vec());
                request::BatchItem(common::Operation::Get, Some(item), payload)
            })
            .collect(),
    );
    let mut buffer = Buffer::new();
    group.bench_function("kmip", |b| {
        b.iter(|| {
            buffer = black_box(&ours)
                .encode_into(std::mem::take(&mut buffer))
                .expect("encodes");
            buffer.len()
        });
    });
    group.bench_function("kmip-protocol 0.4.3", |b| {
        b.iter(|| their_bytes(black_box(&theirs)));
    });
    group.finish();
}

fn their_bytes(message: &request::RequestMessage) -> Vec<u8> {
    kmip_ttlv::ser::to_vec(message).expect("encodes")
}

/// What a server does: beside it, `kmip-ttlv`, which `kmip-protocol` is built on.
fn serve(c: &mut Criterion) {
    let mut group = c.benchmark_group("server");
    let request = create().encode().expect("encodes");
    group.bench_function("decode_create_request", |b| {
        b.iter(|| RequestMessage::decode(black_box(request.as_slice()), &Limits::DEFAULT));
    });
    let attributes = RequestMessage::new(
        VERSION,
        GetAttributesRequest {
            unique_identifier: Some(identifier(1).into()),
            attribute_names: vec![kmip::registry::Tag::State.into()],
        },
    )
    .encode()
    .expect("encodes");
    group.bench_function("decode_get_attributes_request", |b| {
        b.iter(|| RequestMessage::decode(black_box(attributes.as_slice()), &Limits::DEFAULT));
    });
    group.finish();

    let mut group = c.benchmark_group("decode_batch_of_100_requests");
    let request = batch_of_gets().encode().expect("encodes");
    let bytes = request.as_slice();
    assert_eq!(our_requests(bytes).batch_items.len(), 100);
    assert_eq!(their_requests(bytes).items.len(), 100);
    group.bench_function("kmip", |b| b.iter(|| our_requests(black_box(bytes))));
    group.bench_function("kmip-ttlv 0.3.5", |b| {
        b.iter(|| their_requests(black_box(bytes)));
    });
    group.finish();

    answer(
        c,
        "encode_get_response",
        &response(vec![ResponseBatchItem::success(get_response(1))]),
        &other_side::response(common::Operation::Get, TIME, vec![their_get(1)]),
    );
    let identifiers = (0..1000).map(|n| UniqueIdentifier::from(identifier(n)));
    let theirs = (0..1000).map(|n| common::UniqueIdentifier(identifier(n)));
    answer(
        c,
        "encode_locate_response_of_1000",
        &response(vec![ResponseBatchItem::success(LocateResponse {
            located_items: None,
            unique_identifiers: identifiers.collect(),
        })]),
        &other_side::response(
            common::Operation::Locate,
            TIME,
            vec![other_side::LocatePayload(theirs.collect())],
        ),
    );
    let gets = (0..100).map(|n| ResponseBatchItem::success(get_response(n)));
    answer(
        c,
        "encode_batch_of_100_get_responses",
        &response(gets.collect()),
        &other_side::response(
            common::Operation::Get,
            TIME,
            (0..100).map(their_get).collect(),
        ),
    );
}

fn our_requests(bytes: &[u8]) -> RequestMessage {
    RequestMessage::decode(bytes, &Limits::DEFAULT).expect("requests")
}

fn their_requests(bytes: &[u8]) -> other_side::GetRequests {
    kmip_ttlv::de::from_slice(bytes).expect("requests that it can read")
}

fn their_get(number: u32) -> other_side::GetPayload {
    let material = common::KeyMaterial::Bytes(vec![0x5A; 32]);
    other_side::GetPayload(
        common::ObjectType::SymmetricKey,
        common::UniqueIdentifier(identifier(number)),
        request::SymmetricKey(request::KeyBlock(
            common::KeyFormatType::Raw,
            None,
            Some(request::KeyValue(material, None)),
            Some(common::CryptographicAlgorithm::AES),
            Some(common::CryptographicLength(256)),
            None,
        )),
    )
}

/// Writes a response on both sides.
fn answer<P: Serialize>(
    c: &mut Criterion,
    name: &str,
    ours: &ResponseMessage,
    theirs: &other_side::ResponseMessage<P>,
) {
    let their_bytes = |message: &other_side::ResponseMessage<P>| {
        kmip_ttlv::ser::to_vec(message).expect("encodes")
    };
    assert_eq!(
        ours.encode().expect("encodes").as_slice(),
        their_bytes(theirs),
        "both write the same"
    );
    let mut group = c.benchmark_group(name);
    let mut buffer = Buffer::new();
    group.bench_function("kmip", |b| {
        b.iter(|| {
            buffer = black_box(ours)
                .encode_into(std::mem::take(&mut buffer))
                .expect("encodes");
            buffer.len()
        });
    });
    group.bench_function("kmip-ttlv 0.3.5", |b| {
        b.iter(|| their_bytes(black_box(theirs)));
    });
    group.finish();
}

criterion_group!(benches, decode, encode, serve);
criterion_main!(benches);
