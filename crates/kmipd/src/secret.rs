//! Reading secrets that an operator keeps in files.

use std::fs::{File, Metadata};
use std::io::{ErrorKind, Read};
use std::path::Path;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use zeroize::Zeroizing;

/// Longest passphrase or key, in bytes.
const MAX_BYTES: usize = 4096;

/// What is wrong with a secret that others than its owner can read: it is none. (Pipes and the like are not looked at. A
/// file that is not there is told of by whoever reads it.)
///
/// # Errors
/// Names the file, its mode and what to do.
pub(crate) fn check_private(path: &Path) -> Result<(), String> {
    match std::fs::metadata(path) {
        Ok(metadata) => check_mode(path, &metadata),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(format!("cannot look at {}: {error}", path.display())),
    }
}

fn check_mode(path: &Path, metadata: &Metadata) -> Result<(), String> {
    if metadata.is_file()
        && let Some(mode) = tls::mode_open_to_others(metadata)
    {
        return Err(format!(
            "{path} can be read by others than its owner (mode {mode:o}), so it is no secret: chmod 600 {path}",
            path = path.display()
        ));
    }
    Ok(())
}

/// The first line of the file, without its end. Not empty. Nobody but its owner may be able to read it.
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

/// A key in base64. Nobody but the file's owner may be able to read it.
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
    let file = File::open(path).map_err(unreadable)?;
    // Of the file that is open: nobody can put another one in its place in between.
    check_mode(path, &file.metadata().map_err(unreadable)?)?;
    file.take(MAX_BYTES as u64 + 1)
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

#[cfg(test)]
mod tests {
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn what_others_can_read_is_no_secret() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("passphrase");
        tls::write_private(&path, b"open sesame\n").unwrap();
        for (mode, is_fine) in [
            (0o600, true),
            (0o400, true),
            (0o640, false),
            (0o604, false),
            (0o620, false),
        ] {
            std::fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            let read = first_line(&path);
            assert_eq!(read.is_ok(), is_fine, "{mode:o}");
            assert_eq!(check_private(&path).is_ok(), is_fine, "{mode:o}");
            if let Err(problem) = read {
                let advice = format!("chmod 600 {}", path.display());
                assert!(problem.contains(&advice), "{problem}");
                assert!(!problem.contains("sesame"), "{problem}");
            }
        }
    }
}
