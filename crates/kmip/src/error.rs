//! What can be wrong with a message.

use crate::registry::Tag;
use crate::ttlv::ItemType;
use crate::version::ProtocolVersion;

/// Why bytes (or XML or JSON text) are not a message: the peer's fault.
///
/// Never holds a value of the message, only tags, types, lengths and positions.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// The input ends before the item does.
    #[error("the message is cut short: {expected} bytes are needed, {got} are there")]
    Truncated {
        /// How many bytes are there.
        got: usize,
        /// How many bytes the item needs.
        expected: usize,
    },
    /// There are bytes behind the message.
    #[error("{extra} bytes follow the end of the message")]
    TrailingBytes {
        /// How many.
        extra: usize,
    },
    /// An item reaches beyond the structure that holds it.
    #[error(
        "the length of {tag} ({got} bytes) is beyond the end of what holds it ({available} bytes left)"
    )]
    Overrun {
        /// The item.
        tag: Tag,
        /// Its length with padding.
        got: usize,
        /// What is left of its parent.
        available: usize,
    },
    /// A message is larger, deeper or has more items than the [`Limits`](crate::Limits) allow.
    #[error("the message exceeds the limit of {max} {what}")]
    Limit {
        /// What is limited, with its unit.
        what: &'static str,
        /// The limit.
        max: usize,
    },
    /// The item's type is none of those of TTLV.
    #[error("{tag} has the unknown item type 0x{got:02X}")]
    UnknownItemType {
        /// The item.
        tag: Tag,
        /// The type found.
        got: u8,
    },
    /// The item has a type of TTLV, but not that of its tag.
    #[error("{tag} is of type {got}, expected {expected}")]
    WrongType {
        /// The item.
        tag: Tag,
        /// The type found.
        got: ItemType,
        /// The type that belongs there.
        expected: ItemType,
    },
    /// The length does not fit the item's type.
    #[error("{tag} of type {item_type} has a length of {got} bytes")]
    WrongLength {
        /// The item.
        tag: Tag,
        /// Its type.
        item_type: ItemType,
        /// The length found.
        got: usize,
    },
    /// A text string is not UTF-8.
    #[error("the text of {tag} is not UTF-8")]
    NotUtf8 {
        /// The item.
        tag: Tag,
    },
    /// A value that its type does not have, such as a Boolean of 2.
    #[error("{tag} has an invalid value: {reason}")]
    InvalidValue {
        /// The item.
        tag: Tag,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// Another item stands where this one is needed.
    #[error("found {got}, expected {expected}")]
    WrongTag {
        /// The tag found.
        got: Tag,
        /// The tag that belongs there.
        expected: Tag,
    },
    /// What begins is no message.
    #[error("found {got} where a Request Message or a Response Message begins")]
    NotAMessage {
        /// The tag found.
        got: Tag,
    },
    /// A required field is absent.
    #[error("{within} lacks {tag}")]
    Missing {
        /// The absent field.
        tag: Tag,
        /// The structure that should hold it.
        within: Tag,
    },
    /// A field that may be there once is there more often.
    #[error("{tag} appears more than once")]
    Duplicate {
        /// The field.
        tag: Tag,
    },
    /// The number of batch items is not the one that the header gives.
    #[error("the header announces {expected} batch items, the message has {got}")]
    BatchCount {
        /// How many there are.
        got: usize,
        /// How many the header announces.
        expected: i32,
    },
    /// The text is not well-formed XML or JSON, or not in the form of the KMIP profiles.
    #[error("not a KMIP message in {encoding}, at {at}: {reason}")]
    Text {
        /// `"XML"` or `"JSON"`.
        encoding: &'static str,
        /// Where: a position in the text, or the tags that lead to the item.
        at: String,
        /// What is wrong.
        reason: String,
    },
}

/// Why a message cannot be encoded: the caller's fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EncodeError {
    /// A field, attribute or value does not exist in the message's version.
    #[error("{what} needs KMIP {since}, the message is of {version}")]
    TooNew {
        /// The field or value, by its canonical name.
        what: String,
        /// The first version that has it.
        since: ProtocolVersion,
        /// The version of the message.
        version: ProtocolVersion,
    },
    /// A field, attribute or value no longer exists in the message's version.
    #[error("{what} exists until KMIP {until} only, the message is of {version}")]
    Gone {
        /// The field or value, by its canonical name.
        what: String,
        /// The last version that has it.
        until: ProtocolVersion,
        /// The version of the message.
        version: ProtocolVersion,
    },
    /// A response needs a field that its version does not have, or not with this value: there is nothing that an old client
    /// could be told instead.
    #[error("KMIP {version} has no way to say {tag}, which the response needs")]
    Inexpressible {
        /// The field.
        tag: Tag,
        /// The version of the message.
        version: ProtocolVersion,
    },
    /// The version in the header is none that this library speaks.
    #[error("KMIP {version} is not supported")]
    UnsupportedVersion {
        /// The version asked for.
        version: ProtocolVersion,
    },
    /// An item is longer than the 32-bit length field of TTLV can say.
    #[error("{tag} is longer than 4 GiB")]
    TooLong {
        /// The item.
        tag: Tag,
    },
    /// A text has control characters, which XML cannot express.
    #[error("the text of {tag} has control characters, which XML cannot express")]
    ControlCharacters {
        /// The item.
        tag: Tag,
    },
    /// A value cannot be written, such as a payload that was not understood when it was decoded.
    #[error("{what} cannot be encoded")]
    Unencodable {
        /// What.
        what: &'static str,
    },
}
