//! From BSON to an [`Expr`]: paths, variables, objects, arrays and literals. Operators are in the
//! table.

use bson::raw::{CString, RawBson, RawBsonRef};
use bson::{RawArray, RawDocument};
use document::ErrorCode;

use super::{Expr, FieldPath, Node, Scope, fields, items, operators};
use crate::{Error, Result};

pub(super) fn expression(value: RawBsonRef<'_>, scope: Scope<'_>) -> Result<Expr> {
    match value {
        RawBsonRef::String(text) => match text.strip_prefix('$') {
            Some(rest) => match rest.strip_prefix('$') {
                Some(variable) => self::variable(variable, scope),
                None => field_path(rest),
            },
            None => Ok(Expr::constant(text.into())),
        },
        RawBsonRef::Document(document) => self::document(document, scope),
        RawBsonRef::Array(array) => self::array(array, scope),
        literal => Ok(Expr::constant(literal.into())),
    }
}

fn field_path(path: &str) -> Result<Expr> {
    if path.is_empty() {
        return Err(location(16872, "'$' by itself is not a valid FieldPath"));
    }
    Ok(Node::Current(Some(FieldPath::parse(path)?)).into())
}

fn variable(text: &str, scope: Scope<'_>) -> Result<Expr> {
    let (name, path) = match text.split_once('.') {
        Some((name, path)) => (name, Some(FieldPath::parse(path)?)),
        None => (text, None),
    };
    if name.is_empty() {
        return Err(Error::failed_to_parse(
            "empty variable names are not allowed",
        ));
    }
    if let Some(slot) = scope.slot(name) {
        return Ok(Node::Variable(slot, path).into());
    }
    let constant = |value: RawBsonRef<'_>| -> Expr {
        match &path {
            None => Expr::constant(value.into()),
            Some(path) => path
                .get_in(value)
                .into_raw()
                .map_or_else(|| Node::Remove.into(), Expr::constant),
        }
    };
    match name {
        "CURRENT" => Ok(Node::Current(path).into()),
        "ROOT" => Ok(Node::Root(path).into()),
        "REMOVE" => Ok(Node::Remove.into()),
        "NOW" => Ok(constant(RawBsonRef::DateTime(scope.context.now))),
        "DESCEND" | "PRUNE" | "KEEP" if path.is_none() => {
            Ok(Expr::constant(RawBson::String(name.to_ascii_lowercase())))
        }
        "CLUSTER_TIME" | "USER_ROLES" | "SEARCH_META" | "JS_SCOPE" | "IS_MR" => Err(Error::new(
            ErrorCode::NotImplemented,
            format!("the variable $${name} is not supported"),
        )),
        _ => match scope.context.variable(name) {
            Some(Some(value)) => Ok(constant(value.as_raw_bson_ref())),
            Some(None) => Ok(Node::Remove.into()),
            None => Err(location(
                17276,
                &format!("Use of undefined variable: {name}"),
            )),
        },
    }
}

fn array(array: &RawArray, scope: Scope<'_>) -> Result<Expr> {
    let members = items(array)
        .map(|item| Expr::parse_in(item, scope))
        .collect::<Result<Box<[_]>>>()?;
    Ok(Node::Array(members).into())
}

fn document(document: &RawDocument, scope: Scope<'_>) -> Result<Expr> {
    let mut members = Vec::new();
    for (name, value) in fields(document) {
        let text = name.as_str();
        if text.starts_with('$') {
            if fields(document).nth(1).is_some() {
                return Err(location(
                    15983,
                    &format!(
                        "an object that stands for an expression must have exactly one field, \
                         but '{text}' is not alone"
                    ),
                ));
            }
            return operators::parse(text, value, scope.deeper()?);
        }
        if text.contains('.') {
            return Err(location(
                16412,
                "FieldPath field names may not contain '.'. Consider using $getField or $setField.",
            ));
        }
        super::path::validate_field_name(text)?;
        members.push((CString::from(name), Expr::parse_in(value, scope)?));
    }
    Ok(Node::Object(members.into()).into())
}

/// Refuses a name that `let`, `$let`, `as` … cannot give to a variable.
pub(crate) fn validate_variable_name(name: &str) -> Result<()> {
    if name == "CURRENT" {
        return Ok(());
    }
    let Some(first) = name.chars().next() else {
        return Err(Error::failed_to_parse(
            "empty variable names are not allowed",
        ));
    };
    if !first.is_ascii_lowercase() && first.is_ascii() {
        return Err(Error::failed_to_parse(format!(
            "'{name}' starts with an invalid character for a user variable name"
        )));
    }
    if name
        .chars()
        .any(|c| c.is_ascii() && !c.is_ascii_alphanumeric() && c != '_')
    {
        return Err(Error::failed_to_parse(format!(
            "'{name}' contains an invalid character for a variable name"
        )));
    }
    Ok(())
}

fn location(code: i32, message: &str) -> Error {
    Error::new(ErrorCode::Location(code), message)
}
