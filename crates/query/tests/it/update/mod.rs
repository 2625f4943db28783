//! Updates: what each operator makes of a document, or the code with which it refuses.

mod arrays;
mod fields;
mod fuzz;
mod limits;
mod model;
mod paths;
mod pipeline;
mod positional;
mod replacement;
mod upsert;

use bson::{Bson, DateTime, Document, RawBson, RawDocumentBuf, Timestamp};
use document::ErrorCode;
use query::update::{Outcome, Update, UpdateContext};

/// What a case expects.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Expected {
    Same,
    To(Document),
    Fails(ErrorCode),
}

pub(crate) fn same() -> Expected {
    Expected::Same
}

pub(crate) fn to(document: Document) -> Expected {
    Expected::To(document)
}

pub(crate) fn fails(code: ErrorCode) -> Expected {
    Expected::Fails(code)
}

pub(crate) fn raw(document: &Document) -> RawDocumentBuf {
    RawDocumentBuf::try_from(document).expect("a document that BSON can hold")
}

pub(crate) fn context() -> UpdateContext {
    UpdateContext {
        now: DateTime::from_millis(1_700_000_000_123),
        timestamp: Timestamp {
            time: 1_700_000_000,
            increment: 7,
        },
        is_insert: false,
        position: None,
    }
}

/// An update with everything that it may come with.
pub(crate) struct Case {
    pub(crate) update: Bson,
    pub(crate) filters: Vec<Document>,
    pub(crate) context: UpdateContext,
}

impl Case {
    pub(crate) fn new(update: impl Into<Bson>) -> Self {
        Self {
            update: update.into(),
            filters: Vec::new(),
            context: context(),
        }
    }

    pub(crate) fn parse(&self) -> query::Result<Update> {
        let filters: Vec<_> = self.filters.iter().map(raw).collect();
        let filters: Vec<_> = filters.iter().map(AsRef::as_ref).collect();
        let update = RawBson::try_from(self.update.clone()).expect("an update that BSON can hold");
        Update::parse(update.as_raw_bson_ref(), &filters)
    }

    pub(crate) fn apply(&self, document: &Document) -> Expected {
        let outcome = self
            .parse()
            .and_then(|update| update.apply(&raw(document), &self.context));
        match outcome {
            Ok(Outcome::Unchanged) => Expected::Same,
            Ok(Outcome::Changed(updated)) => {
                document::validate(updated.as_bytes()).expect("a valid document");
                Expected::To(Document::try_from(&updated).expect("a valid document"))
            }
            Err(error) => Expected::Fails(error.code),
        }
    }
}

/// Checks each `(document, update, expected)`.
#[track_caller]
pub(crate) fn check(cases: impl IntoIterator<Item = (Document, Document, Expected)>) {
    for (document, update, expected) in cases {
        let outcome = Case::new(update.clone()).apply(&document);
        assert_eq!(outcome, expected, "{update} applied to {document}");
        // `PartialEq` of documents takes types and values, and here the order of fields too.
        if let (Expected::To(outcome), Expected::To(expected)) = (outcome, expected) {
            assert!(outcome.keys().eq(expected.keys()), "{outcome}, {expected}");
        }
    }
}

/// The message of the refusal.
#[track_caller]
pub(crate) fn refusal(document: &Document, update: Document) -> String {
    Case::new(update)
        .parse()
        .and_then(|update| update.apply(&raw(document), &context()))
        .expect_err("a refusal")
        .message
}
