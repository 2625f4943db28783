//! Aggregation expressions: what `$project`, `$group`, `$expr` … compute.
//!
//! An expression is parsed once into a tree ([`Expr`]) and evaluated on raw documents. Operators
//! live in [`operators`], a family in each file, registered in one table.
//!
//! Source: the manual's pages "Expressions" and "Aggregation Operators".

pub(crate) mod bounds;
pub(crate) mod calendar;
mod context;
pub(crate) mod key;
pub(crate) mod operators;
pub(crate) mod parse;
pub mod path;
pub(crate) mod statistics;
pub(crate) mod text;
mod value;

use std::fmt;

use bson::raw::{CString, RawBson, RawBsonRef};
use bson::{RawArrayBuf, RawDocumentBuf};
use smallvec::SmallVec;

pub(crate) use context::Scope;
pub use context::{EvalContext, ParseContext};
pub use path::FieldPath;
pub use value::Value;
pub(crate) use value::{fields, items};

use crate::Result;

/// The names of all operators, with `$`.
pub fn operator_names() -> impl Iterator<Item = &'static str> {
    operators::names()
}

/// A parsed expression.
#[derive(Debug)]
pub struct Expr {
    node: Node,
}

/// An operator that is more than a function of its evaluated arguments: one that evaluates them
/// only when needed, binds variables, or prepares something when it is parsed.
pub(crate) trait Operator: fmt::Debug + Send + Sync {
    /// The value for a document.
    fn eval<'c>(&'c self, context: &EvalContext<'c>) -> Result<Value<'c>>;

    /// Calls `visit` for every expression inside.
    fn visit<'e>(&'e self, visit: &mut dyn FnMut(&'e Expr));
}

pub(crate) type Unary = for<'c> fn(Value<'c>) -> Result<Value<'c>>;
pub(crate) type Binary = for<'c> fn(Value<'c>, Value<'c>) -> Result<Value<'c>>;
pub(crate) type Variadic = for<'c> fn(&mut [Value<'c>]) -> Result<Value<'c>>;
pub(crate) type Named = for<'c> fn(&mut [Option<Value<'c>>]) -> Result<Value<'c>>;

#[derive(Debug)]
pub(crate) enum Node {
    /// A literal.
    Constant(RawBson),
    /// `$$REMOVE`.
    Remove,
    /// `$a.b`, or `$$CURRENT.a.b`; without a path `$$CURRENT` itself.
    Current(Option<FieldPath>),
    /// `$$ROOT` and what lies in it.
    Root(Option<FieldPath>),
    /// A variable bound by `$let`, `$map` … and what lies in it.
    Variable(u32, Option<FieldPath>),
    Object(Box<[(CString, Expr)]>),
    Array(Box<[Expr]>),
    Unary(Unary, Box<Expr>),
    Binary(Binary, Box<[Expr; 2]>),
    Variadic(Variadic, Box<[Expr]>),
    Named(Named, Box<[Option<Expr>]>),
    Operator(Box<dyn Operator>),
}

/// The fields of a document that an expression reads.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Dependencies {
    /// The dotted paths that are read.
    pub paths: std::collections::BTreeSet<String>,
    /// Whether the whole document is read.
    pub whole_document: bool,
}

impl Expr {
    /// Parses an expression.
    ///
    /// # Errors
    /// MongoDB's code for what is wrong: 168 for an unknown operator, 16020 for a wrong number of
    /// arguments, 17276 for an unknown variable …
    pub fn parse(value: RawBsonRef<'_>, context: &ParseContext) -> Result<Self> {
        parse::expression(value, Scope::new(context))
    }

    pub(crate) fn parse_in(value: RawBsonRef<'_>, scope: Scope<'_>) -> Result<Self> {
        parse::expression(value, scope.deeper()?)
    }

    /// An expression that is always `value`.
    pub fn constant(value: RawBson) -> Self {
        Node::Constant(value).into()
    }

