//! What lies on this machine: the dbpath, the keystore, the files of certificates and keys.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use keystore::provider::key_file;
use keystore::{FILE_NAME, Header, Keystore, Provider};
use time::OffsetDateTime;

use super::{Report, own_keys};
use crate::encryption::certificate;
use crate::startup::{self, DbpathLock, DbpathState, EncryptionOptions, KmipOptions, StartupError};

/// Looks at the dbpath and its keystore. The keystore's header, if there is one that fits.
pub(super) fn dbpath(
    report: &mut Report,
    dbpath: &Path,
    asked: Option<&EncryptionOptions>,
) -> Option<Header> {
    const NAME: &str = "dbpath";
    let shown = dbpath.display();
    let lock = match DbpathLock::take(dbpath) {
        Ok(lock) => Some(lock),
        Err(StartupError::Locked { .. }) => None,
        Err(error) => {
            report.failed(NAME, None, error.to_string(), error.exit_status());
            return None;
        }
    };
    let in_use = match &lock {
        Some(_) => "",
        None => "; a running server uses it, which is fine for these checks",
    };
    let state = match startup::inspect(dbpath) {
        Ok(state) => state,
        Err(error) => {
            report.failed(NAME, None, error.to_string(), error.exit_status());
            return None;
        }
    };
    let refusal = startup::fits(dbpath, &state, asked.is_some()).err();
    if let Some(error) = refusal {
        report.failed(NAME, None, error.to_string(), error.exit_status());
        return None;
    }
    let what = match (&state, asked) {
        (DbpathState::Empty, None) => "is empty",
        (DbpathState::Empty, Some(_)) => "is empty: the first start creates the keystore",
        (DbpathState::Announced(_), _) => {
            "is prepared for encryption by a start that was interrupted; the next one goes on"
        }
        (DbpathState::Encrypted(_), _) => "is encrypted",
        (DbpathState::Plain, _) => "is not encrypted",
    };
    report.passed(NAME, None, format!("{shown} {what}{in_use}"));
    match state {
        DbpathState::Empty | DbpathState::Plain => {
            if let Some(asked) = asked
                && let Err(error) = startup::check_fresh(dbpath, None, asked)
            {
                report.failed("keystore", None, error.to_string(), error.exit_status());
            }
            None
        }
        DbpathState::Announced(header) | DbpathState::Encrypted(header) => {
            keystore(report, dbpath, &header, asked?);
            Some(header)
        }
    }
}

/// Looks at what the keystore says about itself, against what is asked for.
fn keystore(report: &mut Report, dbpath: &Path, header: &Header, asked: &EncryptionOptions) {
    const NAME: &str = "keystore";
    let fits = match header.master_key() {
        Some(_) => startup::check_existing(dbpath, header, asked),
        None => startup::check_fresh(dbpath, Some(header), asked),
    };
    if let Err(error) = fits {
        report.failed(NAME, None, error.to_string(), error.exit_status());
        return;
    }
    let key = header.master_key().or_else(|| header.pending());
    let detail = format!(
        "format {}, {}, {}",
        keystore::format::VERSION,
        header.cipher(),
        startup::describe(key)
    );
    report.passed(NAME, None, detail);
    permissions(report, "keystore file", &dbpath.join(FILE_NAME));
}

/// The master key in a file: that it can be used, and that it opens the keystore.
pub(super) fn key_file(report: &mut Report, dbpath: &Path, header: Option<&Header>, path: &Path) {
    const NAME: &str = "key file";
    let key = match key_file::read(path) {
        Ok(key) => key,
        Err(error) => {
            let error = StartupError::from(error);
            report.failed(NAME, None, error.to_string(), error.exit_status());
            return;
        }
    };
    let detail = format!("{} holds a key of 256 bits", path.display());
    report.passed(NAME, None, detail);
    let fits = header
        .and_then(Header::master_key)
        .is_some_and(|saved| saved.provider == Provider::KeyFile);
    if fits && let Some(keystore) = opens(report, dbpath, &key) {
        own_keys::without_server(report, &keystore);
    }
}

/// Opens the keystore with the master key, for a look at what is in it. It may be in use: nothing is written.
pub(super) fn opens(
    report: &mut Report,
    dbpath: &Path,
    key: &keystore::MasterKey,
) -> Option<Keystore> {
    const NAME: &str = "keystore opens";
    match Keystore::open(dbpath, key) {
        Ok(keystore) => {
            let info = keystore.info();
            let detail = format!(
                "with the master key; {} data keys of {} trees",
                info.data_keys, info.trees
            );
            report.passed(NAME, None, detail);
            Some(keystore)
        }
        Err(error) => {
            let error = StartupError::from(error);
            report.failed(NAME, None, error.to_string(), error.exit_status());
            None
        }
    }
}

/// Looks at the CA file and at our own certificate and key. Whether they can be used.
pub(super) fn tls_files(report: &mut Report, kmip: &KmipOptions) -> bool {
    let mut usable = true;
    match kmip.tls.trust.load() {
        Ok(roots) => {
            let detail = match &kmip.tls.trust.ca_file {
                Some(path) => format!("{} and the system's: {} roots", path.display(), roots.len()),
                None => format!("the system's: {} roots", roots.len()),
            };
            report.passed("trusted CAs", None, detail);
        }
        Err(error) => {
            let error = startup::in_tls_file(error, None);
            report.failed("trusted CAs", None, error.to_string(), error.exit_status());
            usable = false;
        }
    }
    let Some(files) = &kmip.tls.identity else {
        return usable;
    };
    const NAME: &str = "client certificate";
    let identity = match files.load() {
        Ok(identity) => identity,
        Err(error) => {
            let error = startup::in_tls_file(error, Some(files));
            report.failed(NAME, None, error.to_string(), error.exit_status());
            return false;
        }
    };
    let now = OffsetDateTime::now_utc();
    let info = &identity.info;
    let detail = format!(
        "{}, issued by {}, until {}",
        info.subject,
        info.issuer,
        info.not_after()
    );
    if info.is_expired_at(now) {
        let error = StartupError::ClientCertificateExpired {
            path: files.certificate.clone(),
            not_after: info.not_after(),
        };
        report.failed(NAME, None, error.to_string(), error.exit_status());
        usable = false;
    } else if certificate::is_near(info.not_after_unix_secs, now.unix_timestamp()) {
        let days = certificate::days_left(info.not_after_unix_secs, now.unix_timestamp());
        let detail = format!("{detail}: {days} days left");
        report.warning(
            NAME,
            None,
            detail,
            "Have it renewed; a running server reads the new file by itself.",
        );
    } else {
        report.passed(NAME, None, detail);
    }
    let private = files.key.as_deref().unwrap_or(&files.certificate);
    permissions(report, "private key file", private);
    usable
}

/// A file with a key in it should be its owner's alone.
fn permissions(report: &mut Report, name: &'static str, path: &Path) {
    let shown = path.display();
    match std::fs::metadata(path) {
        Ok(metadata) if tls::mode_open_to_others(&metadata).is_none() => {
            let mode = metadata.mode() & 0o7777;
            report.passed(name, None, format!("{shown} has the mode {mode:04o}"));
        }
        Ok(metadata) => {
            let mode = metadata.mode() & 0o7777;
            report.warning(
                name,
                None,
                format!("{shown} has the mode {mode:04o}: others may read or change it"),
                "Make it 0600 (chmod 600).",
            );
        }
        Err(error) => report.warning(
            name,
            None,
            format!("{shown}: {error}"),
            "Correct its owner or permissions.",
        ),
    }
}
