//! Which options a reload cannot put in force.

use serde_json::Value;

use crate::config::Config;

/// What a reload reads again; everything else holds from a start to the next one.
const RELOADED: &[&str] = &["tenants", "roles", "clients", "clientsDirectory"];

/// The options of a running server that hold until it is started again.
#[derive(Clone, Debug)]
pub(crate) struct Fixed(Value);

impl Fixed {
    /// Those that the server has been started with.
    pub(crate) fn new(config: &Config) -> Self {
        let mut value = serde_json::to_value(config).unwrap_or_default();
        if let Some(options) = value.as_object_mut() {
            for name in RELOADED {
                options.remove(*name);
            }
        }
        Self(value)
    }

    /// The names of those that another configuration says otherwise, never their values.
    pub(crate) fn changed_in(&self, config: &Config) -> Vec<String> {
        let mut names = Vec::new();
        compare("", &self.0, &Self::new(config).0, &mut names);
        names
    }
}

fn compare(name: &str, before: &Value, now: &Value, names: &mut Vec<String>) {
    match (before, now) {
        (Value::Object(before), Value::Object(now)) => {
            let all = before.keys().chain(now.keys());
            let mut all: Vec<&String> = all.collect();
            all.sort_unstable();
            all.dedup();
            for key in all {
                let full = match name {
                    "" => key.clone(),
                    name => format!("{name}.{key}"),
                };
                let of = |options: &serde_json::Map<String, Value>| options.get(key).cloned();
                compare(
                    &full,
                    &of(before).unwrap_or_default(),
                    &of(now).unwrap_or_default(),
                    names,
                );
            }
        }
        _ if before != now => names.push(name.to_owned()),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::SMALLEST;

    fn load(text: &str) -> Config {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("kmipd.yaml");
        std::fs::write(&path, text).unwrap();
        let mut config = crate::config::load(&path).unwrap();
        // Each is in a directory of its own.
        config.tls.certificate_file = "server.pem".into();
        config.tls.client_ca_file = "ca.pem".into();
        config.storage.directory = "data".into();
        config.storage.key.file = config.storage.key.file.map(|_| "kek".into());
        config
    }

    #[test]
    fn each_option_that_waits_for_a_restart() {
        let fixed = Fixed::new(&load(SMALLEST));
        for (from, to, expected) in [
            ("[default]", "[default, other]", vec![]),
            ("operations: [all]", "operations: [read]", vec![]),
            ("5696", "5697", vec!["net.listen"]),
            ("ca.pem}", "ca.pem, keyFile: /key.pem}", vec!["tls.keyFile"]),
            (
                "{file: kek}",
                "{passphrase: {environment: SECRET}}",
                vec!["storage.key.file", "storage.key.passphrase"],
            ),
            (
                "tenants:",
                "limits: {connections: 7, batchItems: 3}\naudit: {file: /a}\nlog: {level: debug}\nmetrics: {listen: '127.0.0.1:1'}\ntenants:",
                vec![
                    "audit.file",
                    "limits.batchItems",
                    "limits.connections",
                    "log.level",
                    "metrics",
                ],
            ),
        ] {
            assert!(SMALLEST.contains(from));
            let changed = fixed.changed_in(&load(&SMALLEST.replace(from, to)));
            assert_eq!(changed, expected, "{to}");
        }
    }
}
