//! `$lookup`: documents of another collection beside each document, those with an equal field or
//! those that a pipeline finds.

use std::sync::Arc;

use bson::raw::{RawBsonRef, cstr};
use bson::{RawArrayBuf, RawDocument, RawDocumentBuf};
use document::types::type_name;

use super::{Stage, Transform};
use crate::expression::bounds::{ArrayBuilder, check_document};
use crate::expression::{EvalContext, Expr, FieldPath, ParseContext, fields, items, parse};
use crate::pipeline::paths::DocumentPath;
use crate::pipeline::source::mapped;
use crate::pipeline::{Collections, Documents, Pipeline, from_documents};
use crate::{Error, Result};

#[derive(Debug)]
struct Lookup {
    /// None for a pipeline that starts with `$documents`.
    from: Option<String>,
    into: DocumentPath,
    fields: Option<(FieldPath, bson::raw::CString)>,
    variables: Vec<(String, Expr)>,
    /// With variables, the pipeline is parsed anew for each document: they are constants in it,
    /// which an index can be asked for.
    source: RawArrayBuf,
    pipeline: Pipeline,
    context: ParseContext,
}

pub(super) fn parse(
    _: &'static str,
    argument: RawBsonRef<'_>,
    context: &ParseContext,
    stages: &mut Vec<Stage>,
) -> Result<()> {
    let Some(options) = argument.as_document() else {
        return Err(Error::failed_to_parse(format!(
            "the $lookup stage specification must be an object, but found {}",
            type_name(&argument)
        )));
    };
    let mut from = None;
    let mut into = None;
    let mut local = None;
    let mut foreign = None;
    let mut variables = None;
    let mut source = None;
    for (name, value) in fields(options) {
        match (name.as_str(), value) {
            ("from", RawBsonRef::String(text)) => from = Some(text.to_owned()),
            ("as", RawBsonRef::String(text)) => into = Some(text),
            ("localField", RawBsonRef::String(text)) => local = Some(text),
            ("foreignField", RawBsonRef::String(text)) => foreign = Some(text),
            ("let", RawBsonRef::Document(document)) => variables = Some(document),
            ("pipeline", RawBsonRef::Array(array)) => source = Some(array),
            (
                known @ ("from" | "as" | "localField" | "foreignField" | "let" | "pipeline"),
                other,
            ) => {
                return Err(Error::failed_to_parse(format!(
                    "$lookup argument '{known}' has the wrong type: {}",
                    type_name(&other)
                )));
            }
            (other, _) => {
                return Err(Error::failed_to_parse(format!(
                    "unknown argument to $lookup: {other}"
                )));
            }
        }
    }
    let Some(into) = into else {
        return Err(Error::failed_to_parse(
            "must specify 'as' field for a $lookup",
        ));
    };
    let fields = match (local, foreign) {
        (Some(local), Some(foreign)) => {
            let foreign_path = FieldPath::parse(foreign)?.dotted();
            let foreign = bson::raw::CString::try_from(foreign_path).map_err(|_| {
                Error::failed_to_parse("'foreignField' may not contain a null byte")
            })?;
            Some((FieldPath::parse(local)?, foreign))
        }
        (None, None) if source.is_some() => None,
        _ => {
            return Err(Error::failed_to_parse(
                "$lookup requires either 'pipeline' or both 'localField' and 'foreignField' to be \
                 specified",
            ));
        }
    };
    if variables.is_some() && source.is_none() {
        return Err(Error::failed_to_parse(
            "$lookup with a 'let' argument must also specify a 'pipeline'",
        ));
    }
    let variables = variables
        .into_iter()
        .flat_map(self::fields)
        .map(|(name, value)| {
            parse::validate_variable_name(name.as_str())?;
            Ok((name.as_str().to_owned(), Expr::parse(value, context)?))
        })
        .collect::<Result<Vec<_>>>()?;
    let source = source.map_or_else(RawArrayBuf::new, ToOwned::to_owned);
    // Whatever the values will be, what is wrong with the pipeline is said now.
    let without_values = context
        .clone()
        .with_variables(variables.iter().map(|(name, _)| (name.clone(), None)));
    let pipeline = Pipeline::parse_nested(&source, &without_values)?;
    if from.is_none() && !pipeline.makes_documents() {
        return Err(Error::failed_to_parse(
            "missing 'from' option to $lookup stage specification",
        ));
    }
    stages.push(Stage::other(Lookup {
        from,
        into: DocumentPath::parse(into)?,
        fields,
        variables,
        source,
        pipeline,
        context: context.clone(),
    }));
    Ok(())
}

