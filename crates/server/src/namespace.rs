//! Names of databases and collections.
//!
//! Source: the manual's page "MongoDB Limits and Thresholds", section "Naming Restrictions".

use document::ErrorCode;
use document::limits::{MAX_DATABASE_NAME_BYTES, MAX_NAMESPACE_BYTES};

use crate::error::{CommandError, Result};

/// Checks a database's name.
pub fn check_database(name: &str) -> Result<()> {
    let forbidden = |c: char| matches!(c, '/' | '\\' | '.' | ' ' | '"' | '$' | '\0');
    if name.is_empty() || name.len() > MAX_DATABASE_NAME_BYTES || name.contains(forbidden) {
        return Err(invalid(format!(
            "Invalid database name: '{}': 1 to {MAX_DATABASE_NAME_BYTES} bytes without / \\ . \" $ \
             and spaces",
            name.escape_debug()
        )));
    }
    Ok(())
}

/// Checks a collection's name, with its database's for the length of both.
pub fn check_collection(database: &str, name: &str) -> Result<()> {
    if name.is_empty() {
        return Err(invalid(format!(
            "Invalid namespace specified '{database}.'"
        )));
    }
    let namespace_bytes = database.len() + 1 + name.len();
    if namespace_bytes > MAX_NAMESPACE_BYTES {
        return Err(invalid(format!(
            "Fully qualified namespace is too long: {namespace_bytes} bytes, the most is \
             {MAX_NAMESPACE_BYTES}"
        )));
    }
    if name.starts_with('.') || name.ends_with('.') || name.contains(['$', '\0']) {
        return Err(invalid(format!(
            "Invalid collection name: '{}': no $, and no dot at either end",
            name.escape_debug()
        )));
    }
    Ok(())
}

/// Checks the name of a collection that is to be written to or changed: those whose names begin
/// with `system.` are the server's own.
pub fn check_writable(database: &str, name: &str) -> Result<()> {
    check_collection(database, name)?;
    if name.starts_with("system.") {
        return Err(invalid(format!(
            "cannot write to '{database}.{name}': it is the server's own"
        )));
    }
    Ok(())
}

fn invalid(message: String) -> CommandError {
    CommandError::new(ErrorCode::InvalidNamespace, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_and_refuses_names() {
        assert!(check_database("orders-2026_ä").is_ok());
        for name in [
            "",
            "a.b",
            "a b",
            "a$",
            "a/b",
            "a\\b",
            "a\"b",
            "a\0b",
            &"x".repeat(64),
        ] {
            assert!(check_database(name).is_err(), "{name}");
        }
        assert!(check_collection("d", "a.b-c d").is_ok());
        for name in ["", ".a", "a.", "a$b", "a\0", &"x".repeat(254)] {
            assert!(check_collection("d", name).is_err(), "{name}");
        }
        assert!(check_writable("d", "system.users").is_err());
    }
}
