//! What a filter asks of one value.

use bson::RawBsonRef;
use bson::raw::RawBson;

use super::node::Evaluation;
use super::operators::bits::Bits;
use super::operators::comparison::{self, Comparison};
use super::operators::elem_match::ElemMatch;
use super::operators::in_set::InSet;
use super::operators::modulo::Modulo;
use super::operators::regex::Pattern;
use super::operators::types::TypeSet;
use super::path::{LeafArrays, elements};

/// A question about one value that a path reached. Negations are not here: they are about all the
/// values of a path.
#[derive(Debug)]
pub(crate) enum Test {
    /// `$eq`; null equals missing.
    Eq(RawBson),
    /// `$gt`, `$gte`, `$lt`, `$lte`
    Compare(Comparison, RawBson),
    /// `$in`
    In(InSet),
    /// `$regex`
    Regex(Pattern),
    /// `$exists: true`
    Exists,
    /// `$type`
    Type(TypeSet),
    /// `$mod`
    Mod(Modulo),
    /// `$bitsAllSet` and its family
    Bits(Bits),
    /// `$size`
    Size(usize),
    /// `$elemMatch`
    ElemMatch(Box<ElemMatch>),
    /// `$all: []`
    Never,
}

impl Test {
    /// Whether `value` (`None` is missing) passes. `position` receives the index of the element
    /// of `value` that decided, where there is one.
    pub(crate) fn matches(
        &self,
        value: Option<RawBsonRef<'_>>,
        evaluation: &mut Evaluation,
        position: &mut Option<usize>,
    ) -> bool {
        let Some(value) = value else {
            return self.accepts_missing();
        };
        match self {
            Test::Eq(operand) => document::compare::equal(value, operand.as_raw_bson_ref()),
            Test::Compare(comparison, operand) => {
                comparison::matches(*comparison, operand.as_raw_bson_ref(), value)
            }
            Test::In(set) => set.matches(value, evaluation),
            Test::Regex(pattern) => pattern.matches(value, evaluation),
            Test::Exists => true,
            Test::Type(types) => types.contains(&value),
            Test::Mod(modulo) => modulo.matches(&value),
            Test::Bits(bits) => bits.matches(&value),
            Test::Size(size) => {
                matches!(value, RawBsonRef::Array(array) if elements(array).count() == *size)
            }
            Test::ElemMatch(inner) => match value {
                RawBsonRef::Array(array) => {
                    *position = inner.position(array, evaluation);
                    position.is_some()
                }
                _ => false,
            },
            Test::Never => false,
        }
    }

    /// Whether a field that is missing passes.
    pub(crate) fn accepts_missing(&self) -> bool {
        match self {
            Test::Eq(operand) => matches!(operand, RawBson::Null),
            Test::Compare(comparison, operand) => {
                comparison::matches(*comparison, operand.as_raw_bson_ref(), RawBsonRef::Null)
            }
            Test::In(set) => set.contains_null(),
            _ => false,
        }
    }

    /// What a path that ends at an array has to show to this test.
    pub(crate) fn leaf_arrays(&self) -> LeafArrays {
        match self {
            Test::Size(_) | Test::ElemMatch(_) => LeafArrays::Whole,
            _ => LeafArrays::ElementsAndWhole,
        }
    }
}
