//! Writing DER: a few lines, for the shapes that no library of ours writes.

use zeroize::Zeroizing;

/// A value with its tag and length. It may hold a key: wiped when dropped.
pub(super) fn tagged(tag: u8, value: &[u8]) -> Zeroizing<Vec<u8>> {
    let length = value.len().to_be_bytes();
    let zeros = length.iter().take_while(|byte| **byte == 0).count();
    let length = length.get(zeros..).unwrap_or_default();
    // Large enough at once: no copy is left behind by growing.
    let mut der = Zeroizing::new(Vec::with_capacity(value.len() + length.len() + 2));
    der.push(tag);
    match length {
        [short] if *short < 0x80 => der.push(*short),
        [] => der.push(0),
        long => {
            der.push(0x80 | u8::try_from(long.len()).unwrap_or(0));
            der.extend_from_slice(long);
        }
    }
    der.extend_from_slice(value);
    der
}

/// The parts, one behind the other, in something with this tag.
pub(super) fn constructed(tag: u8, parts: &[&[u8]]) -> Zeroizing<Vec<u8>> {
    tagged(tag, &Zeroizing::new(parts.concat()))
}

pub(super) fn sequence(parts: &[&[u8]]) -> Zeroizing<Vec<u8>> {
    constructed(0x30, parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths() {
        for (length, head) in [
            (0, vec![4, 0]),
            (127, vec![4, 127]),
            (128, vec![4, 0x81, 128]),
            (256, vec![4, 0x82, 1, 0]),
            (70_000, vec![4, 0x83, 1, 0x11, 0x70]),
        ] {
            let der = tagged(4, &vec![7; length]);
            assert_eq!(der[..head.len()], head, "{length}");
            assert_eq!(der.len(), head.len() + length);
        }
        assert_eq!(*sequence(&[&[2, 1, 3], &[5, 0]]), [0x30, 5, 2, 1, 3, 5, 0]);
    }
}
