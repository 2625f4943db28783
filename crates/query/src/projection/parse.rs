//! From a specification to the tree: which fields are kept, dropped and computed, and what may not
//! be mixed.

use bson::{RawBsonRef, RawDocument};
use document::ErrorCode;
use document::limits::MAX_NESTING;
use document::number::Number;

use super::compute::ComputeFactory;
use super::operators::{FindOperator, Slice};
use super::tree::{Action, Mode, Tree};
use crate::filter::ElementMatcher;
use crate::{Error, Result};

/// The specification of a `$project` stage.
pub(super) fn project_stage(spec: &RawDocument, expressions: &dyn ComputeFactory) -> Result<Tree> {
    if spec.is_empty() {
        return Err(location(
            51272,
            "Invalid $project :: caused by :: projection specification must have at least one field",
        ));
    }
    let mut parser = Parser::new(expressions, Dialect::Stage);
    parser.document("", spec)?;
    parser.into_tree()
}

/// The projection of `find`. The second answer: whether a path ends in `.$`.
pub(super) fn find(spec: &RawDocument, expressions: &dyn ComputeFactory) -> Result<(Tree, bool)> {
    let mut parser = Parser::new(expressions, Dialect::Find);
    parser.document("", spec)?;
    let positional = parser.positional;
    Ok((parser.into_tree()?, positional))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Dialect {
    Stage,
    Find,
}

struct Parser<'e> {
    expressions: &'e dyn ComputeFactory,
    dialect: Dialect,
    tree: Tree,
    /// What the named fields have said so far; `_id` has no say.
    mode: Option<Mode>,
    /// What was said of `_id`.
    id: Option<Mode>,
    /// Whether `_id` is computed, or something in it is named.
    reaches_into_id: bool,
    positional: bool,
    elem_match: bool,
}

impl<'e> Parser<'e> {
    fn new(expressions: &'e dyn ComputeFactory, dialect: Dialect) -> Self {
        Self {
            expressions,
            dialect,
            tree: Tree::new(Mode::Inclusion),
            mode: None,
            id: None,
            reaches_into_id: false,
            positional: false,
            elem_match: false,
        }
    }

    fn into_tree(self) -> Result<Tree> {
        let Self { mut tree, id, .. } = self;
        tree.mode = self.mode.unwrap_or(match id {
            _ if self.elem_match => Mode::Inclusion,
            Some(mode) => mode,
            // Nothing but `$slice`, or nothing at all.
            None => Mode::Exclusion,
        });
        let names_id = match tree.mode {
            Mode::Inclusion => id != Some(Mode::Exclusion) && !self.reaches_into_id,
            Mode::Exclusion => id == Some(Mode::Exclusion),
        };
        if names_id {
            tree.root.insert("_id", Action::Leaf)?;
        }
        tree.finish();
        Ok(tree)
    }

    fn document(&mut self, prefix: &str, spec: &RawDocument) -> Result<()> {
        for element in spec {
            let Ok((name, value)) = element else {
                return Err(Error::failed_to_parse("the projection is not valid BSON"));
            };
            let name = name.as_str();
            let path = match prefix {
                "" => name.to_owned(),
                prefix => format!("{prefix}.{name}"),
            };
            self.field(path, value)?;
        }
        Ok(())
    }

    fn field(&mut self, path: String, value: RawBsonRef<'_>) -> Result<()> {
        let path = if self.dialect == Dialect::Find && has_positional(&path) {
            return self.positional(&path, value);
        } else {
            check_path(&path)?;
            path
        };
        if let Some(kept) = as_flag(value) {
            let mode = if kept {
                Mode::Inclusion
            } else {
                Mode::Exclusion
            };
            return self.leaf(&path, mode);
        }
        if let RawBsonRef::Document(document) = value {
            match document.iter().next() {
                None => {
                    return Err(location(
                        51270,
                        format!(
                            "An empty sub-projection is not a valid value. Found empty object at \
                             path {path}"
                        ),
                    ));
                }
                Some(Ok((name, argument))) if name.as_str().starts_with('$') => {
                    if self.dialect == Dialect::Find
                        && self.find_operator(&path, name.as_str(), argument, document)?
                    {
                        return Ok(());
                    }
                }
                Some(_) => return self.document(&path, document),
            }
        }
        self.computed(&path, value)
    }

