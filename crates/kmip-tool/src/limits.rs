//! What this tool takes from files and servers.

use kmip::Limits;

/// The longest file of key material or attributes, in bytes. KMIP messages are shorter.
pub const MATERIAL_FILE_BYTES: u64 = 1 << 20;

/// The longest request in text or hexadecimal, in bytes: a message of [`ANSWERS`]' length in XML.
pub const REQUEST_FILE_BYTES: u64 = 16 << 20;

/// The longest password file, in bytes.
pub const PASSWORD_FILE_BYTES: u64 = 4 << 10;

/// Bounds on a server's answer: a person who lists objects waits for more of them than a server that fetches its key.
pub const ANSWERS: Limits = Limits {
    message_bytes: 16 << 20,
    items: 200_000,
    ..Limits::DEFAULT
};
