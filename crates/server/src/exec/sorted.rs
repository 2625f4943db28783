//! Sorting what a scan yields, where no index has the order.

use std::time::Instant;

use bson::RawDocumentBuf;
use query::sort::{SortSpec, Sorter};
use storage::{RecordId, Snapshot};

use super::scan::Scan;
use crate::cursor::Taken;
use crate::error::{CommandError, Result};

/// The first `limit` documents of the scan in the order of `sort`, or all.
pub fn documents(
    scan: &mut Scan,
    snapshot: &Snapshot,
    sort: &SortSpec,
    limit: Option<usize>,
    deadline: Option<Instant>,
) -> Result<Vec<RawDocumentBuf>> {
    let mut sorter = Sorter::new(sort, limit);
    scan.run(snapshot, deadline, &mut |_, document| {
        sorter
            .push(document, document.as_bytes().len(), || document.to_owned())
            .map_err(CommandError::from)?;
        Ok(Taken::More)
    })?;
    Ok(sorter.finish().collect())
}

/// The first record of the scan in the order of `sort`.
pub fn first(
    scan: &mut Scan,
    snapshot: &Snapshot,
    sort: &SortSpec,
    deadline: Option<Instant>,
) -> Result<Option<(RecordId, RawDocumentBuf)>> {
    let mut sorter = Sorter::new(sort, Some(1));
    scan.run(snapshot, deadline, &mut |id, document| {
        sorter
            .push(document, document.as_bytes().len(), || {
                (id.clone(), document.to_owned())
            })
            .map_err(CommandError::from)?;
        Ok(Taken::More)
    })?;
    Ok(sorter.finish().next())
}
