//! The operations, one file each: methods of [`crate::Session`].

mod activate;
mod create;
mod decrypt;
mod destroy;
mod discover_versions;
pub(crate) mod encrypt;
mod get;
mod get_attributes;
mod locate;
pub(crate) mod query;
mod register;
mod revoke;

mod named;
