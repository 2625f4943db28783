//! Filters against documents: `scenarios/*.json` say what passes.

mod fuzz;
mod properties;

use bson::{Document, RawDocumentBuf};
use query::filter::Matcher;
use serde::Deserialize;

/// Documents, and which of them each filter lets pass.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Scenario {
    name: String,
    documents: Vec<Document>,
    cases: Vec<Case>,
}

/// In Extended JSON. Either `ids`, or `error` as code and part of the message.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    filter: Document,
    ids: Option<Vec<bson::Bson>>,
    error: Option<(i32, String)>,
}

pub(crate) fn raw(document: &Document) -> RawDocumentBuf {
    RawDocumentBuf::try_from(document).unwrap()
}

fn check(text: &str) {
    let scenarios: Vec<Scenario> = serde_json::from_str(text).unwrap();
    let mut failures = Vec::new();
    for scenario in &scenarios {
        for case in &scenario.cases {
            if let Err(failure) = check_case(scenario, case) {
                failures.push(format!("{}: {}\n    {failure}", scenario.name, case.filter));
            }
        }
    }
    assert!(failures.is_empty(), "\n{}", failures.join("\n"));
}

fn check_case(scenario: &Scenario, case: &Case) -> Result<(), String> {
    let matcher = match (Matcher::parse(&raw(&case.filter)), &case.error) {
        (Ok(matcher), None) => matcher,
        (Ok(_), Some(_)) => return Err("was accepted".to_owned()),
        (Err(error), None) => return Err(format!("refused: {error}")),
        (Err(error), Some((code, part))) => {
            return if error.code.code() == *code && error.message.contains(part.as_str()) {
                Ok(())
            } else {
                Err(format!("refused with {}: {error}", error.code.code()))
            };
        }
    };
    let passed: Vec<bson::Bson> = scenario
        .documents
        .iter()
        .filter(|document| matcher.matches(&raw(document)).unwrap())
        .map(|document| document.get("_id").unwrap().clone())
        .collect();
    let expected = case.ids.as_ref().expect("a case has ids or an error");
    if passed == *expected {
        Ok(())
    } else {
        Err(format!("passed {passed:?}, expected {expected:?}"))
    }
}

macro_rules! scenarios {
    ($($name:ident,)*) => {
        $(
            #[test]
            fn $name() {
                check(include_str!(concat!("scenarios/", stringify!($name), ".json")));
            }
        )*

        #[test]
        fn every_scenario_file_is_run() {
            let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/filter/scenarios");
            for entry in std::fs::read_dir(directory).unwrap() {
                let name = entry.unwrap().file_name().into_string().unwrap();
                assert!(
                    [$(concat!(stringify!($name), ".json"),)*].contains(&name.as_str()),
                    "{name} is not in the list"
                );
            }
        }
    };
}

scenarios! {
    arrays,
    bits,
    comparison,
    elem_match,
    embedded,
    errors,
    exists_and_type,
    logical,
    null_and_missing,
    numbers,
    regex,
    sets,
}

/// The index that `$` stands for in updates and projections.
#[test]
fn finds_the_position_of_the_matched_element() {
    use bson::doc;
    let cases = [
        (doc! { "a": 2 }, doc! { "a": [1, 2, 2] }, Some(1)),
        (doc! { "a": { "$gt": 1 } }, doc! { "a": [1, 2, 3] }, Some(1)),
        (
            doc! { "a": { "$in": [3, 9] } },
            doc! { "a": [1, 2, 3] },
            Some(2),
        ),
        (
            doc! { "a.b": 2 },
            doc! { "a": [{ "b": 1 }, { "b": [7, 2] }] },
            Some(1),
        ),
        (
            doc! { "a": { "$elemMatch": { "b": { "$gte": 2 }, "c": 1 } } },
            doc! { "a": [{ "b": 2 }, { "b": 1, "c": 1 }, { "b": 3, "c": 1 }] },
            Some(2),
        ),
        (
            doc! { "a": { "$elemMatch": { "$gte": 2, "$lt": 3 } } },
            doc! { "a": [1, 3, 2] },
            Some(2),
        ),
        (
            doc! { "_id": 1, "a": 3 },
            doc! { "_id": 1, "a": [1, 2, 3] },
            Some(2),
        ),
        (
            doc! { "$or": [{ "a": 1, "b": 0 }, { "a": 3 }] },
            doc! { "a": [1, 2, 3], "b": 1 },
            Some(2),
        ),
        (
            doc! { "a": { "$all": [3] } },
            doc! { "a": [1, 2, 3] },
            Some(2),
        ),
        (doc! { "a": 1 }, doc! { "a": 1 }, None),
        (doc! { "a": [1] }, doc! { "a": [1] }, None),
        (doc! { "a.1": 2 }, doc! { "a": [1, 2] }, None),
        (doc! { "a": { "$ne": 5 } }, doc! { "a": [1, 2] }, None),
        (
            doc! { "a": { "$not": { "$gt": 5 } } },
            doc! { "a": [1, 2] },
            None,
        ),
    ];
    for (filter, document, position) in cases {
        let matcher = Matcher::parse(&raw(&filter)).unwrap();
        assert_eq!(
            matcher.matches_with_position(&raw(&document)).unwrap(),
            (true, position),
            "{filter} on {document}"
        );
    }
    let matcher = Matcher::parse(&raw(&doc! { "a": 2, "b": 1 })).unwrap();
    let outcome = matcher.matches_with_position(&raw(&doc! { "a": [1, 2] }));
    assert_eq!(outcome.unwrap(), (false, None));
}

