//! `$literal`, `$mergeObjects`, `$getField`, `$setField`, `$unsetField`.

use bson::RawDocumentBuf;
use bson::raw::{CStr, CString, RawBsonRef};
use indexmap::IndexMap;

use super::{Definition, Field, Table, argument, location, optional, required, wrong_arity};
use crate::Result;
use crate::expression::{EvalContext, Expr, Node, Operator, Scope, Value, fields};

pub(super) const TABLE: Table = &[
    (
        "$literal",
        Definition::Custom(|_, value, _| Ok(Expr::constant(value.into()))),
    ),
    (
        "$mergeObjects",
        Definition::Variadic {
            min: 0,
            max: usize::MAX,
            eval: merge_objects,
        },
    ),
    ("$getField", Definition::Custom(parse_get_field)),
    ("$setField", Definition::Custom(parse_set_field)),
    ("$unsetField", Definition::Custom(parse_unset_field)),
];

/// The merger of documents: a field that comes again keeps its place and takes the later value.
#[derive(Debug, Default)]
pub(crate) struct Merger<'v> {
    members: IndexMap<&'v CStr, RawBsonRef<'v>>,
}

impl<'v> Merger<'v> {
    pub(crate) fn add(&mut self, value: &'v Value<'_>) -> Result<()> {
        if value.is_nullish() {
            return Ok(());
        }
        let document = value.as_document().ok_or_else(|| {
            location(
                40400,
                format!(
                    "$mergeObjects requires object inputs, but an input is of type {}",
                    value.type_name()
                ),
            )
        })?;
        self.members.extend(fields(document));
        Ok(())
    }

    pub(crate) fn finish(self) -> RawDocumentBuf {
        let mut merged = RawDocumentBuf::new();
        for (name, value) in self.members {
            merged.append(name, value);
        }
        merged
    }
}

fn merge_objects<'c>(arguments: &mut [Value<'c>]) -> Result<Value<'c>> {
    let mut merger = Merger::default();
    for argument in &*arguments {
        merger.add(argument)?;
    }
    Ok(merger.finish().into())
}

/// The name of the field: any expression that gives a string.
fn name_of<'v>(operator: &str, code: i32, field: &'v Value<'_>) -> Result<&'v str> {
    field.as_str().ok_or_else(|| {
        location(
            code,
            format!(
                "{operator} requires 'field' to evaluate to type String, but got {}",
                field.type_name()
            ),
        )
    })
}

/// A literal name is checked when it is parsed, not for each document.
fn check_name(operator: &str, code: i32, field: &Expr) -> Result<()> {
    match field.as_constant() {
        Some(constant) => {
            name_of(operator, code, &Value::Borrowed(constant.as_raw_bson_ref())).map(drop)
        }
        None => Ok(()),
    }
}

#[derive(Debug)]
struct GetField {
    field: Expr,
    input: Expr,
}

const GET_FIELD: &[Field] = &[required("field", 3_041_702), required("input", 3_041_703)];

fn parse_get_field(name: &'static str, value: RawBsonRef<'_>, scope: Scope<'_>) -> Result<Expr> {
    let is_named = match value {
        RawBsonRef::Document(document) => !fields(document)
            .next()
            .is_some_and(|(name, _)| name.as_str().starts_with('$')),
        _ => false,
    };
    let (field, input) = if is_named {
        let mut arguments =
            argument::named(name, value, scope, GET_FIELD, 3_041_701, 3_041_701)?.into_iter();
        match (arguments.next().flatten(), arguments.next().flatten()) {
            (Some(field), Some(input)) => (field, input),
            _ => return Err(wrong_arity()),
        }
    } else {
        (Expr::parse_in(value, scope)?, Node::Current(None).into())
    };
    check_name(name, 5_654_602, &field)?;
    Ok(GetField { field, input }.into())
}

impl Operator for GetField {
    fn eval<'c>(&'c self, context: &EvalContext<'c>) -> Result<Value<'c>> {
        let field = self.field.eval(context)?;
        let name = name_of("$getField", 3_041_704, &field)?;
        let input = self.input.eval(context)?;
        if matches!(input.as_bson(), Some(RawBsonRef::Null)) {
            return Ok(Value::NULL);
        }
        Ok(input.part(|input| input.as_document()?.get(name).ok().flatten()))
    }

    fn visit<'e>(&'e self, visit: &mut dyn FnMut(&'e Expr)) {
        visit(&self.field);
        visit(&self.input);
    }
}

#[derive(Debug)]
struct SetField {
    operator: &'static str,
    field: Expr,
    input: Expr,
    /// A missing value takes the field away.
    value: Expr,
}

const SET_FIELD: &[Field] = &[
    required("field", 4_161_102),
    required("value", 4_161_103),
    required("input", 4_161_109),
];
const UNSET_FIELD: &[Field] = &[
    required("field", 4_161_102),
    optional("value"),
    required("input", 4_161_109),
];

fn parse_set_field(name: &'static str, value: RawBsonRef<'_>, scope: Scope<'_>) -> Result<Expr> {
    parse_set(name, value, scope, SET_FIELD)
}

fn parse_unset_field(name: &'static str, value: RawBsonRef<'_>, scope: Scope<'_>) -> Result<Expr> {
    if let RawBsonRef::Document(document) = value
        && document.get("value").is_ok_and(|value| value.is_some())
    {
        return Err(location(
            4_161_101,
            format!("{name} found an unknown argument: value"),
        ));
    }
    parse_set(name, value, scope, UNSET_FIELD)
}

fn parse_set(
    name: &'static str,
    value: RawBsonRef<'_>,
    scope: Scope<'_>,
    known: &[Field],
) -> Result<Expr> {
    let mut arguments =
        argument::named(name, value, scope, known, 4_161_100, 4_161_101)?.into_iter();
    let mut next = || arguments.next().flatten();
    let (Some(field), value, Some(input)) = (next(), next(), next()) else {
        return Err(wrong_arity());
    };
    check_name(name, 4_161_107, &field)?;
    Ok(SetField {
        operator: name,
        field,
        input,
        value: value.unwrap_or_else(|| Node::Remove.into()),
    }
    .into())
}

impl Operator for SetField {
    fn eval<'c>(&'c self, context: &EvalContext<'c>) -> Result<Value<'c>> {
        let field = self.field.eval(context)?;
        let name = name_of(self.operator, 4_161_107, &field)?;
        let input = self.input.eval(context)?;
        if input.is_nullish() {
            return Ok(Value::NULL);
        }
        let document = input.as_document().ok_or_else(|| {
            location(
                4_161_105,
                format!(
                    "{} requires 'input' to evaluate to type Object",
                    self.operator
                ),
            )
        })?;
        let value = self.value.eval(context)?;
        let name = CString::try_from(name)
            .map_err(|_| location(16411, "FieldPath field names may not contain '\\0'."))?;
        let mut result = RawDocumentBuf::new();
        let mut is_set = false;
        for (existing, old) in fields(document) {
            if existing.as_str() == name.as_str() {
                if let (Some(value), false) = (value.as_bson(), is_set) {
                    result.append(existing, value);
                    is_set = true;
                }
            } else {
                result.append(existing, old);
            }
        }
        if let (Some(value), false) = (value.as_bson(), is_set) {
            result.append(name, value);
        }
        Ok(result.into())
    }

    fn visit<'e>(&'e self, visit: &mut dyn FnMut(&'e Expr)) {
        visit(&self.field);
        visit(&self.input);
        visit(&self.value);
    }
}
