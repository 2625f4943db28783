//! Every event of the server that has an identifier. The table is what `docs/log-ids.md` shows; an
//! identifier is never given to another event, so that alerts on it keep their meaning.

use tracing::Level;

use super::component::{COMMAND, CONTROL, KMIP, NETWORK, STORAGE};

/// An event: what a log line says apart from its attributes.
#[derive(Clone, Copy, Debug)]
pub struct LogEvent {
    /// The line's `id`, stable from release to release, beyond those of MongoDB.
    pub id: u32,
    /// The line's `c`.
    pub component: &'static str,
    /// The line's `s`.
    pub level: Level,
    /// The line's `msg`.
    pub message: &'static str,
    /// When it is written, and what to do about it.
    pub meaning: &'static str,
}

macro_rules! events {
    ($( $name:ident = $id:literal, $component:ident, $level:ident, $message:literal, $meaning:literal; )*) => {
        $(
            #[doc = $meaning]
            pub const $name: LogEvent = LogEvent {
                id: $id,
                component: $component,
                level: Level::$level,
                message: $message,
                meaning: $meaning,
            };
        )*
        /// All events, in the order of their identifiers.
        pub const ALL: &[LogEvent] = &[$($name),*];
    };
}

events! {
    STARTING = 10_000_001, CONTROL, INFO, "Strongroom starting", "Start, with version, process id, port and dbpath.";
    OPTIONS = 10_000_002, CONTROL, INFO, "Options set by command line and configuration file", "The options as given, passwords replaced.";
    STARTUP_FAILED = 10_000_003, CONTROL, ERROR, "Start-up failed", "The server exits with the status in the line; the error says what to mend.";
    SHUTDOWN_REQUESTED = 10_000_004, CONTROL, INFO, "Shutting down", "A signal or the shutdown command asked for it.";
    STOPPED = 10_000_005, CONTROL, INFO, "Stopped", "Everything is on disk, and the process ends.";
    PANICKED = 10_000_006, CONTROL, ERROR, "A task panicked", "A fault of ours: please report the place. The text of the panic is left out, because it may hold data.";
    LOG_ROTATED = 10_000_007, CONTROL, INFO, "Log file rotated", "After SIGUSR1 or logRotate: the first line of the new file.";
    LOG_ROTATION_FAILED = 10_000_008, CONTROL, ERROR, "Log file could not be rotated", "The old file stays in use; see the error.";
    NO_ACCESS_CONTROL = 10_000_009, CONTROL, WARN, "Access control is not enabled: whoever reaches the port reads and writes the data", "At each start, until users exist.";
    NOT_ENCRYPTED = 10_000_010, CONTROL, WARN, "Encryption at rest is not enabled: the data lies in clear on the disk", "At each start without security.enableEncryption.";
    CORE_DUMPS_ON = 10_000_011, CONTROL, WARN, "Core dumps could not be turned off: a crash would write keys to the disk", "Set the limit of core files to 0 in the service manager.";
    MEMORY_NOT_LOCKED = 10_000_012, CONTROL, WARN, "Keys cannot be locked into memory and might be swapped out", "Once, when the limit on locked memory is reached: raise it (LimitMEMLOCK=, ulimit -l), or turn swap off.";
    PASSWORD_IN_ARGUMENTS = 10_000_020, CONTROL, WARN, "The password of the client certificate's key is on the command line: every user of this machine can read it in the process list", "Give it with kmipClientCertificatePasswordFile, in the configuration file, or in STRONGROOM_KMIP_CLIENT_CERTIFICATE_PASSWORD.";
    PLAYGROUND_KMIP_FAILED = 10_000_021, CONTROL, WARN, "The playground's KMIP server ended badly", "strongroom dev. What it answered is on the disk; the error says what failed.";

    WAITING_FOR_CONNECTIONS = 10_001_001, NETWORK, INFO, "Waiting for connections", "The server is ready.";
    LISTENING = 10_001_002, NETWORK, INFO, "Listening on", "One line for each address.";
    CONNECTION_ACCEPTED = 10_001_003, NETWORK, INFO, "Connection accepted", "A client connected; left out with systemLog.quiet.";
    CONNECTION_ENDED = 10_001_004, NETWORK, INFO, "Connection ended", "A client left; left out with systemLog.quiet.";
    CLIENT_METADATA = 10_001_005, NETWORK, INFO, "client metadata", "Name and version of a client's driver; left out with systemLog.quiet.";
    CONNECTION_REFUSED = 10_001_006, NETWORK, WARN, "Connection refused because there are too many open connections", "net.maxIncomingConnections is reached.";
    BAD_MESSAGE = 10_001_007, NETWORK, WARN, "Connection closed because of a malformed message", "The peer is no MongoDB client, or is broken.";
    ACCEPT_FAILED = 10_001_008, NETWORK, ERROR, "Connection could not be accepted", "Often the limit of open files; the server goes on.";

    SLOW_COMMAND = 10_002_001, COMMAND, INFO, "Slow query", "A command took longer than 100 ms; the namespace is left out, because a log lies in clear.";
    COMMAND_FAILED = 10_002_002, COMMAND, DEBUG, "Command failed", "Name and code of a refused command; never its namespace or values, because a log lies in clear.";
    INTERNAL_ERROR = 10_002_003, COMMAND, ERROR, "Command failed by a fault of the server", "Please report it.";

    CURSORS_CLOSED = 10_002_004, COMMAND, INFO, "Closed cursors that nobody used", "A client left cursors open for longer than cursorTimeoutMillis.";

    KEY_CREATED = 10_003_001, KMIP, INFO, "Created the master key on the KMIP server", "With the key's identifier, which the keystore remembers.";
    KEY_FETCHED = 10_003_002, KMIP, INFO, "Fetched the master key from the KMIP server", "At each start of an encrypted database.";
    KMIP_CONNECTED = 10_003_003, KMIP, INFO, "Connected to the KMIP server", "With server and protocol version.";
    KMIP_ATTEMPT_FAILED = 10_003_004, KMIP, WARN, "Attempt to reach the KMIP server failed", "For each server of the list and each attempt, and for one that has a key and does not give it. Further attempts or servers follow, if there are any; with another server a start succeeds.";

    KEY_FOUND_AGAIN = 10_003_005, KMIP, INFO, "Found the master key of an interrupted start", "The start before stopped after the key was created; this one goes on with it.";
    KEY_NOT_NEEDED = 10_003_006, KMIP, WARN, "A key of an interrupted start is not needed", "Or of an interrupted rotation. Nothing is encrypted with it: it may be destroyed on the KMIP server. If it was not found (notAsked), it may be on a server that could not be asked.";

    KEY_LOST = 10_003_007, KMIP, ERROR, "The master key is not Active any more: the server stops", "onKeyStateLoss is shutdown, and the grace period is over. The data is whole; see the error for the key, and docs/key-management.md.";
    KEY_STATE_UNKNOWN = 10_003_008, KMIP, WARN, "The state of the master key could not be looked at", "The KMIP server cannot be reached; the server goes on, and looks again after keyStatePollingSeconds. Written the first, second, fourth, eighth ... time in a row (times).";

    KEY_REVOKED = 10_003_009, KMIP, INFO, "Revoked the old master key on the KMIP server", "revokeOldKey or revokeMasterKey was asked for, and nothing of this server is under that key any more.";
    KEY_NOT_REVOKED = 10_003_010, KMIP, WARN, "The old master key could not be revoked", "The rotation itself is done. Revoke the key on the KMIP server when nothing needs it.";
    OWN_KEY_NOT_NEEDED = 10_003_011, KMIP, INFO, "The master key of a dropped database is not needed by it any more", "The database had a master key of its own (keyId). Revoke or destroy it on the KMIP server if nothing else is under it.";
    OWN_KEYS_UNKNOWN = 10_003_012, KMIP, WARN, "The state of master keys of databases could not be looked at", "The KMIP server cannot be reached; the databases stay open, and it is tried again after keyStatePollingSeconds.";
    WRAP_ON_SERVER_DIFFERS = 10_003_013, KMIP, WARN, "The master key is not used as wrapOnServer says", "The option is for keys that are taken into use from now on: rotate the master key.";

    TLS_FILES_NOT_USED = 10_003_014, KMIP, WARN, "Changed certificate files for the KMIP server cannot be used", "Those that were read before stay in use; the error says what is wrong with the new ones.";
    ANSWER_RECOVERED = 10_003_015, KMIP, INFO, "An answer of the KMIP server was lost, and its key was found", "The connection broke after a key was created: it was found by its Name, and there is no second one.";

    KEY_NOT_ACTIVE = 10_003_020, KMIP, WARN, "The master key is not Active any more", "Somebody revoked or destroyed it; after graceSeconds, onKeyStateLoss takes effect.";
    KEY_LOSS_WARNING = 10_003_021, KMIP, WARN, "The master key is not Active any more: the server goes on", "onKeyStateLoss is warn, and the grace period is over. Put the data under another master key before the next start, or start with activateKeys off.";
    KEY_LOSS_READ_ONLY = 10_003_022, KMIP, ERROR, "The master key is not Active any more: writes are refused", "onKeyStateLoss is readOnly, and the grace period is over. It ends by itself when the key is Active again.";
    KEY_ACTIVE_AGAIN = 10_003_023, KMIP, INFO, "The master key is Active again", "Whatever was done because it was not is taken back.";
    KMIP_ANSWERS_AGAIN = 10_003_024, KMIP, INFO, "The KMIP server tells the state of the master key again", "After so many looks in a row that failed.";
    CLIENT_CERTIFICATE_EXPIRES = 10_003_025, KMIP, WARN, "The client certificate for the KMIP server expires soon", "30 days before, and daily in the last week. Replace the file: it is read again without a restart.";
    CLIENT_CERTIFICATE_EXPIRED = 10_003_026, KMIP, ERROR, "The client certificate for the KMIP server has expired", "Daily. The KMIP server refuses us, and the next start fails. Replace the file: it is read again without a restart.";
    CLIENT_CERTIFICATE_RENEWED = 10_003_027, KMIP, INFO, "The client certificate for the KMIP server was renewed", "A new file was found after a warning or before it.";

    KEYSTORE_CREATED = 10_004_001, STORAGE, INFO, "Created the keystore", "A new encrypted dbpath.";
    KEYSTORE_OPENED = 10_004_002, STORAGE, INFO, "Opened the keystore", "With provider, generation and number of data keys.";
    STORE_OPENED = 10_004_003, STORAGE, INFO, "Opened the data", "With the number of databases.";
    STORE_CLOSED = 10_004_004, STORAGE, INFO, "Closed the data", "Everything is on disk.";
    STORAGE_FAILED = 10_004_005, STORAGE, ERROR, "Storage operation failed", "The client was told of an internal error; this line says which.";
    ROTATION_INCOMPLETE = 10_004_006, STORAGE, WARN, "A rotation of the master key was announced and not completed", "The data is under the master key that it was under before; the next rotation goes on with the key that was announced.";

    SYNC_FAILED = 10_004_007, STORAGE, ERROR, "The log of a database could not be synced", "What was written without j: true since the last sync may be lost in a crash. See to the disk; it is tried again.";
    COUNTS_NOT_SETTLED = 10_004_008, STORAGE, WARN, "The counts of a database could not be settled", "It is tried again; count without a filter may be off meanwhile.";
    DATABASE_NOT_CLOSED = 10_004_009, STORAGE, WARN, "A database could not be closed", "An idle one, a dropped one, or one that was locked. What was acknowledged is in its log; see the error.";
    LEFT_FOR_NEXT_START = 10_004_010, STORAGE, WARN, "Files that are not needed could not be removed", "Of an interrupted creation, drop or backup. The next start removes them.";
    NOT_A_TREE = 10_004_011, STORAGE, WARN, "Something in the directory trees is not ours and is left alone", "See the path.";
    LEFTOVER_REMOVED = 10_004_012, STORAGE, INFO, "Removed what an interrupted creation or drop of a database left", "At a start, with its data key if it had one.";

    BACKUP_BEGAN = 10_004_020, STORAGE, INFO, "Backup began", "createBackup, with the directory that it writes to.";
    BACKUP_DONE = 10_004_021, STORAGE, INFO, "Backup completed", "With its size, and for how long commits were held back.";
    BACKUP_FAILED = 10_004_022, STORAGE, WARN, "Backup failed", "What it wrote is removed; the error says what to mend.";

    MASTER_KEY_ROTATED = 10_004_040, STORAGE, INFO, "Put the keystore under another master key", "Rotation or migration, with old and new identifier. The old key still opens keystore.previous and backups from before.";
    DATABASE_KEY_CHANGED = 10_004_041, STORAGE, INFO, "Put a database under another master key", "setDatabaseMasterKey, or rotateMasterKey for one database, with old and new identifier.";
    DATA_KEYS_ROTATED = 10_004_042, STORAGE, INFO, "Gave databases new data keys", "What is written from now on is under them; how many were locked or failed is in the line.";
    DATABASE_LOCKED = 10_004_043, STORAGE, WARN, "A database is locked: its own master key cannot be used", "The error says why. The other databases go on; the key is tried again by itself.";
    DATABASE_UNLOCKED = 10_004_044, STORAGE, INFO, "A database is unlocked: its own master key is there again", "It can be used as before.";
    DATA_KEYS_DESTROYED = 10_004_045, STORAGE, INFO, "Destroyed data keys that nothing is under any more", "How many of the tree in the line. After a rotation with dataKeys, as its older tables were merged or rewritten.";
    DATA_KEYS_NOT_DESTROYED = 10_004_046, STORAGE, WARN, "Data keys that nothing is under any more could not be destroyed", "It is tried again by itself; see the error.";
    TREE_NOT_REWRITTEN = 10_004_047, STORAGE, WARN, "A tree could not be written anew under its new data key", "rotateMasterKey with rewrite. Everything is readable as before; older data stays under the older data key until it is merged.";
    PREVIOUS_REMOVED = 10_004_048, STORAGE, WARN, "Removed keystore.previous when a database was dropped", "It could not be read, so that the dropped database's data key might have been in it. The next rotation makes a new one.";
    PREVIOUS_NOT_REMOVED = 10_004_049, STORAGE, WARN, "keystore.previous could not be removed after its master key was revoked", "It opens with that key only, which a KMIP server may still hand out: remove the file.";
    DATA_KEY_NOT_ROTATED = 10_004_050, STORAGE, WARN, "A database did not get a new data key", "rotateMasterKey with dataKeys: the master key is another one, this database's data key is not. See the error, and do it again.";
}

