//! The access path that the planner chose, in the storage layer's terms.

use std::sync::Arc;

use bson::{RawBsonRef, RawDocumentBuf};
use query::filter::Matcher;
use query::sort::{self, SortSpec};
use storage::{Collection, Direction, RecordId};

use super::scan::Access;
use crate::error::Result;
use crate::field::Field;

/// The index that a client wants to be used.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Hint {
    /// None in particular.
    #[default]
    None,
    /// By name.
    Name(String),
    /// By key pattern, or `{ $natural: ±1 }`.
    Pattern(RawDocumentBuf),
}

impl Hint {
    /// Reads the field `hint` of a command.
    pub fn parse(field: &Field<'_>) -> Result<Self> {
        match field.value {
            RawBsonRef::String(name) => Ok(Self::Name(name.to_owned())),
            RawBsonRef::Document(pattern) if pattern.is_empty() => Ok(Self::None),
            RawBsonRef::Document(pattern) => Ok(Self::Pattern(pattern.to_owned())),
            _ => Err(field.wrong_type("string, object")),
        }
    }
}

/// How a query reads its collection.
pub struct Planned {
    /// The path.
    pub access: Access,
    /// What each record still has to pass; `None` where the path reaches just what is asked for.
    pub filter: Option<Arc<Matcher>>,
    /// Whether the records come in the order asked for.
    pub provides_sort: bool,
}

/// Chooses the path.
pub fn choose(
    collection: &Arc<Collection>,
    filter: &Arc<Matcher>,
    sort: Option<&SortSpec>,
    hint: &Hint,
) -> Result<Planned> {
    let _ = (hint, collection);
    let equalities = filter.equalities();
    let id = equalities.iter().find(|(path, _)| *path == "_id");
    let natural = sort.and_then(SortSpec::natural);
    let access = match id {
        Some((_, id)) => Access::Ids(vec![RecordId::new(*id)?]),
        None => Access::Collection(match natural {
            Some(sort::Direction::Descending) => Direction::Backward,
            _ => Direction::Forward,
        }),
    };
    let filter = (!filter.is_empty()).then(|| Arc::clone(filter));
    let provides_sort = sort.is_none_or(|sort| sort.fields().len() == 0);
    Ok(Planned {
        access,
        filter,
        provides_sort,
    })
}

/// The chosen path as `explain` tells it.
pub fn describe(planned: &Planned, query: &super::find::Query) -> RawDocumentBuf {
    let _ = query;
    let stage = match planned.access {
        Access::Collection(_) => "COLLSCAN",
        Access::Ids(_) => "IDHACK",
        Access::Index { .. } => "IXSCAN",
        Access::Union(_) => "OR",
    };
    bson::rawdoc! { "stage": stage }
}
