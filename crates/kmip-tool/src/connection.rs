//! Where the server is, and who we are: the command line over the environment over the configuration file.

use std::fmt;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use clap::Args;
use kmip::ProtocolVersion;
use kmip_client::{ClientConfig, DEFAULT_PORT, ServerAddress, VersionPolicy};
use tls::{ClientTls, IdentityFiles, Password, Trust};
use zeroize::Zeroizing;

use crate::failure::Failure;
use crate::limits;

/// The environment variable with the password of the client certificate's private key.
pub const PASSWORD_VARIABLE: &str = "STRONGROOM_KMIP_CLIENT_CERTIFICATE_PASSWORD";

const HEADING: &str = "Connection";
const RETRIES_MAX: i64 = 1_000;
const TIMEOUT_MS_MIN: i64 = 1_000;
const TIMEOUT_MS_MAX: i64 = i32::MAX as i64;

/// The options of the connection, with `strongroomd`'s names.
#[derive(Debug, Clone, Default, Args)]
#[non_exhaustive]
pub struct ConnectionArguments {
    /// Take the connection from security.kmip of this configuration file (mongod.conf)
    #[arg(long, short = 'f', value_name = "FILE", global = true, help_heading = HEADING)]
    pub config: Option<PathBuf>,
    /// KMIP servers, separated by commas, tried in order: host, host:port or [IPv6]:port
    #[arg(long = "kmipServerName", value_name = "HOSTS", global = true, help_heading = HEADING)]
    pub server_name: Option<String>,
    /// Port of the servers that are given without one. Default: 5696
    #[arg(long = "kmipPort", value_name = "PORT", global = true, help_heading = HEADING,
        value_parser = clap::value_parser!(u16).range(1..))]
    pub port: Option<u16>,
    /// CA certificates that the server's certificate may come from, besides the system's
    #[arg(long = "kmipServerCAFile", value_name = "PEM", global = true, help_heading = HEADING)]
    pub server_ca_file: Option<PathBuf>,
    /// Our certificate chain, with the private key unless that is apart
    #[arg(long = "kmipClientCertificateFile", value_name = "PEM", global = true, help_heading = HEADING)]
    pub client_certificate_file: Option<PathBuf>,
    /// The private key of the client certificate, if it is in a file of its own
    #[arg(long = "kmipClientKeyFile", value_name = "PEM", global = true, help_heading = HEADING)]
    pub client_key_file: Option<PathBuf>,
    /// Password of an encrypted private key; other users of this machine can see it here
    #[arg(long = "kmipClientCertificatePassword", value_name = "PASSWORD", global = true, help_heading = HEADING,
        allow_hyphen_values = true, value_parser = password,
        conflicts_with = "client_certificate_password_file")]
    pub client_certificate_password: Option<Password>,
    /// File with that password, of mode 0600 or 0400
    #[arg(long = "kmipClientCertificatePasswordFile", value_name = "FILE", global = true, help_heading = HEADING)]
    pub client_certificate_password_file: Option<PathBuf>,
    /// Attempts at the first connection beyond the first one, for each server. Default: 0
    #[arg(long = "kmipConnectRetries", value_name = "N", global = true, help_heading = HEADING,
        value_parser = clap::value_parser!(u32).range(0..=RETRIES_MAX))]
    pub connect_retries: Option<u32>,
    /// Time for an attempt to connect and get the first answer. Default: 5000
    #[arg(long = "kmipConnectTimeoutMS", value_name = "MS", global = true, help_heading = HEADING,
        value_parser = clap::value_parser!(u32).range(TIMEOUT_MS_MIN..=TIMEOUT_MS_MAX))]
    pub connect_timeout_ms: Option<u32>,
    /// Speak KMIP 1.0 or 1.1 only, for servers that have nothing newer
    #[arg(long = "kmipUseLegacyProtocol", value_name = "BOOL", global = true, help_heading = HEADING,
        num_args = 0..=1, default_missing_value = "true")]
    pub use_legacy_protocol: Option<bool>,
    /// Speak this version of KMIP (1.0 to 2.1) instead of the newest common one
    #[arg(long = "kmipProtocolVersion", visible_alias = "kmip-version", value_name = "VERSION", global = true,
        help_heading = HEADING)]
    pub protocol_version: Option<VersionChoice>,
}

fn password(text: &str) -> Result<Password, std::convert::Infallible> {
    Ok(Password::new(text))
}

/// The version of KMIP to speak: `auto`, or one of those that the library has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VersionChoice(pub VersionPolicy);

impl FromStr for VersionChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "auto" {
            return Ok(Self(VersionPolicy::Negotiate));
        }
        text.parse::<ProtocolVersion>()
            .ok()
            .filter(|version| version.is_supported())
            .map(|version| Self(VersionPolicy::Exactly(version)))
            .ok_or_else(|| "expected auto, 1.0, 1.1, 1.2, 1.3, 1.4, 2.0 or 2.1".to_owned())
    }
}

