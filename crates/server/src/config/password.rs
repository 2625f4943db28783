//! The password of the client certificate's private key: given as an option, in a file, or in the
//! environment, and in one of them only.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::environment::{CLIENT_CERTIFICATE_PASSWORD, Environment};
use super::error::Error;
use super::place::Place;
use super::secret::Password;
use super::settings::Settings;

pub(super) const OPTION: &str = "security.kmip.clientCertificatePassword";
const FILE: &str = "security.kmip.clientCertificatePasswordFile";

/// The longest password file, in bytes.
const MAX_FILE_BYTES: u64 = 4096;

/// The password, from wherever it was given.
///
/// # Errors
/// [`Error::Conflict`] for two places; [`Error::PasswordFile`].
pub(super) fn resolve(
    settings: &Settings,
    environment: &Environment,
) -> Result<Option<Password>, Error> {
    let variable = environment.client_certificate_password.as_ref();
    let given: Vec<Place> = [OPTION, FILE]
        .into_iter()
        .filter_map(|option| settings.place(option).cloned())
        .chain(variable.map(|_| Place::variable(CLIENT_CERTIFICATE_PASSWORD)))
        .collect();
    if let [place, other, ..] = given.as_slice() {
        return Err(Error::Conflict {
            place: place.clone(),
            other: other.clone(),
            advice: "give the password in one place",
        });
    }
    if let (Some(path), Some(place)) = (settings.text(FILE), settings.place(FILE)) {
        return read(Path::new(path))
            .map(Some)
            .map_err(|problem| Error::PasswordFile {
                place: place.clone(),
                path: PathBuf::from(path),
                problem,
            });
    }
    Ok(settings.password(OPTION).or_else(|| variable.cloned()))
}

/// The password in the file, or what is wrong with the file.
fn read(path: &Path) -> Result<Password, String> {
    let unreadable = |error: std::io::Error| format!("cannot be read: {error}");
    let file = File::open(path).map_err(unreadable)?;
    // Of the open file, so that it cannot be exchanged between the check and the reading.
    let metadata = file.metadata().map_err(unreadable)?;
    if metadata.is_dir() {
        return Err("is a directory".to_owned());
    }
    // A pipe (a shell's <(command)) has no permissions that would mean anything.
    if metadata.is_file()
        && let Some(mode) = tls::mode_open_to_others(&metadata)
    {
        return Err(format!(
            "may be read by others (mode {mode:04o}): make it 0600 or 0400 (chmod 600)"
        ));
    }
    // With room for all of it, so that no copy is left behind by growing.
    let mut text = Zeroizing::new(String::with_capacity(MAX_FILE_BYTES as usize + 2));
    file.take(MAX_FILE_BYTES + 1)
        .read_to_string(&mut text)
        .map_err(unreadable)?;
    if text.len() as u64 > MAX_FILE_BYTES {
        return Err(format!(
            "is longer than {MAX_FILE_BYTES} bytes; is it the file with the password?"
        ));
    }
    let password = text.strip_suffix('\n').unwrap_or(&text);
    let password = password.strip_suffix('\r').unwrap_or(password);
    match password.is_empty() {
        true => Err("is empty: write the password into it, or remove the option".to_owned()),
        false => Ok(Password::new(password.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn one_line_end_is_dropped_and_nothing_else() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("password");
        for (content, expected) in [
            ("hunter2", "hunter2"),
            ("hunter2\n", "hunter2"),
            ("hunter2\r\n", "hunter2"),
            (" hunter2 \n", " hunter2 "),
            ("hunter2\n\n", "hunter2\n"),
        ] {
            fs::write(&path, content).unwrap();
            fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
            assert_eq!(read(&path).unwrap().expose(), expected, "{content:?}");
        }
    }

    #[test]
    fn files_that_cannot_be_used_are_refused_without_showing_them() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("password");
        let refused = |path: &Path, part: &str| {
            let problem = read(path).unwrap_err();
            assert!(problem.contains(part), "{problem}");
            assert!(!problem.contains("hunter2"), "{problem}");
        };
        refused(&path, "No such file");
        refused(directory.path(), "directory");
        fs::write(&path, "hunter2").unwrap();
        for mode in [0o640, 0o604, 0o660] {
            fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            refused(&path, &format!("{mode:04o}"));
        }
        fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        fs::write(&path, "\n").unwrap();
        refused(&path, "empty");
        fs::write(&path, "hunter2".repeat(1000)).unwrap();
        refused(&path, "4096");
        fs::write(&path, b"hunter2\xff").unwrap();
        refused(&path, "UTF-8");
    }
}
