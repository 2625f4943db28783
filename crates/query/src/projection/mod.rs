//! The projection of `find` and `findAndModify`, and the tree of paths that it shares with the
//! aggregation stages `$project` and `$unset`.
//!
//! - `tree`: paths that are kept, dropped or computed, and their application to raw documents
//! - `compute`: the hook for expressions
//! - `find`: what only `find` has: `$slice`, `$elemMatch`, `a.$`
//!
//! Source: the manual's pages "Project Fields to Return from Query", "Projection Operators" and
//! "$project (aggregation)".

pub mod compute;
mod find;
mod operators;
mod parse;
pub mod tree;

pub use compute::{Compute, ComputeFactory, NoExpressions};
pub use find::Projection;
pub use tree::{Mode, Tree};
