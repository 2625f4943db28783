//! The projection of `find`.

use bson::{RawDocument, RawDocumentBuf};

use super::compute::ComputeFactory;
use super::parse;
use super::tree::Tree;
use crate::Result;

/// A compiled projection of `find` or `findAndModify`.
#[derive(Debug)]
pub struct Projection {
    /// `None`: the documents stay as they are.
    tree: Option<Tree>,
    positional: bool,
}

impl Projection {
    /// Compiles a projection; `expressions` compiles its computed fields.
    ///
    /// # Errors
    ///
    /// MongoDB's code for what is wrong: 31253 and 31254 for a mix of inclusion and exclusion,
    /// 31249 and 31250 for paths in each other's way, 16410 for a name that starts with `$`, 31394,
    /// 31276 and 31395 for a misplaced `.$` …
    pub fn parse(spec: &RawDocument, expressions: &dyn ComputeFactory) -> Result<Self> {
        if spec.is_empty() {
            return Ok(Self {
                tree: None,
                positional: false,
            });
        }
        let (tree, positional) = parse::find(spec, expressions)?;
        Ok(Self {
            tree: Some(tree),
            positional,
        })
    }

    /// Whether documents stay as they are: the projection is `{}`.
    pub const fn is_identity(&self) -> bool {
        self.tree.is_none()
    }

    /// Whether the filter has to tell which array element it matched, for a path that ends in `.$`.
    pub const fn needs_position(&self) -> bool {
        self.positional
    }

    /// The projected document. `position` is the array element that the filter matched.
    ///
    /// # Errors
    ///
    /// 51246 if `.$` meets an array and `position` is `None`; what a computed field's expression
    /// fails with; `BSONObjectTooLarge` for a result that grows out of bounds.
    pub fn apply(&self, document: &RawDocument, position: Option<usize>) -> Result<RawDocumentBuf> {
        let mut out = Vec::with_capacity(document.as_bytes().len());
        self.apply_into(document, position, &mut out)?;
        Ok(RawDocumentBuf::from_bytes(out).unwrap_or_default())
    }

    /// Writes the projected document to the end of `out`, such as a reply's batch that is being
    /// built. If it fails, `out` is as it was.
    ///
    /// # Errors
    ///
    /// As [`Projection::apply`].
    pub fn apply_into(
        &self,
        document: &RawDocument,
        position: Option<usize>,
        out: &mut Vec<u8>,
    ) -> Result<()> {
        let Some(tree) = &self.tree else {
            out.extend_from_slice(document.as_bytes());
            return Ok(());
        };
        let start = out.len();
        tree.apply_into(document, position, out)
            .inspect_err(|_| out.truncate(start))
    }
}