#[test]
fn lists_the_equalities_that_an_upsert_starts_from() {
    let filter = bson::doc! {
        "a": 1, "b.c": { "$eq": "x" }, "d": { "$gt": 1 }, "e": { "$in": [5] },
        "f": { "$in": [5, 6] }, "$and": [{ "g": 1 }, { "h": { "$all": [2] } }],
        "$or": [{ "i": 1 }], "j": { "$not": { "$eq": 1 } }, "k": bson::Bson::Null,
        "l": { "$elemMatch": { "m": 1 } },
    };
    let matcher = Matcher::parse(&raw(&filter)).unwrap();
    let paths: Vec<&str> = matcher
        .equalities()
        .into_iter()
        .map(|(path, _)| path)
        .collect();
    assert_eq!(paths, ["a", "b.c", "e", "g", "h", "i", "k"]);
}

#[test]
fn asks_array_filters_about_an_element() {
    use bson::raw::RawBsonRef;
    let parse = |filter| Matcher::parse(&raw(&filter)).unwrap();
    let matcher = parse(bson::doc! { "elem.grade": { "$gte": 85 }, "elem.mean": 90 });
    assert_eq!(
        matcher.root_fields().into_iter().collect::<Vec<_>>(),
        ["elem"]
    );
    let yes = bson::rawdoc! { "grade": 90, "mean": 90 };
    let no = bson::rawdoc! { "grade": 80, "mean": 90 };
    assert!(matcher.matches_root(RawBsonRef::Document(&yes)).unwrap());
    assert!(!matcher.matches_root(RawBsonRef::Document(&no)).unwrap());
    assert!(!matcher.matches_root(RawBsonRef::Int32(85)).unwrap());
    let matcher = parse(bson::doc! { "$or": [{ "x": { "$gt": 10 } }, { "x": 1 }] });
    assert!(matcher.matches_root(RawBsonRef::Int32(11)).unwrap());
    assert!(!matcher.matches_root(RawBsonRef::Int32(5)).unwrap());
}

#[test]
fn element_matchers_say_what_pull_removes() {
    use query::filter::ElementMatcher;
    let document = bson::rawdoc! {
        "gte": { "$gte": 3 }, "doc": { "a": 1 }, "value": 3, "list": [1, 2],
        "int": 3, "match": { "b": 0, "a": [1, 2] }, "none": { "a": 2 }, "array": [1, 2],
    };
    let get = |name: &str| document.get(name).unwrap().unwrap();
    let cases = [
        ("gte", "int", true),
        ("gte", "array", false),
        ("doc", "match", true),
        ("doc", "none", false),
        ("doc", "int", false),
        ("value", "int", true),
        ("list", "array", true),
        ("list", "int", false),
    ];
    for (condition, value, expected) in cases {
        let matcher = ElementMatcher::pull(get(condition)).unwrap();
        let matched = matcher.matches(get(value)).unwrap();
        assert_eq!(matched, expected, "{condition} on {value}");
    }
}

#[test]
fn expr_is_compiled_by_the_factory_and_its_failure_is_told() {
    use bson::{RawBsonRef, RawDocument};
    use query::filter::Predicate;
    use query::{Error, Result};

    struct Field(String);
    impl Predicate for Field {
        fn eval(&self, document: &RawDocument) -> Result<bool> {
            match document.get(&self.0) {
                Ok(Some(RawBsonRef::Boolean(value))) => Ok(value),
                _ => Err(Error::type_mismatch("not a boolean")),
            }
        }
    }
    let factory = |argument: RawBsonRef<'_>| -> Result<Box<dyn Predicate>> {
        let name = argument
            .as_str()
            .ok_or_else(|| Error::bad_value("not a name"))?;
        Ok(Box::new(Field(name.to_owned())))
    };
    let filter = raw(&bson::doc! { "a": 1, "$expr": "flag" });
    assert!(Matcher::parse(&filter).is_err());
    let matcher = Matcher::parse_with(&filter, &factory).unwrap();
    let run = |document| matcher.matches(&raw(&document));
    assert!(run(bson::doc! { "a": 1, "flag": true }).unwrap());
    assert!(!run(bson::doc! { "a": 1, "flag": false }).unwrap());
    // Not evaluated where another condition has already said no.
    assert!(!run(bson::doc! { "a": 2 }).unwrap());
    assert!(run(bson::doc! { "a": 1 }).is_err());
}
