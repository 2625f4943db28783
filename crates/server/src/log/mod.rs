//! The log: `tracing` events as lines of MongoDB's structured JSON format.
//!
//! ```text
//! {"t":{"$date":"2026-11-23T18:00:00.000+00:00"},"s":"I","c":"NETWORK","id":10001003,"ctx":"conn1",
//!  "msg":"Connection accepted","attr":{"remote":"127.0.0.1:50000","connectionId":1}}
//! ```
//!
//! The server's own events are in the table [`events`] and are logged with `emit!`. Other crates use
//! `tracing`'s macros; their module tells the component. The line's `ctx` is the event's field `ctx`,
//! or the one of the innermost span that has such a field (`info_span!("connection", ctx = %name)`), or
//! the thread's name. Two boolean fields have a meaning of their own: `fatal` makes the severity `F`,
//! `startupWarning` keeps the line for `getLog`. A text field `x_json` that holds a JSON document
//! becomes the attribute `x` with that document as its value.
//!
//! Verbosity 1 and 2 add `DEBUG`, 3 and more add `TRACE`; libraries are only heard from `WARN` up.

pub mod component;
pub mod events;
mod layer;
mod library;
mod line;
mod recent;
mod sink;

#[cfg(test)]
mod tests;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

use tracing::{Level, Subscriber};
use tracing_subscriber::layer::SubscriberExt;

use crate::config::SystemLogOptions;
use crate::emit;
use layer::LogLayer;
use recent::Recent;
use sink::Sink;

/// Why logging could not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The log file cannot be set aside, made or opened.
    #[error("cannot write the log file {path} (systemLog.path, --logpath): {source}", path = .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Something else in the process has set up logging before.
    #[error("logging is set up already")]
    AlreadySet,
}

struct Shared {
    sink: Sink,
    recent: Recent,
    verbosity: AtomicU8,
    quiet: AtomicBool,
}

/// The running log: rotate it, change its verbosity, read it back.
#[derive(Clone)]
pub struct LogHandle {
    shared: Arc<Shared>,
}

impl LogHandle {
    /// Sets the log file aside or opens it again, as `systemLog.logRotate` says.
    ///
    /// # Errors
    /// The file cannot be renamed or opened; the old one stays in use.
    pub fn rotate(&self) -> io::Result<()> {
        match self.shared.sink.rotate() {
            Ok(()) => {
                emit!(events::LOG_ROTATED);
                Ok(())
            }
            Err(error) => {
                emit!(events::LOG_ROTATION_FAILED, error = %error);
                Err(error)
            }
        }
    }

    /// Sets the verbosity, from 0 to 5, from now on.
    pub fn set_verbosity(&self, verbosity: u8) {
        self.shared
            .verbosity
            .store(verbosity.min(5), Ordering::Relaxed);
        tracing::callsite::rebuild_interest_cache();
    }

    /// The verbosity, from 0 to 5.
    #[must_use]
    pub fn verbosity(&self) -> u8 {
        self.shared.verbosity.load(Ordering::Relaxed)
    }

    /// Leaves out routine events such as connections from now on, or not.
    pub fn set_quiet(&self, quiet: bool) {
        self.shared.quiet.store(quiet, Ordering::Relaxed);
    }

    /// The last 1,024 lines, oldest first, for `getLog: "global"`.
    #[must_use]
    pub fn recent_lines(&self) -> Vec<String> {
        self.shared.recent.lines()
    }

    /// The lines with the field `startupWarning`, for `getLog: "startupWarnings"`.
    #[must_use]
    pub fn startup_warnings(&self) -> Vec<String> {
        self.shared.recent.startup_warnings()
    }
}

/// Starts logging for the whole process, and has panics logged by place.
///
/// # Errors
/// The log file cannot be opened, or logging is set up already.
pub fn init(options: &SystemLogOptions) -> Result<LogHandle, Error> {
    let (handle, subscriber) = build(options)?;
    tracing::subscriber::set_global_default(subscriber).map_err(|_| Error::AlreadySet)?;
    log_panics();
    Ok(handle)
}

/// Rotates the log at each SIGUSR1; ends with the runtime.
///
/// # Errors
/// The signal cannot be listened to.
pub fn rotate_on_signal(handle: LogHandle) -> io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut signals = signal(SignalKind::user_defined1())?;
    tokio::spawn(async move {
        while signals.recv().await.is_some() {
            // Renaming and opening block, if only for a moment; the failure has been logged.
            let handle = handle.clone();
            let _ = tokio::task::spawn_blocking(move || handle.rotate()).await;
        }
    });
    Ok(())
}

fn build(
    options: &SystemLogOptions,
) -> Result<(LogHandle, impl Subscriber + Send + Sync + use<>), Error> {
    let sink = Sink::open(options).map_err(|source| Error::File {
        path: options.path.clone().unwrap_or_default(),
        source,
    })?;
    let shared = Arc::new(Shared {
        sink,
        recent: Recent::default(),
        verbosity: AtomicU8::new(options.verbosity.min(5)),
        quiet: AtomicBool::new(options.quiet),
    });
    let subscriber = tracing_subscriber::registry().with(LogLayer {
        shared: Arc::clone(&shared),
    });
    Ok((LogHandle { shared }, subscriber))
}

/// The text of a panic may quote data (a slice, a key): only its place is logged.
fn log_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic
            .location()
            .map(ToString::to_string)
            .unwrap_or_default();
        emit!(events::PANICKED, fatal = true, place = place.as_str());
    }));
}

/// MongoDB's letter for a level.
fn severity(level: Level) -> &'static str {
    match level {
        Level::ERROR => "E",
        Level::WARN => "W",
        Level::INFO => "I",
        Level::DEBUG => "D1",
        Level::TRACE => "D3",
    }
}
