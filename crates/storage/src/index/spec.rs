//! What an index is created with.

use std::sync::Arc;

use bson::raw::{RawBson, cstr};
use bson::{RawBsonRef, RawDocument, RawDocumentBuf, rawdoc};
use document::limits::MAX_INDEX_FIELDS;
use document::{ErrorCode, Number};

use crate::error::{Error, Result};

/// Decides whether a document is in a partial index.
pub trait PartialFilter: Send + Sync {
    /// Whether `document` matches the `partialFilterExpression`.
    fn matches(&self, document: &RawDocument) -> bool;
}

/// Makes a [`PartialFilter`] of a `partialFilterExpression`, or says why not. Also called when a
/// database is opened, for the expressions that it accepted before.
pub type PartialFilterCompiler =
    Arc<dyn Fn(&RawDocument) -> Result<Arc<dyn PartialFilter>, String> + Send + Sync>;

/// One field of a key pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexField {
    /// The dotted path.
    pub path: String,
    /// `-1` in the key pattern.
    pub descending: bool,
}

/// An index's specification: one document of `createIndexes`'s `indexes`.
#[derive(Debug, Clone, PartialEq)]
pub struct IndexSpec {
    /// The name, unique in the collection.
    pub name: String,
    /// The fields, in order.
    pub fields: Vec<IndexField>,
    /// `unique`.
    pub unique: bool,
    /// `sparse`.
    pub sparse: bool,
    /// `hidden`.
    pub hidden: bool,
    /// `expireAfterSeconds`, of a TTL index.
    pub expire_after_seconds: Option<i64>,
    /// `partialFilterExpression`.
    pub partial_filter_expression: Option<RawDocumentBuf>,
    /// The whole specification as `listIndexes` lists it: `v`, `key`, `name` and the options.
    pub document: RawDocumentBuf,
    pub(crate) key_pattern: RawDocumentBuf,
}

/// The longest time to live, in seconds: what fits 32 bits.
const MAX_EXPIRE_AFTER_SECONDS: i64 = i32::MAX as i64;

impl IndexSpec {
    /// Reads a specification. Refuses, with MongoDB's codes, what is malformed, what is not known
    /// (`InvalidIndexSpecificationOption`) and what is not supported (`CannotCreateIndex`: text,
    /// hashed, geospatial and wildcard indexes, collations other than the simple one).
    pub fn parse(specification: &RawDocument) -> Result<Self> {
        let mut name = None;
        let mut key = None;
        let mut options = Options::default();
        for element in specification.iter_elements() {
            let element = element.map_err(|_| malformed("the specification is not a document"))?;
            let value = element
                .value()
                .map_err(|_| malformed("the specification is not a document"))?;
            match (element.key().as_str(), value) {
                ("key", RawBsonRef::Document(pattern)) => key = Some(pattern),
                ("name", RawBsonRef::String(text)) => name = Some(text),
                ("key" | "name", other) => return Err(wrong_type(element.key().as_str(), other)),
                (option, value) => options.read(option, value)?,
            }
        }
        let key = key.ok_or_else(|| {
            Error::refused(
                ErrorCode::FailedToParse,
                "The 'key' field is a required property of an index specification",
            )
        })?;
        let name = name.ok_or_else(|| {
            Error::refused(
                ErrorCode::FailedToParse,
                "The 'name' field is a required property of an index specification",
            )
        })?;
        if name.is_empty() || name == "*" || name.contains('\0') {
            return Err(cannot_create(format!(
                "The index name '{name}' is not valid"
            )));
        }
        let fields = parse_key_pattern(key)?;
        let is_id =
            matches!(fields.as_slice(), [field] if field.path == "_id" && !field.descending);
        if is_id {
            return options.for_id_index(name);
        }
        if name == "_id_" {
            return Err(cannot_create(
                "The index name '_id_' is reserved for the _id index",
            ));
        }
        if options.expire_after_seconds.is_some() && fields.len() > 1 {
            return Err(cannot_create(
                "TTL indexes are single-field indexes, compound indexes do not support TTL",
            ));
        }
        if options.sparse && options.partial_filter_expression.is_some() {
            return Err(cannot_create(
                "cannot mix \"partialFilterExpression\" and \"sparse\" options",
            ));
        }
        Ok(options.into_spec(name, key, fields))
    }

    /// The `_id_` index.
    pub fn id_index() -> Self {
        let key = rawdoc! { "_id": 1 };
        let fields = vec![IndexField {
            path: "_id".to_owned(),
            descending: false,
        }];
        let mut spec = Options::default().into_spec("_id_", &key, fields);
        spec.unique = true;
        spec
    }

