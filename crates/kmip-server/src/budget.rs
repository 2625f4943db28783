//! How long one request may take.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// When requests end: each a while after it began, and all of them when the server stops.
pub(crate) struct Budget {
    each: Duration,
    stop: OnceLock<Instant>,
}

/// When one request ends.
#[derive(Clone, Copy)]
pub(crate) struct Deadline<'a> {
    own: Option<Instant>,
    stop: &'a OnceLock<Instant>,
}

impl Budget {
    pub(crate) fn new(each: Duration) -> Self {
        Self {
            each,
            stop: OnceLock::new(),
        }
    }

    /// From now on no request goes on after this.
    pub(crate) fn stop_at(&self, when: Instant) {
        // The first stop counts.
        let _ = self.stop.set(when);
    }

    /// For a request that begins now.
    pub(crate) fn begin(&self) -> Deadline<'_> {
        Deadline {
            // Further than an `Instant` goes is no end.
            own: Instant::now().checked_add(self.each),
            stop: &self.stop,
        }
    }
}

impl Deadline<'_> {
    pub(crate) fn has_passed(self) -> bool {
        self.end().is_some_and(|end| end <= Instant::now())
    }

    /// When it ends, as far as that is known now: the server may be stopped meanwhile.
    pub(crate) fn end(self) -> Option<Instant> {
        let stop = self.stop.get().copied();
        [self.own, stop].into_iter().flatten().min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends() {
        assert!(Budget::new(Duration::ZERO).begin().has_passed());
        for long in [Duration::from_secs(3_600), Duration::MAX] {
            let budget = Budget::new(long);
            let deadline = budget.begin();
            assert!(!deadline.has_passed());
            budget.stop_at(Instant::now());
            assert!(deadline.has_passed());
        }
    }
}
