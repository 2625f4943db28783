//! `distinct`: the values that a field has.

use std::collections::BTreeSet;

use bson::raw::RawBson;
use bson::{RawBsonRef, RawDocument, RawDocumentBuf};
use document::ErrorCode;
use document::limits::MAX_DOCUMENT_BYTES;

use super::{Access, Command, Context, handler};
use crate::cursor::Taken;
use crate::error::{CommandError, Result};
use crate::exec::compile::Compiler;
use crate::exec::off_the_workers;
use crate::exec::plan::{choose, parse_hint};
use crate::exec::scan::Scan;
use crate::field;
use crate::reply::Reply;
use crate::request::Request;

pub(super) const COMMAND: Command = Command {
    name: "distinct",
    aliases: &[],
    help: "lists the values that a field has",
    admin_only: false,
    stable_api: true,
    access: Access::Read,
    run: handler!(run),
};

async fn run(context: &Context<'_>, request: &Request<'_>, reply: &mut Reply) -> Result<()> {
    let name = request.collection()?;
    let empty = RawDocumentBuf::new();
    let mut filter: &RawDocument = &empty;
    let (mut key, mut hint) = (None, None);
    for field in request.fields() {
        let field = field?;
        match field.name {
            "key" => key = Some(field.string()?),
            "query" if field.value == RawBsonRef::Null => {}
            "query" => filter = field.document()?,
            "hint" => hint = parse_hint(&field)?,
            "collation" => field.simple_collation()?,
            _ => return Err(field.unknown()),
        }
    }
    let key = key.ok_or_else(|| field::missing("distinct", "key"))?;
    if key.is_empty() || key.contains('\0') {
        return Err(CommandError::new(
            ErrorCode::EmptyFieldName,
            "distinct needs the name of a field in 'key'",
        ));
    }
    let filter = Compiler::new().filter(filter)?;
    let database = context.server.store.database(request.database).await?;
    let snapshot = database.map(|database| database.snapshot()).transpose()?;
    let collection = snapshot
        .as_ref()
        .and_then(|snapshot| snapshot.collection(name));
    let mut values = Values::default();
    if let (Some(snapshot), Some(collection)) = (snapshot, collection) {
        let plan = choose(&collection, &filter, None, hint.as_ref())?;
        let mut scan = Scan::new(collection, plan.access, plan.filter);
        off_the_workers(|| {
            scan.run(&snapshot, request.deadline, &mut |_, document| {
                values.add_from(document, key)?;
                Ok(Taken::More)
            })
        })?;
    }
    reply.begin_array("values");
    for value in values.seen {
        reply.element_value(value.0.as_raw_bson_ref());
    }
    reply.end();
    Ok(())
}

/// The values met so far, in MongoDB's order.
#[derive(Default)]
struct Values {
    seen: BTreeSet<Ordered>,
    bytes: usize,
}

impl Values {
    /// Adds what `path` leads to: the elements of an array, not the array.
    fn add_from(&mut self, document: &RawDocument, path: &str) -> Result<()> {
        let (first, rest) = match path.split_once('.') {
            Some((first, rest)) => (first, Some(rest)),
            None => (path, None),
        };
        match document.get(first) {
            Ok(Some(value)) => self.add(value, rest),
            _ => Ok(()),
        }
    }

    fn add(&mut self, value: RawBsonRef<'_>, rest: Option<&str>) -> Result<()> {
        match (value, rest) {
            (RawBsonRef::Array(array), rest) => {
                if let Some((Ok(index), deeper)) = rest.map(split_index)
                    && let Ok(Some(element)) = array.get(index)
                {
                    return self.add(element, deeper);
                }
                for element in array.into_iter().map_while(std::result::Result::ok) {
                    match (element, rest) {
                        (RawBsonRef::Document(inner), Some(rest)) => self.add_from(inner, rest)?,
                        (_, Some(_)) => {}
                        (element, None) => self.insert(element)?,
                    }
                }
                Ok(())
            }
            (RawBsonRef::Document(inner), Some(rest)) => self.add_from(inner, rest),
            (_, Some(_)) => Ok(()),
            (value, None) => self.insert(value),
        }
    }

    fn insert(&mut self, value: RawBsonRef<'_>) -> Result<()> {
        let value = Ordered(RawBson::from(value));
        if self.seen.contains(&value) {
            return Ok(());
        }
        let mut holder = RawDocumentBuf::new();
        holder.append(bson::raw::cstr!("v"), value.0.as_raw_bson_ref());
        self.bytes += holder.as_bytes().len() + 8;
        if self.bytes > MAX_DOCUMENT_BYTES {
            return Err(CommandError::new(
                ErrorCode::Location(17217),
                "distinct too big, 16mb cap",
            ));
        }
        self.seen.insert(value);
        Ok(())
    }
}

fn split_index(
    path: &str,
) -> (
    std::result::Result<usize, std::num::ParseIntError>,
    Option<&str>,
) {
    match path.split_once('.') {
        Some((first, rest)) => (first.parse(), Some(rest)),
        None => (path.parse(), None),
    }
}

/// A value in MongoDB's order.
struct Ordered(RawBson);

impl Ord for Ordered {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        document::compare(self.0.as_raw_bson_ref(), other.0.as_raw_bson_ref())
    }
}

impl PartialOrd for Ordered {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Ordered {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Ordered {}

#[cfg(test)]
mod tests {
    use super::*;
    use bson::rawdoc;

    #[test]
    fn arrays_are_looked_into() {
        let values = |document: RawDocumentBuf, path: &str| {
            let mut values = Values::default();
            values.add_from(&document, path).unwrap();
            values
                .seen
                .into_iter()
                .map(|value| value.0)
                .collect::<Vec<_>>()
        };
        let ints = |ints: &[i32]| ints.iter().map(|i| RawBson::Int32(*i)).collect::<Vec<_>>();
        assert_eq!(values(rawdoc! { "a": [2, 1, 2] }, "a"), ints(&[1, 2]));
        assert_eq!(
            values(rawdoc! { "a": [{ "b": 1 }, { "b": [2, 3] }, 4] }, "a.b"),
            ints(&[1, 2, 3])
        );
        assert_eq!(
            values(rawdoc! { "a": [{ "b": 1 }, { "b": 2 }] }, "a.1.b"),
            ints(&[2])
        );
        assert_eq!(values(rawdoc! { "a": 1 }, "a.b"), ints(&[]));
    }
}
