//! The paths of an update as a tree, with a modifier at the end of each.

use document::ErrorCode;

use super::array_filters::ArrayFilter;
use super::operators::Modifier;
use super::path::{Part, Path};
use crate::{Error, Result};

/// A compiled document of operators.
#[derive(Debug)]
pub(super) struct Operators {
    pub(super) root: Fields,
    pub(super) filters: Vec<ArrayFilter>,
    /// Source and target of each `$rename`.
    pub(super) renames: Vec<(Path, Path)>,
    pub(super) needs_position: bool,
    /// Whether a path leads to `_id` or into it.
    pub(super) names_id: bool,
}

/// What an update does at one place.
#[derive(Debug)]
pub(super) enum Node {
    Leaf(Leaf),
    Fields(Fields),
    Elements(ArrayNodes),
}

/// The end of a path.
#[derive(Debug)]
pub(super) struct Leaf {
    /// The path, as it was written.
    pub(super) path: Box<str>,
    pub(super) modifier: Box<dyn Modifier>,
}

/// The named fields of a document, or positions in an array.
#[derive(Debug, Default)]
pub(super) struct Fields {
    /// In the order in which new ones are created.
    pub(super) children: Vec<(Box<str>, Node)>,
    /// `$`
    pub(super) positional: Option<Box<Node>>,
}

/// Elements of an array that are not named by their position.
#[derive(Debug, Default)]
pub(super) struct ArrayNodes {
    /// `$[]`
    pub(super) all: Option<Box<Node>>,
    /// `$[identifier]`: the array filter's position, and what happens to those that it lets through.
    pub(super) filtered: Vec<(usize, Node)>,
}

/// A path and its modifier, before there is a tree.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) path: Path,
    pub(super) modifier: Box<dyn Modifier>,
}

/// Makes the tree.
///
/// # Errors
///
/// `ConflictingUpdateOperators` if a path is, or leads through, the end of another, or if one array
/// is addressed both by names and by `$[…]`.
pub(super) fn build(entries: Vec<Entry>) -> Result<Fields> {
    let mut entries: Vec<(usize, Entry)> = entries.into_iter().enumerate().collect();
    // A sort, rather than insertions one by one, so that an update of very many fields stays cheap.
    entries.sort_by(|(_, left), (_, right)| {
        let (mut left, mut right) = (left.path.parts.iter(), right.path.parts.iter());
        loop {
            match (left.next(), right.next()) {
                (Some(left), Some(right)) => match left.order(right) {
                    std::cmp::Ordering::Equal => {}
                    order => return order,
                },
                (left, right) => return left.is_some().cmp(&right.is_some()),
            }
        }
    });
    if entries.is_empty() {
        return Ok(Fields::default());
    }
    match node(entries, 0)? {
        Node::Fields(fields) => Ok(fields),
        // The first component of a path is always a field.
        Node::Leaf(_) | Node::Elements(_) => Ok(Fields::default()),
    }
}

/// The node for entries that agree in their first `depth` components.
fn node(entries: Vec<(usize, Entry)>, depth: usize) -> Result<Node> {
    let part_of = |entry: &Entry| entry.path.parts.get(depth).cloned();
    let is_array = |part: &Part| matches!(part, Part::All | Part::Filtered(_));
    if entries.len() > 1 {
        let parts = || entries.iter().map(|(_, entry)| part_of(entry));
        let ends = parts().any(|part| part.is_none());
        let array = parts().flatten().any(|part| is_array(&part));
        let fields = parts().flatten().any(|part| !is_array(&part));
        if ends || (array && fields) {
            return Err(conflict(&entries, depth));
        }
    }
    let mut fields = Fields::default();
    let mut elements = ArrayNodes::default();
    let mut is_elements = false;
    let mut rest = entries.into_iter().peekable();
    while let Some(first) = rest.next() {
        let Some(part) = part_of(&first.1) else {
            return Ok(Node::Leaf(Leaf {
                path: first.1.path.text,
                modifier: first.1.modifier,
            }));
        };
        let mut group = vec![first];
        while let Some(next) = rest.next_if(|(_, entry)| entry.path.parts.get(depth) == Some(&part))
        {
            group.push(next);
        }
        let child = node(group, depth + 1)?;
        is_elements |= is_array(&part);
        match part {
            Part::Field(name) => fields.children.push((name, child)),
            Part::Positional => fields.positional = Some(Box::new(child)),
            Part::All => elements.all = Some(Box::new(child)),
            Part::Filtered(filter) => elements.filtered.push((filter, child)),
        }
    }
    Ok(if is_elements {
        Node::Elements(elements)
    } else {
        Node::Fields(fields)
    })
}

/// Blames the path that was written last.
fn conflict(entries: &[(usize, Entry)], depth: usize) -> Error {
    let last = entries.iter().max_by_key(|(order, _)| order);
    let (path, at) = last.map_or(("", ""), |(_, entry)| {
        (&*entry.path.text, entry.path.prefix(depth))
    });
    Error::new(
        ErrorCode::ConflictingUpdateOperators,
        format!("Updating the path '{path}' would create a conflict at '{at}'"),
    )
}