    /// The value for a document.
    ///
    /// # Errors
    /// What an operator refuses: a type it cannot take, a number out of range, a result that is too
    /// large.
    pub fn eval<'c>(&'c self, context: &EvalContext<'c>) -> Result<Value<'c>> {
        let value = match &self.node {
            Node::Constant(value) => return Ok(Value::Borrowed(value.as_raw_bson_ref())),
            Node::Remove => return Ok(Value::Missing),
            Node::Current(path) => return Ok(at(context.current(), path.as_ref())),
            Node::Root(path) => {
                return Ok(at(RawBsonRef::Document(context.root()), path.as_ref()));
            }
            Node::Variable(slot, path) => {
                return Ok(context
                    .variable(*slot)
                    .and_then(Value::as_bson)
                    .map_or(Value::Missing, |value| at(value, path.as_ref())));
            }
            Node::Unary(function, argument) => function(argument.eval(context)?)?,
            Node::Binary(function, arguments) => {
                let [left, right] = &**arguments;
                function(left.eval(context)?, right.eval(context)?)?
            }
            Node::Variadic(function, arguments) => {
                let mut values = arguments
                    .iter()
                    .map(|argument| argument.eval(context))
                    .collect::<Result<SmallVec<[Value<'c>; 4]>>>()?;
                function(&mut values)?
            }
            Node::Named(function, arguments) => {
                let mut values = arguments
                    .iter()
                    .map(|argument| {
                        argument
                            .as_ref()
                            .map(|argument| argument.eval(context))
                            .transpose()
                    })
                    .collect::<Result<SmallVec<[Option<Value<'c>>; 4]>>>()?;
                function(&mut values)?
            }
            Node::Operator(operator) => operator.eval(context)?,
            Node::Object(members) => {
                let mut object = RawDocumentBuf::new();
                for (name, member) in members {
                    if let Some(value) = member.eval(context)?.as_bson() {
                        if object.as_bytes().len() + bounds::size_of(value)
                            > bounds::MAX_VALUE_BYTES
                        {
                            return Err(bounds::too_large());
                        }
                        object.append(name, value);
                    }
                }
                object.into()
            }
            Node::Array(members) => {
                let mut array = bounds::ArrayBuilder::new();
                for member in members {
                    array.push(member.eval(context)?.as_bson_or_null())?;
                }
                array.finish()
            }
        };
        // Only what was made can be larger or deeper than what was read.
        if matches!(
            value,
            Value::Owned(RawBson::Document(_) | RawBson::Array(_))
        ) {
            bounds::check_value(&value)?;
        }
        Ok(value)
    }

    /// The literal that the expression is, if it is one.
    pub fn as_constant(&self) -> Option<&RawBson> {
        match &self.node {
            Node::Constant(value) => Some(value),
            _ => None,
        }
    }

    /// The path that the expression is, if it is just a field's path (`"$a.b"`).
    pub fn as_path(&self) -> Option<&FieldPath> {
        match &self.node {
            Node::Current(Some(path)) => Some(path),
            _ => None,
        }
    }

    /// The fields that the expression reads, added to `dependencies`.
    pub fn add_dependencies(&self, dependencies: &mut Dependencies) {
        match &self.node {
            Node::Current(Some(path)) | Node::Root(Some(path)) => {
                dependencies.paths.insert(path.dotted());
            }
            Node::Current(None) | Node::Root(None) => dependencies.whole_document = true,
            _ => self.visit(&mut |child| child.add_dependencies(dependencies)),
        }
    }

    fn visit<'e>(&'e self, visit: &mut dyn FnMut(&'e Self)) {
        match &self.node {
            Node::Constant(_)
            | Node::Remove
            | Node::Current(_)
            | Node::Root(_)
            | Node::Variable(..) => {}
            Node::Object(members) => members.iter().for_each(|(_, member)| visit(member)),
            Node::Array(members) | Node::Variadic(_, members) => members.iter().for_each(visit),
            Node::Unary(_, argument) => visit(argument),
            Node::Binary(_, arguments) => arguments.iter().for_each(visit),
            Node::Named(_, arguments) => arguments.iter().flatten().for_each(visit),
            Node::Operator(operator) => operator.visit(visit),
        }
    }
}

impl From<Node> for Expr {
    fn from(node: Node) -> Self {
        // An object or an array of literals is a literal: it need not be built again and again.
        let node = match node {
            Node::Array(members) if members.iter().all(|m| m.as_constant().is_some()) => {
                let mut array = RawArrayBuf::new();
                for member in members.iter().filter_map(Self::as_constant) {
                    array.push(member.as_raw_bson_ref());
                }
                Node::Constant(array.into())
            }
            Node::Object(members) if members.iter().all(|(_, m)| m.as_constant().is_some()) => {
                let mut object = RawDocumentBuf::new();
                for (name, member) in &members {
                    if let Some(value) = member.as_constant() {
                        object.append(name, value.as_raw_bson_ref());
                    }
                }
                Node::Constant(object.into())
            }
            node => node,
        };
        Self { node }
    }
}

impl<O: Operator + 'static> From<O> for Expr {
    fn from(operator: O) -> Self {
        Self {
            node: Node::Operator(Box::new(operator)),
        }
    }
}

fn at<'a>(value: RawBsonRef<'a>, path: Option<&FieldPath>) -> Value<'a> {
    match path {
        Some(path) => path.get_in(value),
        None => Value::Borrowed(value),
    }
}
