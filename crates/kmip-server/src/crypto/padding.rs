//! Padding of the last block.

use kmip::registry::PaddingMethod;

use super::{Plain, unsupported};
use crate::failure::Failure;

/// How the last block is filled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Padding {
    /// Not: the data must fill its blocks.
    None,
    /// PKCS #5 and #7: n bytes of the value n.
    Pkcs5,
    /// ANSI X9.23: zeros, then their number and one more.
    AnsiX923,
}

impl Padding {
    pub(super) fn of(method: Option<PaddingMethod>) -> Result<Self, Failure> {
        match method {
            None | Some(PaddingMethod::None) => Ok(Self::None),
            Some(PaddingMethod::PKCS5) => Ok(Self::Pkcs5),
            Some(PaddingMethod::ANSIX9_23) => Ok(Self::AnsiX923),
            Some(other) => Err(unsupported(format!(
                "the padding {other} is not supported with a block cipher"
            ))),
        }
    }

    /// Fills the last block of what is left of the data.
    pub(super) fn add(self, rest: &mut Plain, block: usize) -> Result<(), Failure> {
        let missing = block - rest.len() % block;
        let filler = match (self, u8::try_from(missing)) {
            (Self::None, _) if rest.len().is_multiple_of(block) => return Ok(()),
            (Self::None, _) | (_, Err(_)) => {
                return Err(Failure::cryptographic(format!(
                    "the data does not fill its blocks of {block} bytes, and no padding is asked for"
                )));
            }
            (Self::Pkcs5, Ok(missing)) => (missing, missing),
            (Self::AnsiX923, Ok(missing)) => (0, missing),
        };
        let length = rest.len() + missing;
        rest.resize(length - 1, filler.0);
        rest.push(filler.1);
        Ok(())
    }

    /// Takes the padding from the last block.
    pub(super) fn remove(self, data: &mut Plain, block: usize) -> Result<(), Failure> {
        if self == Self::None {
            return Ok(());
        }
        let count = data.last().map_or(0, |last| usize::from(*last));
        let (kept, padding) = data
            .len()
            .checked_sub(count)
            .filter(|_| (1..=block).contains(&count))
            .and_then(|kept| data.split_at_checked(kept))
            .ok_or_else(bad_padding)?;
        let filler = if self == Self::Pkcs5 { count } else { 0 };
        let (_, fillers) = padding.split_last().ok_or_else(bad_padding)?;
        if fillers.iter().any(|byte| usize::from(*byte) != filler) {
            return Err(bad_padding());
        }
        let kept = kept.len();
        data.truncate(kept);
        Ok(())
    }
}

fn bad_padding() -> Failure {
    Failure::cryptographic("the data cannot be decrypted with this key")
}

#[cfg(test)]
mod tests {
    use zeroize::Zeroizing;

    use super::*;

    #[test]
    fn there_and_back() {
        for padding in [Padding::Pkcs5, Padding::AnsiX923] {
            for length in 0..40 {
                let data = vec![7; length];
                let mut padded = Zeroizing::new(data.clone());
                padding.add(&mut padded, 16).unwrap();
                assert!(padded.len() > length && padded.len() % 16 == 0);
                padding.remove(&mut padded, 16).unwrap();
                assert_eq!(*padded, data);
            }
        }
    }

    #[test]
    fn what_is_not_padded() {
        assert!(
            Padding::None
                .add(&mut Zeroizing::new(vec![0; 15]), 16)
                .is_err()
        );
        for bad in [
            vec![],
            vec![0; 16],
            vec![17; 16],
            vec![1, 2, 3],
            vec![9, 1, 2],
        ] {
            assert!(Padding::Pkcs5.remove(&mut Zeroizing::new(bad), 16).is_err());
        }
    }
}
