//! Points at which a test may stop the process, to prove that a crash there does no harm.
//!
//! Compiled to nothing unless the feature `failpoints` is on (tests turn it on). A process whose
//! environment variable `STRONGROOM_FAILPOINT` names a point aborts when it gets there: no destructor
//! runs, nothing is flushed, just as when it is killed.

/// The environment variable that names the point to abort at.
pub const VARIABLE: &str = "STRONGROOM_FAILPOINT";

/// Aborts the process if the environment names `point`.
#[cfg(any(test, feature = "failpoints"))]
pub fn hit(point: &str) {
    if std::env::var_os(VARIABLE).is_some_and(|name| name == point) {
        std::process::abort();
    }
}

/// Does nothing: the feature `failpoints` is off.
#[cfg(not(any(test, feature = "failpoints")))]
#[inline(always)]
pub fn hit(_point: &str) {}
