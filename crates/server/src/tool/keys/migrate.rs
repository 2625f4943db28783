//! `strongroom keys migrate`: another source of the master key, while the server is stopped.

use std::collections::BTreeMap;
use std::path::Path;

use bson::{Bson, Document};
use serde_json::json;

use super::print;
use crate::config::tool::MigrateOptions;
use crate::config::{self, Environment, Invocation, Options};
use crate::daemon::{config_exit_status, encryption_options};
use crate::exit::ExitStatus;
use crate::startup::{self, EncryptionOptions, Migrated};
use crate::tool::Failure;

pub(super) async fn run(options: &MigrateOptions, environment: Environment) -> Result<(), Failure> {
    let old = load(&options.config, &environment)?;
    let new = load(&options.to, &environment)?;
    drop(environment);
    let dbpath = &old.storage.db_path;
    if !is_same_directory(dbpath, &new.storage.db_path) {
        return Err(Failure::new(
            &format!(
                "storage.dbPath is {} in {} and {} in {}: both files must be for one dbpath",
                dbpath.display(),
                options.config.display(),
                new.storage.db_path.display(),
                options.to.display()
            ),
            ExitStatus::BadOptions,
        ));
    }
    let (from, to) = (
        encryption(&old, &options.config)?,
        encryption(&new, &options.to)?,
    );
    if startup::is_rotation(Some(&to)) {
        return Err(Failure::new(
            &format!(
                "{}: remove security.kmip.rotateMasterKey; migrating changes the master key already",
                options.to.display()
            ),
            ExitStatus::BadOptions,
        ));
    }
    let migrated = startup::migrate(dbpath, &from, &to)
        .await
        .map_err(|error| Failure::new(&error, error.exit_status()))?;
    let lines = Lines::between(&old, &new);
    match options.json {
        true => print(&format!("{:#}\n", to_json(&migrated, &lines))),
        false => print(&to_text(&migrated, &lines, &options.to)),
    }
    Ok(())
}

/// The options of a configuration file, as the server would take them.
fn load(path: &Path, environment: &Environment) -> Result<Box<Options>, Failure> {
    let arguments = [
        "strongroomd".to_owned(),
        "--config".to_owned(),
        path.display().to_string(),
    ];
    match config::load(&arguments, environment) {
        Ok(Invocation::Run(options)) => Ok(options),
        // Nothing was asked for that would print.
        Ok(Invocation::Print(text)) => Err(Failure::new(&text, ExitStatus::BadOptions)),
        Err(error) => {
            let status = config_exit_status(&error);
            Err(Failure::new(
                &format!("{}: {error}", path.display()),
                status,
            ))
        }
    }
}

fn encryption(options: &Options, path: &Path) -> Result<EncryptionOptions, Failure> {
    let Some(encryption) = &options.security.encryption else {
        return Err(Failure::new(
            &format!(
                "{}: security.enableEncryption is not there: data cannot be taken into or out of encryption by a \
                 change of its master key",
                path.display()
            ),
            ExitStatus::BadOptions,
        ));
    };
    Ok(encryption_options(encryption))
}

fn is_same_directory(a: &Path, b: &Path) -> bool {
    a == b || matches!((a.canonicalize(), b.canonicalize()), (Ok(a), Ok(b)) if a == b)
}

/// The lines of `security` in which two configurations differ.
struct Lines {
    remove: Vec<String>,
    add: Vec<String>,
}

impl Lines {
    fn between(old: &Options, new: &Options) -> Self {
        let flat = |options: &Options| {
            let mut lines = BTreeMap::new();
            if let Ok(security) = options.cmd_line_opts.parsed().get_document("security") {
                flatten("security", security, &mut lines);
            }
            lines
        };
        let (old, new) = (flat(old), flat(new));
        let missing_in = |these: &BTreeMap<String, String>, others: &BTreeMap<String, String>| {
            let missing = these
                .iter()
                .filter(|(key, value)| others.get(*key) != Some(value));
            missing
                .map(|(key, value)| format!("{key}: {value}"))
                .collect()
        };
        Self {
            remove: missing_in(&old, &new),
            add: missing_in(&new, &old),
        }
    }
}

/// `a.b.c: value` for each leaf. Passwords were replaced already.
fn flatten(prefix: &str, document: &Document, lines: &mut BTreeMap<String, String>) {
    for (key, value) in document {
        let key = format!("{prefix}.{key}");
        match value {
            Bson::Document(inner) => flatten(&key, inner, lines),
            Bson::String(text) => drop(lines.insert(key, text.clone())),
            other => drop(lines.insert(key, other.to_string())),
        }
    }
}

fn to_text(migrated: &Migrated, lines: &Lines, new: &Path) -> String {
    let mut text = match migrated {
        Migrated::Done(rotated) => format!(
            "The data is under another master key.\n  old  {}\n  new  {}\n",
            rotated.old, rotated.new
        ),
        Migrated::Already(key) => format!("The data is under that master key already.\n  {key}\n"),
    };
    text += &format!("Start the server with {} from now on.\n", new.display());
    for (title, lines) in [
        ("no longer in mongod.conf", &lines.remove),
        ("needed in mongod.conf", &lines.add),
    ] {
        if !lines.is_empty() {
            text += &format!("Lines {title}:\n");
        }
        for line in lines {
            text += &format!("  {line}\n");
        }
    }
    if let Migrated::Done(rotated) = migrated {
        text += &format!(
            "Backups from before, and the file keystore.previous, open with the old key only ({}).\n",
            rotated.old
        );
        if let Some(leftover) = &rotated.not_needed {
            text += &format!(
                "A key named {} was created by an attempt before this one and is not needed: destroy it on its KMIP \
                 server.\n",
                leftover.name
            );
        }
    }
    text
}

fn to_json(migrated: &Migrated, lines: &Lines) -> serde_json::Value {
    let key = |key: &keystore::MasterKeyRef| super::status::key_to_json(key);
    let (old, new, already) = match migrated {
        Migrated::Done(rotated) => (Some(key(&rotated.old)), key(&rotated.new), false),
        Migrated::Already(now) => (None, key(now), true),
    };
    json!({
        "old": old,
        "new": new,
        "alreadyDone": already,
        "linesNoLongerNeeded": lines.remove,
        "linesNeeded": lines.add,
    })
}
