//! The components of log lines, as MongoDB names them, and which one an event belongs to.

/// Users and permissions.
pub const ACCESS: &str = "ACCESS";
/// Commands of clients.
pub const COMMAND: &str = "COMMAND";
/// Start, stop, signals, options.
pub const CONTROL: &str = "CONTROL";
/// Building and dropping indexes.
pub const INDEX: &str = "INDEX";
/// The key management server and the connection to it. MongoDB has no such component.
pub const KMIP: &str = "KMIP";
/// Connections of clients.
pub const NETWORK: &str = "NETWORK";
/// Plans and their execution.
pub const QUERY: &str = "QUERY";
/// Files, keystore, engine.
pub const STORAGE: &str = "STORAGE";
/// Anything else.
pub const DEFAULT: &str = "-";

const ALL: &[&str] = &[
    ACCESS, COMMAND, CONTROL, INDEX, KMIP, NETWORK, QUERY, STORAGE, DEFAULT,
];

/// Crates of ours that log through `tracing` with their module as the target.
const CRATES: &[(&str, &str)] = &[
    ("server", CONTROL),
    ("strongroomd", CONTROL),
    ("strongroom", CONTROL),
    ("wire", NETWORK),
    ("query", QUERY),
    ("storage", STORAGE),
    ("keystore", STORAGE),
    ("kmip", KMIP),
    ("kmip_client", KMIP),
    ("kmip_server", KMIP),
    ("tls", KMIP),
];

/// The component of a `tracing` target; `None` for a crate that is not ours.
pub(super) fn of_target(target: &str) -> Option<&'static str> {
    if let Some(component) = ALL.iter().find(|component| **component == target) {
        return Some(component);
    }
    let krate = target.split("::").next().unwrap_or(target);
    CRATES
        .iter()
        .find(|(name, _)| *name == krate)
        .map(|(_, component)| *component)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_components_or_crates() {
        assert_eq!(of_target("NETWORK"), Some(NETWORK));
        assert_eq!(of_target("kmip_client::session"), Some(KMIP));
        assert_eq!(of_target("storage"), Some(STORAGE));
        assert_eq!(of_target("rustls::client"), None);
        assert_eq!(of_target("storagex"), None);
    }
}
