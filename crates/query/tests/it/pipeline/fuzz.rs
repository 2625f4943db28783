//! Whatever a client sends, parsing and running it neither panics nor grows without bound.

use std::sync::Arc;

use bson::{RawArrayBuf, RawDocumentBuf, rawdoc};
use query::expression::operator_names;
use query::pipeline::{Collections, Pipeline, from_documents, stage_names};

use crate::generate::Generator;

fn run(stages: impl IntoIterator<Item = RawDocumentBuf>) {
    let collections: Arc<dyn Collections> = Arc::new(super::Memory::default());
    let stages = RawArrayBuf::from_iter(stages);
    if let Ok(pipeline) = Pipeline::parse(&stages, &crate::expression::context()) {
        let input = from_documents([
            rawdoc! { "_id": 1, "a": [1, { "b": "text" }, null], "b": 2.5 },
            rawdoc! { "_id": 2, "a": { "b": [] } },
        ]);
        let _ = pipeline.run(input, &collections).find(Result::is_err);
    }
}

#[test]
fn any_document_as_a_stage() {
    bolero::check!()
        .with_iterations(5_000)
        .for_each(|bytes: &[u8]| {
            if let Ok(document) = document::validate(bytes) {
                run([document.to_owned()]);
            }
        });
}

#[test]
fn any_stages_with_any_arguments() {
    bolero::check!()
        .with_iterations(10_000)
        .for_each(|bytes: &[u8]| {
            let mut generator = Generator::new(bytes, Vec::new());
            let stages: Vec<_> = (0..3)
                .map(|_| {
                    generator.operators = stage_names().collect();
                    let mut stage = generator.operator(0);
                    generator.operators = operator_names()
                        .chain(["$sum", "$push", "$top", "$firstN"])
                        .collect();
                    let name = stage.keys().next().unwrap().clone();
                    stage.insert(name, generator.value(5));
                    RawDocumentBuf::try_from(stage).unwrap()
                })
                .collect();
            run(stages);
        });
}
