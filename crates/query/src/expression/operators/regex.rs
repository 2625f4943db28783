//! `$regexMatch`, `$regexFind`, `$regexFindAll`. A pattern that is a literal is compiled once.

use bson::raw::{RawBsonRef, cstr};
use bson::{RawArrayBuf, RawDocumentBuf};
use document::ErrorCode;
use fancy_regex::Captures;

use super::{Definition, Field, Table, argument, location, optional, required, wrong_arity};
use crate::Result;
use crate::expression::bounds::ArrayBuilder;
use crate::expression::{EvalContext, Expr, Operator, Scope, Value};
use crate::filter::operators::regex::Pattern;

pub(super) const TABLE: Table = &[
    (
        "$regexMatch",
        Definition::Custom(|name, value, scope| parse(name, value, scope, Kind::Match)),
    ),
    (
        "$regexFind",
        Definition::Custom(|name, value, scope| parse(name, value, scope, Kind::Find)),
    ),
    (
        "$regexFindAll",
        Definition::Custom(|name, value, scope| parse(name, value, scope, Kind::FindAll)),
    ),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Match,
    Find,
    FindAll,
}

#[derive(Debug)]
struct Search {
    name: &'static str,
    kind: Kind,
    input: Expr,
    regex: Expr,
    options: Option<Expr>,
    /// The pattern, if it is a literal.
    compiled: Option<Pattern>,
}

const FIELDS: &[Field] = &[
    required("input", 31022),
    required("regex", 31023),
    optional("options"),
];

fn parse(name: &'static str, value: RawBsonRef<'_>, scope: Scope<'_>, kind: Kind) -> Result<Expr> {
    let mut arguments = argument::named(name, value, scope, FIELDS, 51103, 31024)?.into_iter();
    let mut next = || arguments.next().flatten();
    let (Some(input), Some(regex), options) = (next(), next(), next()) else {
        return Err(wrong_arity());
    };
    let literal = |expression: &Expr| {
        expression
            .as_constant()
            .map(|constant| Value::Borrowed(constant.as_raw_bson_ref()).into_owned())
    };
    let compiled = match (literal(&regex), options.as_ref().map(literal)) {
        (Some(regex), None) => compile(name, &regex, None)?,
        (Some(regex), Some(Some(options))) => compile(name, &regex, Some(&options))?,
        _ => None,
    };
    Ok(Search {
        name,
        kind,
        input,
        regex,
        options,
        compiled,
    }
    .into())
}

/// The pattern; None if it or its options are null.
fn compile(name: &str, regex: &Value<'_>, options: Option<&Value<'_>>) -> Result<Option<Pattern>> {
    let options = match options {
        Some(options) if !options.is_nullish() => options.as_str().ok_or_else(|| {
            location(
                51106,
                format!("{name} needs 'options' to be of type string"),
            )
        })?,
        _ => "",
    };
    let (pattern, options) = match regex.as_bson() {
        None | Some(RawBsonRef::Null | RawBsonRef::Undefined) => return Ok(None),
        Some(RawBsonRef::String(pattern)) => (pattern, options),
        Some(RawBsonRef::RegularExpression(regex)) => {
            let own = regex.options.as_str();
            if !own.is_empty() && !options.is_empty() {
                return Err(location(
                    51107,
                    format!(
                        "{name} found regex option(s) specified in both 'regex' and 'option' fields"
                    ),
                ));
            }
            let options = if own.is_empty() { options } else { own };
            (regex.pattern.as_str(), options)
        }
        Some(_) => {
            return Err(location(
                51105,
                format!("{name} needs 'regex' to be of type string or regex"),
            ));
        }
    };
    Pattern::new(pattern, options).map(Some).map_err(|error| {
        // The filter's `$regex` has its own code for a pattern that cannot be compiled.
        match error.code {
            ErrorCode::Location(51091) => {
                location(51111, format!("Invalid Regex in {name}: {}", error.message))
            }
            _ => error,
        }
    })
}

impl Operator for Search {
    fn eval<'c>(&'c self, context: &EvalContext<'c>) -> Result<Value<'c>> {
        let input = self.input.eval(context)?;
        let text = if input.is_nullish() {
            None
        } else {
            Some(input.as_str().ok_or_else(|| {
                location(
                    51104,
                    format!("{} needs 'input' to be of type string", self.name),
                )
            })?)
        };
        let fresh;
        let pattern = match &self.compiled {
            Some(pattern) => Some(pattern),
            None => {
                let regex = self.regex.eval(context)?;
                let options = self
                    .options
                    .as_ref()
                    .map(|options| options.eval(context))
                    .transpose()?;
                fresh = compile(self.name, &regex, options.as_ref())?;
                fresh.as_ref()
            }
        };
        let (Some(text), Some(pattern)) = (text, pattern) else {
            return Ok(match self.kind {
                Kind::Match => false.into(),
                Kind::Find => Value::NULL,
                Kind::FindAll => RawArrayBuf::new().into(),
            });
        };
        let failed = |error: fancy_regex::Error| {
            location(
                51156,
                format!(
                    "Error occurred while executing the regular expression in {}: {error}",
                    self.name
                ),
            )
        };
        if self.kind == Kind::Match {
            return Ok(pattern.regex().is_match(text).map_err(failed)?.into());
        }
        let mut all = ArrayBuilder::new();
        let mut counted = Counted::default();
        for captures in pattern.regex().captures_iter(text) {
            let found = describe(&captures.map_err(failed)?, text, &mut counted);
            if self.kind == Kind::Find {
                return Ok(found.into());
            }
            all.push(RawBsonRef::Document(&found))?;
        }
        Ok(match self.kind {
            Kind::FindAll => all.finish(),
            _ => Value::NULL,
        })
    }

    fn visit<'e>(&'e self, visit: &mut dyn FnMut(&'e Expr)) {
        visit(&self.input);
        visit(&self.regex);
        self.options.iter().for_each(visit);
    }
}

/// How many characters lie before a byte, counted on from the last one asked for.
#[derive(Default)]
struct Counted {
    byte: usize,
    characters: usize,
}

impl Counted {
    fn characters_before(&mut self, byte: usize, text: &str) -> usize {
        let between = text.get(self.byte..byte).unwrap_or("");
        self.characters += between.chars().count();
        self.byte = byte;
        self.characters
    }
}

/// `{ match: …, idx: …, captures: […] }`, the index in characters.
fn describe(captures: &Captures<'_, str>, text: &str, counted: &mut Counted) -> RawDocumentBuf {
    let (whole, start) = captures
        .get(0)
        .map_or(("", 0), |whole| (whole.as_str(), whole.start()));
    let index = counted.characters_before(start, text);
    let mut groups = RawArrayBuf::new();
    for group in captures.iter().skip(1) {
        groups.push(group.map_or(RawBsonRef::Null, |group| RawBsonRef::String(group.as_str())));
    }
    let mut found = RawDocumentBuf::new();
    found.append(cstr!("match"), whole);
    found.append(cstr!("idx"), i32::try_from(index).unwrap_or(i32::MAX));
    found.append(cstr!("captures"), groups);
    found
}
