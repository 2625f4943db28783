//! Reading the file and looking at what no type can say.

use std::fmt::Write;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;

use super::{Client, Config, ConfigError};

/// Largest configuration file, in bytes. A longer one is some other file.
pub const MAX_FILE_BYTES: u64 = 1024 * 1024;

/// Most files that are read from `clientsDirectory`.
const MAX_CLIENTS: usize = 100_000;

/// Each of those that wait holds a thread, of which there are 512 for everybody.
const MOST_WAITING: usize = 256;

/// Reads the configuration and the clients of its `clientsDirectory`. Relative paths become relative to the file's
/// directory. Certificates and keys are not looked at.
///
/// # Errors
/// See [`ConfigError`].
pub fn load(path: &Path) -> Result<Config, ConfigError> {
    let mut config: Config = read(path)?;
    let base = path.parent().unwrap_or_else(|| Path::new(""));
    for file in paths(&mut config) {
        if file.is_relative() {
            *file = base.join(&*file);
        }
    }
    check(&config, path)?;
    if let Some(directory) = config.clients_directory.clone() {
        add_clients(&mut config, &directory, path)?;
    }
    Ok(config)
}

fn read<T: DeserializeOwned>(path: &Path) -> Result<T, ConfigError> {
    let unreadable = |source| ConfigError::Unreadable {
        path: path.to_owned(),
        source,
    };
    let malformed = |problem: String| ConfigError::Malformed {
        path: path.to_owned(),
        problem,
    };
    let mut bytes = Vec::new();
    File::open(path)
        .map_err(unreadable)?
        .take(MAX_FILE_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(unreadable)?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(malformed(format!(
            "it is longer than {MAX_FILE_BYTES} bytes; is it a configuration file?"
        )));
    }
    let text = String::from_utf8(bytes).map_err(|_| malformed("it is not UTF-8".to_owned()))?;
    parse(&text).map_err(malformed)
}

/// The text of a file. What is wrong is said with its line, and without quoting the file.
pub(super) fn parse<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    let options = serde_saphyr::options! {
        with_snippet: false,
        duplicate_keys: serde_saphyr::DuplicateKeyPolicy::Error,
    };
    serde_saphyr::from_str_with_options(text, options).map_err(|error| error.to_string())
}

/// Every path in the configuration.
fn paths(config: &mut Config) -> impl Iterator<Item = &mut PathBuf> {
    let key = &mut config.storage.key;
    let (kmip_ca, kmip_certificate) = match &mut key.kmip {
        None => (None, None),
        Some(kmip) => (kmip.ca_file.as_mut(), Some(&mut kmip.certificate_file)),
    };
    [
        Some(&mut config.tls.certificate_file),
        config.tls.key_file.as_mut(),
        config.tls.key_password_file.as_mut(),
        Some(&mut config.tls.client_ca_file),
        config.tls.crl_file.as_mut(),
        Some(&mut config.storage.directory),
        key.file.as_mut(),
        key.passphrase
            .as_mut()
            .and_then(|passphrase| passphrase.file.as_mut()),
        kmip_ca,
        kmip_certificate,
        config.audit.file.as_mut(),
        config.audit.hmac_key_file.as_mut(),
        config
            .audit
            .syslog
            .as_mut()
            .and_then(|syslog| syslog.socket.as_mut()),
        config.clients_directory.as_mut(),
    ]
    .into_iter()
    .flatten()
}

fn check(config: &Config, path: &Path) -> Result<(), ConfigError> {
    let invalid = |key: &str, problem: &str| {
        Err(ConfigError::Invalid {
            path: path.to_owned(),
            key: key.to_owned(),
            problem: problem.to_owned(),
        })
    };
    let key = &config.storage.key;
    let sources = [
        key.file.is_some(),
        key.passphrase.is_some(),
        key.kmip.is_some(),
    ];
    if sources.iter().filter(|given| **given).count() != 1 {
        return invalid(
            "storage.key",
            "give exactly one of file, passphrase and kmip",
        );
    }
    if let Some(passphrase) = &key.passphrase
        && passphrase.file.is_some() == passphrase.environment.is_some()
    {
        return invalid(
            "storage.key.passphrase",
            "give exactly one of file and environment",
        );
    }
    if let Some(syslog) = &config.audit.syslog
        && syslog.socket.is_some() == syslog.udp.is_some()
    {
        return invalid("audit.syslog", "give exactly one of socket and udp");
    }
    if config.audit.hmac_key_file.is_some() && config.audit.file.is_none() {
        return invalid("audit.hmacKeyFile", "there is no audit.file that it is for");
    }
    let limits = &config.limits;
    let mut least_one = [
        ("limits.connections", limits.connections as u64),
        (
            "limits.connectionsPerClient",
            limits.connections_per_client as u64,
        ),
        ("limits.handshakes", limits.handshakes as u64),
        ("limits.batchItems", limits.batch_items as u64),
        ("limits.handshakeTimeoutMs", limits.handshake_timeout_ms),
        ("limits.messageTimeoutMs", limits.message_timeout_ms),
        ("limits.idleTimeoutSeconds", limits.idle_timeout_seconds),
        ("limits.requestTimeoutMs", limits.request_timeout_ms),
        ("audit.fsyncIntervalMs", config.audit.fsync_interval_ms),
    ]
    .into_iter();
    if let Some((key, _)) = least_one.find(|(_, value)| *value == 0) {
        return invalid(key, "expected a number of at least 1");
    }
    if limits.requests_per_second > 0 && limits.request_burst == 0 {
        return invalid("limits.requestBurst", "expected a number of at least 1");
    }
    if !(1024..=64 << 20).contains(&limits.message_size) {
        return invalid("limits.messageSize", "expected 1KiB to 64MiB");
    }
    if ![1024, 2048, 3072, 4096, 8192].contains(&config.crypto.max_rsa_bits) {
        return invalid(
            "crypto.maxRsaBits",
            "expected 1024, 2048, 3072, 4096 or 8192",
        );
    }
    if config.crypto.max_iterations == 0 {
        return invalid("crypto.maxIterations", "expected a number of at least 1");
    }
    if config.crypto.costly_waiting > MOST_WAITING {
        return invalid("crypto.costlyWaiting", "expected 256 at most");
    }
    if config.tenants.iter().any(String::is_empty) {
        return invalid("tenants", "a tenant must have a name");
    }
    Ok(())
}

