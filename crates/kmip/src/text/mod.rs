//! The XML and JSON encodings (KMIP Profiles 2.1, sections 5.4 and 5.5; 1.4, "XML Profile" and "JSON Profile").
//!
//! Both are translated to and from TTLV, in which everything else is written: [`xml::to_ttlv`] and then
//! [`RequestMessage::decode`](crate::RequestMessage::decode), or
//! [`RequestMessage::encode`](crate::RequestMessage::encode) and then [`xml::from_ttlv`]. Names come from the
//! [`registry`](crate::registry); unknown tags and values are hexadecimal numbers and survive.
//!
//! Text is not wiped, and a message in text holds keys in hexadecimal: its owner has to take care of it.

pub mod json;
mod names;
pub mod xml;
