//! MongoDB filters, updates, projections, expressions and pipeline stages over raw BSON; pure.
