//! Values that must not be seen.

use std::fmt;

use zeroize::Zeroizing;

/// A password from the configuration: wiped when dropped, never shown.
///
/// Whoever started the server with the password as an argument has put it into the process's
/// argument list too, where we cannot wipe it; the configuration file keeps it out of there.
#[derive(Clone)]
pub struct Password(Zeroizing<String>);

/// What stands in for a password wherever options are shown.
pub const REDACTED: &str = "<password>";

impl Password {
    /// Takes the text over; the given string's memory becomes the password's.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// The password itself, for the one who decrypts a key with it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(REDACTED)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_does_not_show_it() {
        let shown = format!(
            "{:?} {:#?}",
            Password::new("hunter2".into()),
            Some(Password::new("hunter2".into()))
        );
        assert!(!shown.contains("hunter2"), "{shown}");
        assert!(shown.contains(REDACTED));
    }
}