impl fmt::Display for VersionChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            VersionPolicy::Negotiate => f.write_str("auto"),
            VersionPolicy::AtMost(version) => write!(f, "at most {version}"),
            VersionPolicy::Exactly(version) => write!(f, "{version}"),
        }
    }
}

/// The options of the connection as one source gives them.
#[derive(Debug, Clone, Default)]
pub struct ConnectionOptions {
    /// `kmipServerName`: the list, not taken apart.
    pub server_name: Option<String>,
    /// `kmipPort`
    pub port: Option<u16>,
    /// `kmipServerCAFile`
    pub server_ca_file: Option<PathBuf>,
    /// `kmipClientCertificateFile`
    pub client_certificate_file: Option<PathBuf>,
    /// `kmipClientKeyFile`
    pub client_key_file: Option<PathBuf>,
    /// `kmipClientCertificatePassword`
    pub client_certificate_password: Option<Password>,
    /// `kmipClientCertificatePasswordFile`
    pub client_certificate_password_file: Option<PathBuf>,
    /// `kmipConnectRetries`
    pub connect_retries: Option<u32>,
    /// `kmipConnectTimeoutMS`, in milliseconds
    pub connect_timeout_ms: Option<u32>,
    /// `kmipProtocolVersion`
    pub version: Option<VersionPolicy>,
    /// `kmipUseLegacyProtocol`
    pub use_legacy_protocol: Option<bool>,
}

impl From<ConnectionArguments> for ConnectionOptions {
    fn from(arguments: ConnectionArguments) -> Self {
        Self {
            server_name: arguments.server_name,
            port: arguments.port,
            server_ca_file: arguments.server_ca_file,
            client_certificate_file: arguments.client_certificate_file,
            client_key_file: arguments.client_key_file,
            client_certificate_password: arguments.client_certificate_password,
            client_certificate_password_file: arguments.client_certificate_password_file,
            connect_retries: arguments.connect_retries,
            connect_timeout_ms: arguments.connect_timeout_ms,
            version: arguments.protocol_version.map(|choice| choice.0),
            use_legacy_protocol: arguments.use_legacy_protocol,
        }
    }
}

impl ConnectionOptions {
    /// These options; where one is not given, `weaker`'s. A password and a file with one are one option here, and so
    /// are the certificate and the file of its key (a certificate of another source brings its own), and the two that
    /// choose the version.
    pub(crate) fn over(self, weaker: Self) -> Self {
        let has_password = self.client_certificate_password.is_some()
            || self.client_certificate_password_file.is_some();
        let (password, password_file) = match has_password {
            true => (
                self.client_certificate_password,
                self.client_certificate_password_file,
            ),
            false => (
                weaker.client_certificate_password,
                weaker.client_certificate_password_file,
            ),
        };
        let client_key_file = match self.client_certificate_file {
            Some(_) => self.client_key_file,
            None => self.client_key_file.or(weaker.client_key_file),
        };
        let has_version = self.version.is_some() || self.use_legacy_protocol.is_some();
        let (version, use_legacy_protocol) = match has_version {
            true => (self.version, self.use_legacy_protocol),
            false => (weaker.version, weaker.use_legacy_protocol),
        };
        Self {
            server_name: self.server_name.or(weaker.server_name),
            port: self.port.or(weaker.port),
            server_ca_file: self.server_ca_file.or(weaker.server_ca_file),
            client_certificate_file: self
                .client_certificate_file
                .or(weaker.client_certificate_file),
            client_key_file,
            client_certificate_password: password,
            client_certificate_password_file: password_file,
            connect_retries: self.connect_retries.or(weaker.connect_retries),
            connect_timeout_ms: self.connect_timeout_ms.or(weaker.connect_timeout_ms),
            version,
            use_legacy_protocol,
        }
    }

