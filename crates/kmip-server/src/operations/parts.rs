//! Operations on data that need all of it at the end: hashes, codes, signatures. Their parts are gathered.

use kmip::registry::Operation;
use kmip::{Bytes, SecretBytes};

use crate::batch::Context;
use crate::crypto::Plain;
use crate::failure::Failure;
use crate::streams::{Progress, Running, gather};

/// A part of the data, and where it belongs.
pub(super) struct Part<'a> {
    pub(super) operation: Operation,
    /// The key, if the operation has one.
    pub(super) identifier: Option<&'a str>,
    pub(super) data: SecretBytes,
    pub(super) correlation_value: Option<Bytes>,
    pub(super) begins: bool,
    pub(super) ends: bool,
}

/// What there is to do now.
pub(super) enum Gathered {
    /// Nothing yet: the stream goes on under this value.
    More(Bytes),
    /// The operation, on all of the data.
    Whole(Plain),
}

pub(super) fn collect(context: &Context<'_>, part: Part<'_>) -> Result<Gathered, Failure> {
    let before = match &part.correlation_value {
        Some(value) if !part.begins => {
            let progress =
                context
                    .streams
                    .take(value, context.owner, part.operation, part.identifier)?;
            match progress {
                Progress::Gathered(data) => data,
                Progress::Cipher(_) => {
                    return Err(Failure::invalid("the operation under way is another one"));
                }
            }
        }
        _ => Plain::default(),
    };
    let in_parts = part.begins || part.correlation_value.is_some();
    let data = gather(before, part.data.expose())?;
    if !in_parts || part.ends {
        return Ok(Gathered::Whole(data));
    }
    let running = Running {
        owner: context.owner.clone(),
        operation: part.operation,
        identifier: part.identifier.map(str::to_owned),
        progress: Progress::Gathered(data),
    };
    context
        .streams
        .keep(part.correlation_value, running)
        .map(Gathered::More)
}
