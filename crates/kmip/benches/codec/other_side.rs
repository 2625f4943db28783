//! What a server reads and writes, as types of `kmip-ttlv`: `kmip-protocol` is a client's library, it cannot read
//! requests nor write responses, but this is what it would be built of. Its own types where it has them.

use kmip_protocol::types::{common, request};
use serde::{Deserialize, Serialize};

#[derive(Serialize)]
#[serde(rename = "0x42007B")]
pub(crate) struct ResponseMessage<P: Serialize>(ResponseHeader, Vec<BatchItem<P>>);

#[derive(Serialize)]
#[serde(rename = "0x42007A")]
struct ResponseHeader(request::ProtocolVersion, TimeStamp, request::BatchCount);

#[derive(Serialize)]
#[serde(rename = "Transparent:0x420092")]
struct TimeStamp(u64);

#[derive(Serialize)]
#[serde(rename = "0x42000F")]
struct BatchItem<P: Serialize>(common::Operation, ResultStatus, P);

#[derive(Serialize)]
#[serde(rename = "0x42007F")]
enum ResultStatus {
    #[serde(rename = "0x00000000")]
    Success,
}

#[derive(Serialize)]
#[serde(rename = "0x42007C")]
pub(crate) struct LocatePayload(pub(crate) Vec<common::UniqueIdentifier>);

#[derive(Serialize)]
#[serde(rename = "0x42007C")]
pub(crate) struct GetPayload(
    pub(crate) common::ObjectType,
    pub(crate) common::UniqueIdentifier,
    pub(crate) request::SymmetricKey,
);

/// A response of KMIP 1.0 to one operation, done many times.
pub(crate) fn response<P: Serialize>(
    operation: common::Operation,
    time_stamp: u64,
    payloads: Vec<P>,
) -> ResponseMessage<P> {
    let version = request::ProtocolVersion(
        request::ProtocolVersionMajor(1),
        request::ProtocolVersionMinor(0),
    );
    let count = i32::try_from(payloads.len()).expect("few");
    let header = ResponseHeader(version, TimeStamp(time_stamp), request::BatchCount(count));
    let items = payloads
        .into_iter()
        .map(|payload| BatchItem(operation, ResultStatus::Success, payload))
        .collect();
    ResponseMessage(header, items)
}

/// A batch of Get requests. One of several operations would need more: an enumeration of payloads.
#[derive(Debug, Deserialize)]
#[serde(rename = "0x420078")]
#[allow(dead_code)]
pub(crate) struct GetRequests {
    #[serde(rename = "0x420077")]
    header: RequestHeader,
    #[serde(rename = "0x42000F")]
    pub(crate) items: Vec<GetItem>,
}

#[derive(Debug, Deserialize)]
#[serde(rename = "0x420077")]
#[allow(dead_code)]
struct RequestHeader {
    #[serde(rename = "0x420069")]
    version: ProtocolVersion,
    #[serde(rename = "0x420010")]
    order: Option<bool>,
    #[serde(rename = "0x42000D")]
    count: i32,
}

#[derive(Debug, Deserialize)]
#[serde(rename = "0x420069")]
#[allow(dead_code)]
struct ProtocolVersion {
    #[serde(rename = "0x42006A")]
    major: i32,
    #[serde(rename = "0x42006B")]
    minor: i32,
}

#[derive(Debug, Deserialize)]
#[serde(rename = "0x42000F")]
#[allow(dead_code)]
pub(crate) struct GetItem {
    #[serde(rename = "0x42005C")]
    operation: common::Operation,
    #[serde(rename = "0x420093")]
    id: Option<common::UniqueBatchItemID>,
    #[serde(rename = "0x420079")]
    payload: GetRequestPayload,
}

#[derive(Debug, Deserialize)]
#[serde(rename = "0x420079")]
#[allow(dead_code)]
struct GetRequestPayload {
    #[serde(rename = "0x420094")]
    unique_identifier: Option<common::UniqueIdentifier>,
}
