//! `strongroom keys status`: which master key the data is under, from a running server or from the dbpath of
//! one that is stopped.

use std::path::Path;
use std::time::Duration;

use bson::{Bson, Document, doc};
use keystore::{Header, Keystore, MasterKeyRef, Provider};
use serde_json::{Value, json};

use super::connection::Connection;
use super::print;
use crate::config::tool::StatusOptions;
use crate::exit::ExitStatus;
use crate::startup::StartupError;
use crate::tool::Failure;

/// The server that is meant if none is named.
const HERE: &str = "127.0.0.1:27017";
/// `serverStatus` asks nobody else.
const LIMIT: Duration = Duration::from_secs(30);

pub(super) async fn run(options: &StatusOptions) -> Result<(), Failure> {
    if let Some(dbpath) = &options.dbpath {
        return of_dbpath(dbpath, options.json);
    }
    let host = options.host.as_deref().unwrap_or(HERE);
    let failed =
        |error: super::connection::ConnectionError| Failure::new(&error, error.exit_status());
    let mut connection = Connection::open(host).await.map_err(failed)?;
    let command = doc! { "serverStatus": 1 };
    let answer = connection.run(&command, LIMIT).await.map_err(failed)?;
    let Ok(status) = answer.get_document("encryptionAtRest") else {
        return Err(Failure::new(
            &format!(
                "the server {host} does not tell of encryption at rest: is it a Strongroom server?"
            ),
            ExitStatus::CommandRefused,
        ));
    };
    match options.json {
        true => print(&super::json(status)),
        false => print(&of_server(status)),
    }
    Ok(())
}

/// What `serverStatus().encryptionAtRest` says, for people: a line for each field.
fn of_server(status: &Document) -> String {
    if !status.get_bool("encryptionEnabled").unwrap_or(false) {
        return "The data is not encrypted.\n".to_owned();
    }
    let mut lines = Vec::new();
    let mut databases = Vec::new();
    for (key, value) in status {
        match (key.as_str(), value) {
            ("databases", Bson::Array(own)) => databases.clone_from(own),
            _ => flatten(key, value, &mut lines),
        }
    }
    let mut text = columns(&lines);
    if !databases.is_empty() {
        text += "\nDatabases with a master key of their own:\n";
    }
    for database in &databases {
        if let Bson::Document(database) = database {
            text += &of_database(database);
        }
    }
    text
}

fn of_database(database: &Document) -> String {
    let field = |name: &str| database.get_str(name).unwrap_or("?");
    let is_locked = database.get_bool("locked").unwrap_or(false);
    let mut line = format!(
        "  {}  key {}, {}\n",
        field("name"),
        field("keyId"),
        if is_locked { "LOCKED" } else { "unlocked" }
    );
    if let Ok(reason) = database.get_str("reason") {
        line += &format!("    {reason}\n");
    }
    line
}

fn flatten(key: &str, value: &Bson, lines: &mut Vec<(String, String)>) {
    match value {
        Bson::Document(inner) => {
            for (name, value) in inner {
                flatten(&format!("{key}.{name}"), value, lines);
            }
        }
        Bson::Array(values) => {
            for (index, value) in values.iter().enumerate() {
                flatten(&format!("{key}.{index}"), value, lines);
            }
        }
        Bson::String(text) => lines.push((key.to_owned(), text.clone())),
        Bson::DateTime(time) => {
            let text = time.try_to_rfc3339_string();
            lines.push((key.to_owned(), text.unwrap_or_else(|_| time.to_string())));
        }
        Bson::Null => {}
        other => lines.push((key.to_owned(), other.to_string())),
    }
}

fn columns(lines: &[(String, String)]) -> String {
    let width = lines.iter().map(|(key, _)| key.len()).max().unwrap_or(0);
    let line = |(key, value): &(String, String)| format!("{key:width$}  {value}\n");
    lines.iter().map(line).collect()
}

