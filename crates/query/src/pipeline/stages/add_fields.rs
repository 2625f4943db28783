//! `$addFields`, also called `$set`: computed fields beside those that are there.

use std::collections::BTreeSet;
use std::sync::Arc;

use bson::raw::RawBsonRef;
use bson::{RawDocument, RawDocumentBuf};
use indexmap::IndexMap;
use smallvec::SmallVec;

use super::{Stage, Transform, location};
use crate::Result;
use crate::expression::bounds::{MAX_VALUE_BYTES, check_document, size_of, too_large};
use crate::expression::{EvalContext, Expr, FieldPath, ParseContext, fields};
use crate::pipeline::source::mapped;
use crate::pipeline::{Collections, Documents};
use crate::raw::{Element, Elements, tag, write};

#[derive(Debug)]
struct AddFields {
    name: &'static str,
    tree: Branch,
}

/// The computed fields of one (sub)document.
#[derive(Debug, Default)]
struct Branch {
    children: IndexMap<Box<[u8]>, Child>,
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
    let mut branch = tree;
    for name in above {
        let child = branch
            .children
            .entry(name.as_bytes().into())
            .or_insert_with(|| Child::Below(Branch::default()));
        match child {
            Child::Below(below) => branch = below,
            Child::Computed(_) => return Err(collision()),
        }
    }
    match branch
        .children
        .insert(last.as_bytes().into(), Child::Computed(expression))
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
            let bytes = document.as_bytes();
            let mut out = Vec::with_capacity(bytes.len() + 64);
            self.tree.apply(Some(bytes), &context, &mut out)?;
            let result = RawDocumentBuf::from_bytes(out).map_err(|_| too_large())?;
            check_document(&result)?;
            Ok(result)
        })
    }

    fn commutes_with_match_on(&self, fields: &BTreeSet<&str>) -> bool {
        !fields
            .iter()
            .any(|field| self.tree.children.contains_key(field.as_bytes()))
    }
}

impl Branch {
    /// Writes the document that `bytes` are with the computed fields; without bytes one that holds
    /// them alone. What is not named is copied as it stands.
    fn apply(
        &self,
        bytes: Option<&[u8]>,
        context: &EvalContext<'_>,
        out: &mut Vec<u8>,
    ) -> Result<()> {
        let start = write::begin(out);
        let mut is_written: SmallVec<[bool; 8]> = SmallVec::from_elem(false, self.children.len());
        for element in bytes.into_iter().flat_map(Elements::of_bytes) {
            match self.children.get_full(element.name) {
                None => out.extend_from_slice(element.whole),
                Some((index, _, child)) => {
                    if let Some(flag) = is_written.get_mut(index)
                        && !std::mem::replace(flag, true)
                    {
                        child.write(element.name, Some(&element), context, out)?;
                    }
                }
            }
        }
        for ((name, child), is_written) in self.children.iter().zip(is_written) {
            if !is_written {
                child.write(name, None, context, out)?;
            }
        }
        write::end(out, start);
        Ok(())
    }

    /// Through arrays, each item gets the fields; what is no document becomes one.
    fn apply_to_items(
        &self,
        bytes: &[u8],
        context: &EvalContext<'_>,
        out: &mut Vec<u8>,
    ) -> Result<()> {
        let start = write::begin(out);
        for (index, item) in Elements::of_bytes(bytes).enumerate() {
            if item.tag == tag::ARRAY {
                write::index_header(out, tag::ARRAY, index);
                self.apply_to_items(item.value, context, out)?;
            } else {
                write::index_header(out, tag::DOCUMENT, index);
                let inner = (item.tag == tag::DOCUMENT).then_some(item.value);
                self.apply(inner, context, out)?;
            }
            if out.len() > MAX_VALUE_BYTES {
                return Err(too_large());
            }
        }
        write::end(out, start);
        Ok(())
    }
}

impl Child {
    fn write(
        &self,
        name: &[u8],
        old: Option<&Element<'_>>,
        context: &EvalContext<'_>,
        out: &mut Vec<u8>,
    ) -> Result<()> {
        match self {
            Self::Computed(expression) => {
                if let Some(value) = expression.eval(context)?.as_bson() {
                    if out.len() + size_of(value) > MAX_VALUE_BYTES {
                        return Err(too_large());
                    }
                    write::bson_element(out, name, value);
                }
                Ok(())
            }
            Self::Below(branch) => match old {
                Some(old) if old.tag == tag::ARRAY => {
                    write::header(out, tag::ARRAY, name);
                    branch.apply_to_items(old.value, context, out)
                }
                old => {
                    write::header(out, tag::DOCUMENT, name);
                    let inner = old.filter(|old| old.tag == tag::DOCUMENT);
                    branch.apply(inner.map(|inner| inner.value), context, out)
                }
            },
        }
    }
}
