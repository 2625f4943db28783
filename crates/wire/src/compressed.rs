//! `OP_COMPRESSED`: another message in compressed form.

use std::io::Read;

use document::limits::MAX_MESSAGE_BYTES;

use crate::header::{self, HEADER_BYTES, Header, OpCode};
use crate::read::Reader;
use crate::{Error, Result};

const OPERATION: &str = "OP_COMPRESSED";

/// A compressor that client and server may agree on in the handshake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compressor {
    /// Number 1.
    Snappy,
    /// Number 2.
    Zlib,
    /// Number 3.
    Zstd,
}

impl Compressor {
    /// All of them, in the order the server prefers.
    pub const ALL: [Self; 3] = [Self::Snappy, Self::Zstd, Self::Zlib];

    /// The name in `hello`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Snappy => "snappy",
            Self::Zlib => "zlib",
            Self::Zstd => "zstd",
        }
    }

    const fn id(self) -> u8 {
        match self {
            Self::Snappy => 1,
            Self::Zlib => 2,
            Self::Zstd => 3,
        }
    }
}

/// Unpacks a whole `OP_COMPRESSED` message, header included, into the message that it holds, header
/// included, and names the compressor, for the answer.
///
/// The size that the sender claims is checked before anything is allocated, and never exceeded.
pub fn decode(message: &[u8]) -> Result<(Vec<u8>, Option<Compressor>)> {
    let header = message
        .first_chunk::<HEADER_BYTES>()
        .ok_or(Error::malformed(OPERATION, "the header is cut off"))
        .and_then(Header::decode)?;
    let mut reader = Reader::new(message, OPERATION);
    reader.take(HEADER_BYTES, "the header is cut off")?;
    let op_code = OpCode::from(reader.i32("the original operation is missing")?);
    let size = usize::try_from(reader.i32("the uncompressed size is missing")?)
        .ok()
        .filter(|size| *size <= MAX_MESSAGE_BYTES - HEADER_BYTES)
        .ok_or(Error::malformed(
            OPERATION,
            "the uncompressed size is beyond the limit",
        ))?;
    let compressor = reader.u8("the compressor is missing")?;
    if op_code == OpCode::Compressed {
        return Err(Error::malformed(OPERATION, "compressed twice"));
    }
    let mut out = Vec::with_capacity(HEADER_BYTES);
    Header::begin(&mut out, header.request_id, header.response_to, op_code);
    let compressor = match compressor {
        0 => {
            out.extend_from_slice(reader.rest);
            None
        }
        1 => {
            // The format begins with its own size: it must agree before anything is allocated.
            if snap::raw::decompress_len(reader.rest) != Ok(size) {
                return Err(Error::Compression(
                    "snappy data of another size than announced",
                ));
            }
            let body = snap::raw::Decoder::new()
                .decompress_vec(reader.rest)
                .map_err(|_| Error::Compression("snappy data is damaged"))?;
            out.extend_from_slice(&body);
            Some(Compressor::Snappy)
        }
        2 => {
            read_at_most(flate2::read::ZlibDecoder::new(reader.rest), size, &mut out)?;
            Some(Compressor::Zlib)
        }
        3 => {
            let decoder = zstd::stream::read::Decoder::with_buffer(reader.rest)
                .map_err(|_| Error::Compression("zstd data is damaged"))?;
            read_at_most(decoder, size, &mut out)?;
            Some(Compressor::Zstd)
        }
        _ => return Err(Error::Compression("an unknown compressor")),
    };
    if out.len() != HEADER_BYTES + size {
        return Err(Error::Compression("data of another size than announced"));
    }
    header::finish(&mut out, 0);
    Ok((out, compressor))
}

/// Reads at most one byte more than `size`, so that a bomb stops where it lies.
fn read_at_most(reader: impl Read, size: usize, out: &mut Vec<u8>) -> Result<()> {
    reader
        .take(size as u64 + 1)
        .read_to_end(out)
        .map(|_| ())
        .map_err(|_| Error::Compression("the data is damaged"))
}

/// Replaces the message in `out` from `start` on by its compressed form.
pub fn compress(out: &mut Vec<u8>, start: usize, compressor: Compressor) -> Result<()> {
    let message = out.get(start..).unwrap_or_default();
    let (head, body) = message
        .split_first_chunk::<HEADER_BYTES>()
        .ok_or(Error::malformed(OPERATION, "the message has no header"))?;
    let header = Header::decode(head)?;
    let failed = |_| Error::Compression("the answer could not be compressed");
    let packed = match compressor {
        Compressor::Snappy => snap::raw::Encoder::new()
            .compress_vec(body)
            .map_err(|_| Error::Compression("the answer could not be compressed"))?,
        Compressor::Zlib => {
            let mut packed = Vec::new();
            flate2::read::ZlibEncoder::new(body, flate2::Compression::new(6))
                .read_to_end(&mut packed)
                .map_err(failed)?;
            packed
        }
        Compressor::Zstd => zstd::bulk::compress(body, 3).map_err(failed)?,
    };
    let size = i32::try_from(body.len()).unwrap_or(i32::MAX);
    out.truncate(start);
    Header::begin(
        out,
        header.request_id,
        header.response_to,
        OpCode::Compressed,
    );
    out.extend_from_slice(&header.op_code.code().to_le_bytes());
    out.extend_from_slice(&size.to_le_bytes());
    out.push(compressor.id());
    out.extend_from_slice(&packed);
    header::finish(out.get_mut(start..).unwrap_or_default(), 0);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::msg;
    use bson::rawdoc;

    fn packed(compressor: Compressor) -> (Vec<u8>, Vec<u8>) {
        let mut plain = Vec::new();
        msg::encode(&mut plain, 1, 2, &rawdoc! { "text": "a".repeat(10_000) });
        let mut out = plain.clone();
        compress(&mut out, 0, compressor).unwrap();
        (plain, out)
    }

    #[test]
    fn every_compressor_round_trips() {
        for compressor in Compressor::ALL {
            let (plain, out) = packed(compressor);
            assert!(out.len() < plain.len());
            assert_eq!(decode(&out).unwrap(), (plain, Some(compressor)));
        }
    }

    #[test]
    fn a_wrong_size_is_refused_without_unpacking_it() {
        for compressor in Compressor::ALL {
            let (_, mut out) = packed(compressor);
            out[20..24].copy_from_slice(&100_i32.to_le_bytes());
            assert!(decode(&out).is_err());
            out[20..24].copy_from_slice(&i32::MAX.to_le_bytes());
            assert!(decode(&out).is_err());
        }
    }

    #[test]
    fn survives_any_bytes() {
        bolero::check!()
            .with_iterations(10_000)
            .for_each(|bytes: &[u8]| {
                let _ = decode(bytes);
                for compressor in 0..4 {
                    let mut out = Vec::new();
                    Header::begin(&mut out, 1, 0, OpCode::Compressed);
                    out.extend_from_slice(&OpCode::Msg.code().to_le_bytes());
                    out.extend_from_slice(&1000_i32.to_le_bytes());
                    out.push(compressor);
                    out.extend_from_slice(bytes);
                    header::finish(&mut out, 0);
                    let _ = decode(&out);
                }
            });
    }
}