impl Transform for Lookup {
    fn name(&self) -> &'static str {
        "$lookup"
    }

    fn run(self: Arc<Self>, input: Documents, collections: &Arc<dyn Collections>) -> Documents {
        let collections = Arc::clone(collections);
        mapped(input, move |document| {
            let mut found = ArrayBuilder::new();
            for other in self.find(&document, &collections)? {
                found.push(RawBsonRef::Document(&other?))?;
            }
            let found = found.finish();
            let result = self.into.set(&document, Some(found.as_bson_or_null()));
            check_document(&result)?;
            Ok(result)
        })
    }

    fn commutes_with_match_on(&self, fields: &std::collections::BTreeSet<&str>) -> bool {
        !fields.contains(self.into.root())
    }

    fn foreign_collections<'s>(&'s self, found: &mut Vec<&'s str>) {
        found.extend(self.from.as_deref());
        found.extend(self.pipeline.foreign_collections());
    }
}

impl Lookup {
    fn find(
        &self,
        document: &RawDocument,
        collections: &Arc<dyn Collections>,
    ) -> Result<Documents> {
        let mut pipeline = if self.variables.is_empty() {
            self.pipeline.clone()
        } else {
            let context = EvalContext::new(document);
            let values = self
                .variables
                .iter()
                .map(|(name, value)| Ok((name.clone(), value.eval(&context)?.into_raw())))
                .collect::<Result<Vec<_>>>()?;
            Pipeline::parse_nested(&self.source, &self.context.clone().with_variables(values))?
        };
        let Some(from) = &self.from else {
            return Ok(pipeline.run(from_documents([]), collections));
        };
        if let Some((local, foreign)) = &self.fields {
            let filter = equality(local, foreign, document);
            pipeline = pipeline.after_match(&filter, &self.context)?;
        }
        let (leading, rest) = pipeline.leading();
        let found = collections.find(from, leading)?;
        Ok(rest.run(found, collections))
    }
}

/// The filter for documents whose `foreign` field equals the `local` one, or one of its items if it
/// is an array. A missing field equals null.
fn equality(
    local: &FieldPath,
    foreign: &bson::raw::CStr,
    document: &RawDocument,
) -> RawDocumentBuf {
    let value = local.get(document);
    let mut values = RawArrayBuf::new();
    // In an `$in`, a regular expression would be a pattern; here it is a value.
    let mut alternatives = RawArrayBuf::new();
    let mut add = |value: RawBsonRef<'_>| {
        if let RawBsonRef::RegularExpression(_) = value {
            let mut test = RawDocumentBuf::new();
            test.append(cstr!("$eq"), value);
            let mut alternative = RawDocumentBuf::new();
            alternative.append(foreign, test);
            alternatives.push(alternative);
        } else {
            values.push(value);
        }
    };
    match value.as_array() {
        Some(array) => items(array).for_each(&mut add),
        None => add(value.as_bson_or_null()),
    }
    let mut test = RawDocumentBuf::new();
    test.append(cstr!("$in"), values);
    let mut filter = RawDocumentBuf::new();
    filter.append(foreign, test);
    if alternatives.is_empty() {
        return filter;
    }
    alternatives.push(filter);
    let mut filter = RawDocumentBuf::new();
    filter.append(cstr!("$or"), alternatives);
    filter
}