fn add_clients(config: &mut Config, directory: &Path, path: &Path) -> Result<(), ConfigError> {
    let unreadable = |source| ConfigError::Unreadable {
        path: directory.to_owned(),
        source,
    };
    let mut files = Vec::new();
    for entry in std::fs::read_dir(directory).map_err(unreadable)? {
        let file = entry.map_err(unreadable)?.path();
        if file
            .extension()
            .is_some_and(|extension| extension == "yaml")
        {
            files.push(file);
        }
        if files.len() > MAX_CLIENTS {
            return Err(ConfigError::Invalid {
                path: path.to_owned(),
                key: "clientsDirectory".to_owned(),
                problem: format!("{} has more than {MAX_CLIENTS} files", directory.display()),
            });
        }
    }
    files.sort();
    for file in files {
        let name = match file.file_stem().and_then(|name| name.to_str()) {
            Some(name) => name.to_owned(),
            None => {
                return Err(ConfigError::Malformed {
                    path: file,
                    problem: "its name, which is the client's, is not UTF-8".to_owned(),
                });
            }
        };
        let client: Client = read(&file)?;
        if config.clients.insert(name.clone(), client).is_some() {
            let mut problem = format!("the client \"{name}\" is in {} already", path.display());
            let _ = write!(problem, "; remove one of the two");
            return Err(ConfigError::Malformed {
                path: file,
                problem,
            });
        }
    }
    Ok(())
}

