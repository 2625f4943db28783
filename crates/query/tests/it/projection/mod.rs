//! Projections: what they make of a document, or the code with which they are refused.

mod find;
mod fuzz;
mod model;
mod stage;

use bson::{Document, RawBson, RawBsonRef, RawDocument, RawDocumentBuf};
use document::ErrorCode;
use query::projection::{Compute, Projection};

/// An expression for the tests: a field's path without nesting, or a literal.
#[derive(Debug)]
enum Expression {
    Field(String),
    Literal(RawBson),
}

impl Compute for Expression {
    fn compute(
        &self,
        root: &RawDocument,
        sink: &mut dyn FnMut(RawBsonRef<'_>),
    ) -> query::Result<()> {
        match self {
            Self::Field(name) => root.get(name).ok().flatten().into_iter().for_each(sink),
            Self::Literal(value) => sink(value.as_raw_bson_ref()),
        }
        Ok(())
    }
}

fn expressions(expression: RawBsonRef<'_>) -> query::Result<Box<dyn Compute>> {
    Ok(Box::new(match expression {
        RawBsonRef::String(path) if path.starts_with('$') => {
            Expression::Field(path[1..].to_owned())
        }
        value => Expression::Literal(value.into()),
    }))
}

fn raw(document: &Document) -> RawDocumentBuf {
    RawDocumentBuf::try_from(document).expect("a document that BSON can hold")
}

fn find_at(
    spec: &Document,
    document: &Document,
    position: Option<usize>,
) -> Result<Document, ErrorCode> {
    let projected = Projection::parse(&raw(spec), &expressions)
        .and_then(|projection| projection.apply(&raw(document), position))
        .map_err(|error| error.code)?;
    document::validate(projected.as_bytes()).expect("a valid document");
    Ok(Document::try_from(&projected).expect("a valid document"))
}

/// Checks each `(specification, expected)` on one document: the values, and the order of fields.
#[track_caller]
fn check(document: &Document, cases: impl IntoIterator<Item = (Document, Document)>) {
    for (spec, expected) in cases {
        let projected = find_at(&spec, document, None);
        let projected = projected.unwrap_or_else(|code| panic!("{spec} is refused: {code:?}"));
        assert_eq!(raw(&projected), raw(&expected), "{spec}: {projected}");
    }
}

#[track_caller]
fn refused(cases: impl IntoIterator<Item = (Document, i32)>) {
    for (spec, code) in cases {
        let refusal = find_at(&spec, &bson::doc! {}, None);
        assert_eq!(refusal.map_err(ErrorCode::code), Err(code), "{spec}");
    }
}
