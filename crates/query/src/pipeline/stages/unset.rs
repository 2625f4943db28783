//! `$unset`: documents without some fields.

use std::collections::BTreeSet;
use std::sync::Arc;

use bson::raw::RawBsonRef;

use super::{Stage, Transform, location};
use crate::Result;
use crate::expression::{ParseContext, items};
use crate::pipeline::source::mapped;
use crate::pipeline::{Collections, Documents};
use crate::projection::Tree;

#[derive(Debug)]
struct Unset {
    tree: Tree,
    roots: BTreeSet<String>,
}

pub(super) fn parse(
    _: &'static str,
    argument: RawBsonRef<'_>,
    _: &ParseContext,
    stages: &mut Vec<Stage>,
) -> Result<()> {
    let paths = match argument {
        RawBsonRef::String(path) => vec![path],
        RawBsonRef::Array(paths) => items(paths)
            .map(|path| {
                path.as_str().ok_or_else(|| {
                    location(
                        31120,
                        "$unset specification must be a string or an array containing only string \
                         values",
                    )
                })
            })
            .collect::<Result<_>>()?,
        _ => {
            return Err(location(
                31002,
                "$unset specification must be a string or an array",
            ));
        }
    };
    if paths.is_empty() {
        return Err(location(
            31119,
            "$unset specification must be a string or an array with at least one field",
        ));
    }
    let roots = paths
        .iter()
        .map(|path| {
            path.split_once('.')
                .map_or(*path, |(root, _)| root)
                .to_owned()
        })
        .collect();
    let tree = Tree::excluding(paths)?;
    stages.push(Stage::other(Unset { tree, roots }));
    Ok(())
}

impl Transform for Unset {
    fn name(&self) -> &'static str {
        "$unset"
    }

    fn run(self: Arc<Self>, input: Documents, _: &Arc<dyn Collections>) -> Documents {
        mapped(input, move |document| self.tree.apply(&document))
    }

    fn commutes_with_match_on(&self, fields: &BTreeSet<&str>) -> bool {
        !fields.iter().any(|field| self.roots.contains(*field))
    }
}