    /// The client's settings.
    ///
    /// # Errors
    /// An option that is missing or cannot be used, by name.
    pub(crate) fn client_config(self) -> Result<ClientConfig, Failure> {
        let mut missing = Vec::new();
        if self.server_name.is_none() {
            missing.push("--kmipServerName (security.kmip.serverName)");
        }
        if self.client_certificate_file.is_none() {
            missing.push("--kmipClientCertificateFile (security.kmip.clientCertificateFile)");
        }
        let (Some(names), Some(certificate)) = (self.server_name, self.client_certificate_file)
        else {
            return Err(Failure::options(format!(
                "{} {} not given: give the option, or a configuration file that has it with --config",
                missing.join(" and "),
                if missing.len() > 1 { "are" } else { "is" },
            )));
        };
        let servers = ServerAddress::parse_list(&names, self.port.unwrap_or(DEFAULT_PORT))
            .map_err(|error| {
                Failure::options(format!(
                    "--kmipServerName (security.kmip.serverName): {error}"
                ))
            })?;
        let version = version_policy(self.version, self.use_legacy_protocol)?;
        let password = match (
            self.client_certificate_password,
            self.client_certificate_password_file,
        ) {
            (Some(_), Some(_)) => {
                return Err(Failure::options(
                    "clientCertificatePassword and clientCertificatePasswordFile exclude each other: keep one"
                        .to_owned(),
                ));
            }
            (Some(password), None) => Some(password),
            (None, Some(file)) => Some(password_of(&file)?),
            (None, None) => None,
        };
        let tls = ClientTls {
            trust: Trust::system_and(self.server_ca_file),
            identity: Some(IdentityFiles {
                certificate,
                key: self.client_key_file,
                password,
            }),
        };
        let mut config = ClientConfig::new(servers, tls);
        if let Some(retries) = self.connect_retries {
            config.connect_retries = retries;
        }
        if let Some(milliseconds) = self.connect_timeout_ms {
            config.connect_timeout = Duration::from_millis(milliseconds.into());
            // Somebody who waits longer for a connection has a slow server.
            config.operation_timeout = config.operation_timeout.max(config.connect_timeout);
        }
        config.version = version;
        config.limits = limits::ANSWERS;
        Ok(config)
    }
}

/// What both options together ask for, as `strongroomd` has it.
fn version_policy(
    version: Option<VersionPolicy>,
    use_legacy_protocol: Option<bool>,
) -> Result<VersionPolicy, Failure> {
    let policy = version.unwrap_or_default();
    if use_legacy_protocol != Some(true) {
        return Ok(policy);
    }
    policy.with_legacy_protocol().ok_or_else(|| {
        let version = VersionChoice(policy);
        Failure::options(format!(
            "--kmipProtocolVersion (security.kmip.protocolVersion) {version} and --kmipUseLegacyProtocol \
             (security.kmip.useLegacyProtocol) exclude each other: the legacy protocol is KMIP 1.0 or 1.1; keep \
             one of the two options"
        ))
    })
}

