//! Points at which a test may stop the process, to prove that a crash there does no harm.
//!
//! Compiled to nothing unless the feature `failpoints` is on (tests turn it on). A process whose
//! environment variable `STRONGROOM_FAILPOINT` names a point aborts when it gets there: no destructor
//! runs, nothing is flushed, just as when it is killed. `name#3` is the third time that it gets there.

/// The environment variable that names the point to abort at.
pub const VARIABLE: &str = "STRONGROOM_FAILPOINT";

/// Aborts the process if the environment names `point`.
#[cfg(any(test, feature = "failpoints"))]
pub fn hit(point: &str) {
    use std::sync::atomic::{AtomicU32, Ordering};
    static HITS: AtomicU32 = AtomicU32::new(0);
    let Ok(value) = std::env::var(VARIABLE) else {
        return;
    };
    let (name, wanted) = value.split_once('#').unwrap_or((&value, "1"));
    // A process is told one point, so one counter does.
    if name == point && wanted.parse() == Ok(HITS.fetch_add(1, Ordering::SeqCst) + 1) {
        std::process::abort();
    }
}

/// Does nothing: the feature `failpoints` is off.
#[cfg(not(any(test, feature = "failpoints")))]
#[inline(always)]
pub fn hit(_point: &str) {}
