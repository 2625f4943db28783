//! The engine trait, SurrealKV behind it, ordered keys, the catalog.
