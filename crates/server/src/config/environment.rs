//! The environment variables that the options read.

use std::ffi::{CString, c_char};

use super::secret::Password;

/// The password of the client certificate's private key, for those who have it in a secret store that fills
/// environments.
pub const CLIENT_CERTIFICATE_PASSWORD: &str = kmip_tool::PASSWORD_VARIABLE;

/// What the environment said when the program started.
#[derive(Clone, Debug, Default)]
pub struct Environment {
    /// [`CLIENT_CERTIFICATE_PASSWORD`]; an empty one counts as not given.
    pub(super) client_certificate_password: Option<Password>,
}

impl Environment {
    /// Reads the variables and removes them: from what children get, and from the block of memory that
    /// `/proc/<pid>/environ` shows.
    ///
    /// # Safety
    /// No other thread may run yet: the environment is not guarded against readers in C libraries.
    #[must_use]
    pub unsafe fn take() -> Self {
        let Some(value) = std::env::var_os(CLIENT_CERTIFICATE_PASSWORD) else {
            return Self::default();
        };
        // SAFETY: the caller says that there is one thread.
        unsafe {
            wipe(CLIENT_CERTIFICATE_PASSWORD);
            std::env::remove_var(CLIENT_CERTIFICATE_PASSWORD);
        }
        // What is not UTF-8 is no password that the key can have: it will be called wrong.
        let text = value
            .into_string()
            .unwrap_or_else(|odd| odd.to_string_lossy().into_owned());
        Self {
            client_certificate_password: Some(text)
                .filter(|text| !text.is_empty())
                .map(Password::new),
        }
    }
}

impl Environment {
    /// [`CLIENT_CERTIFICATE_PASSWORD`], if it was given.
    #[must_use]
    pub fn into_client_certificate_password(self) -> Option<Password> {
        self.client_certificate_password
    }
}

unsafe extern "C" {
    /// ISO C: the value of an environment variable, or null.
    fn getenv(name: *const c_char) -> *mut c_char;
}

/// Overwrites a variable's value where it lies.
///
/// # Safety
/// As for [`Environment::take`].
unsafe fn wipe(name: &str) {
    let Ok(name) = CString::new(name) else {
        return;
    };
    // SAFETY: the name ends with a null byte; what is returned, unless null, is a string that ends with one
    // and may be written (C11, 7.22.4.6 leaves that to the program; on Unix it lies in the process's own
    // writable memory), and nobody else looks at it.
    unsafe {
        let mut value = getenv(name.as_ptr());
        if value.is_null() {
            return;
        }
        while *value != 0 {
            value.write_volatile(0);
            value = value.add(1);
        }
    }
}
