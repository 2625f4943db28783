//! `strongroom keys check`: what a start would find, without starting.
//!
//! The checks go in the order of a start ([`crate::startup`]) and use what it uses, but do not stop at the
//! first that fails, and look at every server of the list. Nothing is written into the dbpath, which a
//! running server may be using.
//!
//! | file | checks |
//! |---|---|
//! | `local` | dbpath, keystore, certificate and key files |
//! | `server` | each KMIP server: name, connection, TLS, KMIP version, operations |
//! | `probe` | which certificate a server shows, trusted or not |
//! | `key` | the master key: there, usable, opens the keystore |
//! | `own_keys` | the same for the master keys that databases have of their own |
//! | `throw_away` | the operations, with a key that is removed again |

mod key;
mod local;
mod own_keys;
mod probe;
mod report;
mod server;
mod throw_away;

pub use report::{Check, Outcome, Report};

use crate::config::Options;
use crate::daemon;
use crate::startup::{self, MasterKeySource};

/// Goes through all checks for these options. With `may_create_key`, a key is created on each KMIP
/// server, used and destroyed again, unless something before it failed.
pub async fn check(options: &Options, may_create_key: bool) -> Report {
    startup::no_core_dumps();
    let mut report = Report::default();
    let dbpath = &options.storage.db_path;
    let Some(encryption) = &options.security.encryption else {
        local::dbpath(&mut report, dbpath, None);
        report.skipped(
            "encryption",
            None,
            "security.enableEncryption is not set: there are no keys to check",
        );
        return report;
    };
    let encryption = daemon::encryption_options(encryption);
    let header = local::dbpath(&mut report, dbpath, Some(&encryption));
    let kmip = match &encryption.master_key {
        MasterKeySource::KeyFile(path) => {
            local::key_file(&mut report, dbpath, header.as_ref(), path);
            return report;
        }
        MasterKeySource::Kmip(kmip) => kmip,
    };
    let needs = server::Needs::of(kmip, header.as_ref());
    if !local::tls_files(&mut report, kmip) {
        report.skipped("KMIP servers", None, "the certificate files cannot be used");
        return report;
    }
    let client = match startup::kmip_client(kmip) {
        Ok(client) => client,
        Err(error) => {
            let status = error.exit_status();
            report.failed("certificate files", None, error.to_string(), status);
            return report;
        }
    };
    let mut reached = Vec::new();
    for server in &kmip.servers {
        reached.extend(server::check(&mut report, &client, server, kmip, &needs).await);
    }
    if reached.is_empty() {
        report.skipped("master key", None, "no KMIP server can be asked");
    } else {
        key::check(&mut report, &client, dbpath, header.as_ref(), kmip).await;
    }
    throw_away::check(&mut report, reached, &needs, may_create_key).await;
    report
}
