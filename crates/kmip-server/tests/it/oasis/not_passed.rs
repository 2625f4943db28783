//! The cases that are not passed, and why.

/// File, and reason. A case that is listed and passes fails the test, as one does that is not listed and fails.
pub(crate) const NOT_PASSED: &[(&str, &str)] = &[];
