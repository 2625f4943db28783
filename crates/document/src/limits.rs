//! MongoDB's limits on documents and messages.
//!
//! Source: the manual's page "MongoDB Limits and Thresholds", and what `hello` announces.

/// The most bytes that a stored document may have: 16 MiB.
pub const MAX_DOCUMENT_BYTES: usize = 16 * 1024 * 1024;

/// The most bytes of a document inside the server, such as a command or a reply: a stored document
/// and 16 KiB for what surrounds it.
pub const MAX_INTERNAL_DOCUMENT_BYTES: usize = MAX_DOCUMENT_BYTES + 16 * 1024;

/// The most bytes of one message on the wire, header included.
pub const MAX_MESSAGE_BYTES: usize = 48_000_000;

/// The most levels of nesting in a document; the document itself is the first.
pub const MAX_NESTING: usize = 100;

/// The most statements of one write command.
pub const MAX_WRITE_BATCH: usize = 100_000;

/// The most memory, in bytes, that one blocking stage (a sort, a group) may hold.
pub const MAX_BLOCKING_STAGE_BYTES: usize = 100 * 1024 * 1024;

/// The most bytes of a namespace (`database.collection`).
pub const MAX_NAMESPACE_BYTES: usize = 255;

/// The most bytes of a database name.
pub const MAX_DATABASE_NAME_BYTES: usize = 63;

/// The most indexes of one collection, the one on `_id` included.
pub const MAX_INDEXES: usize = 64;

/// The most fields of a compound index.
pub const MAX_INDEX_FIELDS: usize = 32;