    fn leaf(&mut self, path: &str, mode: Mode) -> Result<()> {
        if path == "_id" {
            if self.id.is_some() || self.reaches_into_id {
                return Err(location(31250, "Path collision at _id"));
            }
            self.id = Some(mode);
            return Ok(());
        }
        self.reach_into_id(path)?;
        self.agree(path, mode)?;
        self.tree.root.insert(path, Action::Leaf)
    }

    /// Notes a path that leads to or into `_id` and is not just its inclusion or exclusion.
    fn reach_into_id(&mut self, path: &str) -> Result<()> {
        if path != "_id" && !path.starts_with("_id.") {
            return Ok(());
        }
        if self.id.is_some() {
            return Err(location(31250, format!("Path collision at {path}")));
        }
        self.reaches_into_id = true;
        Ok(())
    }

    fn agree(&mut self, path: &str, mode: Mode) -> Result<()> {
        match (*self.mode.get_or_insert(mode), mode) {
            (Mode::Exclusion, Mode::Inclusion) => Err(location(
                31253,
                format!("Cannot do inclusion on field {path} in exclusion projection"),
            )),
            (Mode::Inclusion, Mode::Exclusion) => Err(location(
                31254,
                format!("Cannot do exclusion on field {path} in inclusion projection"),
            )),
            _ => Ok(()),
        }
    }

    fn computed(&mut self, path: &str, value: RawBsonRef<'_>) -> Result<()> {
        if self.mode == Some(Mode::Exclusion) {
            return Err(location(
                31252,
                format!("Cannot use an expression for field {path} in an exclusion projection"),
            ));
        }
        self.mode = Some(Mode::Inclusion);
        self.reach_into_id(path)?;
        let expression = self.expressions.compile(value)?;
        self.tree.root.insert(path, Action::Computed(expression))
    }

    fn positional(&mut self, path: &str, value: RawBsonRef<'_>) -> Result<()> {
        let Some(array) = path.strip_suffix(".$").filter(|path| !has_positional(path)) else {
            return Err(location(
                31394,
                format!(
                    "The positional operator may only be used at the end of a path, as in a.b.$; \
                     remove what follows the first '$' in {path}"
                ),
            ));
        };
        check_path(array)?;
        if as_flag(value) != Some(true) || self.mode == Some(Mode::Exclusion) {
            return Err(location(
                31395,
                "positional projection cannot be used with exclusion",
            ));
        }
        if self.positional {
            return Err(location(
                31276,
                "Cannot specify more than one positional projection per query.",
            ));
        }
        if self.elem_match {
            return Err(location(
                31255,
                "Cannot specify positional operator and $elemMatch.",
            ));
        }
        self.positional = true;
        self.mode = Some(Mode::Inclusion);
        self.reach_into_id(array)?;
        self.tree
            .root
            .insert(array, Action::Find(FindOperator::Positional))
    }

