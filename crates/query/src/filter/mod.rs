//! Filters: the `$eq`, `$and`, `$elemMatch` … of `find`, compiled to a tree of matchers.