/// Routine events, which `systemLog.quiet` leaves out.
pub(super) const ROUTINE: &[u32] = &[
    CONNECTION_ACCEPTED.id,
    CONNECTION_ENDED.id,
    CLIENT_METADATA.id,
];

/// Logs an event of the table, with attributes as `tracing` takes them:
/// `emit!(events::CONNECTION_ACCEPTED, remote = %address, connectionId = id)`.
///
/// Nothing is evaluated or allocated when the level is off.
#[macro_export]
macro_rules! emit {
    ($event:expr $(, $($fields:tt)*)?) => {
        ::tracing::event!(
            target: $event.component,
            $event.level,
            id = $event.id,
            message = $event.message,
            $($($fields)*)?
        )
    };
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::log::library::source_files;

    #[test]
    fn identifiers_ascend() {
        assert!(ALL.windows(2).all(|pair| pair[0].id < pair[1].id));
    }

    /// Whatever the code says with an identifier, and whatever libraries say that is given one.
    #[test]
    fn every_event_is_used() {
        let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let mut code = String::new();
        for file in source_files(&sources) {
            if file.file_name() != Some("events.rs".as_ref()) {
                code += &std::fs::read_to_string(file).unwrap();
            }
        }
        let table = include_str!("events.rs");
        let names = table.lines().filter_map(|line| {
            let (name, rest) = line.trim().split_once(" = 10_00")?;
            // Not the line above.
            let is_name = name
                .chars()
                .all(|c| c.is_ascii_uppercase() || c == '_' || c.is_ascii_digit());
            (is_name && rest.contains('"')).then_some(name)
        });
        let names: Vec<_> = names.collect();
        assert_eq!(names.len(), ALL.len());
        for name in names {
            let is_used = code
                .match_indices(&format!("events::{name}"))
                .any(|(at, found)| {
                    let after = code[at + found.len()..].chars().next();
                    !after.is_some_and(|c| c.is_ascii_alphanumeric() || c == '_')
                });
            assert!(is_used, "{name} is never logged");
        }
    }

    #[test]
    fn the_document_shows_the_table() {
        let mut expected = String::from(
            "# Identifiers of log lines\n\nThe log has MongoDB's structured form, one JSON document a line. These are the lines of the server\nitself; lines with `\"id\":0` are of level debug, or come\nfrom the KMIP server of `strongroom dev`. An identifier keeps its meaning for good.\n\nThe table is made from `crates/server/src/log/events.rs`: run\n`UPDATE_DOCS=1 cargo test -p server log::events` after a change there.\n\n| id | component | severity | message | when, and what to do |\n|---|---|---|---|---|\n",
        );
        for event in ALL {
            let severity = crate::log::severity(event.level);
            expected.push_str(&format!(
                "| {} | {} | {severity} | {} | {} |\n",
                event.id, event.component, event.message, event.meaning
            ));
        }
        crate::config::known::check_document("log-ids.md", &expected);
    }
}
