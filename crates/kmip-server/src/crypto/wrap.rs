//! AES key wrap: RFC 3394, and RFC 5649 for data of any length. By AWS-LC, which has keys of 128 and 256 bits.

use aws_lc_rs::key_wrap::{AES_128, AES_256, AesKek, KeyWrap, KeyWrapPadded};
use kmip::registry::BlockCipherMode;
use zeroize::Zeroizing;

use super::{Plain, unsupported};
use crate::failure::Failure;

fn kek(key: &[u8]) -> Result<AesKek, Failure> {
    match key.len() {
        16 => AesKek::new(&AES_128, key),
        32 => AesKek::new(&AES_256, key),
        bytes => {
            return Err(unsupported(format!(
                "AES keys of {bytes} bytes do not wrap"
            )));
        }
    }
    .map_err(|_| unsupported("the key does not wrap"))
}

/// Wraps.
pub(crate) fn wrap(mode: BlockCipherMode, key: &[u8], data: &[u8]) -> Result<Vec<u8>, Failure> {
    let kek = kek(key)?;
    let mut out = vec![0; data.len() + 16];
    let wrapped = match mode {
        BlockCipherMode::NISTKeyWrap => kek.wrap(data, &mut out),
        BlockCipherMode::AESKeyWrapPadding => kek.wrap_with_padding(data, &mut out),
        other => return Err(unsupported(format!("the mode {other} does not wrap keys"))),
    };
    wrapped.map(|wrapped| wrapped.to_vec()).map_err(|_| {
        Failure::cryptographic(
            "the key cannot be wrapped: NIST key wrap takes multiples of 8 bytes",
        )
    })
}

/// Unwraps.
pub(crate) fn unwrap(mode: BlockCipherMode, key: &[u8], data: &[u8]) -> Result<Plain, Failure> {
    let kek = kek(key)?;
    let mut out = Zeroizing::new(vec![0; data.len() + 16]);
    let length = match mode {
        BlockCipherMode::NISTKeyWrap => kek.unwrap(data, &mut out).map(|clear| clear.len()),
        BlockCipherMode::AESKeyWrapPadding => kek
            .unwrap_with_padding(data, &mut out)
            .map(|clear| clear.len()),
        other => return Err(unsupported(format!("the mode {other} does not wrap keys"))),
    };
    let length = length.map_err(|_| Failure::cryptographic("the key cannot be unwrapped"))?;
    out.truncate(length);
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 3394, section 4.1.
    #[test]
    fn known_answer() {
        let kek: Vec<u8> = (0..16).collect();
        let data: Vec<u8> = (0..16).map(|n: u8| n * 0x11).collect();
        let wrapped = wrap(BlockCipherMode::NISTKeyWrap, &kek, &data).unwrap();
        assert_eq!(
            wrapped[..8],
            [0x1F, 0xA6, 0x8B, 0x0A, 0x81, 0x12, 0xB4, 0x47]
        );
        assert_eq!(
            *unwrap(BlockCipherMode::NISTKeyWrap, &kek, &wrapped).unwrap(),
            data
        );
    }

    #[test]
    fn any_length_with_padding() {
        let mode = BlockCipherMode::AESKeyWrapPadding;
        for length in 1..40 {
            let data = vec![5; length];
            let mut wrapped = wrap(mode, &[7; 32], &data).unwrap();
            assert_eq!(*unwrap(mode, &[7; 32], &wrapped).unwrap(), data);
            wrapped[0] ^= 1;
            assert!(unwrap(mode, &[7; 32], &wrapped).is_err());
        }
        assert!(wrap(BlockCipherMode::NISTKeyWrap, &[7; 32], &[0; 7]).is_err());
        assert!(wrap(BlockCipherMode::CBC, &[7; 32], &[0; 16]).is_err());
    }
}
