//! `$addFields`, also called `$set`: computed fields beside those that are there.

use std::collections::BTreeSet;
use std::sync::Arc;

use bson::raw::{CString, RawBsonRef};
use bson::{RawArray, RawArrayBuf, RawDocument, RawDocumentBuf};
use indexmap::IndexMap;

use super::{Stage, Transform, location};
use crate::Result;
use crate::expression::bounds::check_document;
use crate::expression::{EvalContext, Expr, FieldPath, ParseContext, fields, items};
use crate::pipeline::source::mapped;
use crate::pipeline::{Collections, Documents};

#[derive(Debug)]
struct AddFields {
    name: &'static str,
    tree: Branch,
}

/// The computed fields of one (sub)document.
#[derive(Debug, Default)]
struct Branch {
    children: IndexMap<CString, Child>,
}

#[derive(Debug)]
enum Child {
    Computed(Expr),
    Below(Branch),
}

pub(super) fn parse(
    name: &'static str,
    argument: RawBsonRef<'_>,
    context: &ParseContext,
    stages: &mut Vec<Stage>,
) -> Result<()> {
    let Some(spec) = argument.as_document() else {
        return Err(location(
            40272,
            format!(
                "{name} specification stage must be an object, got {}",
                document::types::type_name(&argument)
            ),
        ));
    };
    let mut tree = Branch::default();
    insert_all(name, &mut tree, &mut Vec::new(), spec, context)?;
    stages.push(Stage::other(AddFields { name, tree }));
    Ok(())
}

/// Inserts the fields of a specification, whose nested objects are paths too: `{ a: { b: 1 } }` is
/// `{ "a.b": 1 }`.
fn insert_all(
    stage: &str,
    tree: &mut Branch,
    prefix: &mut Vec<String>,
    spec: &RawDocument,
    context: &ParseContext,
) -> Result<()> {
    for (name, value) in fields(spec) {
        let path = FieldPath::parse(name.as_str())?;
        let depth = prefix.len();
        prefix.extend(path.names().map(str::to_owned));
        if let RawBsonRef::Document(inner) = value
            && !fields(inner)
                .next()
                .is_some_and(|(name, _)| name.as_str().starts_with('$'))
        {
            if inner.is_empty() {
                return Err(location(
                    51270,
                    format!(
                        "Invalid {stage} :: caused by :: an empty sub-projection is not a valid \
                         value. Found at path {}",
                        prefix.join(".")
                    ),
                ));
            }
            insert_all(stage, tree, prefix, inner, context)?;
        } else {
            insert(stage, tree, prefix, Expr::parse(value, context)?)?;
        }
        prefix.truncate(depth);
    }
    Ok(())
}

fn insert(stage: &str, tree: &mut Branch, path: &[String], expression: Expr) -> Result<()> {
    let collision = || {
        location(
            40176,
            format!(
                "Invalid {stage} :: caused by :: specification contains two conflicting paths. \
                 Cannot specify both '{}' and a path above or below it",
                path.join(".")
            ),
        )
    };
    let Some((last, above)) = path.split_last() else {
        return Err(collision());
    };
    let c_string = |name: &String| {
        CString::try_from(name.as_str())
            .map_err(|_| location(16411, "FieldPath field names may not contain '\\0'."))
    };
    let mut branch = tree;
    for name in above {
        let child = branch
            .children
            .entry(c_string(name)?)
            .or_insert_with(|| Child::Below(Branch::default()));
        match child {
            Child::Below(below) => branch = below,
            Child::Computed(_) => return Err(collision()),
        }
    }
    match branch
        .children
        .insert(c_string(last)?, Child::Computed(expression))
    {
        None => Ok(()),
        Some(_) => Err(collision()),
    }
}

impl Transform for AddFields {
    fn name(&self) -> &'static str {
        self.name
    }

    fn run(self: Arc<Self>, input: Documents, _: &Arc<dyn Collections>) -> Documents {
        mapped(input, move |document| {
            let context = EvalContext::new(&document);
            let result = self.tree.apply(Some(&document), &context)?;
            check_document(&result)?;
            Ok(result)
        })
    }

    fn commutes_with_match_on(&self, fields: &BTreeSet<&str>) -> bool {
        !fields.iter().any(|field| {
            self.tree
                .children
                .keys()
                .any(|name| name.as_str() == *field)
        })
    }
}

impl Branch {
    /// The document with the computed fields; without a document one that holds them alone.
    fn apply(
        &self,
        document: Option<&RawDocument>,
        context: &EvalContext<'_>,
    ) -> Result<RawDocumentBuf> {
        let mut result = RawDocumentBuf::new();
        let mut is_written = vec![false; self.children.len()];
        for (name, old) in document.into_iter().flat_map(fields) {
            match self.children.get_full(name) {
                None => result.append(name, old),
                Some((index, _, child)) => {
                    if let Some(flag) = is_written.get_mut(index)
                        && !std::mem::replace(flag, true)
                    {
                        child.write(name, Some(old), context, &mut result)?;
                    }
                }
            }
        }
        for ((name, child), is_written) in self.children.iter().zip(is_written) {
            if !is_written {
                child.write(name, None, context, &mut result)?;
            }
        }
        Ok(result)
    }

    /// Through arrays, each item gets the fields; what is no document becomes one.
    fn apply_to_value(
        &self,
        old: Option<RawBsonRef<'_>>,
        context: &EvalContext<'_>,
        write: &mut dyn FnMut(RawBsonRef<'_>),
    ) -> Result<()> {
        match old {
            Some(RawBsonRef::Array(array)) => {
                let array = self.apply_to_items(array, context)?;
                write(RawBsonRef::Array(&array));
            }
            old => {
                let document = self.apply(old.and_then(RawBsonRef::as_document), context)?;
                write(RawBsonRef::Document(&document));
            }
        }
        Ok(())
    }

    fn apply_to_items(&self, array: &RawArray, context: &EvalContext<'_>) -> Result<RawArrayBuf> {
        let mut result = RawArrayBuf::new();
        for item in items(array) {
            self.apply_to_value(Some(item), context, &mut |value| result.push(value))?;
            if result.as_bytes().len() > crate::expression::bounds::MAX_VALUE_BYTES {
                return Err(crate::expression::bounds::too_large());
            }
        }
        Ok(result)
    }
}

impl Child {
    fn write(
        &self,
        name: &bson::raw::CStr,
        old: Option<RawBsonRef<'_>>,
        context: &EvalContext<'_>,
        result: &mut RawDocumentBuf,
    ) -> Result<()> {
        match self {
            Self::Computed(expression) => {
                if let Some(value) = expression.eval(context)?.as_bson() {
                    if result.as_bytes().len() + crate::expression::bounds::size_of(value)
                        > crate::expression::bounds::MAX_VALUE_BYTES
                    {
                        return Err(crate::expression::bounds::too_large());
                    }
                    result.append(name, value);
                }
                Ok(())
            }
            Self::Below(branch) => {
                branch.apply_to_value(old, context, &mut |value| result.append(name, value))
            }
        }
    }
}
