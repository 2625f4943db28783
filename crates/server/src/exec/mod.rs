//! Running queries: from a filter and what surrounds it to documents of a snapshot.

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
