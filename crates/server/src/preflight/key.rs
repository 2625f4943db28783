//! The master key: there, usable, and the one that opens the keystore.

use std::path::Path;

use keystore::Header;
use keystore::provider::kmip::{Fetched, KmipKeyError, KmipKeys};
use kmip_client::Client;

use super::{Report, local};
use crate::startup::{KmipOptions, StartupError};

const NAME: &str = "master key";

/// Fetches the key as a start would, and opens the keystore with it if there is one.
pub(super) async fn check(
    report: &mut Report,
    client: &Client,
    dbpath: &Path,
    header: Option<&Header>,
    kmip: &KmipOptions,
) {
    let mut keys = match KmipKeys::connect(client.clone(), kmip.activate_keys).await {
        Ok(keys) => keys,
        Err(error) => return failed(report, error),
    };
    let saved = header.and_then(Header::master_key);
    let saved = saved.and_then(|key| key.identifier.as_deref().or(key.name.as_deref()));
    if let Some(identifier) = saved {
        match keys.fetch(identifier).await {
            Ok(fetched) => {
                passed(report, &keys, &fetched);
                local::opens(report, dbpath, &fetched.key);
            }
            Err(error) => failed(report, error),
        }
        return;
    }
    let Some(given) = &kmip.key_identifier else {
        let announced = header
            .and_then(Header::pending)
            .and_then(|key| key.name.as_deref());
        let detail = match announced {
            Some(name) => {
                format!("the first start looks for {name}, and creates it if it is not there")
            }
            None => "the first start creates one".to_owned(),
        };
        report.passed(NAME, None, detail);
        return;
    };
    match keys.find(given).await {
        Ok(Ok(found)) => match keys.fetch_found(found).await {
            Ok(fetched) => passed(report, &keys, &fetched),
            Err(error) => failed(report, error),
        },
        Ok(Err(_)) if kmip.create_key_if_missing => {
            let detail = format!("there is none named {given}: the first start creates it");
            report.passed(NAME, None, detail);
        }
        Ok(Err(not_there)) => failed(report, not_there.error(given)),
        Err(error) => failed(report, error),
    }
}

fn passed(report: &mut Report, keys: &KmipKeys, fetched: &Fetched) {
    let attributes = &fetched.attributes;
    let state = attributes
        .state
        .map_or_else(|| "of unknown state".to_owned(), |state| state.to_string());
    let names = match attributes.names.as_slice() {
        [] => String::new(),
        names => format!(" ({})", names.join(", ")),
    };
    let detail = format!(
        "{}{names} is {state} on {}",
        attributes.unique_identifier,
        keys.session().server()
    );
    report.passed(NAME, None, detail);
}

fn failed(report: &mut Report, error: KmipKeyError) {
    let error = StartupError::from(error);
    report.failed(NAME, None, error.to_string(), error.exit_status());
}
