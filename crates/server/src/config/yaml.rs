//! The configuration file: YAML sections as `mongod.conf` has them.
//!
//! The file is read event by event instead of through `serde`, for three reasons: every scalar keeps
//! its text (`keyIdentifier: 0012` is not the number 12), every complaint can name the full key and its
//! line, and no library's error message quotes the file, which may hold a password.

use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use serde_saphyr::granit_parser::{Event, Parser, ScalarStyle, ScanError, Span, StrInput};
use zeroize::Zeroizing;

use super::error::Error;
use super::known::{self, SET_PARAMETER};
use super::place::Place;
use super::settings::Settings;
use super::value::Value;
use super::{suggest, unsupported};

/// Largest configuration file, in bytes. A longer one is some other file.
pub const MAX_FILE_BYTES: u64 = 1024 * 1024;

/// Deepest nesting of sections. `mongod`'s deepest option has five.
const MAX_DEPTH: usize = 16;

/// Reads the file.
///
/// # Errors
/// The file cannot be read, is not YAML, or has an option that is unknown, unsupported, given twice or
/// of a wrong value. Messages never quote the file beyond the names of keys and the values of options
/// that are not secret.
pub(super) fn read(path: &Path) -> Result<Settings, Error> {
    let unreadable = |source| Error::FileUnreadable {
        path: path.to_owned(),
        source,
    };
    let file = std::fs::File::open(path).map_err(unreadable)?;
    let mut bytes = Zeroizing::new(Vec::new());
    file.take(MAX_FILE_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(unreadable)?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(unreadable(std::io::Error::new(
            std::io::ErrorKind::FileTooLarge,
            format!("it is longer than {MAX_FILE_BYTES} bytes; is it a configuration file?"),
        )));
    }
    let text = std::str::from_utf8(&bytes).map_err(|error| {
        let valid = bytes.get(..error.valid_up_to()).unwrap_or_default();
        syntax(
            path,
            1 + valid.iter().filter(|byte| **byte == b'\n').count(),
            1,
            "it is not UTF-8",
        )
    })?;
    parse(text, path)
}

/// Reads the text of a file; `path` is for messages.
pub(super) fn parse(text: &str, path: &Path) -> Result<Settings, Error> {
    let mut reader = Reader {
        parser: Parser::new_from_str(text),
        path: Arc::from(path),
        settings: Settings::default(),
    };
    match reader.root() {
        // What looks like YAML's fault is more often a file of before 2013.
        Err(Error::FileSyntax { path, line, column, .. }) if is_ini(text) => Err(Error::FileSyntax {
            path,
            line,
            column,
            problem: "it is in the old `option = value` form; write it as YAML sections (storage:, net:, security:)"
                .to_owned(),
        }),
        Err(error) => Err(error),
        Ok(()) => Ok(reader.settings),
    }
}

/// Whether every line with content is `word = value`.
fn is_ini(text: &str) -> bool {
    let mut lines = text
        .lines()
        .map(str::trim)
        .filter(|l| !l.is_empty() && !l.starts_with('#'))
        .peekable();
    lines.peek().is_some()
        && lines.all(|line| {
            line.split_once('=')
                .is_some_and(|(name, _)| !name.contains(':'))
        })
}

fn syntax(path: &Path, line: usize, column: usize, problem: &str) -> Error {
    Error::FileSyntax {
        path: path.to_owned(),
        line,
        column,
        problem: problem.to_owned(),
    }
}

struct Reader<'t> {
    parser: Parser<'t, StrInput<'t>>,
    path: Arc<Path>,
    settings: Settings,
}

impl<'t> Reader<'t> {
    fn root(&mut self) -> Result<(), Error> {
        let mut documents = 0_usize;
        loop {
            let (event, span) = self.next()?;
            match event {
                Event::StreamStart | Event::DocumentEnd => {}
                Event::StreamEnd => return Ok(()),
                Event::DocumentStart(..) => {
                    documents += 1;
                    if documents > 1 {
                        return Err(self.at(&span, "it has more than one document; keep one"));
                    }
                }
                Event::MappingStart(..) => self.section("", 0)?,
                Event::Scalar(text, style, ..) if is_null(&text, style) => {}
                _ => return Err(self.at(&span, "expected sections such as `storage:` and `net:`")),
            }
        }
    }

