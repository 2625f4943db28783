//! The operations, one file each: methods of [`crate::Session`].

mod activate;
mod add_attribute;
mod archive;
mod create;
mod decrypt;
mod delete_attribute;
mod destroy;
mod discover_versions;
pub(crate) mod encrypt;
mod get;
mod get_attribute_list;
mod get_attributes;
pub(crate) mod locate;
mod modify_attribute;
pub(crate) mod query;
mod re_key;
mod recover;
mod register;
mod revoke;
mod set_attribute;

mod attribute_change;
mod named;
