//! The operators that only the projection of `find` has.
//!
//! Source: the manual's pages "$ (projection)", "$elemMatch (projection)", "$slice (projection)".

use document::ErrorCode;

use super::tree::{Env, Mode};
use crate::filter::ElementMatcher;
use crate::raw::{Element, Elements, tag, write};
use crate::{Error, Result};

/// An operator of `find` at the end of a path.
#[derive(Debug)]
pub(super) enum FindOperator {
    /// `a: { $slice: … }`
    Slice(Slice),
    /// `a: { $elemMatch: … }`
    ElemMatch(ElementMatcher),
    /// `a.$: 1`
    Positional,
}

/// Which items of an array stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Slice {
    /// Items to skip; from the end if negative.
    pub(super) skip: i64,
    /// Items to keep.
    pub(super) limit: u64,
}

impl Slice {
    /// `$slice: n`: the first `n` items, or the last ones if `n` is negative.
    pub(super) fn first_or_last(count: i64) -> Self {
        Self {
            skip: count.min(0),
            limit: count.unsigned_abs(),
        }
    }

    /// The range of positions in an array of `length` items.
    fn range(self, length: usize) -> std::ops::Range<usize> {
        let start = match usize::try_from(self.skip) {
            Ok(skip) => skip.min(length),
            Err(_) => {
                let from_end = usize::try_from(self.skip.unsigned_abs()).unwrap_or(usize::MAX);
                length.saturating_sub(from_end)
            }
        };
        let limit = usize::try_from(self.limit).unwrap_or(usize::MAX);
        start..start.saturating_add(limit).min(length)
    }
}

impl FindOperator {
    /// Writes what becomes of a field where it stands.
    pub(super) fn apply(
        &self,
        env: Env<'_>,
        element: &Element<'_>,
        out: &mut Vec<u8>,
    ) -> Result<()> {
        match self {
            Self::Slice(slice) if element.tag == tag::ARRAY => {
                let range = slice.range(Elements::of_bytes(element.value).count());
                write_items(
                    element.name,
                    Elements::of_bytes(element.value)
                        .skip(range.start)
                        .take(range.len()),
                    out,
                );
            }
            Self::Positional if element.tag == tag::ARRAY && !env.is_cut => {
                let matched = matched(env.position, element.value)?;
                write_items(element.name, std::iter::once(matched), out);
            }
            Self::Slice(_) | Self::Positional => out.extend_from_slice(element.whole),
            Self::ElemMatch(matcher) => {
                // Among included fields it comes last, whatever the order in the document.
                if env.mode == Mode::Exclusion {
                    first_match(matcher, element, out)?;
                }
            }
        }
        Ok(())
    }

    /// Writes what an inclusion appends after the fields that it keeps.
    pub(super) fn append(&self, name: &[u8], document: &[u8], out: &mut Vec<u8>) -> Result<()> {
        match self {
            Self::ElemMatch(matcher) => match Elements::of_bytes(document).find_name(name) {
                Some(element) => first_match(matcher, &element, out),
                None => Ok(()),
            },
            Self::Slice(_) | Self::Positional => Ok(()),
        }
    }
}

/// Writes the array with the first item that matches; nothing if none does.
fn first_match(matcher: &ElementMatcher, element: &Element<'_>, out: &mut Vec<u8>) -> Result<()> {
    if element.tag != tag::ARRAY {
        return Ok(());
    }
    for (item, decoded) in element.items() {
        if matcher.matches(decoded)? {
            write_items(element.name, std::iter::once(item), out);
            break;
        }
    }
    Ok(())
}

/// The item of an array that the filter matched.
pub(super) fn matched(position: Option<usize>, array: &[u8]) -> Result<Element<'_>> {
    let position = position.ok_or_else(|| {
        Error::new(
            ErrorCode::Location(51246),
            "Executor error during find command :: caused by :: positional operator '.$' \
             couldn't find a matching element in the array",
        )
    })?;
    Elements::of_bytes(array).nth(position).ok_or_else(|| {
        Error::new(
            ErrorCode::Location(51247),
            "Executor error during find command :: caused by :: positional operator '.$' \
             element mismatch",
        )
    })
}

fn write_items<'a>(name: &[u8], items: impl Iterator<Item = Element<'a>>, out: &mut Vec<u8>) {
    write::header(out, tag::ARRAY, name);
    let start = write::begin(out);
    for (index, item) in items.enumerate() {
        write::index_element(out, item.tag, index, item.value);
    }
    write::end(out, start);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slices() {
        assert_eq!(Slice::first_or_last(2).range(5), 0..2);
        assert_eq!(Slice::first_or_last(-2).range(5), 3..5);
        assert_eq!(Slice::first_or_last(-9).range(5), 0..5);
        assert_eq!(Slice::first_or_last(i64::MIN).range(5), 0..5);
        assert_eq!(Slice::first_or_last(0).range(5), 0..0);
        let slice = |skip, limit| Slice { skip, limit }.range(5);
        assert_eq!(slice(1, 2), 1..3);
        assert_eq!(slice(9, 2), 5..5);
        assert_eq!(slice(-3, 2), 2..4);
        assert_eq!(slice(-9, 2), 0..2);
        assert_eq!(slice(i64::MAX, u64::MAX), 5..5);
    }
}
