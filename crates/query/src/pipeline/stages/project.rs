//! `$project`: the fields that are kept, dropped or computed.

use std::collections::BTreeSet;
use std::sync::Arc;

use bson::RawDocument;
use bson::raw::RawBsonRef;
use document::Number;

use super::{Stage, Transform, location};
use crate::Result;
use crate::expression::bounds::check_document;
use crate::expression::{EvalContext, Expr, ParseContext, fields};
use crate::pipeline::source::mapped;
use crate::pipeline::{Collections, Documents};
use crate::projection::{Compute, Mode, Tree};

/// A computed field of a projection.
impl Compute for Expr {
    fn compute(&self, root: &RawDocument, sink: &mut dyn FnMut(RawBsonRef<'_>)) -> Result<()> {
        if let Some(value) = self.eval(&EvalContext::new(root))?.as_bson() {
            sink(value);
        }
        Ok(())
    }
}

impl Expr {
    /// Compiles an expression for a projection.
    ///
    /// # Errors
    /// Those of [`Expr::parse`].
    pub fn compute(value: RawBsonRef<'_>, context: &ParseContext) -> Result<Box<dyn Compute>> {
        Ok(Box::new(Self::parse(value, context)?))
    }
}

#[derive(Debug)]
struct Project {
    tree: Tree,
    /// The fields of the outermost document that pass as they are, or (in an exclusion) those that
    /// do not.
    named: BTreeSet<String>,
}

pub(super) fn parse(
    name: &'static str,
    argument: RawBsonRef<'_>,
    context: &ParseContext,
    stages: &mut Vec<Stage>,
) -> Result<()> {
    let Some(spec) = argument.as_document() else {
        return Err(location(
            15969,
            format!(
                "{name} specification must be an object, got {}",
                document::types::type_name(&argument)
            ),
        ));
    };
    let tree = Tree::parse(spec, &|value: RawBsonRef<'_>| Expr::compute(value, context))?;
    let named = named(spec, tree.mode());
    stages.push(Stage::other(Project { tree, named }));
    Ok(())
}

fn named(spec: &RawDocument, mode: Mode) -> BTreeSet<String> {
    let mut named = BTreeSet::new();
    let mut is_id_kept = true;
    for (name, value) in fields(spec) {
        let name = name.as_str();
        let is_kept = match value {
            RawBsonRef::Boolean(value) => Some(value),
            value => Number::from_raw(&value).map(|number| !number.is_zero()),
        };
        if name == "_id" {
            is_id_kept = is_kept == Some(true);
        }
        match mode {
            Mode::Inclusion if is_kept == Some(true) => {
                named.insert(name.to_owned());
            }
            Mode::Exclusion => {
                let root = name.split_once('.').map_or(name, |(root, _)| root);
                named.insert(root.to_owned());
            }
            Mode::Inclusion => {}
        }
    }
    match mode {
        Mode::Inclusion if is_id_kept => {
            named.insert("_id".to_owned());
        }
        Mode::Exclusion if is_id_kept => {
            named.remove("_id");
        }
        _ => {}
    }
    named
}

impl Transform for Project {
    fn name(&self) -> &'static str {
        "$project"
    }

    fn run(self: Arc<Self>, input: Documents, _: &Arc<dyn Collections>) -> Documents {
        mapped(input, move |document| {
            let result = self.tree.apply(&document)?;
            check_document(&result)?;
            Ok(result)
        })
    }

    fn commutes_with_match_on(&self, fields: &BTreeSet<&str>) -> bool {
        let is_kept = self.tree.mode() == Mode::Inclusion;
        fields
            .iter()
            .all(|field| self.named.contains(*field) == is_kept)
    }
}