    /// The key pattern, `{a: 1, b: -1}`.
    pub fn key_pattern(&self) -> &RawDocument {
        &self.key_pattern
    }

    /// Whether this is `_id_`.
    pub fn is_id_index(&self) -> bool {
        self.name == "_id_"
    }

    /// What makes two indexes the same one in MongoDB's eyes, apart from the name.
    pub(crate) fn is_equivalent(&self, other: &Self) -> bool {
        self.fields == other.fields
            && self.unique == other.unique
            && self.sparse == other.sparse
            && self.partial_filter_expression == other.partial_filter_expression
    }

    /// Whether the other one asks for the very same.
    pub(crate) fn is_identical(&self, other: &Self) -> bool {
        self.is_equivalent(other)
            && self.name == other.name
            && self.hidden == other.hidden
            && self.expire_after_seconds == other.expire_after_seconds
    }
}

/// The options besides the key and the name.
#[derive(Default)]
struct Options {
    unique: bool,
    sparse: bool,
    hidden: bool,
    expire_after_seconds: Option<i64>,
    partial_filter_expression: Option<RawDocumentBuf>,
}

impl Options {
    fn read(&mut self, option: &str, value: RawBsonRef<'_>) -> Result<()> {
        match option {
            "unique" => self.unique = truth(option, value)?,
            "sparse" => self.sparse = truth(option, value)?,
            "hidden" => self.hidden = truth(option, value)?,
            "expireAfterSeconds" => {
                // What is not a number of seconds expires as late as possible, as in MongoDB.
                let number = Number::from_raw(&value).ok_or_else(|| wrong_type(option, value))?;
                let seconds = if number.is_nan() {
                    MAX_EXPIRE_AFTER_SECONDS
                } else {
                    number.to_i64_exact().unwrap_or(number.to_f64() as i64)
                };
                if !(0..=MAX_EXPIRE_AFTER_SECONDS).contains(&seconds) {
                    return Err(cannot_create(format!(
                        "TTL index 'expireAfterSeconds' option must be within an acceptable \
                         range, try a different number than {seconds}"
                    )));
                }
                self.expire_after_seconds = Some(seconds);
            }
            "partialFilterExpression" => match value {
                RawBsonRef::Document(filter) => {
                    self.partial_filter_expression = Some(filter.to_owned());
                }
                other => return Err(wrong_type(option, other)),
            },
            "collation" => match value {
                RawBsonRef::Document(collation)
                    if collation
                        .get_str("locale")
                        .is_ok_and(|locale| locale == "simple") => {}
                RawBsonRef::Document(_) => {
                    return Err(cannot_create(
                        "index collations other than {locale: \"simple\"} are not supported",
                    ));
                }
                other => return Err(wrong_type(option, other)),
            },
            // Versions 1 and 2 hold the same; `background` means nothing since MongoDB 4.2, and
            // older drivers send the namespace.
            "v" => match Number::from_raw(&value).and_then(Number::to_i64_exact) {
                Some(1 | 2) => {}
                _ => {
                    return Err(cannot_create(
                        "Invalid index specification: 'v' must be 1 or 2",
                    ));
                }
            },
            "background" | "ns" => {}
            "2dsphereIndexVersion"
            | "bits"
            | "bucketSize"
            | "default_language"
            | "language_override"
            | "max"
            | "min"
            | "textIndexVersion"
            | "weights"
            | "wildcardProjection"
            | "dropDups"
            | "storageEngine"
            | "clustered"
            | "prepareUnique" => {
                return Err(cannot_create(format!(
                    "the index option '{option}' is not supported"
                )));
            }
            _ => {
                return Err(Error::refused(
                    ErrorCode::InvalidIndexSpecificationOption,
                    format!(
                        "The field '{option}' is not valid for an index specification: it is not \
                         an option of createIndexes"
                    ),
                ));
            }
        }
        Ok(())
    }

    /// The specification of `_id_`, which takes no options but may be asked for.
    fn for_id_index(self, name: &str) -> Result<IndexSpec> {
        if self.sparse
            || self.hidden
            || self.expire_after_seconds.is_some()
            || self.partial_filter_expression.is_some()
        {
            return Err(Error::refused(
                ErrorCode::InvalidIndexSpecificationOption,
                "The _id index takes no options: 'sparse', 'hidden', 'expireAfterSeconds' and \
                 'partialFilterExpression' are not valid for it",
            ));
        }
        // Whatever name it is asked for under, as in MongoDB.
        let _ = name;
        Ok(IndexSpec::id_index())
    }

