//! The commands: one table that drives dispatch, `listCommands` and the tests; one file each.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use document::ErrorCode;

use crate::emit;
use crate::error::{CommandError, Result};
use crate::log::events;
use crate::reply::Reply;
use crate::request::Request;
use crate::state::{Counters, Server};

mod aggregate;
mod build_info;
mod connection_status;
mod count;
mod create;
mod create_backup;
mod create_indexes;
mod delete;
mod distinct;
mod drop;
mod drop_database;
mod drop_indexes;
mod explain;
mod find;
mod find_and_modify;
mod get_cmd_line_opts;
mod get_log;
mod get_more;
mod get_parameter;
mod hello;
mod host_info;
mod insert;
mod kill_cursors;
mod list_collections;
mod list_commands;
mod list_databases;
mod list_indexes;
mod ping;
mod rename_collection;
mod repl_set_get_status;
mod revoke_master_key;
mod rotate_master_key;
mod server_status;
mod sessions;
mod set_database_master_key;
mod stats;
mod table;
mod update;
mod write;

pub use table::COMMANDS;

/// A command that takes longer is logged, as MongoDB does with its default `slowms`.
const SLOW: Duration = Duration::from_millis(100);

/// A client's connection, as commands see it.
#[derive(Debug)]
pub struct Connection {
    /// Its number, unique for the life of the server.
    pub id: i64,
    /// Where the client is.
    pub peer: SocketAddr,
}

impl Connection {
    /// A new connection.
    pub const fn new(id: i64, peer: SocketAddr) -> Self {
        Self { id, peer }
    }
}

/// What a command works with.
pub struct Context<'a> {
    /// The server.
    pub server: &'a Arc<Server>,
    /// Who asks.
    pub connection: &'a Connection,
}

/// A running command.
pub type CommandFuture<'a> = Pin<Box<dyn Future<Output = Result<()>> + Send + 'a>>;

/// What a command does to users' data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Nothing: it reads, or is about the server itself (its keys included).
    Read,
    /// It writes documents or changes the catalog: refused while the server is read-only.
    Write,
}

/// A command of the table.
pub struct Command {
    /// Its name, as MongoDB spells it.
    pub name: &'static str,
    /// Other spellings that clients send.
    pub aliases: &'static [&'static str],
    /// One line for `listCommands`.
    pub help: &'static str,
    /// Whether it runs on the `admin` database only.
    pub admin_only: bool,
    /// Whether it belongs to version 1 of the stable API.
    pub stable_api: bool,
    /// Whether it changes users' data.
    pub access: Access,
    /// Runs it: reads the request, writes its own fields into the reply.
    pub run: for<'a> fn(&'a Context<'a>, &'a Request<'a>, &'a mut Reply) -> CommandFuture<'a>,
}

/// Makes the `async fn run` of a command's file into what the table holds.
macro_rules! handler {
    ($run:path) => {{
        fn boxed<'a>(
            context: &'a $crate::commands::Context<'a>,
            request: &'a $crate::request::Request<'a>,
            reply: &'a mut $crate::reply::Reply,
        ) -> $crate::commands::CommandFuture<'a> {
            Box::pin($run(context, request, reply))
        }
        boxed
    }};
}
use handler;

/// The command with this name or alias.
pub fn find(name: &str) -> Option<&'static Command> {
    let named = COMMANDS
        .binary_search_by(|command| command.name.cmp(name))
        .ok();
    named
        .and_then(|index| COMMANDS.get(index).copied())
        .or_else(|| {
            COMMANDS
                .iter()
                .copied()
                .find(|command| command.aliases.contains(&name))
        })
}

/// Runs a command that came as `OP_MSG`.
pub async fn run(
    server: &Arc<Server>,
    connection: &Connection,
    request: &Request<'_>,
    reply: &mut Reply,
) -> Result<()> {
    let Some(command) = find(request.command) else {
        return Err(CommandError::new(
            ErrorCode::CommandNotFound,
            format!("no such command: '{}'", cut(request.command)),
        ));
    };
    if command.admin_only && request.database != "admin" {
        return Err(CommandError::new(
            ErrorCode::Unauthorized,
            format!(
                "{} may only be run against the admin database.",
                command.name
            ),
        ));
    }
    if request.api_strict && !command.stable_api {
        return Err(CommandError::new(
            ErrorCode::APIStrictError,
            format!(
                "Provided apiStrict:true, but the command {} is not in API Version 1",
                command.name
            ),
        ));
    }
    if command.access == Access::Write
        && let Some(encryption) = &server.start_up.encryption
    {
        encryption.permit_write()?;
    }
    test_panic(command, request);
    let context = Context { server, connection };
    let started = Instant::now();
    let result = (command.run)(&context, request, reply).await;
    log_outcome(command, started.elapsed(), &result);
    result
}

