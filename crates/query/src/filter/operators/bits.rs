//! `$bitsAllSet`, `$bitsAnySet`, `$bitsAllClear`, `$bitsAnyClear`.
//!
//! Bit 0 is the least significant; of binary data, the least significant of the first byte.
//! Numbers count if they are integral and fit 64 bits, and are sign-extended beyond.

use bson::RawBsonRef;
use document::Number;
use document::types::type_name;

use crate::filter::node::Condition;
use crate::filter::parse::{FieldOperator, values};
use crate::filter::test::Test;
use crate::{Error, Result};

/// A test of some bits.
#[derive(Debug)]
pub(crate) struct Bits {
    quantifier: Quantifier,
    /// Whether the bits have to be set, or clear.
    set: bool,
    positions: Positions,
}

#[derive(Debug, Clone, Copy)]
enum Quantifier {
    All,
    Any,
}

/// Which bits, as they were given: binary data may name a hundred million of them.
#[derive(Debug)]
enum Positions {
    List(Vec<u32>),
    Mask(Vec<u8>),
}

impl Positions {
    fn iter(&self) -> Box<dyn Iterator<Item = usize> + '_> {
        match self {
            Self::List(positions) => Box::new(positions.iter().map(|&position| position as usize)),
            Self::Mask(bytes) => Box::new(bytes.iter().enumerate().flat_map(|(index, byte)| {
                (0..8)
                    .filter(move |bit| byte & (1 << bit) != 0)
                    .map(move |bit| index * 8 + bit)
            })),
        }
    }

    fn parse(name: &str, argument: RawBsonRef<'_>) -> Result<Self> {
        match argument {
            RawBsonRef::Binary(binary) => Ok(Self::Mask(binary.bytes.to_vec())),
            RawBsonRef::Array(array) => values(array)
                .map(|value| {
                    let position = Number::from_raw(&value?).and_then(Number::to_i64_exact);
                    position
                        .and_then(|position| u32::try_from(position).ok())
                        .filter(|&position| i32::try_from(position).is_ok())
                        .ok_or_else(|| {
                            Error::bad_value(format!(
                                "bit positions of {name} must be non-negative 32-bit integers"
                            ))
                        })
                })
                .collect::<Result<_>>()
                .map(Self::List),
            argument => {
                let Some(number) = Number::from_raw(&argument) else {
                    return Err(Error::bad_value(format!(
                        "{name} takes an Array, a number, or a BinData but received: {}",
                        type_name(&argument)
                    )));
                };
                let mask = number
                    .to_i64_exact()
                    .and_then(|mask| u64::try_from(mask).ok())
                    .ok_or_else(|| {
                        Error::bad_value(format!(
                            "the bitmask of {name} must be a non-negative 64-bit integer"
                        ))
                    })?;
                Ok(Self::Mask(mask.to_le_bytes().to_vec()))
            }
        }
    }
}

impl Bits {
    pub(crate) fn matches(&self, value: &RawBsonRef<'_>) -> bool {
        match value {
            RawBsonRef::Binary(binary) => self.test(|position| {
                binary
                    .bytes
                    .get(position / 8)
                    .is_some_and(|byte| byte & (1 << (position % 8)) != 0)
            }),
            value => match Number::from_raw(value).and_then(Number::to_i64_exact) {
                Some(number) => self.test(|position| (number >> position.min(63)) & 1 == 1),
                None => false,
            },
        }
    }

    fn test(&self, is_set: impl Fn(usize) -> bool) -> bool {
        let mut positions = self.positions.iter();
        match self.quantifier {
            Quantifier::All => positions.all(|position| is_set(position) == self.set),
            Quantifier::Any => positions.any(|position| is_set(position) == self.set),
        }
    }
}

pub(super) fn parse(operator: FieldOperator<'_>) -> Result<Option<Condition>> {
    let quantifier = if operator.name.starts_with("$bitsAll") {
        Quantifier::All
    } else {
        Quantifier::Any
    };
    Ok(Some(Condition::Test(Test::Bits(Bits {
        quantifier,
        set: operator.name.ends_with("Set"),
        positions: Positions::parse(operator.name, operator.argument)?,
    }))))
}
