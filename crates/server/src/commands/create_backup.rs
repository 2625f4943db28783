//! `createBackup`: a copy of the whole dbpath, taken while the server runs. Percona Server's hot
//! backup command, with the same field.
//!
//! The client is told which master key opens the copy, and so is whoever reads its manifest
//! (docs/backup.md).

use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use document::ErrorCode;
use keystore::{Keystore, MasterKeyRef, Provider};
use storage::backup::{DatabaseKey, MasterKey};
use storage::keys::KeyError;
use storage::{CheckpointOptions, CheckpointReport, KeystoreCopy};

use super::{Access, Command, Context, handler};
use crate::emit;
use crate::error::{CommandError, Result};
use crate::field;
use crate::log::events;
use crate::reply::Reply;
use crate::request::Request;
use crate::state::StartUp;
use crate::version;

pub(super) const COMMAND: Command = Command {
    name: "createBackup",
    aliases: &[],
    help: "copies the whole dbpath, as it is at one instant, into a directory of the server",
    admin_only: true,
    stable_api: false,
    // It writes a copy, not users' data: a server that is read-only can be saved.
    access: Access::Read,
    run: handler!(run),
};

async fn run(context: &Context<'_>, request: &Request<'_>, reply: &mut Reply) -> Result<()> {
    let mut directory = None;
    for field in request.fields() {
        let field = field?;
        match field.name {
            "backupDir" => directory = Some(PathBuf::from(field.string()?)),
            "archive" | "s3" => return Err(field.unsupported()),
            _ => return Err(field.unknown()),
        }
    }
    let directory = directory.ok_or_else(|| field::missing("createBackup", "backupDir"))?;

    let store = &context.server.store;
    let shown = directory.display().to_string();
    emit!(events::BACKUP_BEGAN, backupDir = shown.as_str());
    let started = Instant::now();
    let options = CheckpointOptions {
        server_version: version::STRONGROOM_VERSION.to_owned(),
        keystore: context
            .server
            .start_up
            .encryption
            .as_ref()
            .map(|encryption| {
                let keystore = Arc::clone(encryption.keystore());
                let servers = kmip_servers(&context.server.start_up);
                let copy = move |to: &Path| copy_keystore(&keystore, to, servers);
                Box::new(copy) as storage::CopyKeystore
            }),
        progress: None,
    };
    let copying = store.checkpoint(&directory, options);
    let result = match request.deadline {
        None => copying.await.map_err(refusal),
        // Dropping it stops it and removes what it wrote.
        Some(deadline) => match tokio::time::timeout_at(deadline.into(), copying).await {
            Ok(result) => result.map_err(refusal),
            Err(_) => Err(CommandError::new(
                ErrorCode::MaxTimeMSExpired,
                "operation exceeded time limit",
            )),
        },
    };
    let report = result.inspect_err(|error| {
        emit!(events::BACKUP_FAILED, backupDir = shown.as_str(), error = %error);
    })?;
    emit!(
        events::BACKUP_DONE,
        backupDir = shown.as_str(),
        bytes = report.bytes,
        files = report.files,
        commitsHeldMillis = millis(report.commits_held),
        durationMillis = millis(started.elapsed())
    );
    write(&report, reply);
    Ok(())
}

fn write(report: &CheckpointReport, reply: &mut Reply) {
    let to_i64 = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    reply.string("backupDir", &report.path.to_string_lossy());
    reply.int64("bytes", to_i64(report.bytes));
    reply.int64("files", to_i64(report.files));
    let since = report.point_in_time.duration_since(std::time::UNIX_EPOCH);
    reply.date("pointInTime", to_i64(millis(since.unwrap_or_default())));
    reply.int64("commitsHeldMillis", to_i64(millis(report.commits_held)));
    let Some(key) = &report.master_key else {
        return;
    };
    reply.begin_document("masterKey");
    reply.string("provider", &key.provider);
    if let Some(id) = &key.key_id {
        reply.string("keyId", id);
    }
    if let Some(name) = &key.key_name {
        reply.string("keyName", name);
    }
    reply.int64("generation", i64::from(key.generation));
    if !key.servers.is_empty() {
        reply.begin_array("servers");
        for server in &key.servers {
            reply.element_value(bson::RawBsonRef::String(server));
        }
        reply.end();
    }
    if let Some(wrap) = key.wrap_on_server {
        reply.boolean("wrapOnServer", wrap);
    }
    reply.string("cipherMode", &key.cipher_mode);
    reply.end();
    if !report.database_keys.is_empty() {
        reply.begin_array("databaseKeys");
        for key in &report.database_keys {
            reply.begin_element_document();
            reply.string("keyId", &key.key_id);
            reply.boolean("wrapOnServer", key.wrap_on_server);
            reply.end();
        }
        reply.end();
    }
}

fn millis(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// What the client hears. A path is what it gave itself, and what the system says of it is what it
/// needs to know.
fn refusal(error: storage::Error) -> CommandError {
    match &error {
        storage::Error::Io { source, .. }
            if matches!(
                source.kind(),
                ErrorKind::StorageFull | ErrorKind::QuotaExceeded
            ) =>
        {
            CommandError::new(ErrorCode::OutOfDiskSpace, error.to_string())
        }
        storage::Error::Io { .. } | storage::Error::Keys { .. } => {
            CommandError::new(ErrorCode::OperationFailed, error.to_string())
        }
        storage::Error::Closed => CommandError::new(
            ErrorCode::InterruptedAtShutdown,
            "the server is stopping: what was copied is removed",
        ),
        _ => error.into(),
    }
}

/// Copies the keystore into the directory `to`, and says which master key opens it. What a rotation that was
/// interrupted has announced stays here: that key is this dbpath's to create, not that of a copy.
fn copy_keystore(
    keystore: &Keystore,
    to: &Path,
    servers: Vec<String>,
) -> Result<KeystoreCopy, KeyError> {
    let copied = keystore.copy_to(to)?;
    let header = &copied.header;
    let key = header
        .master_key()
        .ok_or("the keystore is not complete: it names no master key")?;
    let own = copied.tree_master_keys.iter().filter_map(|own| {
        Some(DatabaseKey {
            key_id: own.key.identifier.clone()?,
            wrap_on_server: own.key.is_wrapped_on_server(),
        })
    });
    // Sorted, and each once: nothing tells which database has which.
    let database_keys: BTreeSet<_> = own.collect();
    Ok(KeystoreCopy {
        dbpath_id: header.dbpath_id().to_string(),
        master_key: describe(key, header.cipher().mode(), servers),
        database_keys: database_keys.into_iter().collect(),
    })
}

fn describe(key: &MasterKeyRef, cipher_mode: &str, servers: Vec<String>) -> MasterKey {
    let is_kmip = key.provider == Provider::Kmip;
    MasterKey {
        provider: if is_kmip { "kmip" } else { "keyFile" }.to_owned(),
        key_id: key.identifier.clone(),
        key_name: key.name.clone(),
        generation: key.generation,
        servers: if is_kmip { servers } else { Vec::new() },
        wrap_on_server: is_kmip.then(|| key.is_wrapped_on_server()),
        cipher_mode: cipher_mode.to_owned(),
    }
}

/// The KMIP servers as they are configured, `host:port`.
fn kmip_servers(start_up: &StartUp) -> Vec<String> {
    let encryption = start_up.encryption.as_ref();
    let client = encryption.and_then(|encryption| encryption.kmip_client());
    client.map_or_else(Vec::new, |client| {
        let servers = client.config().servers.iter();
        servers.map(ToString::to_string).collect()
    })
}
