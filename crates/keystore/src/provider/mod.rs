//! Where master keys come from. Each provider is a module of its own.

pub mod key_file;
pub mod kmip;
