//! Pipelines over documents: `scenarios/*.json` say what comes out.

mod fuzz;
mod planning;

use std::collections::HashMap;
use std::sync::Arc;

use bson::{Bson, Document, RawDocumentBuf};
use query::pipeline::{Collections, Documents, Leading, Pipeline, from_documents};
use query::{Error, Result};
use serde::Deserialize;

/// The documents of the collection and of others, and what pipelines make of them, in Extended
/// JSON.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Scenario {
    name: String,
    documents: Vec<Document>,
    #[serde(default)]
    collections: HashMap<String, Vec<Document>>,
    cases: Vec<Case>,
}

/// Either the documents, or `error` as the code.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    pipeline: Bson,
    is: Option<Vec<Document>>,
    error: Option<i32>,
    memory_limit_bytes: Option<usize>,
}

/// Collections in memory.
#[derive(Debug, Default)]
pub(crate) struct Memory(HashMap<String, Vec<RawDocumentBuf>>);

impl Collections for Memory {
    fn find(&self, collection: &str, access: Leading) -> Result<Documents> {
        let documents = self.0.get(collection).cloned().unwrap_or_default();
        Ok(access.apply(from_documents(documents)))
    }
}

fn raw(documents: &[Document]) -> Vec<RawDocumentBuf> {
    documents
        .iter()
        .map(|document| RawDocumentBuf::try_from(document).unwrap())
        .collect()
}

fn check(text: &str) {
    let scenarios: Vec<Scenario> = serde_json::from_str(text).unwrap();
    let mut failures = Vec::new();
    for scenario in &scenarios {
        for case in &scenario.cases {
            if let Err(failure) = check_case(scenario, case) {
                failures.push(format!(
                    "{}: {}\n    {failure}",
                    scenario.name, case.pipeline
                ));
            }
        }
    }
    assert!(failures.is_empty(), "\n{}", failures.join("\n"));
}

fn check_case(scenario: &Scenario, case: &Case) -> std::result::Result<(), String> {
    let whole = run(scenario, case, |pipeline, input, collections| {
        pipeline.run(input, collections)
    });
    let split = run(scenario, case, |pipeline, input, collections| {
        let (leading, rest) = pipeline.leading();
        rest.run(leading.apply(input), collections)
    });
    // The memory of what the planner does is not the pipeline's.
    if case.memory_limit_bytes.is_none() && format!("{whole:?}") != format!("{split:?}") {
        return Err(format!("split for the planner: {split:?}, else {whole:?}"));
    }
    match (&case.is, case.error, whole) {
        (Some(expected), None, Ok(found)) => {
            // As text, so that NaN equals itself.
            if format!("{found:?}") == format!("{expected:?}") {
                Ok(())
            } else {
                Err(format!("gives {found:?},\n          not {expected:?}"))
            }
        }
        (None, Some(code), Err(error)) if error.code.code() == code => Ok(()),
        (_, _, other) => Err(format!("{other:?}")),
    }
}

fn run(
    scenario: &Scenario,
    case: &Case,
    execute: impl FnOnce(Pipeline, Documents, &Arc<dyn Collections>) -> Documents,
) -> std::result::Result<Vec<Document>, Error> {
    let mut context = crate::expression::context();
    if let Some(limit) = case.memory_limit_bytes {
        context.memory_limit_bytes = limit;
    }
    let collections = scenario
        .collections
        .iter()
        .map(|(name, documents)| (name.clone(), raw(documents)))
        .collect();
    let collections: Arc<dyn Collections> = Arc::new(Memory(collections));
    let array = bson::raw::RawBson::try_from(case.pipeline.clone()).unwrap();
    let pipeline = Pipeline::parse(array.as_array().unwrap(), &context)?;
    let input = from_documents(raw(&scenario.documents));
    execute(pipeline, input, &collections)
        .map(|document| Ok(Document::try_from(document?).unwrap()))
        .collect()
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
    stages,
    group,
    several,
}
