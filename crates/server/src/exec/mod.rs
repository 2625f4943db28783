//! Running queries: from a filter and what surrounds it to documents of a snapshot.
//!
//! - [`compile`]: filters, projections and updates with the expressions in them
//! - [`plan`]: the access path that the planner chose, in the storage layer's terms
//! - [`scan`]: reading the records that a filter selects, stopping and going on
//! - [`find`]: a scan with sort, skip, limit and projection, as a cursor's source
//! - [`pipeline`]: an aggregation over a scan
//! - [`write`]: changing documents
//! - [`new_document`]: making a client's document ready to be stored

pub mod compile;
pub mod find;
pub mod new_document;
pub mod pipeline;
pub mod plan;
pub mod scan;
pub mod sorted;
pub mod write;

/// Runs what may take long, such as the scan of a collection, so that it does not keep the
/// runtime's thread from other clients.
///
/// Handing the thread's other work over costs some microseconds: point reads do without.
pub fn off_the_workers<T>(run: impl FnOnce() -> T) -> T {
    use tokio::runtime::{Handle, RuntimeFlavor};
    match Handle::try_current().map(|handle| handle.runtime_flavor()) {
        Ok(RuntimeFlavor::MultiThread) => tokio::task::block_in_place(run),
        _ => run(),
    }
}
