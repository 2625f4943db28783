//! `$sample`: some documents, chosen at random.

use std::sync::Arc;

use bson::RawDocumentBuf;
use bson::raw::RawBsonRef;
use document::Number;
use rand::Rng;
use rand::seq::SliceRandom;

use super::{Stage, Transform, location};
use crate::Result;
use crate::expression::{ParseContext, fields};
use crate::pipeline::memory::Memory;
use crate::pipeline::source::deferred;
use crate::pipeline::{Collections, Documents, from_documents};

#[derive(Debug)]
struct Sample {
    size: usize,
    memory_limit_bytes: usize,
}

pub(super) fn parse(
    _: &'static str,
    argument: RawBsonRef<'_>,
    context: &ParseContext,
    stages: &mut Vec<Stage>,
) -> Result<()> {
    let Some(options) = argument.as_document() else {
        return Err(location(
            28745,
            "the $sample stage specification must be an object",
        ));
    };
    let mut size = None;
    for (name, value) in fields(options) {
        if name.as_str() != "size" {
            return Err(location(
                28748,
                format!("unrecognized option to $sample: {}", name.as_str()),
            ));
        }
        let number = Number::from_raw(&value)
            .ok_or_else(|| location(28746, "size argument to $sample must be a number"))?;
        let positive = number
            .to_i64_exact()
            .and_then(|size| usize::try_from(size).ok())
            .filter(|size| *size > 0)
            .ok_or_else(|| {
                location(28747, "size argument to $sample must be a positive integer")
            })?;
        size = Some(positive);
    }
    let size = size.ok_or_else(|| location(28749, "$sample stage must specify a size"))?;
    stages.push(Stage::other(Sample {
        size,
        memory_limit_bytes: context.memory_limit_bytes,
    }));
    Ok(())
}

impl Transform for Sample {
    fn name(&self) -> &'static str {
        "$sample"
    }

    /// Each document takes a random place among those chosen so far (reservoir sampling), so that
    /// never more than `size` are held.
    fn run(self: Arc<Self>, input: Documents, _: &Arc<dyn Collections>) -> Documents {
        deferred(move || {
            let mut random = rand::rng();
            let mut memory = Memory::new("$sample", self.memory_limit_bytes);
            let mut chosen: Vec<RawDocumentBuf> = Vec::new();
            for (seen, document) in input.enumerate() {
                let document = document?;
                if chosen.len() < self.size {
                    memory.grow(document.as_bytes().len())?;
                    chosen.push(document);
                } else if let Some(place) = chosen.get_mut(random.random_range(0..=seen)) {
                    memory.shrink(place.as_bytes().len());
                    memory.grow(document.as_bytes().len())?;
                    *place = document;
                }
            }
            chosen.shuffle(&mut random);
            Ok(from_documents(chosen))
        })
    }
}
