//! Reading secrets that an operator keeps in files.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use zeroize::Zeroizing;

/// Longest passphrase or key, in bytes.
const MAX_BYTES: usize = 4096;

/// The first line of the file, without its end. Not empty.
///
/// # Errors
/// What is wrong; names the file and never quotes it.
pub(crate) fn first_line(path: &Path) -> Result<Zeroizing<String>, String> {
    let bytes = read(path)?;
    let line = bytes
        .split(|byte| *byte == b'\n')
        .next()
        .unwrap_or_default();
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let text = std::str::from_utf8(line)
        .map_err(|_| format!("the first line of {} is not UTF-8", path.display()))?;
    if text.is_empty() {
        return Err(format!("the first line of {} is empty", path.display()));
    }
    Ok(Zeroizing::new(text.to_owned()))
}

/// A key in base64.
///
/// # Errors
/// What is wrong; names the file and never quotes it.
pub(crate) fn base64_key(path: &Path, min_bytes: usize) -> Result<Zeroizing<Vec<u8>>, String> {
    let text = read(path)?;
    let mut key = Zeroizing::new(vec![0; text.len()]);
    let got = BASE64_STANDARD
        .decode_slice(text.trim_ascii(), key.as_mut_slice())
        .map_err(|_| format!("{} is not a key in base64", path.display()))?;
    if got < min_bytes {
        return Err(format!(
            "the key in {} has {got} bytes, expected at least {min_bytes}",
            path.display()
        ));
    }
    key.truncate(got);
    Ok(key)
}

fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, String> {
    let unreadable = |error| format!("cannot read {}: {error}", path.display());
    let mut bytes = Zeroizing::new(Vec::with_capacity(MAX_BYTES + 1));
    File::open(path)
        .map_err(unreadable)?
        .take(MAX_BYTES as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(unreadable)?;
    if bytes.len() > MAX_BYTES {
        return Err(format!(
            "{} is longer than {MAX_BYTES} bytes, which no key or passphrase is",
            path.display()
        ));
    }
    Ok(bytes)
}
