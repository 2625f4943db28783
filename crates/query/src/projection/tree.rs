//! Paths that are kept, dropped or computed, as a tree, and its application to raw documents.
//!
//! A document is walked once; fields that stay are copied as they stand, neighbours in one go.
//! Kept fields stay in the order of the document, computed ones follow in the order in which they
//! were specified.

use bson::{RawDocument, RawDocumentBuf};
use document::ErrorCode;
use document::limits::{MAX_INTERNAL_DOCUMENT_BYTES, MAX_NESTING};

use super::compute::{Compute, ComputeFactory};
use super::operators::FindOperator;
use crate::raw::{Element, Elements, tag, write};
use crate::{Error, Result};

/// What happens to the fields that are not named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// They are dropped; named ones are kept.
    Inclusion,
    /// They are kept; named ones are dropped.
    Exclusion,
}

/// A compiled projection.
#[derive(Debug)]
pub struct Tree {
    pub(super) mode: Mode,
    pub(super) root: Branch,
}

/// The fields of one (sub)document that the projection names.
#[derive(Debug, Default)]
pub(super) struct Branch {
    /// In the order in which they were specified.
    children: Vec<Child>,
    /// Positions in `children`, ordered by name; kept when there are many.
    by_name: Vec<usize>,
    /// Whether something below is computed, so that it appears in documents that lack the field.
    computes: bool,
    /// Whether `.$` ends a path below: the first array on the way is cut to the matched element.
    positional: bool,
}

#[derive(Debug)]
struct Child {
    name: Box<str>,
    action: Action,
}

/// What happens to a field.
#[derive(Debug)]
pub(super) enum Action {
    /// The mode says it: kept or dropped.
    Leaf,
    /// Something below it is named.
    Branch(Branch),
    /// An expression gives its value.
    Computed(Box<dyn Compute>),
    /// An operator of `find`.
    Find(FindOperator),
}

/// What the application to one document knows.
#[derive(Clone, Copy)]
pub(super) struct Env<'d> {
    /// The document that is projected: what expressions see.
    pub(super) root: &'d RawDocument,
    pub(super) mode: Mode,
    /// The array position that the filter matched, for `.$`.
    pub(super) position: Option<usize>,
    /// Whether an array on the way to a `.$` was cut already: those further down stay whole.
    pub(super) is_cut: bool,
    /// The most bytes that the output buffer may grow to.
    limit: usize,
}

impl Env<'_> {
    fn check_limit(&self, out: &[u8]) -> Result<()> {
        if out.len() <= self.limit {
            return Ok(());
        }
        Err(Error::new(
            ErrorCode::BSONObjectTooLarge,
            "the projected document is larger than 16 MiB",
        ))
    }
}

/// Above so many fields, they are looked up by binary search.
const LINEAR_FIELDS: usize = 8;

impl Tree {
    /// Parses the specification of a `$project` stage: inclusion, exclusion and computed fields.
    ///
    /// # Errors
    ///
    /// MongoDB's code for what is wrong: 31253 and 31254 for a mix of inclusion and exclusion,
    /// 31249 and 31250 for paths in each other's way, 51272 for an empty specification …
    pub fn parse(spec: &RawDocument, expressions: &dyn ComputeFactory) -> Result<Self> {
        super::parse::project_stage(spec, expressions)
    }

    /// The exclusion of `paths`, as the stage `$unset` has it.
    ///
    /// # Errors
    ///
    /// As [`Tree::parse`], for paths that are not well-formed or in each other's way.
    pub fn excluding<'p>(paths: impl IntoIterator<Item = &'p str>) -> Result<Self> {
        let mut tree = Self::new(Mode::Exclusion);
        for path in paths {
            super::parse::check_path(path)?;
            tree.root.insert(path, Action::Leaf)?;
        }
        tree.finish();
        Ok(tree)
    }

    pub(super) fn new(mode: Mode) -> Self {
        Self {
            mode,
            root: Branch::default(),
        }
    }

    pub(super) fn finish(&mut self) {
        self.root.finish();
    }

    /// Whether the named fields are kept or dropped.
    pub const fn mode(&self) -> Mode {
        self.mode
    }

    /// The projected document.
    ///
    /// # Errors
    ///
    /// What a computed field's expression fails with; `BSONObjectTooLarge` for a result that grows
    /// out of bounds.
    pub fn apply(&self, document: &RawDocument) -> Result<RawDocumentBuf> {
        let mut out = Vec::with_capacity(document.as_bytes().len());
        self.apply_into(document, None, &mut out)?;
        Ok(RawDocumentBuf::from_bytes(out).unwrap_or_default())
    }

    /// Writes the projected document to the end of `out`. After an error `out` holds a part of it.
    pub(super) fn apply_into(
        &self,
        document: &RawDocument,
        position: Option<usize>,
        out: &mut Vec<u8>,
    ) -> Result<()> {
        let env = Env {
            root: document,
            mode: self.mode,
            position,
            is_cut: false,
            limit: out.len() + MAX_INTERNAL_DOCUMENT_BYTES,
        };
        self.root.document(env, document.as_bytes(), out)
    }
}

