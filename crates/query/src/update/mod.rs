//! Update operators and replacement documents.
