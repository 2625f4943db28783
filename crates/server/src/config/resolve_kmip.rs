//! The options below `security.kmip`.

use std::time::Duration;

use kmip::ProtocolVersion;
use kmip_client::{AddressError, DEFAULT_PORT, ServerAddress, VersionPolicy};

use super::environment::Environment;
use super::error::Error;
use super::options::KmipOptions;
use super::password;
use super::place::{Origin, Place};
use super::resolve::{both_names, millis, path};
use super::settings::Settings;
use crate::encryption::OnKeyStateLoss;

const DEFAULT_CONNECT_TIMEOUT: Duration = Duration::from_millis(5_000);
const DEFAULT_POLLING_SECONDS: i64 = 900;

const SECTION: &str = "security.kmip.";
const SERVER_NAME: &str = "security.kmip.serverName";
const CERTIFICATE: &str = "security.kmip.clientCertificateFile";
const KEY_IDENTIFIER: &str = "security.kmip.keyIdentifier";
const CREATE_IF_MISSING: &str = "security.kmip.createKeyIfMissing";
const LEGACY: &str = "security.kmip.useLegacyProtocol";
const VERSION: &str = "security.kmip.protocolVersion";
const ACTIVATE: &str = "security.kmip.activateKeys";
const POLLING: &str = "security.kmip.keyStatePollingSeconds";
const ON_LOSS: &str = "security.kmip.onKeyStateLoss";
const GRACE: &str = "security.kmip.keyStateGraceSeconds";

/// The KMIP options, if a server is named.
///
/// # Errors
/// Options without the ones that they need, or a server that is none.
pub(super) fn kmip(
    settings: &Settings,
    environment: &Environment,
) -> Result<Option<KmipOptions>, Error> {
    let (Some(names), Some(place)) = (settings.text(SERVER_NAME), settings.place(SERVER_NAME))
    else {
        let stray = settings.iter().find(|(path, _)| path.starts_with(SECTION));
        return match stray {
            Some((_, setting)) => Err(needs(
                &setting.place,
                SERVER_NAME,
                "name the KMIP server, or remove the option",
            )),
            None => Ok(None),
        };
    };
    let default_port = settings
        .number("security.kmip.port")
        .unwrap_or(DEFAULT_PORT);
    let servers = servers(names, default_port, place)?;
    let Some(client_certificate_file) = path(settings, CERTIFICATE) else {
        return Err(needs(
            place,
            CERTIFICATE,
            "a KMIP server knows its clients by their certificates; give ours",
        ));
    };
    let key_identifier = settings.text(KEY_IDENTIFIER).map(|id| id.trim().to_owned());
    let create_key_if_missing = settings.boolean(CREATE_IF_MISSING).unwrap_or(false);
    if let Some(place) = settings
        .place(CREATE_IF_MISSING)
        .filter(|_| create_key_if_missing)
        && key_identifier.is_none()
    {
        return Err(needs(
            place,
            KEY_IDENTIFIER,
            "the new key gets it as its name; without both, a key is created anyway",
        ));
    }
    let activate_keys = settings.boolean(ACTIVATE).unwrap_or(true);
    let key_state_polling = polling(settings, activate_keys)?;
    let on_key_state_loss = settings
        .text(ON_LOSS)
        .and_then(OnKeyStateLoss::from_name)
        .unwrap_or_default();
    if key_state_polling.is_none()
        && let Some(place) = settings.place(ON_LOSS).or_else(|| settings.place(GRACE))
    {
        return Err(needs(
            place,
            POLLING,
            "the state of the key is not looked at, so that nothing would follow from it; turn the checks on, \
             or remove the option",
        ));
    }
    Ok(Some(KmipOptions {
        servers,
        server_ca_file: path(settings, "security.kmip.serverCAFile"),
        client_certificate_file,
        client_key_file: path(settings, "security.kmip.clientKeyFile"),
        client_certificate_password: password::resolve(settings, environment)?,
        key_identifier,
        create_key_if_missing,
        rotate_master_key: settings
            .boolean("security.kmip.rotateMasterKey")
            .unwrap_or(false),
        connect_retries: settings.number("security.kmip.connectRetries").unwrap_or(0),
        connect_timeout: millis(settings, "security.kmip.connectTimeoutMS")
            .unwrap_or(DEFAULT_CONNECT_TIMEOUT),
        version: version(settings)?,
        activate_keys,
        key_state_polling,
        on_key_state_loss,
        key_state_grace: settings
            .number(GRACE)
            .map_or(Duration::ZERO, Duration::from_secs),
        wrap_on_server: settings
            .boolean("security.kmip.wrapOnServer")
            .unwrap_or(false),
        password_in_arguments: settings
            .place(password::OPTION)
            .is_some_and(|place| place.origin == Origin::CommandLine),
    }))
}

