//! The Digest of an object (KMIP 1.4, section 3.17; 2.1, section 4.20).

use aws_lc_rs::digest::{SHA256, digest};
use kmip::codec::Value;
use kmip::objects::KeyBlock;
use kmip::registry::{HashingAlgorithm, KeyFormatType, Tag};
use kmip::structures::Digest;
use kmip::ttlv::{self, Buffer, Newer, Writer};
use kmip::{Bytes, Limits, ManagedObject, ProtocolVersion};

/// SHA-256 over the value: bytes as they are, a structure in its encoding.
pub(crate) fn of(value: &ManagedObject) -> Option<Digest> {
    let (hashed, key_format_type) = match value {
        ManagedObject::Certificate(certificate) => {
            (digest(&SHA256, &certificate.certificate_value), None)
        }
        ManagedObject::OpaqueObject(opaque) => {
            (digest(&SHA256, opaque.opaque_data_value.expose()), None)
        }
        other => {
            let block = other.key_block()?;
            let hashed = match block.key_format_type {
                KeyFormatType::TransparentSymmetricKey => structure(block)?,
                _ => match block.key_bytes() {
                    Some(bytes) => digest(&SHA256, bytes.expose()),
                    None => structure(block)?,
                },
            };
            (hashed, Some(block.key_format_type))
        }
    };
    Some(Digest {
        hashing_algorithm: HashingAlgorithm::SHA_256,
        digest_value: Some(Bytes(hashed.as_ref().to_vec())),
        key_format_type,
    })
}

/// Over the Key Material as it is encoded; of a wrapped key there is none.
fn structure(block: &KeyBlock) -> Option<aws_lc_rs::digest::Digest> {
    let mut writer = Writer::new(Buffer::new(), ProtocolVersion::V2_1, Newer::Keep);
    block.encode(Tag::KeyBlock, &mut writer);
    let buffer = writer.finish().ok()?;
    let limits = Limits {
        message_bytes: usize::MAX,
        ..Limits::DEFAULT
    };
    let root = ttlv::check(buffer.as_slice(), &limits).ok()?;
    let value = root.structure().ok()?.find_tag(Tag::KeyValue)?;
    let material = value.structure().ok()?.find_tag(Tag::KeyMaterial)?;
    let length = u32::try_from(material.raw().len()).ok()?;
    let mut context = aws_lc_rs::digest::Context::new(&SHA256);
    let tag = Tag::KeyMaterial.0.to_be_bytes();
    context.update(tag.get(1..)?);
    context.update(&[ttlv::ItemType::Structure as u8]);
    context.update(&length.to_be_bytes());
    context.update(material.raw());
    Some(context.finish())
}
