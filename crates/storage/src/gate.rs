//! Holding back the commits of all databases for a moment, so that they can be seen as of one
//! instant.
//!
//! A commit enters its database's gate and leaves it: two additions to a number of the database's
//! own, and no lock. A checkpoint closes the gates, waits until nobody is inside, does what must be
//! done at one instant, and opens them.
//!
//! A gate also knows whether anything was committed since it was last asked, so that a checkpoint
//! need not look again at databases that nobody writes to.

use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use tokio::sync::Notify;

/// Set in a gate's state while it is closed; below it is the number of commits inside.
const CLOSED: u64 = 1 << 63;

/// The gate of one database. It outlives the database's being open.
#[derive(Debug, Default)]
pub(crate) struct CommitGate {
    state: AtomicU64,
    changed: AtomicBool,
    /// A commit was cancelled: it may take effect at any time, unseen.
    in_doubt: AtomicBool,
    opened: Notify,
    drained: Notify,
}

impl CommitGate {
    /// To be held during a commit. Waits while the gate is closed.
    pub(crate) async fn enter(&self) -> Pass<'_> {
        match self.try_enter() {
            Some(pass) => pass,
            None => self.wait().await,
        }
    }

    fn try_enter(&self) -> Option<Pass<'_>> {
        if self.state.fetch_add(1, Ordering::Acquire) & CLOSED == 0 {
            return Some(Pass {
                gate: self,
                has_ended: false,
            });
        }
        self.leave();
        None
    }

    #[cold]
    async fn wait(&self) -> Pass<'_> {
        loop {
            let mut opened = pin!(self.opened.notified());
            // Whoever opens it from here on wakes this one.
            opened.as_mut().enable();
            if let Some(pass) = self.try_enter() {
                return pass;
            }
            opened.await;
        }
    }

    fn leave(&self) {
        if self.state.fetch_sub(1, Ordering::AcqRel) == CLOSED | 1 {
            self.drained.notify_one();
        }
    }

    /// Lets no further commit in until the answer is dropped. One at a time.
    pub(crate) fn close(&self) -> Closed<'_> {
        self.state.fetch_or(CLOSED, Ordering::AcqRel);
        Closed(self)
    }

    /// Whether something may have been committed since [`forget_changes`](Self::forget_changes).
    /// Certain while the gate is closed and drained.
    pub(crate) fn has_changed(&self) -> bool {
        self.changed.load(Ordering::Acquire) || self.in_doubt.load(Ordering::Acquire)
    }

    /// Makes the next look a new one, though nothing was committed.
    pub(crate) fn mark_changed(&self) {
        self.changed.store(true, Ordering::Release);
    }

    /// To be called before the database is looked at: what is committed afterwards counts as a
    /// change, whether or not it was seen.
    pub(crate) fn forget_changes(&self) {
        self.changed.swap(false, Ordering::AcqRel);
    }
}

/// A commit under way.
pub(crate) struct Pass<'a> {
    gate: &'a CommitGate,
    has_ended: bool,
}

impl Pass<'_> {
    /// The commit has ended, one way or the other.
    pub(crate) fn end(mut self) {
        self.has_ended = true;
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        if !self.has_ended {
            self.gate.in_doubt.store(true, Ordering::Release);
        }
        // After the commit, so that a checkpoint that did not see it does see this. Mostly a read
        // of what is there: the line is not taken from other processors.
        if !self.gate.changed.load(Ordering::Relaxed) {
            self.gate.changed.store(true, Ordering::Release);
        }
        self.gate.leave();
    }
}

/// A gate that is closed; dropping it opens the gate.
pub(crate) struct Closed<'a>(&'a CommitGate);

impl Closed<'_> {
    /// Waits until no commit is inside.
    pub(crate) async fn drained(&self) {
        loop {
            let mut drained = pin!(self.0.drained.notified());
            drained.as_mut().enable();
            if self.0.state.load(Ordering::Acquire) == CLOSED {
                return;
            }
            drained.await;
        }
    }
}

impl Drop for Closed<'_> {
    fn drop(&mut self) {
        self.0.state.fetch_and(!CLOSED, Ordering::AcqRel);
        self.0.opened.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn nobody_is_inside_a_drained_gate() {
        const TASKS: usize = 4;
        let gate = Arc::new(CommitGate::default());
        let inside = Arc::new(AtomicU64::new(0));
        let entered: Arc<[AtomicU64; TASKS]> = Arc::default();
        let stop = Arc::new(AtomicBool::new(false));
        let tasks: Vec<_> = (0..TASKS)
            .map(|task| {
                let (gate, inside) = (Arc::clone(&gate), Arc::clone(&inside));
                let (entered, stop) = (Arc::clone(&entered), Arc::clone(&stop));
                tokio::spawn(async move {
                    while !stop.load(Ordering::Relaxed) {
                        let pass = gate.enter().await;
                        inside.fetch_add(1, Ordering::SeqCst);
                        tokio::task::yield_now().await;
                        inside.fetch_sub(1, Ordering::SeqCst);
                        pass.end();
                        entered[task].fetch_add(1, Ordering::Relaxed);
                    }
                })
            })
            .collect();
        let mut rounds = 0;
        // Closing keeps nobody out for good.
        while rounds < 200
            || entered
                .iter()
                .any(|count| count.load(Ordering::Relaxed) < 20)
        {
            let closed = gate.close();
            closed.drained().await;
            for _ in 0..10 {
                assert_eq!(inside.load(Ordering::SeqCst), 0);
                tokio::task::yield_now().await;
            }
            drop(closed);
            tokio::task::yield_now().await;
            rounds += 1;
        }
        stop.store(true, Ordering::Relaxed);
        for task in tasks {
            task.await.unwrap();
        }
    }

    #[tokio::test]
    async fn changes_are_remembered() {
        let gate = CommitGate::default();
        assert!(!gate.has_changed());
        gate.enter().await.end();
        assert!(gate.has_changed());
        gate.forget_changes();
        assert!(!gate.has_changed());
        // Nobody knows what a cancelled commit does, and when.
        drop(gate.enter().await);
        gate.forget_changes();
        assert!(gate.has_changed());
    }
}
