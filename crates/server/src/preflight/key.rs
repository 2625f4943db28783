//! The master key: there, usable, and the one that opens the keystore. Used as it will be: fetched, or, with
//! `wrapOnServer`, by the server.

use std::path::Path;

use keystore::provider::kmip::{Fetched, KmipKeyError, KmipKeys};
use keystore::{Header, Provider, WrapContext};
use kmip_client::Client;
use uuid::Uuid;

use super::{Report, local, own_keys};
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
        Ok(keys) => keys.with_wrap_on_server(kmip.wrap_on_server),
        Err(error) => return failed(report, error),
    };
    let saved = header.and_then(|header| Some((header, header.master_key()?)));
    let is_kmip = saved.is_some_and(|(_, saved)| saved.provider == Provider::Kmip);
    if let (Some((header, saved)), true) = (saved, is_kmip) {
        let id = header.dbpath_id();
        let opened = match kmip.rotate_master_key {
            // It is about to be replaced: its state does not matter.
            true => keys.open_key_in_any_state(saved, id, None).await,
            false => keys.open_key(saved, id, None).await,
        };
        match opened {
            Ok(fetched) => {
                passed(report, &keys, &fetched);
                if let Some(keystore) = local::opens(report, dbpath, &fetched.key) {
                    own_keys::check(report, &mut keys, &keystore).await;
                }
            }
            Err(error) => return failed(report, error),
        }
        if !kmip.rotate_master_key {
            return;
        }
    }
    let Some(given) = &kmip.key_identifier else {
        let announced = header
            .and_then(Header::pending)
            .and_then(|key| key.name.as_deref());
        let detail = match announced {
            _ if kmip.rotate_master_key => "the rotation creates another one".to_owned(),
            Some(name) => {
                format!("the first start looks for {name}, and creates it if it is not there")
            }
            None => "the first start creates one".to_owned(),
        };
        report.passed(NAME, None, detail);
        return;
    };
    let is_moved = saved.is_some() && !is_kmip;
    match keys.find(given).await {
        // The key of a key file that was put on a KMIP server: whether it is that key, only the key can tell.
        Ok(Ok(found)) if is_moved => match keys.fetch_found(found).await {
            Ok(fetched) => {
                passed(report, &keys, &fetched);
                if let Some(keystore) = local::opens(report, dbpath, &fetched.key) {
                    own_keys::check(report, &mut keys, &keystore).await;
                }
            }
            Err(error) => failed(report, error),
        },
        Ok(Ok(found)) => {
            let context = WrapContext {
                dbpath_id: header.map_or_else(Uuid::new_v4, Header::dbpath_id),
                tree: None,
                generation: 0,
            };
            match keys.take_into_use(found, &context).await {
                Ok(taken) => passed(report, &keys, &taken),
                Err(error) => failed(report, error),
            }
        }
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
    let used = match fetched.wrapped {
        Some(_) => "; it stays there and unwraps what the keystore is under",
        None => "",
    };
    let detail = format!(
        "{}{names} is {state} on {}{used}",
        attributes.unique_identifier,
        keys.session().server()
    );
    report.passed(NAME, None, detail);
}

fn failed(report: &mut Report, error: KmipKeyError) {
    let error = StartupError::from(error);
    report.failed(NAME, None, error.to_string(), error.exit_status());
}