impl Branch {
    /// Adds `action` at a dotted path.
    pub(super) fn insert(&mut self, path: &str, action: Action) -> Result<()> {
        let mut branch = self;
        let mut at = 0;
        loop {
            let rest = path.get(at..).unwrap_or_default();
            let (name, last) = match rest.split_once('.') {
                Some((name, _)) => (name, false),
                None => (rest, true),
            };
            branch.computes |= matches!(action, Action::Computed(_));
            branch.positional |= matches!(action, Action::Find(FindOperator::Positional));
            let found = branch
                .children
                .iter()
                .position(|child| *child.name == *name);
            if last {
                if found.is_some() {
                    return Err(Error::new(
                        ErrorCode::Location(31250),
                        format!("Path collision at {path}"),
                    ));
                }
                branch.children.push(Child {
                    name: name.into(),
                    action,
                });
                return Ok(());
            }
            at += name.len() + 1;
            let index = found.unwrap_or_else(|| {
                branch.children.push(Child {
                    name: name.into(),
                    action: Action::Branch(Self::default()),
                });
                branch.children.len() - 1
            });
            match branch
                .children
                .get_mut(index)
                .map(|child| &mut child.action)
            {
                Some(Action::Branch(below)) => branch = below,
                _ => {
                    return Err(Error::new(
                        ErrorCode::Location(31249),
                        format!(
                            "Path collision at {path} remaining portion {}",
                            path.get(at..).unwrap_or_default()
                        ),
                    ));
                }
            }
        }
    }

    fn finish(&mut self) {
        for child in &mut self.children {
            if let Action::Branch(below) = &mut child.action {
                below.finish();
            }
        }
        if self.children.len() > LINEAR_FIELDS {
            self.by_name = (0..self.children.len()).collect();
            self.by_name
                .sort_by_key(|index| self.children.get(*index).map(|child| child.name.as_bytes()));
        }
    }

    fn find(&self, name: &[u8]) -> Option<usize> {
        if self.by_name.is_empty() {
            return self
                .children
                .iter()
                .position(|child| child.name.as_bytes() == name);
        }
        let name_of = |index: &usize| self.children.get(*index).map(|child| child.name.as_bytes());
        self.by_name
            .binary_search_by(|index| name_of(index).cmp(&Some(name)))
            .ok()
            .and_then(|at| self.by_name.get(at).copied())
    }

    /// Writes what the projection makes of a document.
    fn document(&self, env: Env<'_>, bytes: &[u8], out: &mut Vec<u8>) -> Result<()> {
        let start = write::begin(out);
        // Neighbours that are kept are copied together: `run` is where the first of them starts.
        let mut run: Option<usize> = None;
        let mut run_end = 0;
        let mut seen = Seen::new(self.children.len());
        for element in Elements::of_bytes(bytes) {
            let child = self.find(element.name);
            let action = child
                .and_then(|index| self.children.get(index))
                .map(|child| &child.action);
            let keep = match (action, env.mode) {
                (None, Mode::Exclusion) | (Some(Action::Leaf), Mode::Inclusion) => true,
                (None, Mode::Inclusion) | (Some(Action::Leaf), Mode::Exclusion) => false,
                (Some(_), _) => false,
            };
            if keep {
                run.get_or_insert(element.start);
                run_end = element.end;
            } else if let Some(from) = run.take() {
                copy(bytes, from, run_end, out);
            }
            match action {
                Some(Action::Branch(below)) => below.field(env, &element, out)?,
                Some(Action::Find(operator)) => operator.apply(env, &element, out)?,
                Some(Action::Leaf | Action::Computed(_)) | None => {}
            }
            if let Some(index) = child {
                seen.insert(index);
                if env.mode == Mode::Inclusion && seen.is_complete() {
                    break;
                }
            }
        }
        if let Some(from) = run {
            copy(bytes, from, run_end, out);
        }
        self.append_computed(env, bytes, seen, out)?;
        write::end(out, start);
        env.check_limit(out)
    }

