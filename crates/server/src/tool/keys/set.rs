//! `strongroom keys set`: `setDatabaseMasterKey` on a running server.

use bson::{Bson, Document, doc};

use super::connection::Connection;
use super::print;
use super::rotate::incomplete;
use crate::config::tool::SetOptions;
use crate::tool::Failure;

pub(super) async fn run(options: &SetOptions) -> Result<(), Failure> {
    let identifier = match &options.key_identifier {
        Some(identifier) => Bson::from(identifier.as_str()),
        None => Bson::Null,
    };
    let mut command = doc! {
        "setDatabaseMasterKey": 1, "database": &options.db, "keyIdentifier": identifier,
    };
    for (name, is_asked_for) in [
        ("create", options.create),
        ("revokeOldKey", options.revoke_old_key),
    ] {
        if is_asked_for {
            command.insert(name, true);
        }
    }
    let answer = Connection::ask(&options.server, &command).await?;
    match options.server.json {
        true => print(&super::json(&answer)),
        false => print(&told(&answer)),
    }
    incomplete(&answer)
}

fn told(answer: &Document) -> String {
    let key = |name: &str| match answer.get_str(name) {
        Ok(identifier) => format!("its own key {identifier}"),
        Err(_) => "the server's master key".to_owned(),
    };
    let mut text = String::new();
    if answer.get_bool("created").unwrap_or(false) {
        text += "The database was created, empty.\n";
    }
    text += &format!(
        "The database {} is under another master key.\n  old  {}\n  new  {}\n",
        answer.get_str("database").unwrap_or_default(),
        key("oldKeyId"),
        key("newKeyId")
    );
    text += &super::told_of_old_key(answer);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told() {
        let text = told(&doc! {
            "database": "shop", "created": false, "oldKeyId": null, "newKeyId": "7",
        });
        assert!(text.contains("old  the server's master key\n"), "{text}");
        assert!(text.contains("new  its own key 7\n"), "{text}");
    }
}
