//! Expressions against documents: `scenarios/*.json` say what they evaluate to.

mod fuzz;

use bson::raw::RawBson;
use bson::{Bson, DateTime, Document, RawDocumentBuf};
use query::expression::{EvalContext, Expr, ParseContext};
use serde::Deserialize;

/// A document, and what expressions make of it, in Extended JSON. A case is `[expression, value]`;
/// `[expression]` if the value is missing; `[expression, null, code]` if it is refused.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Scenario {
    name: String,
    #[serde(default)]
    document: Document,
    cases: Vec<Vec<Bson>>,
}

/// `$$NOW` in the scenarios.
pub(crate) fn context() -> ParseContext {
    ParseContext::new(DateTime::from_millis(1_700_000_000_000))
        .with_variables([("outer".to_owned(), Some(RawBson::Int32(7)))])
}

fn check(text: &str) {
    let scenarios: Vec<Scenario> = serde_json::from_str(text).unwrap();
    let mut failures = Vec::new();
    for scenario in &scenarios {
        let document = RawDocumentBuf::try_from(&scenario.document).unwrap();
        for case in &scenario.cases {
            if let Err(failure) = check_case(&document, case) {
                failures.push(format!("{}: {}\n    {failure}", scenario.name, case[0]));
            }
        }
    }
    assert!(failures.is_empty(), "\n{}", failures.join("\n"));
}

fn check_case(document: &RawDocumentBuf, case: &[Bson]) -> Result<(), String> {
    let expression = RawBson::try_from(case[0].clone()).unwrap();
    let result = Expr::parse(expression.as_raw_bson_ref(), &context()).and_then(|expression| {
        Ok(expression
            .eval(&EvalContext::new(document))?
            .into_owned()
            .into_raw())
    });
    match (case, result) {
        ([_], Ok(None)) => Ok(()),
        ([_, expected], Ok(Some(value))) => {
            let value = Bson::try_from(value).unwrap();
            // As text, so that NaN equals itself.
            if format!("{value:?}") == format!("{expected:?}") {
                Ok(())
            } else {
                Err(format!("is {value:?}, not {expected:?}"))
            }
        }
        ([_, _, Bson::Int32(code)], Err(error)) if error.code.code() == *code => Ok(()),
        (_, other) => Err(format!("{other:?}")),
    }
}

macro_rules! scenarios {
    ($($name:ident,)*) => {
        $(#[test]
        fn $name() {
            check(include_str!(concat!("scenarios/", stringify!($name), ".json")));
        })*
    };
}

scenarios! {
    paths,
    arithmetic,
    conditions,
    strings,
    arrays,
    objects,
    dates,
    conversions,
}
