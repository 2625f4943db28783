//! Access paths: which index answers a filter and a sort, and within which bounds.
