//! Documents out of a fuzzer's bytes that look like queries: random bytes are hardly ever BSON, let
//! alone an operator with arguments.

use bson::{Bson, DateTime, Decimal128, Document, oid::ObjectId};

/// Draws values from bytes; when they are used up, everything is null.
pub(crate) struct Generator<'b> {
    bytes: &'b [u8],
    /// The names of operators to draw from, in objects that stand for expressions or stages.
    pub(crate) operators: Vec<&'static str>,
}

/// Names that operators take as arguments.
const ARGUMENTS: &[&str] = &[
    "input",
    "in",
    "as",
    "cond",
    "if",
    "then",
    "else",
    "vars",
    "initialValue",
    "n",
    "branches",
    "case",
    "default",
    "chars",
    "find",
    "replacement",
    "date",
    "format",
    "timezone",
    "onNull",
    "onError",
    "to",
    "unit",
    "amount",
    "startDate",
    "endDate",
    "binSize",
    "year",
    "month",
    "day",
    "isoWeekYear",
    "dateString",
    "field",
    "value",
    "regex",
    "options",
    "inputs",
    "defaults",
    "useLongestLength",
    "sortBy",
    "output",
    "path",
    "includeArrayIndex",
    "preserveNullAndEmptyArrays",
    "newRoot",
    "size",
    "groupBy",
    "boundaries",
    "buckets",
    "from",
    "localField",
    "foreignField",
    "let",
    "pipeline",
    "coll",
    "_id",
    "a",
    "b",
    "a.b",
];

const TEXTS: &[&str] = &[
    "$a",
    "$b",
    "$a.b",
    "$$ROOT",
    "$$this",
    "$$value",
    "$$NOW",
    "$$REMOVE",
    "text",
    "",
    "2020-01-31",
    "%Y-%m-%d",
    "day",
    "month",
    "+05:30",
    "é",
    "(a|b)*",
    "i",
    "int",
    "date",
    "$_id",
];

impl<'b> Generator<'b> {
    pub(crate) const fn new(bytes: &'b [u8], operators: Vec<&'static str>) -> Self {
        Self { bytes, operators }
    }

    fn next(&mut self) -> Option<u8> {
        let (first, rest) = self.bytes.split_first()?;
        self.bytes = rest;
        Some(*first)
    }

    fn pick(&mut self, from: &[&'static str]) -> &'static str {
        from[usize::from(self.next().unwrap_or(0)) % from.len()]
    }

    pub(crate) fn value(&mut self, depth: usize) -> Bson {
        let Some(kind) = self.next() else {
            return Bson::Null;
        };
        let small = |generator: &mut Self| i32::from(generator.next().unwrap_or(0) as i8);
        match kind % 24 {
            0 => Bson::Null,
            1 | 2 => Bson::Int32(small(self)),
            3 => Bson::Int64(i64::MIN + i64::from(self.next().unwrap_or(0))),
            4 => Bson::Int64(i64::MAX),
            5 => Bson::Double(f64::from(small(self)) / 4.0),
            6 => Bson::Double(f64::NAN),
            7 => Bson::Double(1e300),
            8 => Bson::Decimal128(Decimal128::from_bytes([self.next().unwrap_or(0); 16])),
            9 => Bson::Boolean(small(self) > 0),
            10 => Bson::DateTime(DateTime::from_millis(i64::from(small(self)) << 36)),
            11 => Bson::DateTime(DateTime::from_millis(i64::MAX)),
            12 => Bson::ObjectId(ObjectId::from_bytes([1; 12])),
            13..=15 => Bson::String(self.pick(TEXTS).to_owned()),
            _ if depth == 0 => Bson::Int32(small(self)),
            16 | 17 => {
                let len = self.next().unwrap_or(0) % 5;
                Bson::Array((0..len).map(|_| self.value(depth - 1)).collect())
            }
            18 | 19 => {
                let len = self.next().unwrap_or(0) % 5;
                let mut object = Document::new();
                for _ in 0..len {
                    let name = self.pick(ARGUMENTS);
                    object.insert(name, self.value(depth - 1));
                }
                Bson::Document(object)
            }
            _ => Bson::Document(self.operator(depth - 1)),
        }
    }

    /// `{ $operator: arguments }`
    pub(crate) fn operator(&mut self, depth: usize) -> Document {
        let index = usize::from(self.next().unwrap_or(0)) % self.operators.len();
        let name = self.operators[index];
        let mut operator = Document::new();
        operator.insert(name, self.value(depth));
        operator
    }
}
