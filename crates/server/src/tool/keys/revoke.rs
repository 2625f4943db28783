//! `strongroom keys revoke`: `revokeMasterKey` on a running server, or the same on the dbpath of one that is stopped.

use std::path::Path;

use bson::{Document, doc};

use super::connection::Connection;
use super::offline::{encryption, load};
use super::print;
use crate::config::Environment;
use crate::config::tool::RevokeOptions;
use crate::startup;
use crate::tool::Failure;

pub(super) async fn run(options: &RevokeOptions, environment: Environment) -> Result<(), Failure> {
    let answer = match &options.config {
        Some(config) => offline(config, options, &environment).await?,
        None => {
            let mut command =
                doc! { "revokeMasterKey": 1, "keyIdentifier": &options.key_identifier };
            if options.remove_previous {
                command.insert("removePrevious", true);
            }
            Connection::ask(&options.server, &command).await?
        }
    };
    match options.server.json {
        true => print(&super::json(&answer)),
        false => print(&told(&answer)),
    }
    Ok(())
}

/// The answer that the command would give.
async fn offline(
    path: &Path,
    options: &RevokeOptions,
    environment: &Environment,
) -> Result<Document, Failure> {
    let server = load(path, environment)?;
    let encryption = encryption(&server, path)?;
    let (dbpath, key) = (&server.storage.db_path, &options.key_identifier);
    let revoked = startup::revoke(dbpath, &encryption, key, options.remove_previous)
        .await
        .map_err(|error| Failure::new(&error, error.exit_status()))?;
    let mut answer = doc! { "keyId": revoked.identifier };
    if let Some(name) = revoked.names.into_iter().next() {
        answer.insert("keyName", name);
    }
    answer.insert("revoked", true);
    answer.insert("previousRemoved", revoked.previous_removed);
    answer.insert("inHistory", revoked.in_history);
    Ok(answer)
}

fn told(answer: &Document) -> String {
    let mut text = format!(
        "The key {} is revoked on the KMIP server.\n",
        answer.get_str("keyId").unwrap_or_default()
    );
    if answer.get_bool("previousRemoved").unwrap_or(false) {
        text += "  keystore.previous, which only it opened, is removed.\n";
    }
    text += "  Backups from before still need it: a KMIP server hands a revoked key out, a destroyed one it cannot.\n";
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told() {
        let text = told(&doc! { "keyId": "7", "revoked": true, "previousRemoved": true });
        assert!(text.contains("key 7 is revoked") && text.contains("keystore.previous"));
        let text = told(&doc! { "keyId": "7", "revoked": true, "previousRemoved": false });
        assert!(!text.contains("keystore.previous"), "{text}");
    }
}
