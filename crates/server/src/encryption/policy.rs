//! What follows when the master key is no longer Active: `security.kmip.onKeyStateLoss`,
//! `keyStateGraceSeconds`, `keyStatePollingSeconds`.

use std::time::Duration;

/// `security.kmip.onKeyStateLoss`: what is done about a master key that is no longer Active, or gone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnKeyStateLoss {
    /// Say so in the log and in `serverStatus`, and go on.
    Warn,
    /// Refuse writes until the key is Active again.
    ReadOnly,
    /// Stop in good order, with an exit status of its own. What PSMDB does.
    #[default]
    Shutdown,
}

impl OnKeyStateLoss {
    /// The words that the option takes.
    pub const NAMES: &'static [&'static str] = &["warn", "readOnly", "shutdown"];

    /// The word that the option takes.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Warn => "warn",
            Self::ReadOnly => "readOnly",
            Self::Shutdown => "shutdown",
        }
    }

    /// What the word means; `None` for a word that the option does not take.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Warn, Self::ReadOnly, Self::Shutdown]
            .into_iter()
            .find(|policy| policy.name() == name)
    }
}

/// How the master key is looked after while the server runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyStatePolicy {
    /// The time between two looks at the key's state; `None`: nobody looks.
    pub polling: Option<Duration>,
    /// What a key that is no longer Active leads to.
    pub on_loss: OnKeyStateLoss,
    /// How long the key may be lost before that.
    pub grace: Duration,
}

impl Default for KeyStatePolicy {
    fn default() -> Self {
        Self {
            polling: Some(Duration::from_secs(900)),
            on_loss: OnKeyStateLoss::default(),
            grace: Duration::ZERO,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_has_a_meaning() {
        for name in OnKeyStateLoss::NAMES {
            assert_eq!(OnKeyStateLoss::from_name(name).unwrap().name(), *name);
        }
        assert_eq!(OnKeyStateLoss::from_name("readonly"), None);
    }
}