    /// Answers whether the operator is one of `find`'s own, not an expression.
    fn find_operator(
        &mut self,
        path: &str,
        operator: &str,
        argument: RawBsonRef<'_>,
        whole: &RawDocument,
    ) -> Result<bool> {
        let operator = match operator {
            "$slice" => match slice(argument)? {
                Some(slice) => FindOperator::Slice(slice),
                // `{ $slice: ["$a", 1] }` is the expression of that name.
                None => return Ok(false),
            },
            "$elemMatch" => {
                if path.contains('.') {
                    return Err(location(
                        31275,
                        "Cannot use $elemMatch projection on a nested field.",
                    ));
                }
                if self.positional {
                    return Err(location(
                        31255,
                        "Cannot specify positional operator and $elemMatch.",
                    ));
                }
                let RawBsonRef::Document(condition) = argument else {
                    return Err(location(
                        31274,
                        format!(
                            "elemMatch: Invalid argument, object required, but got {}",
                            document::types::type_name(&argument)
                        ),
                    ));
                };
                self.elem_match = true;
                FindOperator::ElemMatch(ElementMatcher::elem_match(condition)?)
            }
            "$meta" => {
                return Err(Error::new(
                    ErrorCode::NotImplemented,
                    "the projection operator $meta is not supported",
                ));
            }
            _ => return Ok(false),
        };
        if whole.iter().count() > 1 {
            return Err(Error::bad_value(format!(
                "the projection of field {path} has more than one operator"
            )));
        }
        self.reach_into_id(path)?;
        self.tree.root.insert(path, Action::Find(operator))?;
        Ok(true)
    }
}

/// The argument of `find`'s `$slice`; `None` if it is one of the expression `$slice`.
fn slice(argument: RawBsonRef<'_>) -> Result<Option<Slice>> {
    if let Some(count) = whole_number(argument) {
        return Ok(Some(Slice::first_or_last(count)));
    }
    let RawBsonRef::Array(array) = argument else {
        return Err(location(
            28667,
            format!(
                "Invalid $slice syntax: a number, or an array of the items to skip and to return, \
                 is required, but got {}",
                document::types::type_name(&argument)
            ),
        ));
    };
    let numbers: Vec<_> = array
        .into_iter()
        .map(|item| item.ok().and_then(whole_number))
        .take(3)
        .collect();
    match numbers.as_slice() {
        [Some(skip), Some(limit)] => {
            let limit = u64::try_from(*limit).ok().filter(|limit| *limit > 0);
            let limit = limit.ok_or_else(|| {
                location(
                    28729,
                    "the number of items that $slice returns must be positive",
                )
            })?;
            Ok(Some(Slice { skip: *skip, limit }))
        }
        _ => Ok(None),
    }
}

/// A number without its fraction, as `$slice` takes it.
fn whole_number(value: RawBsonRef<'_>) -> Option<i64> {
    let number = Number::from_raw(&value)?;
    number
        .to_i64_exact()
        // Saturates: a slice beyond any array.
        .or_else(|| (!number.is_nan()).then(|| number.to_f64() as i64))
}

/// Numbers and booleans keep or drop a field.
fn as_flag(value: RawBsonRef<'_>) -> Option<bool> {
    if let RawBsonRef::Boolean(value) = value {
        return Some(value);
    }
    Number::from_raw(&value).map(|number| !number.is_zero())
}

fn has_positional(path: &str) -> bool {
    path.split('.').skip(1).any(|part| part == "$")
}

/// Refuses a path that no field can have.
pub(super) fn check_path(path: &str) -> Result<()> {
    if path.is_empty() {
        return Err(location(
            40352,
            "FieldPath cannot be constructed with empty string",
        ));
    }
    if path.ends_with('.') {
        return Err(location(40353, "FieldPath must not end with a '.'."));
    }
    let mut parts = 0;
    for part in path.split('.') {
        parts += 1;
        if part.is_empty() {
            return Err(location(
                15998,
                "FieldPath field names may not be empty strings.",
            ));
        }
        if part.starts_with('$') {
            return Err(location(
                16410,
                format!(
                    "FieldPath field names may not start with '$': {part}. Consider using \
                     $getField or $setField."
                ),
            ));
        }
    }
    if parts > MAX_NESTING {
        return Err(Error::new(
            ErrorCode::Overflow,
            format!("a projection's path has more than {MAX_NESTING} components"),
        ));
    }
    Ok(())
}

fn location(code: i32, message: impl Into<String>) -> Error {
    Error::new(ErrorCode::Location(code), message)
}