fn version(settings: &Settings) -> Result<VersionPolicy, Error> {
    let legacy = settings
        .place(LEGACY)
        .filter(|_| settings.boolean(LEGACY) == Some(true));
    let pinned = settings
        .text(VERSION)
        .and_then(|text| text.parse::<ProtocolVersion>().ok());
    let policy = pinned.map_or(VersionPolicy::Negotiate, VersionPolicy::Exactly);
    let Some(legacy) = legacy else {
        return Ok(policy);
    };
    policy
        .with_legacy_protocol()
        .ok_or_else(|| Error::Conflict {
            place: settings.place(VERSION).unwrap_or(legacy).clone(),
            other: legacy.clone(),
            advice: "the legacy protocol is KMIP 1.0 or 1.1; keep one of the two options",
        })
}

/// Without activation every state is fine, so that there is nothing to watch.
fn polling(settings: &Settings, activate_keys: bool) -> Result<Option<Duration>, Error> {
    let given: Option<i64> = settings.number(POLLING);
    if let (Some(1..), false, Some(place)) = (given, activate_keys, settings.place(POLLING)) {
        return Err(Error::Needs {
            place: place.clone(),
            needed: format!("{} to be true", both_names(ACTIVATE)),
            advice: "the state of keys matters only then; remove one of the two options",
        });
    }
    let seconds = u64::try_from(given.unwrap_or(DEFAULT_POLLING_SECONDS)).unwrap_or(0);
    Ok((activate_keys && seconds > 0).then(|| Duration::from_secs(seconds)))
}

fn needs(place: &Place, needed: &str, advice: &'static str) -> Error {
    Error::Needs {
        place: place.clone(),
        needed: both_names(needed),
        advice,
    }
}

fn servers(list: &str, default_port: u16, place: &Place) -> Result<Vec<ServerAddress>, Error> {
    ServerAddress::parse_list(list, default_port).map_err(|error| Error::InvalidValue {
        place: place.clone(),
        expected:
            "servers separated by commas, each as host, host:port, address or [IPv6 address]:port"
                .into(),
        got: Some(match error {
            AddressError::Port { entry, .. } | AddressError::Host { entry } => entry,
            AddressError::Empty { list } => list,
        }),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(list: &str) -> Result<Vec<String>, String> {
        let place = Place::flag("--kmipServerName");
        match servers(list, 5696, &place) {
            Ok(servers) => Ok(servers.iter().map(ToString::to_string).collect()),
            Err(error) => Err(error.to_string()),
        }
    }

    #[test]
    fn a_list_of_servers() {
        let list =
            "kmip1.example.com, kmip2.example.com:1,192.0.2.7:9,::1, [::1]:7 ,kmip1.example.com";
        assert_eq!(
            parsed(list).unwrap(),
            [
                "kmip1.example.com:5696",
                "kmip2.example.com:1",
                "192.0.2.7:9",
                "[::1]:5696",
                "[::1]:7",
            ]
        );
    }

    #[test]
    fn the_entry_that_is_wrong_is_quoted() {
        for (list, quoted) in [
            ("kmip1,host:0", "`host:0`"),
            ("host:65536,kmip1", "`host:65536`"),
            ("kmip1, kmip://host", "`kmip://host`"),
            ("two words", "`two words`"),
            ("kmip1,,kmip2", "`kmip1,,kmip2`"),
            (":5696", "`:5696`"),
        ] {
            let error = parsed(list).unwrap_err();
            assert!(
                error.contains(quoted) && error.contains("--kmipServerName"),
                "{error}"
            );
        }
    }
}
