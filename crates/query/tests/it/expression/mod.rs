//! Expressions against documents: `scenarios/*.json` say what they evaluate to.

mod fuzz;

use bson::raw::RawBson;
use bson::{Bson, DateTime, Document, RawDocumentBuf, rawdoc};
use query::expression::{Dependencies, EvalContext, Expr, ParseContext};
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

#[test]
fn the_fields_that_are_read_are_known() {
    let read = |expression: RawDocumentBuf| {
        let mut dependencies = Dependencies::default();
        let value = bson::RawBsonRef::Document(&expression);
        Expr::parse(value, &context())
            .unwrap()
            .add_dependencies(&mut dependencies);
        (
            dependencies.paths.into_iter().collect::<Vec<_>>(),
            dependencies.whole_document,
        )
    };
    let expression = rawdoc! {
        "x": { "$add": ["$a.b", { "$literal": "$no" }] },
        "y": { "$map": { "input": "$list", "in": { "$concat": ["$$this.z", "$$ROOT.c"] } } },
        "z": { "$cond": ["$d", "$$NOW", { "$trim": { "input": "$e" } }] },
    };
    let expected = ["a.b", "c", "d", "e", "list"].map(str::to_owned).to_vec();
    assert_eq!(read(expression), (expected, false));
    assert_eq!(
        read(rawdoc! { "$mergeObjects": ["$$ROOT", { "a": 1 }] }),
        (Vec::new(), true)
    );
}

#[test]
fn the_variables_of_a_command_are_constants() {
    let code = |variables: RawDocumentBuf| {
        let error = context().with_let(&variables).unwrap_err();
        error.code.code()
    };
    assert_eq!(code(rawdoc! { "Upper": 1 }), 9);
    assert_eq!(code(rawdoc! { "a": { "$divide": [1, 0] } }), 2);
    let variables = rawdoc! { "a": { "$add": [1, "$$outer"] }, "gone": "$field" };
    let context = context().with_let(&variables).unwrap();
    let expression = rawdoc! { "a": "$$a", "gone": "$$gone", "outer": "$$outer" };
    let expression = Expr::parse(bson::RawBsonRef::Document(&expression), &context).unwrap();
    let document = rawdoc! { "field": 1 };
    let value = expression.eval(&EvalContext::new(&document)).unwrap();
    assert_eq!(
        value.as_document().unwrap(),
        &*rawdoc! { "a": 8, "outer": 7 }
    );
}