    /// Writes the computed fields, those in branches that the document lacks included.
    fn append_computed(
        &self,
        env: Env<'_>,
        bytes: &[u8],
        seen: Seen,
        out: &mut Vec<u8>,
    ) -> Result<()> {
        for (index, child) in self.children.iter().enumerate() {
            let name = child.name.as_bytes();
            match &child.action {
                Action::Computed(expression) => {
                    expression.compute(env.root, &mut |value| {
                        write::bson_element(out, name, value);
                    })?;
                    env.check_limit(out)?;
                }
                Action::Find(operator) if env.mode == Mode::Inclusion => {
                    operator.append(name, bytes, out)?;
                }
                Action::Branch(below) if below.computes => {
                    let seen = seen
                        .contains(index)
                        .unwrap_or_else(|| Elements::of_bytes(bytes).find_name(name).is_some());
                    if !seen {
                        write::header(out, tag::DOCUMENT, name);
                        below.created(env, out)?;
                    }
                }
                Action::Branch(_) | Action::Leaf | Action::Find(_) => {}
            }
        }
        Ok(())
    }

    /// Writes a document that holds nothing but the computed fields.
    fn created(&self, env: Env<'_>, out: &mut Vec<u8>) -> Result<()> {
        let start = write::begin(out);
        self.append_computed(env, &[], Seen::new(self.children.len()), out)?;
        write::end(out, start);
        Ok(())
    }

    /// Writes what the projection makes of a field that something below is named of.
    fn field(&self, env: Env<'_>, element: &Element<'_>, out: &mut Vec<u8>) -> Result<()> {
        match element.tag {
            tag::DOCUMENT => {
                write::header(out, tag::DOCUMENT, element.name);
                self.document(env, element.value, out)
            }
            tag::ARRAY => {
                write::header(out, tag::ARRAY, element.name);
                if self.positional && !env.is_cut {
                    let matched = super::operators::matched(env.position, element.value)?;
                    let env = Env {
                        is_cut: true,
                        ..env
                    };
                    let start = write::begin(out);
                    self.item(env, &matched, 0, 1, out)?;
                    write::end(out, start);
                    return Ok(());
                }
                self.array(env, element.value, 1, out)
            }
            _ if self.computes => {
                write::header(out, tag::DOCUMENT, element.name);
                self.created(env, out)
            }
            _ => {
                if env.mode == Mode::Exclusion {
                    out.extend_from_slice(element.whole);
                }
                Ok(())
            }
        }
    }

    fn array(&self, env: Env<'_>, bytes: &[u8], depth: usize, out: &mut Vec<u8>) -> Result<()> {
        let start = write::begin(out);
        let mut index = 0;
        for element in Elements::of_bytes(bytes) {
            index += usize::from(self.item(env, &element, index, depth, out)?);
        }
        write::end(out, start);
        Ok(())
    }

    /// Writes what becomes of an array's item under the index it has now; answers whether it stays.
    fn item(
        &self,
        env: Env<'_>,
        element: &Element<'_>,
        index: usize,
        depth: usize,
        out: &mut Vec<u8>,
    ) -> Result<bool> {
        match element.tag {
            tag::DOCUMENT => {
                write::index_header(out, tag::DOCUMENT, index);
                self.document(env, element.value, out)?;
            }
            tag::ARRAY if depth < MAX_NESTING => {
                write::index_header(out, tag::ARRAY, index);
                self.array(env, element.value, depth + 1, out)?;
            }
            _ if self.computes => {
                write::index_header(out, tag::DOCUMENT, index);
                self.created(env, out)?;
            }
            _ if env.mode == Mode::Exclusion => {
                write::index_element(out, element.tag, index, element.value);
            }
            _ => return Ok(false),
        }
        Ok(true)
    }
}

/// Which of a branch's fields a document has, as far as 64 of them go.
#[derive(Clone, Copy)]
struct Seen {
    bits: u64,
    complete: Option<u64>,
}

impl Seen {
    fn new(fields: usize) -> Self {
        let complete = u32::try_from(fields).ok().and_then(|fields| match fields {
            64 => Some(u64::MAX),
            fields => 1_u64.checked_shl(fields).map(|bit| bit - 1),
        });
        Self { bits: 0, complete }
    }

    fn bit(index: usize) -> Option<u64> {
        1_u64.checked_shl(u32::try_from(index).ok()?)
    }

    fn insert(&mut self, index: usize) {
        self.bits |= Self::bit(index).unwrap_or(0);
    }

    /// `None`: not known, for a field beyond the 64th.
    fn contains(self, index: usize) -> Option<bool> {
        Self::bit(index).map(|bit| self.bits & bit != 0)
    }

    fn is_complete(self) -> bool {
        Some(self.bits) == self.complete
    }
}

fn copy(bytes: &[u8], from: usize, to: usize, out: &mut Vec<u8>) {
    out.extend_from_slice(bytes.get(from..to).unwrap_or_default());
}
