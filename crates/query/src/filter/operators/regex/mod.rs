//! `$regex` with `$options`, and regular expressions as values.
//!
//! MongoDB's expressions are PCRE's. `fancy-regex` runs most of them, in linear time where no
//! back-reference or look-around is involved and with a limit on backtracking elsewhere;
//! [`translate`] bridges the differences in syntax. What cannot be run is refused.

mod prefix;
mod translate;

use bson::RawBsonRef;
use document::ErrorCode;
use fancy_regex::{Regex, RegexBuilder};

use crate::filter::node::{Condition, Evaluation};
use crate::filter::parse::FieldOperator;
use crate::filter::test::Test;
use crate::{Error, Result};

/// The most bytes of a pattern. Source: the manual's page "$regex".
const MAX_PATTERN_BYTES: usize = 32_764;

/// How often one search may go back to try another alternative.
const BACKTRACK_LIMIT: usize = 200_000;

/// The most memory, in bytes, for one compiled pattern, and for the cache of its automaton.
const MAX_COMPILED_BYTES: usize = 4 * 1024 * 1024;

/// The most instructions of the backtracking machine for one pattern.
const MAX_INSTRUCTIONS: usize = 100_000;

/// `Location51091`: the pattern cannot be compiled.
const INVALID_PATTERN: ErrorCode = ErrorCode::Location(51091);
/// `Location51108`: an unknown letter among the options.
const INVALID_OPTION: ErrorCode = ErrorCode::Location(51108);
/// `Location51075`: options both in the regular expression and in `$options`.
const OPTIONS_TWICE: ErrorCode = ErrorCode::Location(51075);
/// `Location51156`: a search was given up.
const SEARCH_FAILED: ErrorCode = ErrorCode::Location(51156);

/// A compiled regular expression.
#[derive(Debug)]
pub(crate) struct Pattern {
    regex: Regex,
    pattern: String,
    options: String,
}

/// The options of a pattern.
#[derive(Debug, Default, Clone, Copy)]
struct Options {
    case_insensitive: bool,
    multi_line: bool,
    dot_all: bool,
    extended: bool,
}

impl Options {
    fn parse(letters: &str) -> Result<Self> {
        let mut options = Self::default();
        for letter in letters.chars() {
            match letter {
                'i' => options.case_insensitive = true,
                'm' => options.multi_line = true,
                's' => options.dot_all = true,
                'x' => options.extended = true,
                // Matching is by Unicode characters always.
                'u' => {}
                letter => {
                    return Err(Error::new(
                        INVALID_OPTION,
                        format!("invalid flag in regex options: {letter}"),
                    ));
                }
            }
        }
        Ok(options)
    }
}

impl Pattern {
    /// Compiles `pattern` with the letters of `options` (`i`, `m`, `s`, `x`, `u`).
    ///
    /// # Errors
    ///
    /// `Location51091` for a pattern that cannot be compiled, `Location51108` for an unknown
    /// option, `BadValue` for a null byte.
    pub(crate) fn new(pattern: &str, options: &str) -> Result<Self> {
        let flags = Options::parse(options)?;
        if pattern.contains('\0') {
            return Err(Error::bad_value(
                "Regular expression cannot contain an embedded null byte",
            ));
        }
        if pattern.len() > MAX_PATTERN_BYTES {
            return Err(Error::new(
                INVALID_PATTERN,
                format!(
                    "Regular expression is invalid: it has {} bytes, and the most is \
                     {MAX_PATTERN_BYTES}",
                    pattern.len()
                ),
            ));
        }
        let regex = RegexBuilder::new(&translate::translate(pattern, flags))
            .case_insensitive(flags.case_insensitive)
            .multi_line(flags.multi_line)
            .dot_matches_new_line(flags.dot_all)
            .ignore_whitespace(flags.extended)
            .backtrack_limit(BACKTRACK_LIMIT)
            .delegate_size_limit(MAX_COMPILED_BYTES)
            .delegate_dfa_size_limit(MAX_COMPILED_BYTES)
            .max_prog_size(MAX_INSTRUCTIONS)
            .build()
            .map_err(|error| {
                Error::new(
                    INVALID_PATTERN,
                    format!("Regular expression is invalid: {error}"),
                )
            })?;
        Ok(Self {
            regex,
            pattern: pattern.to_owned(),
            options: options.to_owned(),
        })
    }

    /// Whether `value` is a string that matches, or the same regular expression.
    pub(crate) fn matches(&self, value: RawBsonRef<'_>, evaluation: &mut Evaluation) -> bool {
        match value {
            RawBsonRef::String(text) | RawBsonRef::Symbol(text) => {
                self.regex.is_match(text).unwrap_or_else(|error| {
                    evaluation.fail(Error::new(
                        SEARCH_FAILED,
                        format!("Error in evaluating regular expression: {error}"),
                    ));
                    false
                })
            }
            RawBsonRef::RegularExpression(regex) => {
                regex.pattern.as_str() == self.pattern && regex.options.as_str() == self.options
            }
            _ => false,
        }
    }

    /// The compiled expression.
    pub(crate) const fn regex(&self) -> &Regex {
        &self.regex
    }

    /// The pattern as it was given.
    pub(crate) fn pattern(&self) -> &str {
        &self.pattern
    }

    /// The options as they were given.
    pub(crate) fn options(&self) -> &str {
        &self.options
    }

    /// What every string that matches begins with; empty if that is unknown.
    pub(crate) fn literal_prefix(&self) -> String {
        Options::parse(&self.options)
            .map(|options| prefix::literal_prefix(&self.pattern, options))
            .unwrap_or_default()
    }
}

pub(super) fn parse_regex(operator: FieldOperator<'_>) -> Result<Option<Condition>> {
    let sibling = match operator.siblings.get("$options").ok().flatten() {
        None => None,
        Some(RawBsonRef::String(options)) => Some(options),
        Some(_) => return Err(Error::bad_value("$options has to be a string")),
    };
    let (pattern, own) = match operator.argument {
        RawBsonRef::String(pattern) => (pattern, ""),
        RawBsonRef::RegularExpression(regex) => (regex.pattern.as_str(), regex.options.as_str()),
        _ => return Err(Error::bad_value("$regex has to be a string")),
    };
    if sibling.is_some() && !own.is_empty() {
        return Err(Error::new(
            OPTIONS_TWICE,
            "options set in both $regex and $options",
        ));
    }
    let pattern = Pattern::new(pattern, sibling.unwrap_or(own))?;
    Ok(Some(Condition::Test(Test::Regex(pattern))))
}

/// `$options` says something only to the `$regex` beside it, which reads it.
pub(super) fn parse_options(operator: FieldOperator<'_>) -> Result<Option<Condition>> {
    match operator.siblings.get("$regex") {
        Ok(Some(_)) => Ok(None),
        _ => Err(Error::bad_value("$options needs a $regex")),
    }
}
