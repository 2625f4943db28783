//! Memory for messages that are on their way in, for all connections together.
//!
//! A message may have 48 MB, and a server many connections. Small messages come free; what a
//! large one needs is taken from a common budget as its bytes arrive, so that many clients that
//! send large messages wait for each other instead of exhausting the machine.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The unit of the budget, in bytes; also how much of a message comes free.
pub(super) const UNIT_BYTES: usize = 1 << 20;

/// All large messages together may hold so many units: 512 MiB.
const UNITS: usize = 512;

/// The budget that connections share.
#[derive(Debug, Clone)]
pub(super) struct Budget(Arc<Semaphore>);

impl Default for Budget {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(UNITS)))
    }
}

impl Budget {
    /// Waits for one more unit. It is given back when the permit is dropped.
    pub(super) async fn unit(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.0).acquire_owned().await.ok()
    }
}