/// What a keystore says without any key. The server may run meanwhile: the file is replaced whole.
fn of_dbpath(dbpath: &Path, as_json: bool) -> Result<(), Failure> {
    let failed = |error: keystore::Error| {
        let error = StartupError::from(error);
        Failure::new(&error, error.exit_status())
    };
    let header = Keystore::inspect(dbpath).map_err(failed)?;
    let Some(header) = header else {
        let state = storage::Store::inspect(dbpath).map_err(|error| {
            let error = StartupError::from(error);
            Failure::new(&error, error.exit_status())
        })?;
        return match state {
            storage::DbpathState::Encrypted => {
                let error = StartupError::KeystoreMissing {
                    dbpath: dbpath.to_path_buf(),
                };
                Err(Failure::new(&error, error.exit_status()))
            }
            _ if as_json => {
                print(&format!("{:#}\n", json!({ "encryptionEnabled": false })));
                Ok(())
            }
            _ => {
                print("The dbpath is not encrypted.\n");
                Ok(())
            }
        };
    };
    let previous = Keystore::inspect_previous(dbpath).map_err(failed)?;
    match as_json {
        true => print(&format!("{:#}\n", to_json(&header, previous.as_ref()))),
        false => print(&to_text(&header, previous.as_ref())),
    }
    Ok(())
}

fn to_text(header: &Header, previous: Option<&Header>) -> String {
    let describe =
        |key: Option<&MasterKeyRef>| key.map_or_else(|| "none".to_owned(), ToString::to_string);
    let mut lines = vec![
        ("dbpath id".to_owned(), header.dbpath_id().to_string()),
        ("cipher".to_owned(), header.cipher().to_string()),
        ("master key".to_owned(), describe(header.master_key())),
        ("written".to_owned(), format!("{} times", header.sequence())),
    ];
    if let Some(pending) = header.pending() {
        lines.push((
            "announced".to_owned(),
            format!("{pending} (a rotation was interrupted; the next one goes on with it)"),
        ));
    }
    if let Some(previous) = previous {
        lines.push((
            "keystore.previous".to_owned(),
            describe(previous.master_key()),
        ));
    }
    columns(&lines)
}

fn to_json(header: &Header, previous: Option<&Header>) -> Value {
    json!({
        "encryptionEnabled": true,
        "dbpathId": header.dbpath_id().to_string(),
        "encryptionCipherMode": header.cipher().mode(),
        "masterKey": header.master_key().map(key_to_json),
        "announced": header.pending().map(key_to_json),
        "sequence": header.sequence(),
        "previous": previous.and_then(Header::master_key).map(key_to_json),
    })
}

pub(super) fn key_to_json(key: &MasterKeyRef) -> Value {
    json!({
        "provider": match key.provider {
            Provider::Kmip => "kmip",
            _ => "keyFile",
        },
        "keyId": key.identifier,
        "keyName": key.name,
        "generation": key.generation,
        "wrappedOnServer": key.is_wrapped_on_server(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_running_server() {
        assert!(of_server(&doc! { "encryptionEnabled": false }).contains("not encrypted"));
        let text = of_server(&doc! {
            "encryptionEnabled": true,
            "encryptionKeyId": { "kmip": { "keyId": "7" } },
            "databases": [
                { "name": "tenant", "keyId": "8", "locked": true, "reason": "it was revoked" },
            ],
        });
        for part in [
            "encryptionKeyId.kmip.keyId  7\n",
            "tenant  key 8, LOCKED\n",
            "it was revoked",
        ] {
            assert!(text.contains(part), "{part} is not in: {text}");
        }
    }

    #[test]
    fn a_stopped_one() {
        let dbpath = tempfile::tempdir().unwrap();
        let key = MasterKeyRef::kmip(2, Some("name".into()), Some("7".into())).unwrap();
        let master = keystore::MasterKey::from_slice(&[1; 32]).unwrap();
        let (id, cipher) = (uuid::Uuid::new_v4(), keystore::Cipher::Aes256Gcm);
        Keystore::create(dbpath.path(), id, cipher, key, &master).unwrap();
        let header = Keystore::inspect(dbpath.path()).unwrap().unwrap();
        let text = to_text(&header, None);
        assert!(
            text.contains("KMIP key 7 named name, generation 2"),
            "{text}"
        );
        let value = to_json(&header, None);
        assert_eq!(value["masterKey"]["keyId"], "7");
        assert_eq!(value["masterKey"]["wrappedOnServer"], false);
    }
}
