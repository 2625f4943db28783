//! What parsing and evaluation know of their surroundings: constants and variables.

use bson::raw::{RawBson, RawBsonRef};
use bson::{DateTime, RawDocument};

use super::value::Value;
use crate::{Error, Result};

/// The most levels of expressions in expressions, objects and arrays. Documents from clients are
/// less deep; this bounds the stack for what the server itself builds.
const MAX_DEPTH: u32 = 150;

/// What is the same for a whole command: the constants that `$$NOW` and the command's `let` (or
/// that of a `$lookup`) stand for. They are filled in when an expression is parsed.
#[derive(Debug, Clone)]
pub struct ParseContext {
    /// `$$NOW`: when the command started.
    pub now: DateTime,
    /// The variables of `let`, by name without `$$`; a later one hides an earlier one. None is a
    /// missing value.
    variables: Vec<(String, Option<RawBson>)>,
    /// The most bytes that one blocking stage may hold.
    pub memory_limit_bytes: usize,
    /// How many pipelines this one lies in (`$lookup`, `$facet`, `$unionWith`).
    pub(crate) pipeline_depth: u32,
}

impl ParseContext {
    /// The context of a command that started at `now`, without variables.
    pub const fn new(now: DateTime) -> Self {
        Self {
            now,
            variables: Vec::new(),
            memory_limit_bytes: document::limits::MAX_BLOCKING_STAGE_BYTES,
            pipeline_depth: 0,
        }
    }

    /// The same context with the variables of a `let`, already evaluated; None is a missing value.
    #[must_use]
    pub fn with_variables(
        mut self,
        variables: impl IntoIterator<Item = (String, Option<RawBson>)>,
    ) -> Self {
        self.variables.extend(variables);
        self
    }

    /// The variables with the expressions of a `let` evaluated, as they stand in a command: the
    /// expressions may use no field, only constants and `$$NOW`.
    ///
    /// # Errors
    /// Those of [`Expr::parse`](super::Expr::parse) and of evaluating it, and `FailedToParse` for a
    /// name that a variable cannot have.
    pub fn with_let(self, variables: &RawDocument) -> Result<Self> {
        let nothing = bson::RawDocumentBuf::new();
        let mut evaluated = Vec::new();
        for (name, value) in super::fields(variables) {
            super::parse::validate_variable_name(name.as_str())?;
            let value = super::Expr::parse(value, &self)?
                .eval(&EvalContext::new(&nothing))?
                .into_raw();
            evaluated.push((name.as_str().to_owned(), value));
        }
        Ok(self.with_variables(evaluated))
    }

    /// The value of a variable, if there is one of the name.
    pub(crate) fn variable(&self, name: &str) -> Option<Option<&RawBson>> {
        self.variables
            .iter()
            .rev()
            .find(|(candidate, _)| candidate == name)
            .map(|(_, value)| value.as_ref())
    }
}

/// Where in an expression the parser is: which names are bound, and how deep.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scope<'s> {
    pub(crate) context: &'s ParseContext,
    names: Option<&'s Names<'s>>,
    depth: u32,
}

/// The names that one `$let`, `$map` … binds.
#[derive(Debug)]
pub(crate) struct Names<'s> {
    parent: Option<&'s Names<'s>>,
    base: u32,
    names: &'s [String],
}

impl<'s> Scope<'s> {
    pub(crate) const fn new(context: &'s ParseContext) -> Self {
        Self {
            context,
            names: None,
            depth: 0,
        }
    }

    /// One level further down.
    pub(crate) fn deeper(self) -> Result<Self> {
        if self.depth >= MAX_DEPTH {
            return Err(Error::new(
                document::ErrorCode::Overflow,
                format!("an expression is nested more than {MAX_DEPTH} levels deep"),
            ));
        }
        Ok(Self {
            depth: self.depth + 1,
            ..self
        })
    }

    /// The names of a new frame over this scope.
    pub(crate) fn bind(self, names: &'s [String]) -> Names<'s> {
        Names {
            parent: self.names,
            base: self.names.map_or(0, Names::end),
            names,
        }
    }

    /// The scope in which `names` are bound.
    pub(crate) const fn with<'n>(self, names: &'n Names<'n>) -> Scope<'n>
    where
        's: 'n,
    {
        Scope {
            context: self.context,
            names: Some(names),
            depth: self.depth,
        }
    }

    /// The slot of a bound variable.
    pub(crate) fn slot(self, name: &str) -> Option<u32> {
        let mut frame = self.names;
        while let Some(names) = frame {
            if let Some(index) = names.names.iter().position(|bound| bound == name) {
                return u32::try_from(index).ok().map(|index| names.base + index);
            }
            frame = names.parent;
        }
        None
    }
}

impl Names<'_> {
    fn end(&self) -> u32 {
        self.base + u32::try_from(self.names.len()).unwrap_or(u32::MAX)
    }
}

/// What an expression is evaluated on: a document, and the variables bound around it.
#[derive(Debug, Clone, Copy)]
pub struct EvalContext<'c> {
    root: &'c RawDocument,
    current: RawBsonRef<'c>,
    frame: Option<&'c Frame<'c>>,
}

/// The values that one `$let`, `$map` … binds.
#[derive(Debug)]
pub(crate) struct Frame<'c> {
    parent: Option<&'c Frame<'c>>,
    base: u32,
    values: &'c [Value<'c>],
}

impl<'c> EvalContext<'c> {
    /// Evaluation on `root`, which `$$ROOT` and `$$CURRENT` stand for.
    pub const fn new(root: &'c RawDocument) -> Self {
        Self {
            root,
            current: RawBsonRef::Document(root),
            frame: None,
        }
    }

    /// The document that `$$ROOT` stands for.
    pub const fn root(&self) -> &'c RawDocument {
        self.root
    }

    /// The value that `$$CURRENT` stands for, and that field paths start from.
    pub const fn current(&self) -> RawBsonRef<'c> {
        self.current
    }

    /// The same context with another `$$CURRENT`.
    pub(crate) const fn with_current(self, current: RawBsonRef<'c>) -> Self {
        Self { current, ..self }
    }

    /// A frame over this context that binds `values`.
    pub(crate) fn bind(&self, values: &'c [Value<'c>]) -> Frame<'c> {
        Frame {
            parent: self.frame,
            base: self.frame.map_or(0, Frame::end),
            values,
        }
    }

    /// The context in which `frame` is bound.
    pub(crate) const fn with<'n>(&self, frame: &'n Frame<'n>) -> EvalContext<'n>
    where
        'c: 'n,
    {
        EvalContext {
            root: self.root,
            current: self.current,
            frame: Some(frame),
        }
    }

    /// The value in a slot that [`Scope::slot`] gave.
    pub(crate) fn variable(&self, slot: u32) -> Option<&'c Value<'c>> {
        let mut frame = self.frame;
        while let Some(values) = frame {
            if let Some(index) = slot.checked_sub(values.base) {
                return values.values.get(index as usize);
            }
            frame = values.parent;
        }
        None
    }
}

impl Frame<'_> {
    fn end(&self) -> u32 {
        self.base + u32::try_from(self.values.len()).unwrap_or(u32::MAX)
    }
}