/// The smallest file that there is.
#[cfg(test)]
pub(crate) const SMALLEST: &str = "\
net: {listen: '127.0.0.1:5696'}
tls: {certificateFile: server.pem, clientCaFile: ca.pem}
storage: {directory: data, key: {file: kek}}
tenants: [default]
roles: {all: {operations: [all]}}
";

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> (tempfile::TempDir, PathBuf) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("kmipd.yaml");
        std::fs::write(&path, text).unwrap();
        (directory, path)
    }

    #[test]
    fn the_smallest_file() {
        let (directory, path) = file(SMALLEST);
        let config = load(&path).unwrap();
        assert_eq!(config.storage.directory, directory.path().join("data"));
        assert_eq!(config.limits, crate::config::Limits::default());
        assert_eq!(config.audit, crate::config::Audit::default());
        assert!(config.metrics.is_none());
    }

    #[test]
    fn what_is_wrong_is_named_with_its_line() {
        for (text, named) in [
            (format!("{SMALLEST}limit: {{}}\n"), ["limit", "line 6"]),
            (
                format!("{SMALLEST}limits: {{conections: 3}}\n"),
                ["conections", "line 6"],
            ),
            (
                format!("{SMALLEST}limits:\n  messageSize: 1MB\n"),
                ["1MB", "line 7"],
            ),
            (
                format!("{SMALLEST}tenants: [other]\n"),
                ["tenants", "line 6"],
            ),
            (format!("{SMALLEST}net: [\n"), ["line", "kmipd.yaml"]),
            (
                format!("{SMALLEST}audit: {{file: a, fsync: sometimes}}\n"),
                ["sometimes", "line 6"],
            ),
            (
                SMALLEST.replace("tenants: [default]\n", ""),
                ["tenants", "kmipd.yaml"],
            ),
            (
                SMALLEST.replace("file: kek", ""),
                ["storage.key", "exactly one"],
            ),
            (
                SMALLEST.replace("file: kek", "file: kek, passphrase: {file: a}"),
                ["storage.key", "exactly one"],
            ),
            (
                format!("{SMALLEST}limits: {{handshakes: 0}}\n"),
                ["limits.handshakes", "at least 1"],
            ),
            (
                format!("{SMALLEST}crypto: {{maxRsaBits: 2000}}\n"),
                ["crypto.maxRsaBits", "4096"],
            ),
            (
                format!("{SMALLEST}crypto: {{maxIterations: 0}}\n"),
                ["crypto.maxIterations", "at least 1"],
            ),
            (
                format!("{SMALLEST}crypto: {{costlyWaiting: 1000}}\n"),
                ["crypto.costlyWaiting", "256"],
            ),
            (
                format!("{SMALLEST}audit: {{syslog: {{}}}}\n"),
                ["audit.syslog", "exactly one"],
            ),
        ] {
            let (_directory, path) = file(&text);
            let error = load(&path).unwrap_err().to_string();
            for named in named {
                assert!(error.contains(named), "{named:?} in {error:?} for\n{text}");
            }
        }
    }

    #[test]
    fn clients_of_the_directory() {
        let (directory, path) = file(&format!(
            "{SMALLEST}clients: {{a: {{tenant: default, role: all}}}}\nclientsDirectory: clients\n"
        ));
        let clients = directory.path().join("clients");
        std::fs::create_dir(&clients).unwrap();
        std::fs::write(clients.join("b.yaml"), "tenant: default\nrole: all\n").unwrap();
        std::fs::write(clients.join("notes.txt"), "not a client").unwrap();
        let names: Vec<_> = load(&path).unwrap().clients.into_keys().collect();
        assert_eq!(names, ["a", "b"]);
        std::fs::write(clients.join("b.yaml"), "tenant: default\nrolle: all\n").unwrap();
        let error = load(&path).unwrap_err().to_string();
        assert!(
            error.contains("b.yaml") && error.contains("rolle"),
            "{error}"
        );
        std::fs::remove_file(clients.join("b.yaml")).unwrap();
        std::fs::write(clients.join("a.yaml"), "tenant: default\nrole: all\n").unwrap();
        let error = load(&path).unwrap_err().to_string();
        assert!(
            error.contains("a.yaml") && error.contains("already"),
            "{error}"
        );
    }

    const EVERYTHING: &str = "\
net: {listen: '127.0.0.1:5696'}
tls: {certificateFile: a, keyFile: b, keyPasswordFile: c, clientCaFile: d, crlFile: e}
storage:
  directory: data
  key:
    file: kek
    passphrase: {file: a, environment: b}
    kmip: {servers: a, caFile: b, certificateFile: c, keyIdentifier: d}
tenants: [default]
roles: {all: {operations: [all]}}
clients:
  a:
    commonName: a
    sha256: b
    tenant: default
    role: all
    credential: {username: a, deviceSerialNumber: b, passwordHash: c}
clientsDirectory: a
limits: {}
crypto: {}
audit: {file: a, hmacKeyFile: b, syslog: {socket: a, udp: '127.0.0.1:1'}}
metrics: {listen: '127.0.0.1:1'}
log: {}
";

    /// Every key of a value, those of its parts included.
    fn keys(value: &serde_json::Value, into: &mut Vec<String>) {
        match value {
            serde_json::Value::Object(fields) => {
                for (key, value) in fields {
                    into.push(key.clone());
                    keys(value, into);
                }
            }
            serde_json::Value::Array(items) => items.iter().for_each(|item| keys(item, into)),
            _ => {}
        }
    }

    #[test]
    fn every_option_is_in_the_guide() {
        let config: Config = parse(EVERYTHING).unwrap();
        let mut names = Vec::new();
        keys(&serde_json::to_value(&config).unwrap(), &mut names);
        assert!(names.len() > 60, "{names:?}");
        let guide = include_str!("../../../../docs/kmipd.md");
        let (_, guide) = guide.split_once("## Every option").unwrap();
        for name in names {
            let is_there = guide
                .split(|character: char| !character.is_ascii_alphanumeric())
                .any(|word| word == name);
            assert!(is_there || name == "a" || name == "all", "{name}");
        }
    }

    #[test]
    fn every_exit_status_is_in_the_guide() {
        let guide = include_str!("../../../../docs/kmipd.md");
        for status in crate::exit::ExitStatus::ALL {
            let row = format!("\n| {} | ", status.number());
            assert!(guide.contains(&row), "{status:?}");
        }
    }

    /// Whatever the file holds: an error or a configuration, never a panic.
    #[test]
    fn any_bytes() {
        bolero::check!()
            .with_iterations(1_000)
            .with_type::<(Vec<(u16, u8)>, Vec<u8>)>()
            .for_each(|(edits, noise)| {
                let mut bytes = SMALLEST.as_bytes().to_vec();
                for (position, value) in edits {
                    let position = usize::from(*position) % bytes.len();
                    bytes[position] = *value;
                }
                for bytes in [&bytes, noise] {
                    let _ = parse::<Config>(&String::from_utf8_lossy(bytes));
                }
            });
    }
}
