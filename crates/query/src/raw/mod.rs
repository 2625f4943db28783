//! Raw BSON below the level of values: elements as ranges of bytes, so that what is not touched
//! is copied and never decoded.
//!
//! Source: the BSON specification, version 1.1 (bsonspec.org). What is read here has passed
//! [`document::validate`](fn@document::validate); should it be malformed all the same, an iteration
//! ends early and nothing panics.

mod elements;
mod value;
pub(crate) mod write;

pub(crate) use elements::{Element, Elements, array_index, compare_names};
pub(crate) use value::{Value, decode, levels, type_name};

/// The element types that the code here tells apart, as the specification numbers them.
pub(crate) mod tag {
    pub(crate) const DOUBLE: u8 = 0x01;
    pub(crate) const STRING: u8 = 0x02;
    pub(crate) const DOCUMENT: u8 = 0x03;
    pub(crate) const ARRAY: u8 = 0x04;
    pub(crate) const BINARY: u8 = 0x05;
    pub(crate) const UNDEFINED: u8 = 0x06;
    pub(crate) const OBJECT_ID: u8 = 0x07;
    pub(crate) const BOOLEAN: u8 = 0x08;
    pub(crate) const DATE_TIME: u8 = 0x09;
    pub(crate) const NULL: u8 = 0x0A;
    pub(crate) const REGEX: u8 = 0x0B;
    pub(crate) const DB_POINTER: u8 = 0x0C;
    pub(crate) const JAVASCRIPT: u8 = 0x0D;
    pub(crate) const SYMBOL: u8 = 0x0E;
    pub(crate) const JAVASCRIPT_WITH_SCOPE: u8 = 0x0F;
    pub(crate) const INT32: u8 = 0x10;
    pub(crate) const TIMESTAMP: u8 = 0x11;
    pub(crate) const INT64: u8 = 0x12;
    pub(crate) const DECIMAL128: u8 = 0x13;
    pub(crate) const MIN_KEY: u8 = 0xFF;
    pub(crate) const MAX_KEY: u8 = 0x7F;
}
