//! What a filter says of paths that an index may have: its conjuncts, and the bounds they give.

use super::bounds::{self, holds_null};
use super::interval::IntervalSet;
use crate::filter::node::Node;
use crate::filter::operators::elem_match::ElemMatch;
use crate::filter::path::Path;
use crate::filter::test::Test;

/// Which `$elemMatch` a predicate stands in, and on which path that is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Scope {
    id: usize,
    pub(super) path: String,
}

/// A set of values that one path's values are within, if a document passes.
#[derive(Debug)]
pub(super) struct Predicate<'m> {
    pub(super) path: String,
    pub(super) set: IntervalSet,
    /// Which conjunct of the filter says so.
    pub(super) conjunct: usize,
    /// Whether the conjunct says nothing else, and passes all values of the set.
    pub(super) exact: bool,
    /// Whether the set is no reason to use an index.
    pub(super) weak: bool,
    /// Whether it is the negation of a test. Then it is about all elements of an array.
    pub(super) negated: bool,
    /// Whether the keys of arrays without elements on the path, which are null, are missing in the
    /// set though such documents may pass.
    pub(super) loses_empty_arrays: bool,
    /// Whether a document that passes has the field.
    pub(super) excludes_missing: bool,
    pub(super) scope: Option<Scope>,
    /// The test, if it is not negated.
    pub(super) test: Option<&'m Test>,
}

/// A filter as the conditions that all have to hold.
#[derive(Debug, Default)]
pub(super) struct Conjuncts<'m> {
    pub(super) predicates: Vec<Predicate<'m>>,
    /// Each `$or` among them: its branches.
    pub(super) disjunctions: Vec<Disjunction<'m>>,
    /// How many conditions there are, those without bounds included.
    pub(super) count: usize,
    nodes: Vec<&'m Node>,
    scopes: usize,
}

/// An `$or` among the conjuncts.
#[derive(Debug)]
pub(super) struct Disjunction<'m> {
    pub(super) conjunct: usize,
    pub(super) branches: &'m [Node],
}

impl<'m> Conjuncts<'m> {
    pub(super) fn of(root: &'m Node) -> Self {
        let mut conjuncts = Self::default();
        conjuncts.add(root, None);
        conjuncts
    }

    /// These conjuncts with `branch` in the place of the `$or` that it belongs to.
    pub(super) fn with_branch(&self, conjunct: usize, branch: &'m Node) -> Self {
        let mut conjuncts = Self::default();
        for (index, node) in self.nodes.iter().enumerate() {
            if index != conjunct {
                conjuncts.add(node, None);
            }
        }
        conjuncts.add(branch, None);
        conjuncts
    }

    /// Whether no document can pass.
    pub(super) fn is_contradiction(&self) -> bool {
        self.predicates
            .iter()
            .any(|predicate| predicate.set.is_empty())
    }

    fn add(&mut self, node: &'m Node, within: Option<(&Scope, usize)>) {
        match node {
            Node::And(nodes) => {
                for node in nodes {
                    self.add(node, within);
                }
                return;
            }
            Node::Or(branches) => {
                if let [branch] = branches.as_slice() {
                    self.add(branch, within);
                    return;
                }
            }
            Node::Nor(branches) if within.is_none() && branches.len() == 1 => {
                if let [branch] = branches.as_slice() {
                    let conjunct = self.next_conjunct(node, within);
                    self.add_negated(branch, conjunct, None);
                    return;
                }
            }
            _ => {}
        }
        let conjunct = self.next_conjunct(node, within);
        let scope = within.map(|(scope, _)| scope);
        match node {
            Node::Field(path, test) => self.add_field(path, test, conjunct, scope),
            Node::Not(inner) => self.add_negated(inner, conjunct, scope),
            Node::Nor(branches) => {
                for branch in branches {
                    self.add_negated(branch, conjunct, scope);
                }
                // Several say more than each of them.
                for predicate in &mut self.predicates {
                    predicate.exact &= predicate.conjunct != conjunct;
                }
            }
            Node::Or(branches) if within.is_none() => {
                self.disjunctions.push(Disjunction { conjunct, branches })
            }
            Node::And(_) | Node::Or(_) | Node::Predicate(_) => {}
        }
    }

    /// Conditions within `$elemMatch` belong to the conjunct that it is.
    fn next_conjunct(&mut self, node: &'m Node, within: Option<(&Scope, usize)>) -> usize {
        match within {
            Some((_, conjunct)) => conjunct,
            None => {
                self.nodes.push(node);
                self.count += 1;
                self.count - 1
            }
        }
    }

    fn add_field(&mut self, path: &Path, test: &'m Test, conjunct: usize, scope: Option<&Scope>) {
        let full_path = full_path(path, scope);
        let bounds = bounds::of_test(test);
        self.predicates.push(Predicate {
            path: full_path.clone(),
            conjunct,
            exact: scope.is_none() && bounds.as_ref().is_some_and(|bounds| bounds.exact),
            weak: bounds.as_ref().is_none_or(|bounds| bounds.weak),
            negated: false,
            loses_empty_arrays: false,
            excludes_missing: !test.accepts_missing(),
            scope: scope.cloned(),
            test: Some(test),
            set: bounds.map_or_else(IntervalSet::all, |bounds| bounds.set),
        });
        if let Test::ElemMatch(inner) = test
            && let ElemMatch::Document(node) = inner.as_ref()
        {
            self.scopes += 1;
            let scope = Scope {
                id: self.scopes,
                path: full_path,
            };
            self.add(node, Some((&scope, conjunct)));
        }
    }

    fn add_negated(&mut self, inner: &'m Node, conjunct: usize, scope: Option<&Scope>) {
        let Node::Field(path, test) = inner else {
            return;
        };
        let full_path = full_path(path, scope);
        let is_dotted = full_path.contains('.');
        let (set, exact, loses_empty_arrays) = match test {
            // What is missing has the key of null, which what is null has too.
            Test::Exists => (IntervalSet::point(bson::raw::RawBson::Null), false, false),
            test => match bounds::of_test(test) {
                Some(bounds) if bounds.exact => {
                    let loses = holds_null(&bounds.set);
                    (bounds.set.complement(), scope.is_none(), loses)
                }
                _ => return,
            },
        };
        self.predicates.push(Predicate {
            path: full_path,
            set,
            conjunct,
            exact,
            weak: !matches!(test, Test::Exists),
            negated: true,
            loses_empty_arrays,
            excludes_missing: !is_dotted && test.accepts_missing(),
            scope: scope.cloned(),
            test: None,
        });
    }
}

fn full_path(path: &Path, scope: Option<&Scope>) -> String {
    match scope {
        Some(scope) => format!("{}.{}", scope.path, path.as_str()),
        None => path.as_str().to_owned(),
    }
}
