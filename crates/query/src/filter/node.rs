//! The tree of a compiled filter, and how it is evaluated.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use bson::RawBsonRef;

use super::path::{Path, Subject};
use super::predicate::Predicate;
use super::test::Test;
use crate::{Error, Result};

/// A condition on a document.
#[derive(Debug)]
pub(crate) enum Node {
    /// All of them hold. Without any: every document passes.
    And(Vec<Node>),
    /// At least one holds.
    Or(Vec<Node>),
    /// None holds.
    Nor(Vec<Node>),
    /// It does not hold.
    Not(Box<Node>),
    /// A value that the path reaches passes the test.
    Field(Arc<Path>, Test),
    /// `$expr`
    Predicate(Opaque),
}

/// A condition on one value: what stands to the right of a field's name. The same operators as a
/// [`Node`], before they are given a path.
#[derive(Debug)]
pub(crate) enum Condition {
    /// All of them hold.
    All(Vec<Condition>),
    /// It does not hold.
    Not(Box<Condition>),
    /// The value passes the test.
    Test(Test),
}

/// A predicate that has no `Debug` of its own.
pub(crate) struct Opaque(pub(crate) Box<dyn Predicate>);

impl fmt::Debug for Opaque {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("$expr")
    }
}

/// What one evaluation finds out besides yes and no.
///
/// Keeping the rare failure here lets the tree answer with a plain `bool`.
#[derive(Debug, Default)]
pub(crate) struct Evaluation {
    /// The index of the array element that matched, in the outermost array.
    pub(crate) position: Option<usize>,
    error: Option<Error>,
}

impl Evaluation {
    /// Records a failure; the first one counts.
    pub(crate) fn fail(&mut self, error: Error) {
        self.error.get_or_insert(error);
    }

    /// The answer, or the failure that makes it worthless.
    pub(crate) fn finish(self, matched: bool) -> Result<bool> {
        match self.error {
            None => Ok(matched),
            Some(error) => Err(error),
        }
    }

    /// Runs a part whose positions count only if it matches.
    fn part(&mut self, run: impl FnOnce(&mut Self) -> bool) -> bool {
        let before = self.position;
        let matched = run(self);
        if !matched {
            self.position = before;
        }
        matched
    }

    /// Runs a part whose positions never count: what a negation or an element says of itself.
    pub(crate) fn aside(&mut self, run: impl FnOnce(&mut Self) -> bool) -> bool {
        let before = self.position;
        let matched = run(self);
        self.position = before;
        matched
    }
}

impl Node {
    pub(crate) fn matches(&self, subject: Subject<'_>, evaluation: &mut Evaluation) -> bool {
        match self {
            Node::And(nodes) => nodes.iter().all(|node| node.matches(subject, evaluation)),
            Node::Or(nodes) => nodes
                .iter()
                .any(|node| evaluation.part(|evaluation| node.matches(subject, evaluation))),
            Node::Nor(nodes) => !nodes
                .iter()
                .any(|node| evaluation.aside(|evaluation| node.matches(subject, evaluation))),
            Node::Not(node) => !evaluation.aside(|evaluation| node.matches(subject, evaluation)),
            Node::Field(path, test) => field_matches(path, test, subject, evaluation),
            Node::Predicate(Opaque(predicate)) => match subject {
                Subject::Document(document) => predicate.eval(document).unwrap_or_else(|error| {
                    evaluation.fail(error);
                    false
                }),
                Subject::Root(_) => {
                    evaluation.fail(Error::bad_value("$expr is not allowed in this context"));
                    false
                }
            },
        }
    }

    pub(crate) fn collect_equalities<'a>(&'a self, found: &mut Vec<(&'a str, RawBsonRef<'a>)>) {
        match self {
            Node::And(nodes) => nodes.iter().for_each(|node| node.collect_equalities(found)),
            Node::Or(nodes) => {
                if let [node] = nodes.as_slice() {
                    node.collect_equalities(found);
                }
            }
            Node::Field(path, Test::Eq(value)) => {
                found.push((path.as_str(), value.as_raw_bson_ref()));
            }
            Node::Field(path, Test::In(set)) => {
                if let Some(value) = set.single() {
                    found.push((path.as_str(), value));
                }
            }
            Node::Nor(_) | Node::Not(_) | Node::Field(..) | Node::Predicate(_) => {}
        }
    }

    pub(crate) fn collect_root_fields<'a>(&'a self, found: &mut BTreeSet<&'a str>) {
        match self {
            Node::And(nodes) | Node::Or(nodes) | Node::Nor(nodes) => nodes
                .iter()
                .for_each(|node| node.collect_root_fields(found)),
            Node::Not(node) => node.collect_root_fields(found),
            Node::Field(path, _) => {
                found.insert(path.root());
            }
            Node::Predicate(_) => {}
        }
    }
}

fn field_matches(
    path: &Path,
    test: &Test,
    subject: Subject<'_>,
    evaluation: &mut Evaluation,
) -> bool {
    let mut position = None;
    let outcome = path.any(subject, test.leaf_arrays(), |value, outer| {
        let mut within = None;
        let matched = test.matches(value, evaluation, &mut within);
        if matched {
            position = outer.or(within);
        }
        matched
    });
    let matched = outcome.unwrap_or_else(|_| {
        evaluation.fail(Error::bad_value(format!(
            "the path '{}' can be read in too many ways in a document: \
             its arrays hold documents whose field names are numbers",
            path.as_str()
        )));
        false
    });
    if matched && position.is_some() {
        evaluation.position = position;
    }
    matched
}

impl Condition {
    /// The same condition on what `path` reaches.
    pub(crate) fn into_node(self, path: &Arc<Path>) -> Node {
        match self {
            Condition::All(conditions) => Node::And(
                conditions
                    .into_iter()
                    .map(|condition| condition.into_node(path))
                    .collect(),
            ),
            Condition::Not(condition) => Node::Not(Box::new(condition.into_node(path))),
            Condition::Test(test) => Node::Field(Arc::clone(path), test),
        }
    }

    /// Whether this one value fulfils the condition; an array is not looked into.
    pub(crate) fn matches(&self, value: RawBsonRef<'_>, evaluation: &mut Evaluation) -> bool {
        match self {
            Condition::All(conditions) => conditions
                .iter()
                .all(|condition| condition.matches(value, evaluation)),
            Condition::Not(condition) => !condition.matches(value, evaluation),
            Condition::Test(test) => test.matches(Some(value), evaluation, &mut None),
        }
    }
}
