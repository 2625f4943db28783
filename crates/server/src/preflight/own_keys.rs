//! The master keys that databases have of their own: there, usable, and the ones that open their data keys.
//!
//! A database whose key cannot be had is locked, and the start succeeds: what is found here is a warning. A name
//! would take opening the data, so databases are named by their trees, as in the log.

use keystore::provider::kmip::{KmipKeyError, KmipKeys};
use keystore::{Keystore, TreeMasterKey};

use super::Report;
use crate::encryption::is_connection_lost;

const NAME: &str = "keys of databases";
/// So many databases whose key cannot be used are told of one by one.
const MAX_TOLD: usize = 20;
const ADVICE: &str = "A start locks this database and goes on. Correct the key on its KMIP server; keys of databases are in \
                      docs/key-rotation.md.";

/// Gets each of the keys as a start would, and opens the data keys under it.
pub(super) async fn check(report: &mut Report, keys: &mut KmipKeys, keystore: &Keystore) {
    let own = keystore.tree_master_keys();
    if own.is_empty() {
        return;
    }
    let dbpath_id = keystore.info().dbpath_id;
    let (mut usable, mut failures) = (0_usize, 0_usize);
    for key in &own {
        let problem = match keys.open_key(&key.key, dbpath_id, Some(key.tree)).await {
            Ok(opened) => match keystore.unlock_tree(key.tree, &opened.key) {
                Ok(()) => {
                    usable += 1;
                    continue;
                }
                Err(error) => error.to_string(),
            },
            // Nobody waits for the time-out of each of a thousand keys.
            Err(error) if is_connection_lost(&error) => {
                return given_up(report, &error, usable, own.len());
            }
            Err(error) => error.to_string(),
        };
        failures += 1;
        if failures <= MAX_TOLD {
            report.warning(NAME, None, told(key, &problem), ADVICE);
        }
    }
    if failures > MAX_TOLD {
        let detail = format!("{} more cannot be used", failures - MAX_TOLD);
        report.warning(NAME, None, detail, ADVICE);
    }
    if failures == 0 {
        let detail = match usable {
            1 => "that of 1 database can be used and opens its data keys".to_owned(),
            usable => format!("those of {usable} databases can be used and open their data keys"),
        };
        report.passed(NAME, None, detail);
    }
}

/// The same where there is no KMIP server to ask.
pub(super) fn without_server(report: &mut Report, keystore: &Keystore) {
    let count = keystore.tree_master_keys().len();
    if count > 0 {
        let detail = format!(
            "{count} databases have a master key of their own on a KMIP server, and none is configured \
             (security.kmip)"
        );
        let advice = "A start locks these databases and goes on.";
        report.warning(NAME, None, detail, advice);
    }
}

fn given_up(report: &mut Report, error: &KmipKeyError, usable: usize, all: usize) {
    let detail = format!("{usable} of {all} were looked at, then the connection was lost: {error}");
    report.warning(NAME, None, detail, "Try again.");
}

fn told(key: &TreeMasterKey, problem: &str) -> String {
    format!("tree {} is under {}: {problem}", key.tree, key.key)
}
