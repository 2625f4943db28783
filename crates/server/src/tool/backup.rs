//! `strongroom backup`: what a backup is, and whether it is whole.

use std::io::Write;
use std::path::Path;

use keystore::Keystore;
use serde_json::json;
use storage::backup::{Manifest, Problem, Verification, verify};

use super::Failure;
use super::progress::Bar;
use crate::config::tool::{BackupCommand, VerifyOptions};
use crate::exit::ExitStatus;

pub(super) fn run(command: &BackupCommand) -> Result<(), Failure> {
    match command {
        BackupCommand::Verify(options) => run_verify(options),
    }
}

fn run_verify(options: &VerifyOptions) -> Result<(), Failure> {
    let directory = &options.dir;
    let mut bar = Bar::new("checked");
    let checked = verify(directory, &mut |at| {
        bar.show(at);
        Ok(())
    });
    bar.end();
    let mut checked = checked.map_err(|error| failure(&error))?;
    checked
        .problems
        .extend(keystore_problem(directory, &checked.manifest));
    let text = if options.json {
        as_json(directory, &checked)
    } else {
        as_text(directory, &checked)
    };
    // Whoever closed standard output does not want to read it; the exit status says it, too.
    let _ = std::io::stdout().write_all(text.as_bytes());
    if checked.problems.is_empty() {
        return Ok(());
    }
    let count = checked.problems.len();
    let files = if count == 1 {
        "1 file is"
    } else {
        &*format!("{count} files are")
    };
    Err(Failure::new(
        &format!(
            "the backup {} is damaged: {files} not as written",
            directory.display()
        ),
        ExitStatus::BackupUnusable,
    ))
}

/// What is wrong with a backup or with the place that it is to be restored to.
pub(super) fn failure(error: &storage::Error) -> Failure {
    let status = match error {
        storage::Error::NotABackup { .. }
        | storage::Error::BackupDamaged { .. }
        | storage::Error::Incomplete { .. } => ExitStatus::BackupUnusable,
        storage::Error::NotEmpty { .. } | storage::Error::Io { .. } => ExitStatus::DbpathUnusable,
        storage::Error::InUse { .. } => ExitStatus::DbpathLocked,
        _ => ExitStatus::Internal,
    };
    Failure::new(error, status)
}

/// Whether the manifest names another master key than the keystore beside it.
fn keystore_problem(directory: &Path, manifest: &Manifest) -> Option<Problem> {
    let key = manifest.master_key.as_ref()?;
    // A keystore that is missing or damaged was found by its digest.
    let header = Keystore::inspect(directory).ok()??;
    let held = header.master_key()?;
    let same = held.identifier == key.key_id
        && held.name == key.key_name
        && held.generation == key.generation
        && key
            .wrap_on_server
            .is_none_or(|wraps| wraps == held.is_wrapped_on_server())
        && header.dbpath_id().to_string() == manifest.dbpath_id;
    (!same).then(|| {
        Problem::new(
            storage::backup::MANIFEST_FILE,
            format!("it names another master key than the keystore, which is under {held}"),
        )
    })
}

fn as_json(directory: &Path, checked: &Verification) -> String {
    let manifest = &checked.manifest;
    let problem = |problem: &Problem| json!({ "file": problem.file, "problem": problem.problem });
    let problems: Vec<_> = checked.problems.iter().map(problem).collect();
    let report = json!({
        "ok": problems.is_empty(),
        "directory": directory.display().to_string(),
        "serverVersion": manifest.server_version,
        "dbpathId": manifest.dbpath_id,
        "startedAt": manifest.started_at,
        "pointInTime": manifest.point_in_time,
        "finishedAt": manifest.finished_at,
        "bytes": manifest.bytes,
        "files": manifest.files.len(),
        "masterKey": manifest.master_key,
        "databaseKeys": manifest.database_keys,
        "problems": problems,
        "unexpected": checked.unexpected,
    });
    format!("{report:#}\n")
}

fn as_text(directory: &Path, checked: &Verification) -> String {
    let manifest = &checked.manifest;
    let key = manifest.master_key.as_ref();
    let key = key.map_or(
        "none: the data lies in clear".to_owned(),
        ToString::to_string,
    );
    let mut text = format!(
        "backup         {}\npoint in time  {}\nserver         {}\ndbpath id      {}\nsize           \
         {} in {} files\nmaster key     {key}\n",
        directory.display(),
        manifest.point_in_time,
        manifest.server_version,
        manifest.dbpath_id,
        indicatif::BinaryBytes(manifest.bytes),
        manifest.files.len(),
    );
    for key in &manifest.database_keys {
        let how = match key.wrap_on_server {
            true => ", with which the KMIP server unwraps (wrapOnServer)",
            false => "",
        };
        text.push_str(&format!("database's key KMIP key {:?}{how}\n", key.key_id));
    }
    for file in &checked.unexpected {
        text.push_str(&format!("not part of it {file}\n"));
    }
    for problem in &checked.problems {
        text.push_str(&format!(
            "DAMAGED        {}: {}\n",
            problem.file, problem.problem
        ));
    }
    if checked.problems.is_empty() {
        text.push_str("every file is as it was written\n");
    }
    text
}