    /// The keys of a mapping that has been entered.
    fn section(&mut self, prefix: &str, depth: usize) -> Result<(), Error> {
        loop {
            let (event, span) = self.next()?;
            let name = match event {
                Event::MappingEnd => return Ok(()),
                Event::Scalar(text, ..) => text.into_owned(),
                _ => return Err(self.at(&span, "a key must be a word")),
            };
            if depth >= MAX_DEPTH {
                return Err(self.at(&span, "it is nested too deeply"));
            }
            // `storage.dbPath: x` in one line is the same as two levels, as in mongod.
            let key = if prefix.is_empty() {
                name
            } else {
                format!("{prefix}.{name}")
            };
            let place = Place::key(key.clone(), &self.path, span.start.line());
            self.entry(&key, place, depth)?;
        }
    }

    fn entry(&mut self, key: &str, place: Place, depth: usize) -> Result<(), Error> {
        let (event, span) = self.next()?;
        match event {
            Event::Scalar(text, style, ..) => self.scalar(key, text.into_owned(), style, place),
            Event::MappingStart(..) => self.mapping(key, place, depth),
            Event::Alias(..) => Err(self.at(
                &span,
                "anchors and aliases are not supported; write the value out",
            )),
            _ => {
                self.must_be_known(key, &place)?;
                Err(Error::InvalidValue {
                    place,
                    expected: "one value, not a list".into(),
                    got: None,
                })
            }
        }
    }

    fn scalar(
        &mut self,
        key: &str,
        text: String,
        style: ScalarStyle,
        place: Place,
    ) -> Result<(), Error> {
        let null = is_null(&text, style);
        // A section whose lines are all commented out.
        if null && (known::is_section(key) || SET_PARAMETER.strip_suffix('.') == Some(key)) {
            return Ok(());
        }
        let known = self.must_be_known(key, &place)?;
        if null {
            return Err(Error::InvalidValue {
                place,
                expected: "a value".into(),
                got: None,
            });
        }
        let value = Value::parse(known, text, &place)?;
        self.settings.add(known, value, place)
    }

    fn mapping(&mut self, key: &str, place: Place, depth: usize) -> Result<(), Error> {
        if known::is_section(key) {
            return self.section(key, depth + 1);
        }
        if known::by_path(key).is_some() {
            // mongod's `__exec` and `__rest` replace a value by the output of something.
            return Err(Error::InvalidValue {
                place,
                expected: "one value (directives such as __exec and __rest are not supported)"
                    .into(),
                got: None,
            });
        }
        // A section that only mongod has: say which of its options is meant, if there is one.
        if let (Event::Scalar(name, ..), span) = self.next()? {
            let key = format!("{key}.{name}");
            let place = Place::key(key.clone(), &self.path, span.start.line());
            return self.must_be_known(&key, &place).map(|_| ());
        }
        self.must_be_known(key, &place).map(|_| ())
    }

    fn must_be_known(&self, key: &str, place: &Place) -> Result<&'static known::Known, Error> {
        if let Some(known) = known::by_path(key) {
            return Ok(known);
        }
        Err(if let Some(reason) = unsupported::by_path(key) {
            Error::UnsupportedOption {
                place: place.clone(),
                value: None,
                reason,
            }
        } else if known::is_section(key) {
            Error::InvalidValue {
                place: place.clone(),
                expected: "a section with options of its own, indented below it".into(),
                got: None,
            }
        } else {
            Error::UnknownOption {
                place: place.clone(),
                suggestion: suggest::key(key),
            }
        })
    }

    fn next(&mut self) -> Result<(Event<'t>, Span), Error> {
        loop {
            match self.parser.next_event() {
                Some(Ok((Event::Comment(..), _))) => {}
                Some(Ok((event, span))) => return Ok((event, span)),
                Some(Err(error)) => return Err(self.scan(&error)),
                None => return Ok((Event::StreamEnd, Span::default())),
            }
        }
    }

    /// The scanner's own words, which name tokens and never quote the text.
    fn scan(&self, error: &ScanError) -> Error {
        use serde_saphyr::granit_parser::ErrorKind;
        let problem = match error.kind() {
            // One character of what may be a password would be one too many.
            ErrorKind::UnexpectedCharacter { .. } => {
                "a value starts with a character that has a meaning in YAML; put the value in quotes".to_owned()
            }
            ErrorKind::Custom(_) | ErrorKind::InputIo { .. } | ErrorKind::InputDecoding { .. } => {
                "it cannot be scanned".to_owned()
            }
            kind => kind.to_string(),
        };
        syntax(
            &self.path,
            error.marker().line(),
            error.marker().col() + 1,
            &problem,
        )
    }

    fn at(&self, span: &Span, problem: &str) -> Error {
        syntax(&self.path, span.start.line(), span.start.col() + 1, problem)
    }
}

fn is_null(text: &str, style: ScalarStyle) -> bool {
    style == ScalarStyle::Plain && matches!(text, "" | "~" | "null" | "Null" | "NULL")
}
