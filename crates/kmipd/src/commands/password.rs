//! `kmipd password`.

use std::io::{BufRead, Read};

use zeroize::Zeroizing;

use super::say;
use crate::Error;
use crate::password::PasswordHash;

/// Longest password, in bytes.
const MAX_BYTES: u64 = 1024;

pub(super) fn run() -> Result<(), Error> {
    let mut line = Zeroizing::new(String::new());
    std::io::stdin()
        .lock()
        .take(MAX_BYTES)
        .read_line(&mut line)
        .map_err(|source| Error::System {
            what: "cannot read standard input",
            source,
        })?;
    let password = line.trim_end_matches(['\r', '\n']);
    if password.is_empty() {
        return Err(Error::Usage(
            "give the password on standard input".to_owned(),
        ));
    }
    let hash = PasswordHash::new(password.as_bytes()).map_err(Error::Usage)?;
    say(&hash.to_string());
    Ok(())
}
