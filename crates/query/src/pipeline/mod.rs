//! Aggregation pipelines: stages as iterators over documents.
