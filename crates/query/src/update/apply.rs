//! Document and tree of paths, walked together.

use std::borrow::Cow;

use bson::RawDocument;
use document::ErrorCode;
use smallvec::{SmallVec, smallvec};

use super::operators::{Effect, Env, Renamed, Target};
use super::rewriter::{Rewriter, check_size};
use super::tree::{Leaf, Node, Operators};
use super::{Outcome, UpdateContext};
use crate::raw::{Element, Elements, array_index, compare_names, tag, type_name, write};
use crate::{Error, Result};

/// The most nulls that are put between an array's end and a new element.
const MAX_BACKFILL: usize = 1_500_000;

/// Above so many fields, they are looked up by binary search.
const LINEAR_FIELDS: usize = 8;

/// Applies operators to a document.
pub(super) fn apply(
    operators: &Operators,
    document: &RawDocument,
    context: &UpdateContext,
) -> Result<Outcome> {
    let renamed = operators
        .renames
        .iter()
        .map(|(source, target)| Renamed::find(document, source, target))
        .collect::<Result<_>>()?;
    let mut application = Application {
        operators,
        env: Env {
            now: context.now,
            timestamp: context.timestamp,
            is_insert: context.is_insert,
            renamed,
        },
        position: context.position,
        rewriter: Rewriter::new(document.as_bytes()),
        scratch: Vec::new(),
    };
    let length = document.as_bytes().len();
    let children = application.root_children()?;
    application.document(children, 0, length)?;
    let Some(updated) = application.rewriter.finish()? else {
        return Ok(Outcome::Unchanged);
    };
    if operators.names_id {
        check_id(document, &updated)?;
    }
    Ok(Outcome::Changed(updated))
}

/// Refuses another `_id`, or none, where there was one.
pub(super) fn check_id(before: &RawDocument, after: &RawDocument) -> Result<()> {
    let Some(before) = before.get("_id").ok().flatten() else {
        return Ok(());
    };
    match after.get("_id").ok().flatten() {
        Some(after) if document::compare::equal(before, after) => Ok(()),
        _ => Err(Error::new(
            ErrorCode::ImmutableField,
            "Performing an update on the path '_id' would modify the immutable field '_id'",
        )),
    }
}

/// The nodes that meet at one place: more than one where `$`, `$[]` or `$[identifier]` stand for
/// the same element as another path.
type Nodes<'u> = SmallVec<[&'u Node; 1]>;

/// A field, or a position in an array, that the update names.
struct Child<'u> {
    name: Cow<'u, str>,
    nodes: Nodes<'u>,
    done: bool,
}

type Children<'u> = SmallVec<[Child<'u>; 2]>;

struct Application<'u, 'd> {
    operators: &'u Operators,
    env: Env<'d>,
    position: Option<usize>,
    rewriter: Rewriter<'d>,
    /// Where modifiers build a value before it is known to replace another.
    scratch: Vec<u8>,
}