/// In debug builds, a test may have a command panic with what the client sent as the panic's text, to see
/// that it shows up nowhere.
#[cfg(debug_assertions)]
#[allow(clippy::panic, reason = "that is what it is for")]
fn test_panic(command: &Command, request: &Request<'_>) {
    if std::env::var_os("STRONGROOM_TEST_PANIC_IN").is_some_and(|name| name == command.name) {
        panic!("{:?} {:?}", request.body, request.sequences);
    }
}

#[cfg(not(debug_assertions))]
fn test_panic(_: &Command, _: &Request<'_>) {}

/// Tells of commands that took long or failed: names of commands, codes and times. Never values,
/// and no names of databases or collections either: they must not reach the disk in clear, and a
/// log file does (ARCHITECTURE.md, "What must hold").
fn log_outcome(command: &Command, took: Duration, result: &Result<()>) {
    let name = command.name;
    if took >= SLOW {
        let millis = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        emit!(
            events::SLOW_COMMAND,
            command = name,
            durationMillis = millis
        );
    }
    match result {
        Err(error) if error.code == ErrorCode::InternalError => {
            emit!(events::INTERNAL_ERROR, command = name);
        }
        Err(error) => emit!(
            events::COMMAND_FAILED,
            command = name,
            code = error.code.code()
        ),
        Ok(()) => {}
    }
}

/// Runs a command that came as `OP_QUERY`: only the handshake may.
pub async fn run_legacy(
    server: &Arc<Server>,
    connection: &Connection,
    request: &Request<'_>,
    reply: &mut Reply,
) -> Result<()> {
    match find(request.command) {
        Some(command) if command.name == "hello" || command.name == "isMaster" => {
            run(server, connection, request, reply).await
        }
        _ => {
            Counters::add(&server.counters.commands, 1);
            Err(CommandError::new(
                ErrorCode::UnsupportedOpQueryCommand,
                format!(
                    "Unsupported OP_QUERY command: {}. The client driver may require an upgrade.",
                    cut(request.command)
                ),
            ))
        }
    }
}

/// The start of a name that a client made up.
fn cut(name: &str) -> &str {
    name.char_indices()
        .nth(100)
        .map_or(name, |(at, _)| name.get(..at).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_names_are_used_once() {
        let mut names: Vec<&str> = COMMANDS.iter().map(|command| command.name).collect();
        assert!(names.is_sorted(), "binary search needs the order");
        names.extend(COMMANDS.iter().flat_map(|command| command.aliases));
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
    }

    /// A command that is added is put into one of the two lists by whoever adds it.
    #[test]
    fn every_command_is_known_to_write_or_not() {
        let named = |access| -> Vec<&str> {
            let commands = COMMANDS.iter().filter(|command| command.access == access);
            commands.map(|command| command.name).collect()
        };
        assert_eq!(
            named(Access::Write),
            [
                "create",
                "createIndexes",
                "delete",
                "drop",
                "dropDatabase",
                "dropIndexes",
                "findAndModify",
                "insert",
                "renameCollection",
                "update",
            ]
        );
        assert_eq!(
            named(Access::Read),
            [
                "aggregate",
                "buildInfo",
                "collStats",
                "connectionStatus",
                "count",
                "createBackup",
                "dbStats",
                "distinct",
                "endSessions",
                "explain",
                "find",
                "getCmdLineOpts",
                "getLog",
                "getMore",
                "getParameter",
                "hello",
                "hostInfo",
                "isMaster",
                "killCursors",
                "killSessions",
                "listCollections",
                "listCommands",
                "listDatabases",
                "listIndexes",
                "ping",
                "refreshSessions",
                "replSetGetStatus",
                "revokeMasterKey",
                "rotateMasterKey",
                "serverStatus",
                "setDatabaseMasterKey",
                "startSession",
                "whatsmyuri",
            ]
        );
    }

    #[test]
    fn every_file_of_a_command_is_in_the_table() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/commands");
        let table = include_str!("table.rs");
        for entry in std::fs::read_dir(folder).unwrap() {
            let file = entry.unwrap().file_name().into_string().unwrap();
            let module = file.trim_end_matches(".rs");
            if !["mod", "table", "write"].contains(&module) {
                assert!(
                    table.contains(&format!("{module}::")),
                    "{module} is not in the table"
                );
            }
        }
    }
}