/// What is in the file, but for the end of its last line. Others must not be able to read it.
fn password_of(path: &Path) -> Result<Password, Failure> {
    let failed = |why: String| {
        Failure::options(format!(
            "--kmipClientCertificatePasswordFile (security.kmip.clientCertificatePasswordFile) {}: {why}",
            path.display()
        ))
    };
    let file = std::fs::File::open(path).map_err(|error| failed(error.to_string()))?;
    // Of the open file, so that it cannot be exchanged between the check and the reading.
    #[cfg(unix)]
    {
        let metadata = file.metadata().map_err(|error| failed(error.to_string()))?;
        // A pipe (a shell's <(command)) has no permissions that would mean anything.
        if metadata.is_file() && tls::mode_open_to_others(&metadata).is_some() {
            return Err(failed(
                "others may read it: make it 0600 or 0400 (chmod 600)".to_owned(),
            ));
        }
    }
    let mut bytes = Zeroizing::new(Vec::with_capacity(limits::PASSWORD_FILE_BYTES as usize + 1));
    file.take(limits::PASSWORD_FILE_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| failed(error.to_string()))?;
    if bytes.len() as u64 > limits::PASSWORD_FILE_BYTES {
        return Err(failed("it is too long for a password".to_owned()));
    }
    let line = bytes.strip_suffix(b"\n").unwrap_or(&bytes);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    match std::str::from_utf8(line) {
        Ok("") => Err(failed("it is empty".to_owned())),
        Ok(text) => Ok(Password::new(text)),
        Err(_) => Err(failed("it is not UTF-8".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn failure(options: ConnectionOptions) -> String {
        options.client_config().unwrap_err().to_string()
    }

    #[test]
    fn what_is_missing_is_named() {
        let both = failure(ConnectionOptions::default());
        assert!(
            both.contains("--kmipServerName") && both.contains("--kmipClientCertificateFile"),
            "{both}"
        );
        assert!(both.contains("are not given"), "{both}");
        let one = failure(ConnectionOptions {
            server_name: Some("kms1".into()),
            ..Default::default()
        });
        assert!(
            !one.contains("--kmipServerName") && one.contains("is not given"),
            "{one}"
        );
    }

    #[test]
    fn the_stronger_source_wins_option_by_option() {
        let file = ConnectionOptions {
            server_name: Some("file1, file2:7".into()),
            port: Some(1),
            client_certificate_file: Some("file.pem".into()),
            client_key_file: Some("file.key".into()),
            client_certificate_password: Some(Password::new("p")),
            connect_retries: Some(3),
            ..Default::default()
        };
        let config = ConnectionOptions {
            port: Some(2),
            connect_timeout_ms: Some(20_000),
            version: Some(VersionPolicy::Exactly(ProtocolVersion::V1_4)),
            ..Default::default()
        }
        .over(file.clone())
        .client_config()
        .unwrap();
        let servers: Vec<String> = config.servers.iter().map(ToString::to_string).collect();
        assert_eq!(servers, ["file1:2", "file2:7"]);
        assert_eq!(config.connect_retries, 3);
        assert_eq!(config.connect_timeout, Duration::from_secs(20));
        assert_eq!(config.operation_timeout, Duration::from_secs(20));
        assert_eq!(
            config.version,
            VersionPolicy::Exactly(ProtocolVersion::V1_4)
        );
        let identity = config.tls.identity.unwrap();
        assert_eq!(identity.key, Some("file.key".into()));
        assert!(identity.password.is_some());

        let config = ConnectionOptions {
            client_certificate_file: Some("mine.pem".into()),
            ..Default::default()
        }
        .over(file)
        .client_config()
        .unwrap();
        assert_eq!(config.tls.identity.unwrap().key, None);
    }

    #[test]
    fn passwords_in_files() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("password");
        for (contents, problem) in [
            (&b"secret words\r\n"[..], None),
            (b"secret words", None),
            (b"\n", Some("is empty")),
            (b"\xFFsecret words", Some("not UTF-8")),
            (&[b'x'; 70_000], Some("too long")),
        ] {
            std::fs::write(&path, contents).unwrap();
            std::fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
            match (password_of(&path), problem) {
                (Ok(_), None) => {}
                (Err(failure), Some(problem)) => {
                    let text = failure.to_string();
                    assert!(text.contains(problem), "{text}");
                    assert!(!text.contains("secret"), "{text}");
                }
                (got, _) => panic!("{got:?}"),
            }
        }
        std::fs::write(&path, "secret words").unwrap();
        std::fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
        let text = password_of(&path).unwrap_err().to_string();
        assert!(
            text.contains("chmod 600") && !text.contains("secret"),
            "{text}"
        );
        let text = failure(ConnectionOptions {
            server_name: Some("kms1".into()),
            client_certificate_file: Some("c.pem".into()),
            client_certificate_password_file: Some(directory.path().join("absent")),
            ..Default::default()
        });
        assert!(
            text.contains("PasswordFile") && text.contains("absent"),
            "{text}"
        );
    }

    #[test]
    fn one_version_or_the_legacy_ones() {
        use ProtocolVersion as V;
        let exactly = |version| Some(VersionPolicy::Exactly(version));
        let legacy = VersionPolicy::AtMost(V::V1_1);
        for (version, use_legacy, expected) in [
            (None, None, Some(VersionPolicy::Negotiate)),
            (None, Some(false), Some(VersionPolicy::Negotiate)),
            (None, Some(true), Some(legacy)),
            (Some(VersionPolicy::Negotiate), Some(true), Some(legacy)),
            (exactly(V::V1_0), Some(true), exactly(V::V1_0)),
            (exactly(V::V1_1), Some(true), exactly(V::V1_1)),
            (exactly(V::V1_2), Some(true), None),
            (exactly(V::V2_1), Some(true), None),
            (exactly(V::V2_1), Some(false), exactly(V::V2_1)),
        ] {
            let options = ConnectionOptions {
                server_name: Some("kms1".into()),
                client_certificate_file: Some("c.pem".into()),
                version,
                use_legacy_protocol: use_legacy,
                ..Default::default()
            };
            match (options.client_config(), expected) {
                (Ok(config), Some(expected)) => assert_eq!(config.version, expected),
                (Err(failure), None) => {
                    let text = failure.to_string();
                    assert!(
                        text.contains("--kmipProtocolVersion")
                            && text.contains("--kmipUseLegacyProtocol"),
                        "{text}"
                    );
                }
                (got, _) => panic!("{version:?} {use_legacy:?}: {got:?}"),
            }
        }
        // A version on the command line is not held against the file's legacy protocol.
        let file = ConnectionOptions {
            server_name: Some("kms1".into()),
            client_certificate_file: Some("c.pem".into()),
            use_legacy_protocol: Some(true),
            ..Default::default()
        };
        let config = ConnectionOptions {
            version: exactly(V::V1_4),
            ..Default::default()
        }
        .over(file)
        .client_config()
        .unwrap();
        assert_eq!(config.version, VersionPolicy::Exactly(V::V1_4));
    }

    #[test]
    fn servers_that_are_none_are_quoted() {
        let text = failure(ConnectionOptions {
            server_name: Some("kms1,,kms2".into()),
            client_certificate_file: Some("c.pem".into()),
            ..Default::default()
        });
        assert!(
            text.contains("kms1,,kms2") && text.contains("--kmipServerName"),
            "{text}"
        );
    }
}
