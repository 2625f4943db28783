//! The projection of `find`.
