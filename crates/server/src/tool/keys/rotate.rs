//! `strongroom keys rotate`: `rotateMasterKey` on a running server.

use bson::{Document, doc};

use super::connection::Connection;
use super::print;
use crate::config::tool::RotateOptions;
use crate::exit::ExitStatus;
use crate::tool::Failure;

pub(super) async fn run(options: &RotateOptions) -> Result<(), Failure> {
    let mut command = doc! { "rotateMasterKey": 1 };
    if let Some(identifier) = &options.key_identifier {
        command.insert("keyIdentifier", identifier);
    }
    if let Some(database) = &options.db {
        command.insert("database", database);
    }
    for (name, is_asked_for) in [
        ("dataKeys", options.data_keys),
        ("rewrite", options.rewrite),
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

/// What was done, for people.
fn told(answer: &Document) -> String {
    let key = |name: &str| answer.get_str(name).unwrap_or("none").to_owned();
    let mut text = match answer.get_str("database") {
        Ok(database) => format!("The master key of the database {database} was rotated.\n"),
        Err(_) => "The master key was rotated.\n".to_owned(),
    };
    let is_new = match answer.get_str("origin") {
        Ok("created") => " (created)",
        Ok("foundAgain") => " (created by an interrupted rotation)",
        _ => "",
    };
    text += &format!("  old  {}\n", key("oldKeyId"));
    text += &format!("  new  {}{is_new}", key("newKeyId"));
    if let Ok(name) = answer.get_str("newKeyName") {
        text += &format!(", named {name}");
    }
    if let Ok(generation) = answer.get_i64("generation") {
        text += &format!(", generation {generation}");
    }
    text.push('\n');
    if let Ok(keys) = answer.get_document("dataKeys") {
        let count = |name: &str| keys.get_i32(name).unwrap_or_default();
        text += &format!(
            "  data keys  {} new, {} databases locked, {} failed\n",
            count("rotated"),
            count("locked"),
            count("failed")
        );
        if keys.contains_key("rewriting") {
            text += &format!(
                "  {} are being written anew under them; the old ones are destroyed as that is done (databasesToRewrite \
                 in strongroom keys status)\n",
                count("rewriting")
            );
        }
    }
    text += &super::told_of_old_key(answer);
    text
}

/// The master key is another one, and not all of the rest was done: scripts shall notice.
pub(super) fn incomplete(answer: &Document) -> Result<(), Failure> {
    let failed = answer
        .get_document("dataKeys")
        .is_ok_and(|keys| keys.get_i32("failed").is_ok_and(|failed| failed > 0));
    let kept = answer
        .get_bool("oldKeyRevoked")
        .is_ok_and(|revoked| !revoked);
    match failed || kept {
        true => Err(Failure::new(
            &"the master key was changed, but not all of the rest was done: see above",
            ExitStatus::CommandRefused,
        )),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told() {
        let answer = doc! {
            "oldKeyId": "1", "newKeyId": "7", "newKeyName": "strongroom/x/2", "generation": 2_i64,
            "origin": "created", "oldKeyRevoked": false, "revokeError": "no such luck",
            "dataKeys": { "rotated": 3, "locked": 1, "failed": 0 },
        };
        let text = told(&answer);
        for part in [
            "old  1\n",
            "new  7 (created), named strongroom/x/2, generation 2",
            "3 new, 1 databases locked, 0 failed",
            "no such luck",
        ] {
            assert!(text.contains(part), "{part} is not in: {text}");
        }
        assert!(incomplete(&answer).is_err());
        assert!(incomplete(&doc! { "oldKeyRevoked": true }).is_ok());
    }
}
