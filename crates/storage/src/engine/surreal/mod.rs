//! The engine over SurrealKV.
