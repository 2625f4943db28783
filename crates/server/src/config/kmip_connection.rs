//! The connection that a configuration file describes, for `strongroom kmip`.

use std::path::Path;

use kmip_tool::{ConnectionOptions, VersionChoice};

use super::error::Error;
use super::settings::Settings;
use super::value::Value;
use super::yaml;

/// Reads `security.kmip` of the file with the server's own reader, so that every value means what it means there. What
/// is missing may be on the tool's command line; what the rest of the file says does not matter, as long as the server
/// would know it.
///
/// # Errors
/// The file cannot be read, or has an option that the server would not take.
pub fn kmip_connection(file: &Path) -> Result<ConnectionOptions, Error> {
    Ok(connection(&yaml::read(file)?))
}

fn connection(settings: &Settings) -> ConnectionOptions {
    let mut options = ConnectionOptions::default();
    for (path, setting) in settings.iter() {
        let Some(name) = path.strip_prefix("security.kmip.") else {
            continue;
        };
        match (name, &setting.value) {
            ("serverName", Value::Text(text)) => options.server_name = Some(text.clone()),
            ("port", Value::Int(port)) => options.port = u16::try_from(*port).ok(),
            ("serverCAFile", Value::Text(path)) => options.server_ca_file = Some(path.into()),
            ("clientCertificateFile", Value::Text(path)) => {
                options.client_certificate_file = Some(path.into());
            }
            ("clientKeyFile", Value::Text(path)) => options.client_key_file = Some(path.into()),
            ("clientCertificatePassword", Value::Secret(password)) => {
                options.client_certificate_password =
                    Some(tls::Password::new(password.expose().to_owned()));
            }
            ("clientCertificatePasswordFile", Value::Text(path)) => {
                options.client_certificate_password_file = Some(path.into());
            }
            ("connectRetries", Value::Int(retries)) => {
                options.connect_retries = u32::try_from(*retries).ok();
            }
            ("connectTimeoutMS", Value::Int(milliseconds)) => {
                options.connect_timeout_ms = u32::try_from(*milliseconds).ok();
            }
            ("protocolVersion", Value::Text(version)) => {
                options.version = version.parse().ok().map(|VersionChoice(policy)| policy);
            }
            ("useLegacyProtocol", Value::Bool(legacy)) => {
                options.use_legacy_protocol = Some(*legacy);
            }
            // Which key the server uses, and how.
            _ => {}
        }
    }
    options
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<ConnectionOptions, Error> {
        yaml::parse(text, Path::new("mongod.conf")).map(|settings| connection(&settings))
    }

    #[test]
    fn the_section_and_nothing_else() {
        let options = read(
            "storage: {dbPath: /data}\n\
             security:\n  enableEncryption: true\n  kmip:\n    serverName: kms1, kms2:7\n    port: 15696\n    \
             clientCertificateFile: c.pem\n    clientKeyFile: c.key\n    clientCertificatePassword: hunter2\n    \
             serverCAFile: ca.pem\n    connectRetries: 2\n    connectTimeoutMS: 3000\n    keyIdentifier: '7'\n",
        )
        .unwrap();
        assert_eq!(options.server_name.as_deref(), Some("kms1, kms2:7"));
        assert_eq!(options.port, Some(15_696));
        assert_eq!(options.client_certificate_file, Some("c.pem".into()));
        assert_eq!(options.client_key_file, Some("c.key".into()));
        assert_eq!(options.server_ca_file, Some("ca.pem".into()));
        assert_eq!(options.connect_retries, Some(2));
        assert_eq!(options.connect_timeout_ms, Some(3_000));
        assert!(options.client_certificate_password.is_some());
        assert!(!format!("{options:?}").contains("hunter2"));
    }

    #[test]
    fn both_options_of_the_version_are_kept_apart() {
        for text in [
            "security: {kmip: {useLegacyProtocol: true, protocolVersion: '2.1'}}\n",
            "security: {kmip: {protocolVersion: '2.1', useLegacyProtocol: true}}\n",
        ] {
            let options = read(text).unwrap();
            let newest = kmip_client::VersionPolicy::Exactly(kmip::ProtocolVersion::V2_1);
            assert_eq!(options.version, Some(newest));
            assert_eq!(options.use_legacy_protocol, Some(true));
        }
    }

    #[test]
    fn a_part_of_it_is_enough_but_a_mistake_is_one() {
        let options = read("net: {port: 1}\n").unwrap();
        assert!(options.server_name.is_none());
        let error = read("security: {kmip: {serverNames: a}}\n").unwrap_err();
        assert!(error.to_string().contains("serverName"), "{error}");
    }
}
