//! The options that were given, from both sources, by key.

use std::collections::BTreeMap;

use super::error::Error;
use super::known::{self, Known};
use super::place::{Origin, Place};
use super::secret::Password;
use super::value::Value;

/// One option as given.
#[derive(Clone, Debug)]
pub(super) struct Setting {
    pub(super) value: Value,
    pub(super) place: Place,
}

/// All options as given, by key.
#[derive(Debug, Default)]
pub(super) struct Settings(BTreeMap<&'static str, Setting>);

impl Settings {
    /// Adds an option of one source.
    ///
    /// # Errors
    /// [`Error::Repeated`] if the source gave it already.
    pub(super) fn add(
        &mut self,
        known: &'static Known,
        value: Value,
        place: Place,
    ) -> Result<(), Error> {
        if let Some(first) = self.0.get(known.path) {
            let first_line = match first.place.origin {
                Origin::File { line, .. } => usize::try_from(line).ok(),
                Origin::CommandLine | Origin::Environment => None,
            };
            return Err(Error::Repeated { place, first_line });
        }
        self.0.insert(known.path, Setting { value, place });
        Ok(())
    }

    /// Lays `stronger` over these: what it has, wins.
    pub(super) fn overlay(&mut self, stronger: Self) {
        self.0.extend(stronger.0);
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&'static str, &Setting)> {
        self.0.iter().map(|(path, setting)| (*path, setting))
    }

    /// Where the option was given; `None` if it was not, or was left empty.
    pub(super) fn place(&self, path: &str) -> Option<&Place> {
        debug_assert!(known::by_path(path).is_some(), "no option {path}");
        self.0
            .get(path)
            .filter(|setting| !matches!(setting.value, Value::Nothing))
            .map(|setting| &setting.place)
    }

    pub(super) fn text(&self, path: &str) -> Option<&str> {
        match self.value(path)? {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(super) fn boolean(&self, path: &str) -> Option<bool> {
        match self.value(path)? {
            Value::Bool(value) => Some(*value),
            _ => None,
        }
    }

    /// The number, which the table's limits keep within `T`.
    pub(super) fn number<T: TryFrom<i64>>(&self, path: &str) -> Option<T> {
        match self.value(path)? {
            Value::Int(value) => T::try_from(*value).ok(),
            _ => None,
        }
    }

    pub(super) fn password(&self, path: &str) -> Option<Password> {
        match self.value(path)? {
            Value::Secret(password) => Some(password.clone()),
            _ => None,
        }
    }

    fn value(&self, path: &str) -> Option<&Value> {
        debug_assert!(known::by_path(path).is_some(), "no option {path}");
        self.0.get(path).map(|setting| &setting.value)
    }
}