impl<'u, 'd> Application<'u, 'd> {
    fn root_children(&self) -> Result<Children<'u>> {
        let mut children = Children::new();
        self.add_children(&self.operators.root, &mut children)?;
        Ok(children)
    }

    /// What the nodes at one place name below it, in the order in which it is created.
    fn children(&self, nodes: &[&'u Node]) -> Result<Children<'u>> {
        let mut children = Children::new();
        for node in nodes {
            if let Node::Fields(fields) = node {
                self.add_children(fields, &mut children)?;
            }
        }
        Ok(children)
    }

    fn add_children(
        &self,
        fields: &'u super::tree::Fields,
        children: &mut Children<'u>,
    ) -> Result<()> {
        let is_first = children.is_empty();
        let named = fields
            .children
            .iter()
            .map(|(name, node)| (Cow::Borrowed(&**name), node));
        if is_first {
            children.extend(named.map(|(name, node)| Child {
                name,
                nodes: smallvec![node],
                done: false,
            }));
        } else {
            for (name, node) in named {
                merge(children, name, node);
            }
        }
        if let Some(node) = &fields.positional {
            let position = self.position.ok_or_else(|| {
                Error::bad_value(
                    "The positional operator did not find the match needed from the query.",
                )
            })?;
            merge(children, Cow::Owned(position.to_string()), node);
        }
        Ok(())
    }

    /// Applies what `children` name to the document at `start..end` of the source.
    fn document(&mut self, mut children: Children<'u>, start: usize, end: usize) -> Result<()> {
        let position = self.rewriter.position(start);
        let mut open = children.len();
        for element in Elements::within(self.rewriter.source(), start, end) {
            if open == 0 {
                break;
            }
            let Some(child) = find(&mut children, element.name) else {
                continue;
            };
            if !std::mem::replace(&mut child.done, true) {
                open -= 1;
                let nodes = std::mem::take(&mut child.nodes);
                self.value(&nodes, &element, false)?;
            }
        }
        for child in children.iter().filter(|child| !child.done) {
            if creates(&child.nodes, &self.env) {
                let mut out = self.rewriter.take_at(end - 1);
                let created = self.create(child.name.as_bytes(), &child.nodes, &mut out)?;
                self.rewriter.give_back(out, created)?;
            }
        }
        self.rewriter.close(position, start, end);
        Ok(())
    }

    /// Applies `nodes` to the elements of an array.
    fn array(&mut self, nodes: &[&'u Node], array: &Element<'d>) -> Result<()> {
        let (start, end) = (array.value_start, array.end);
        let position = self.rewriter.position(start);
        let children = self.children(nodes)?;
        // Positions come first among the children, in ascending order.
        let mut children = children.iter().peekable();
        let by_filter = nodes.iter().any(|node| matches!(node, Node::Elements(_)));
        let mut length = 0;
        for element in Elements::within(self.rewriter.source(), start, end) {
            let mut here = Nodes::new();
            let is_here = |child: &&Child<'_>| array_index(child.name.as_bytes()) == Some(length);
            if let Some(child) = children.next_if(is_here) {
                here.extend(child.nodes.iter().copied());
            }
            if by_filter {
                self.add_matching(nodes, &element, &mut here)?;
            }
            if !here.is_empty() {
                self.value(&here, &element, true)?;
            }
            length += 1;
            if !by_filter && children.peek().is_none() {
                break;
            }
        }
        for child in children {
            if creates(&child.nodes, &self.env) {
                let Some(index) = array_index(child.name.as_bytes()) else {
                    return Err(not_viable(&child.name, array));
                };
                let mut out = self.rewriter.take_at(end - 1);
                let before = out.len();
                backfill(length, index, &mut out)?;
                let created = self.create(child.name.as_bytes(), &child.nodes, &mut out)?;
                if created {
                    length = index + 1;
                } else {
                    out.truncate(before);
                }
                self.rewriter.give_back(out, created)?;
            }
        }
        self.rewriter.close(position, start, end);
        Ok(())
    }

    /// Adds the nodes of `$[]` and of those `$[identifier]` whose condition the element fulfils.
    fn add_matching(
        &mut self,
        nodes: &[&'u Node],
        element: &Element<'_>,
        here: &mut Nodes<'u>,
    ) -> Result<()> {
        for node in nodes {
            let Node::Elements(elements) = node else {
                continue;
            };
            here.extend(elements.all.as_deref());
            for (filter, node) in &elements.filtered {
                if let Some(filter) = self.operators.filters.get(*filter)
                    && filter.matches(element, &mut self.scratch)?
                {
                    here.push(node);
                }
            }
        }
        Ok(())
    }

    /// Applies `nodes`, at least one, to a field or an array's element that is there.
    fn value(&mut self, nodes: &[&'u Node], element: &Element<'d>, in_array: bool) -> Result<()> {
        if let Some(leaf) = only_leaf(nodes)? {
            return self.modify(leaf, element, in_array);
        }
        match element.tag {
            tag::ARRAY => self.array(nodes, element),
            _ if nodes.iter().any(|node| matches!(node, Node::Elements(_))) => {
                Err(Error::bad_value(format!(
                    "Cannot apply array updates to non-array element '{}' of type {}",
                    element.name_str(),
                    type_name(element.tag)
                )))
            }
            tag::DOCUMENT => {
                let children = self.children(nodes)?;
                self.document(children, element.value_start, element.end)
            }
            _ => {
                // Nothing lies below, and nothing can be put there.
                let children = self.children(nodes)?;
                match children
                    .iter()
                    .find(|child| creates(&child.nodes, &self.env))
                {
                    Some(child) => Err(not_viable(&child.name, element)),
                    None => Ok(()),
                }
            }
        }
    }

    fn modify(&mut self, leaf: &'u Leaf, element: &Element<'d>, in_array: bool) -> Result<()> {
        self.scratch.clear();
        let target = Target {
            element: *element,
            path: &leaf.path,
            env: &self.env,
        };
        match leaf.modifier.update(&target, &mut self.scratch)? {
            Effect::Nothing => Ok(()),
            Effect::Value(value) => self.rewriter.put(element, value.tag(), value.bytes()),
            Effect::Written(tag) => self.rewriter.put(element, tag, &self.scratch),
            // What is removed from an array leaves a null, so that the others keep their places.
            Effect::Removed if in_array => self.rewriter.put(element, tag::NULL, &[]),
            Effect::Removed => {
                self.rewriter.remove(element);
                Ok(())
            }
        }
    }

    /// Writes a field that is not there yet to the end of `out`. Answers whether there is one now.
    fn create(&mut self, name: &[u8], nodes: &[&'u Node], out: &mut Vec<u8>) -> Result<bool> {
        if let Some(leaf) = only_leaf(nodes)? {
            self.scratch.clear();
            match leaf.modifier.create(&self.env, &mut self.scratch)? {
                Effect::Nothing | Effect::Removed => return Ok(false),
                Effect::Value(value) => write::element(out, value.tag(), name, value.bytes()),
                Effect::Written(tag) => write::element(out, tag, name, &self.scratch),
            }
            check_size(out.len())?;
            return Ok(true);
        }
        if nodes.iter().any(|node| matches!(node, Node::Elements(_))) {
            return Err(Error::bad_value(format!(
                "The path '{}' must exist in the document in order to apply array updates.",
                String::from_utf8_lossy(name)
            )));
        }
        let before = out.len();
        write::header(out, tag::DOCUMENT, name);
        let start = write::begin(out);
        let mut created = false;
        for child in &self.children(nodes)? {
            created |= self.create(child.name.as_bytes(), &child.nodes, out)?;
        }
        if created {
            write::end(out, start);
        } else {
            out.truncate(before);
        }
        Ok(created)
    }
}

/// The one modifier that applies at a place, if one does.
fn only_leaf<'u>(nodes: &[&'u Node]) -> Result<Option<&'u Leaf>> {
    let leaf = nodes.iter().find_map(|node| match node {
        Node::Leaf(leaf) => Some(leaf),
        Node::Fields(_) | Node::Elements(_) => None,
    });
    let mixed = || {
        nodes.iter().any(|node| matches!(node, Node::Fields(_)))
            && nodes.iter().any(|node| matches!(node, Node::Elements(_)))
    };
    match leaf {
        Some(leaf) if nodes.len() > 1 => Err(Error::new(
            ErrorCode::ConflictingUpdateOperators,
            format!("Update created a conflict at '{}'", leaf.path),
        )),
        None if nodes.len() > 1 && mixed() => Err(Error::new(
            ErrorCode::ConflictingUpdateOperators,
            "Update created a conflict: an array is addressed both by $[] and by position",
        )),
        leaf => Ok(leaf),
    }
}

/// Whether the nodes would make something new where nothing is.
fn creates(nodes: &[&Node], env: &Env<'_>) -> bool {
    nodes.iter().any(|node| match node {
        Node::Leaf(leaf) => leaf.modifier.creates(env),
        Node::Elements(_) => true,
        Node::Fields(fields) => fields
            .children
            .iter()
            .map(|(_, node)| node)
            .chain(fields.positional.as_deref())
            .any(|node| creates(&[node], env)),
    })
}

fn merge<'u>(children: &mut Children<'u>, name: Cow<'u, str>, node: &'u Node) {
    match children.binary_search_by(|child| compare_names(child.name.as_bytes(), name.as_bytes())) {
        Ok(at) => {
            if let Some(child) = children.get_mut(at) {
                child.nodes.push(node);
            }
        }
        Err(at) => children.insert(
            at,
            Child {
                name,
                nodes: smallvec![node],
                done: false,
            },
        ),
    }
}

fn find<'c, 'u>(children: &'c mut Children<'u>, name: &[u8]) -> Option<&'c mut Child<'u>> {
    if children.len() <= LINEAR_FIELDS {
        return children
            .iter_mut()
            .find(|child| child.name.as_bytes() == name);
    }
    let at = children
        .binary_search_by(|child| compare_names(child.name.as_bytes(), name))
        .ok()?;
    children.get_mut(at)
}

/// Writes the nulls between an array's end and its new element.
fn backfill(length: usize, index: usize, out: &mut Vec<u8>) -> Result<()> {
    let missing = index.saturating_sub(length);
    if missing > MAX_BACKFILL {
        return Err(Error::new(
            ErrorCode::CannotBackfillArray,
            format!("can't backfill more than {MAX_BACKFILL} elements"),
        ));
    }
    for index in length..index {
        write::index_header(out, tag::NULL, index);
        check_size(out.len())?;
    }
    Ok(())
}

fn not_viable(name: &str, element: &Element<'_>) -> Error {
    Error::new(
        ErrorCode::PathNotViable,
        format!(
            "Cannot create field '{name}' in element '{}' of type {}",
            element.name_str(),
            type_name(element.tag)
        ),
    )
}