    fn into_spec(self, name: &str, key: &RawDocument, fields: Vec<IndexField>) -> IndexSpec {
        let mut document = RawDocumentBuf::new();
        document.append(cstr!("v"), 2);
        document.append(cstr!("key"), key);
        document.append(cstr!("name"), name);
        if self.unique {
            document.append(cstr!("unique"), true);
        }
        if self.sparse {
            document.append(cstr!("sparse"), true);
        }
        if self.hidden {
            document.append(cstr!("hidden"), true);
        }
        if let Some(seconds) = self.expire_after_seconds {
            let seconds = i32::try_from(seconds).map_or(RawBson::Int64(seconds), RawBson::Int32);
            document.append(cstr!("expireAfterSeconds"), seconds);
        }
        if let Some(filter) = &self.partial_filter_expression {
            document.append(cstr!("partialFilterExpression"), filter.as_ref());
        }
        IndexSpec {
            name: name.to_owned(),
            fields,
            unique: self.unique,
            sparse: self.sparse,
            hidden: self.hidden,
            expire_after_seconds: self.expire_after_seconds,
            partial_filter_expression: self.partial_filter_expression,
            document,
            key_pattern: key.to_owned(),
        }
    }
}

fn parse_key_pattern(key: &RawDocument) -> Result<Vec<IndexField>> {
    let mut fields = Vec::<IndexField>::new();
    for element in key.iter().map_while(Result::ok) {
        let (path, direction) = (element.0.as_str(), element.1);
        let descending = match Number::from_raw(&direction) {
            Some(number) if number.is_nan() || number.is_zero() => {
                return Err(cannot_create(
                    "Values in the index key pattern cannot be 0: 1 is ascending, -1 descending",
                ));
            }
            Some(number) => number < Number::Int32(0),
            None => match direction {
                RawBsonRef::String(kind) => {
                    return Err(cannot_create(format!(
                        "indexes of type '{kind}' are not supported: the values of a key pattern \
                         are 1 and -1"
                    )));
                }
                other => {
                    return Err(cannot_create(format!(
                        "Values in v:2 index key pattern cannot be of type {}. Only numbers > 0, \
                         numbers < 0, and strings are allowed.",
                        document::types::type_name(&other)
                    )));
                }
            },
        };
        if path.is_empty() || path.split('.').any(str::is_empty) {
            return Err(cannot_create("Index keys cannot contain an empty field."));
        }
        if path == "$**" || path.ends_with(".$**") {
            return Err(cannot_create("wildcard indexes are not supported"));
        }
        if path
            .split('.')
            .any(|part| part.starts_with('$') && !matches!(part, "$id" | "$db" | "$ref"))
        {
            return Err(cannot_create(
                "Index key contains an illegal field name: field name starts with '$'.",
            ));
        }
        if fields.iter().any(|field| field.path == path) {
            return Err(cannot_create(format!(
                "the field '{path}' appears twice in the index key pattern"
            )));
        }
        fields.push(IndexField {
            path: path.to_owned(),
            descending,
        });
    }
    if fields.is_empty() {
        return Err(cannot_create("Index keys cannot be empty."));
    }
    if fields.len() > MAX_INDEX_FIELDS {
        return Err(cannot_create(format!(
            "Index key pattern too large: got {} fields, the most is {MAX_INDEX_FIELDS}",
            fields.len()
        )));
    }
    Ok(fields)
}

/// Booleans, and numbers as MongoDB takes them for booleans.
fn truth(option: &str, value: RawBsonRef<'_>) -> Result<bool> {
    match value {
        RawBsonRef::Boolean(value) => Ok(value),
        _ => Number::from_raw(&value)
            .map(|number| !number.is_zero())
            .ok_or_else(|| wrong_type(option, value)),
    }
}

fn wrong_type(field: &str, got: RawBsonRef<'_>) -> Error {
    Error::refused(
        ErrorCode::TypeMismatch,
        format!(
            "The field '{field}' of an index specification has the wrong type '{}'",
            document::types::type_name(&got)
        ),
    )
}

fn cannot_create(message: impl Into<String>) -> Error {
    Error::refused(ErrorCode::CannotCreateIndex, message)
}

fn malformed(message: &str) -> Error {
    Error::refused(ErrorCode::FailedToParse, message)
}
