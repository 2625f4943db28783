//! `$sortArray`: by the items themselves, or by their fields.

use std::cmp::Ordering;

use bson::raw::RawBsonRef;
use bson::{RawDocument, RawDocumentBuf};
use document::Number;

use super::{Definition, Field, Table, argument, location, required};
use crate::Result;
use crate::expression::bounds::ArrayBuilder;
use crate::expression::{EvalContext, Expr, Operator, Scope, Value, fields, items};
use crate::sort::SortSpec;

pub(super) const TABLE: Table = &[("$sortArray", Definition::Custom(parse))];

#[derive(Debug)]
struct SortArray {
    input: Expr,
    order: Order,
}

#[derive(Debug)]
enum Order {
    /// By the items, descending if so.
    Items { is_descending: bool },
    /// By fields of the items; what is no document sorts as one without fields.
    Fields(SortSpec),
}

const FIELDS: &[Field] = &[required("input", 2_942_502), required("sortBy", 2_942_503)];

fn parse(name: &'static str, value: RawBsonRef<'_>, scope: Scope<'_>) -> Result<Expr> {
    let arguments = argument::raw_named(name, value, FIELDS, 2_942_500, 2_942_501)?;
    let [Some(input), Some(sort_by)] = arguments[..] else {
        return Err(super::wrong_arity());
    };
    let order = match sort_by {
        RawBsonRef::Document(spec) if fields(spec).next().is_some() => {
            Order::Fields(SortSpec::parse(spec)?)
        }
        other => match Number::from_raw(&other).and_then(Number::to_i64_exact) {
            Some(1) => Order::Items {
                is_descending: false,
            },
            Some(-1) => Order::Items {
                is_descending: true,
            },
            _ => {
                return Err(location(
                    2_942_507,
                    "$sortArray: 'sortBy' must be 1, -1 or an object of fields with 1 or -1",
                ));
            }
        },
    };
    Ok(SortArray {
        input: Expr::parse_in(input, scope)?,
        order,
    }
    .into())
}

impl Operator for SortArray {
    fn eval<'c>(&'c self, context: &EvalContext<'c>) -> Result<Value<'c>> {
        let input = self.input.eval(context)?;
        if input.is_nullish() {
            return Ok(Value::NULL);
        }
        let array = input.as_array().ok_or_else(|| {
            location(
                2_942_504,
                format!(
                    "The input argument to $sortArray must be an array, but was of type: {}",
                    input.type_name()
                ),
            )
        })?;
        let mut all: Vec<RawBsonRef<'_>> = items(array).collect();
        match &self.order {
            Order::Items { is_descending } => all.sort_by(|left, right| {
                let order = document::compare(*left, *right);
                if *is_descending {
                    order.reverse()
                } else {
                    order
                }
            }),
            Order::Fields(spec) => sort_by_fields(&mut all, spec)?,
        }
        let mut result = ArrayBuilder::new();
        all.into_iter().try_for_each(|item| result.push(item))?;
        Ok(result.finish())
    }

    fn visit<'e>(&'e self, visit: &mut dyn FnMut(&'e Expr)) {
        visit(&self.input);
    }
}

fn sort_by_fields(all: &mut Vec<RawBsonRef<'_>>, spec: &SortSpec) -> Result<()> {
    let nothing = RawDocumentBuf::new();
    let mut keyed = Vec::with_capacity(all.len());
    for item in all.drain(..) {
        let document: &RawDocument = item.as_document().unwrap_or(&nothing);
        keyed.push((spec.key(document)?, item));
    }
    keyed.sort_by(|(left, _), (right, _)| -> Ordering { spec.compare_keys(left, right) });
    all.extend(keyed.into_iter().map(|(_, item)| item));
    Ok(())
}
