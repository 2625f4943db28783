//! Whether a filter lets pass only documents that a partial index holds.

use super::bounds;
use super::predicates::Conjuncts;
use crate::filter::node::Node;
use crate::filter::path::Path;
use crate::filter::test::Test;

/// Whether every document that passes the conjuncts passes `partial` too. `false` when in doubt.
pub(super) fn implies(filter: &Conjuncts<'_>, partial: &Node) -> bool {
    implies_directly(filter, partial)
        || filter.disjunctions.iter().any(|disjunction| {
            disjunction.branches.iter().all(|branch| {
                let branch = filter.with_branch(disjunction.conjunct, branch);
                implies_directly(&branch, partial)
            })
        })
}

fn implies_directly(filter: &Conjuncts<'_>, partial: &Node) -> bool {
    match partial {
        Node::And(nodes) => nodes.iter().all(|node| implies_directly(filter, node)),
        Node::Or(nodes) => nodes.iter().any(|node| implies_directly(filter, node)),
        Node::Field(path, test) => implies_test(filter, path, test),
        Node::Nor(_) | Node::Not(_) | Node::Predicate(_) => false,
    }
}

fn implies_test(filter: &Conjuncts<'_>, path: &Path, test: &Test) -> bool {
    if path.has_positions() {
        return false;
    }
    let bounds = bounds::of_test(test).filter(|bounds| bounds.exact);
    filter
        .predicates
        .iter()
        .filter(|predicate| predicate.scope.is_none() && predicate.path == path.as_str())
        .any(|predicate| {
            let within = bounds
                .as_ref()
                .is_some_and(|bounds| bounds.set.is_superset(&predicate.set));
            matches!(test, Test::Exists) && predicate.excludes_missing
                || within && !predicate.negated
                || predicate.test.is_some_and(|own| is_same(own, test))
        })
}

/// Tests that bounds do not describe, word for word.
fn is_same(left: &Test, right: &Test) -> bool {
    match (left, right) {
        (Test::Type(left), Test::Type(right)) => left == right,
        (Test::Size(left), Test::Size(right)) => left == right,
        (Test::Regex(left), Test::Regex(right)) => {
            left.pattern() == right.pattern() && left.options() == right.options()
        }
        _ => false,
    }
}
