//! What requests and responses have in common: a header that counts the items, and the items.

use crate::codec::{Structure, Value, take_once};
use crate::error::{DecodeError, EncodeError};
use crate::limits::Limits;
use crate::registry::Tag;
use crate::ttlv::{Buffer, Element, Item, Newer, Writer};
use crate::version::ProtocolVersion;

use super::{RequestHeader, ResponseHeader};

/// The header of a message. Its count is the last field, so that it can be written over.
pub(super) trait Header: Structure + Value {
    /// The message's tag.
    const MESSAGE: Tag;
    /// The header's tag.
    const HEADER: Tag;
    /// What becomes of what the version does not have.
    const NEWER: Newer;

    fn version(&self) -> ProtocolVersion;
    fn batch_count(&self) -> i32;
    fn extensions(&self) -> &[Item];
}

impl Header for RequestHeader {
    const MESSAGE: Tag = Tag::RequestMessage;
    const HEADER: Tag = Tag::RequestHeader;
    const NEWER: Newer = Newer::Refuse;

    fn version(&self) -> ProtocolVersion {
        self.protocol_version
    }

    fn batch_count(&self) -> i32 {
        self.batch_count
    }

    fn extensions(&self) -> &[Item] {
        &self.extensions
    }
}

impl Header for ResponseHeader {
    const MESSAGE: Tag = Tag::ResponseMessage;
    const HEADER: Tag = Tag::ResponseHeader;
    const NEWER: Newer = Newer::Omit;

    fn version(&self) -> ProtocolVersion {
        self.protocol_version
    }

    fn batch_count(&self) -> i32 {
        self.batch_count
    }

    fn extensions(&self) -> &[Item] {
        &self.extensions
    }
}

/// No batch item has fewer bytes: its own head, and one item in it with a value.
const SMALLEST_ITEM: usize = 24;

/// Reads a message that [`check`](crate::ttlv::check()) has accepted.
pub(super) fn decode<H: Header, I: Value>(
    message: &Element<'_>,
    limits: &Limits,
) -> Result<(H, Vec<I>), DecodeError> {
    message.expect_tag(H::MESSAGE)?;
    let mut header: Option<H> = None;
    let mut items = Vec::new();
    for field in message.structure()? {
        match field.tag() {
            tag if tag == H::HEADER => take_once(&mut header, &field, Value::decode)?,
            Tag::BatchItem if items.len() >= limits.batch_items => {
                return Err(DecodeError::Limit {
                    what: "batch items",
                    max: limits.batch_items,
                });
            }
            Tag::BatchItem => {
                if let (0, Some(header)) = (items.capacity(), &header) {
                    // Items are large: room for those announced, as far as they can be there.
                    let announced = usize::try_from(header.batch_count()).unwrap_or(0);
                    let most = limits.batch_items.min(message.raw().len() / SMALLEST_ITEM);
                    items.reserve_exact(announced.min(most));
                }
                items.push(I::decode(&field)?);
            }
            _ => {}
        }
    }
    let header = header.ok_or(DecodeError::Missing {
        tag: H::HEADER,
        within: H::MESSAGE,
    })?;
    if usize::try_from(header.batch_count()) != Ok(items.len()) {
        return Err(DecodeError::BatchCount {
            got: items.len(),
            expected: header.batch_count(),
        });
    }
    Ok((header, items))
}

/// Writes a message, with the real number of items in its header.
pub(super) fn encode<H: Header, I: Value>(
    header: &H,
    items: &[I],
    buffer: Buffer,
) -> Result<Buffer, EncodeError> {
    let version = header.version();
    if !version.is_supported() {
        return Err(EncodeError::UnsupportedVersion { version });
    }
    let mut writer = Writer::new(buffer, version, H::NEWER);
    writer.structure(H::MESSAGE, |writer| {
        writer.structure(H::HEADER, |writer| {
            header.encode_fields(writer);
            writer.overwrite_last(i32::try_from(items.len()).unwrap_or(i32::MAX));
            header
                .extensions()
                .iter()
                .for_each(|item| item.write(writer));
        });
        for item in items {
            item.encode(Tag::BatchItem, writer);
        }
    });
    writer.finish()
}
