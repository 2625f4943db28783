//! What the whole server shares: the store, the cursors, the counters.

use std::sync::Arc;
use std::sync::atomic::{AtomicI32, AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use bson::RawDocumentBuf;
use storage::Store;

use crate::cursor::Cursors;
use crate::encryption::Encryption;
use crate::log::LogHandle;

/// What the server was started with, as far as commands tell of it.
pub struct StartUp {
    /// The command line, secrets taken out: `getCmdLineOpts.argv`.
    pub argv: Vec<String>,
    /// The options in force, secrets taken out: `getCmdLineOpts.parsed`.
    pub parsed: RawDocumentBuf,
    /// What is known about the keys; `None` where data is not encrypted.
    pub encryption: Option<Arc<Encryption>>,
    /// The most connections at a time.
    pub max_connections: usize,
    /// The log, for `getLog`.
    pub log: Option<LogHandle>,
    /// How long a cursor that is not used stays open.
    pub cursor_timeout: Duration,
}

impl Default for StartUp {
    fn default() -> Self {
        Self {
            argv: Vec::new(),
            parsed: RawDocumentBuf::new(),
            encryption: None,
            max_connections: 65_536,
            log: None,
            cursor_timeout: Duration::from_secs(600),
        }
    }
}

/// Counts since the start, for `serverStatus`.
#[derive(Debug, Default)]
pub struct Counters {
    /// Documents inserted.
    pub inserts: AtomicU64,
    /// Queries: `find` and `aggregate`.
    pub queries: AtomicU64,
    /// Update statements.
    pub updates: AtomicU64,
    /// Delete statements.
    pub deletes: AtomicU64,
    /// `getMore`s.
    pub getmores: AtomicU64,
    /// Other commands.
    pub commands: AtomicU64,
    /// Bytes received.
    pub bytes_in: AtomicU64,
    /// Bytes sent.
    pub bytes_out: AtomicU64,
    /// Requests.
    pub requests: AtomicU64,
    /// Connections open now.
    pub connections: AtomicU64,
    /// Connections ever accepted.
    pub connections_total: AtomicU64,
}

impl Counters {
    /// Adds one, or as many as given, where the order with others does not matter.
    pub fn add(counter: &AtomicU64, count: u64) {
        counter.fetch_add(count, Ordering::Relaxed);
    }
}

/// The running server.
pub struct Server {
    /// The data.
    pub store: Store,
    /// Open cursors.
    pub cursors: Cursors,
    /// Counts since the start.
    pub counters: Counters,
    /// What it was started with.
    pub start_up: StartUp,
    /// When it was started.
    pub started: Instant,
    /// The same, by the clock.
    pub started_at: SystemTime,
    next_connection: AtomicI64,
    next_request: AtomicI32,
}

impl Server {
    /// A server on an open store.
    pub fn new(store: Store, start_up: StartUp) -> Self {
        Self {
            store,
            cursors: Cursors::default(),
            counters: Counters::default(),
            start_up,
            started: Instant::now(),
            started_at: SystemTime::now(),
            next_connection: AtomicI64::new(1),
            next_request: AtomicI32::new(1),
        }
    }

    /// Whether writes are refused at the moment.
    pub fn is_read_only(&self) -> bool {
        let encryption = self.start_up.encryption.as_ref();
        encryption.is_some_and(|encryption| encryption.is_read_only())
    }

    /// A number for a new connection.
    pub fn next_connection_id(&self) -> i64 {
        self.next_connection.fetch_add(1, Ordering::Relaxed)
    }

    /// A number for a message of the server's.
    pub fn next_request_id(&self) -> i32 {
        self.next_request.fetch_add(1, Ordering::Relaxed) & i32::MAX
    }
}
