//! The MongoDB wire protocol, sans-IO.
