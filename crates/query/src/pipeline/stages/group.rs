//! `$group`: one document for each distinct value of an expression.

use std::sync::Arc;

use bson::RawDocumentBuf;
use bson::raw::{RawBson, RawBsonRef, cstr};
use document::types::type_name;
use indexmap::IndexMap;

use super::{Stage, Transform, location};
use crate::Result;
use crate::expression::bounds::check_document;
use crate::expression::key::{self, Key};
use crate::expression::{EvalContext, Expr, ParseContext, fields};
use crate::pipeline::accumulators::{Accumulations, States};
use crate::pipeline::memory::Memory;
use crate::pipeline::source::deferred;
use crate::pipeline::{Collections, Documents};

#[derive(Debug)]
struct Group {
    id: Expr,
    accumulations: Accumulations,
    memory_limit_bytes: usize,
}

pub(super) fn parse(
    _: &'static str,
    argument: RawBsonRef<'_>,
    context: &ParseContext,
    stages: &mut Vec<Stage>,
) -> Result<()> {
    let Some(spec) = argument.as_document() else {
        return Err(location(
            15947,
            format!(
                "a group's fields must be specified in an object, found {}",
                type_name(&argument)
            ),
        ));
    };
    let mut id = None;
    let mut outputs = RawDocumentBuf::new();
    for (name, value) in fields(spec) {
        if name.as_str() == "_id" {
            if id.is_some() {
                return Err(location(15948, "a group's _id may only be specified once"));
            }
            id = Some(Expr::parse(value, context)?);
        } else {
            outputs.append(name, value);
        }
    }
    let id = id.ok_or_else(|| location(15955, "a group specification must include an _id"))?;
    stages.push(Stage::other(Group {
        id,
        accumulations: Accumulations::parse(&outputs, context)?,
        memory_limit_bytes: context.memory_limit_bytes,
    }));
    Ok(())
}

/// What a group holds besides its key and what its accumulators say: about this many bytes.
const GROUP_BYTES: usize = 128;

impl Transform for Group {
    fn name(&self) -> &'static str {
        "$group"
    }

    fn run(self: Arc<Self>, input: Documents, _: &Arc<dyn Collections>) -> Documents {
        deferred(move || {
            let groups = self.collect(input)?;
            Ok(Box::new(groups.into_values().map(move |(id, states)| {
                let mut result = RawDocumentBuf::new();
                result.append(cstr!("_id"), id.as_raw_bson_ref());
                states.finish(&self.accumulations, &mut result)?;
                check_document(&result)?;
                Ok(result)
            })))
        })
    }
}

impl Group {
    fn collect(&self, input: Documents) -> Result<IndexMap<Key, (RawBson, States)>> {
        let mut memory = Memory::new("$group", self.memory_limit_bytes);
        let mut groups: IndexMap<Key, (RawBson, States)> = IndexMap::new();
        let mut key = Vec::new();
        for document in input {
            let document = document?;
            let context = EvalContext::new(&document);
            let id = self.id.eval(&context)?;
            key.clear();
            key::append(&mut key, id.as_bson_or_null());
            let states = match groups.get_mut(key.as_slice()) {
                Some((_, states)) => states,
                None => {
                    let states = self.accumulations.start(id.as_bson_or_null())?;
                    memory.grow(2 * key.len() + GROUP_BYTES + states.size_bytes())?;
                    let entry = groups.entry(key.as_slice().into());
                    &mut entry.or_insert((id.into_raw_or_null(), states)).1
                }
            };
            let grown = states.add(&self.accumulations, &context)?;
            memory.grow(grown)?;
        }
        Ok(groups)
    }
}
