//! Whatever a client sends, parsing and evaluating it neither panics nor grows without bound.

use bson::{RawBsonRef, RawDocumentBuf, rawdoc};
use query::expression::{EvalContext, Expr, operator_names};

use crate::generate::Generator;

#[test]
fn any_document_as_an_expression() {
    bolero::check!()
        .with_iterations(5_000)
        .for_each(|bytes: &[u8]| {
            let Ok(document) = document::validate(bytes) else {
                return;
            };
            if let Ok(expression) = Expr::parse(RawBsonRef::Document(document), &super::context()) {
                let _ = expression.eval(&EvalContext::new(document));
            }
        });
}

#[test]
fn any_operator_on_any_argument() {
    bolero::check!()
        .with_iterations(20_000)
        .for_each(|bytes: &[u8]| {
            let mut generator = Generator::new(bytes, operator_names().collect());
            let expression = RawDocumentBuf::try_from(generator.operator(6)).unwrap();
            let document = rawdoc! { "_id": 1, "a": [1, { "b": "text" }, null], "b": 2.5 };
            if let Ok(expression) =
                Expr::parse(RawBsonRef::Document(&expression), &super::context())
            {
                let _ = expression.eval(&EvalContext::new(&document));
            }
        });
}
