//! From the options as given to [`Options`]: defaults, and the rules between options.

use std::path::{Path, PathBuf};
use std::time::Duration;

use keystore::Cipher;

use super::cmd_line_opts::CmdLineOpts;
use super::environment::Environment;
use super::error::Error;
use super::options::{
    EncryptionOptions, LogRotate, MasterKeyOptions, NetOptions, Options, ProcessOptions,
    SecurityOptions, ServerParameters, StorageOptions, SystemLogOptions,
};
use super::place::Origin;
use super::settings::Settings;
use super::{known, resolve_kmip};

/// TCP port without `net.port`.
pub const DEFAULT_PORT: u16 = 27_017;
/// Address without `net.bindIp`.
pub const DEFAULT_BIND_IP: &str = "127.0.0.1";
/// Data directory without `storage.dbPath`.
pub const DEFAULT_DB_PATH: &str = "/data/db";
const DEFAULT_COMMIT_INTERVAL: Duration = Duration::from_millis(100);
const DEFAULT_CURSOR_TIMEOUT: Duration = Duration::from_millis(600_000);

/// Checks the options against each other.
///
/// # Errors
/// [`Error::Needs`], [`Error::Conflict`], or a list with an entry that is none.
pub(super) fn resolve(
    settings: &Settings,
    args: &[String],
    config: Option<&Path>,
    environment: &Environment,
) -> Result<Options, Error> {
    Ok(Options {
        net: net(settings)?,
        storage: storage(settings),
        security: SecurityOptions {
            encryption: encryption(settings, environment)?,
        },
        system_log: system_log(settings)?,
        process: ProcessOptions {
            pid_file_path: path(settings, "processManagement.pidFilePath"),
        },
        parameters: ServerParameters {
            cursor_timeout: millis(settings, "setParameter.cursorTimeoutMillis")
                .unwrap_or(DEFAULT_CURSOR_TIMEOUT),
        },
        cmd_line_opts: CmdLineOpts::new(settings, args, config),
    })
}

fn net(settings: &Settings) -> Result<NetOptions, Error> {
    Ok(NetOptions {
        port: settings.number("net.port").unwrap_or(DEFAULT_PORT),
        bind_hosts: bind_hosts(settings)?,
        max_incoming_connections: settings
            .number("net.maxIncomingConnections")
            .unwrap_or_else(connections_that_fit),
    })
}

fn bind_hosts(settings: &Settings) -> Result<Vec<String>, Error> {
    let ipv6 = settings.boolean("net.ipv6").unwrap_or(false);
    let every_address = || {
        let v4 = std::iter::once("0.0.0.0".to_owned());
        v4.chain(ipv6.then(|| "::".to_owned()))
            .collect::<Vec<String>>()
    };
    let all = settings.boolean("net.bindIpAll").unwrap_or(false);
    let (Some(list), Some(place)) = (settings.text("net.bindIp"), settings.place("net.bindIp"))
    else {
        return Ok(if all {
            every_address()
        } else {
            vec![DEFAULT_BIND_IP.to_owned()]
        });
    };
    if let Some(other) = settings.place("net.bindIpAll").filter(|_| all) {
        match (&place.origin, &other.origin) {
            // What is on the command line wins over the file, under the other name, too.
            (Origin::File { .. }, Origin::CommandLine) => return Ok(every_address()),
            (Origin::CommandLine, Origin::File { .. }) => {}
            _ => {
                return Err(Error::Conflict {
                    place: place.clone(),
                    other: other.clone(),
                    advice: "keep one of them",
                });
            }
        }
    }
    let mut hosts = Vec::new();
    for host in list.split(',').map(str::trim) {
        let bad = |expected: &str| Error::InvalidValue {
            place: place.clone(),
            expected: expected.to_owned(),
            got: Some(host.to_owned()),
        };
        match host {
            "" => return Err(bad("host names or addresses separated by commas")),
            "*" => hosts.extend(every_address()),
            _ if host.starts_with('/') => {
                return Err(Error::UnsupportedOption {
                    place: place.clone(),
                    value: Some(host.to_owned()),
                    reason: "Strongroom listens on TCP only: remove the path of the Unix socket",
                });
            }
            _ if host.parse::<std::net::Ipv6Addr>().is_ok() && !ipv6 => {
                return Err(Error::Needs {
                    place: place.clone(),
                    needed: "net.ipv6 (--ipv6)".to_owned(),
                    advice: "the list has an IPv6 address; set net.ipv6 to true, or remove the address",
                });
            }
            _ if host.contains(|c: char| c.is_whitespace() || c == '/') => {
                return Err(bad("host names or addresses separated by commas"));
            }
            _ => hosts.push(host.to_owned()),
        }
    }
    Ok(hosts)
}

/// Four fifths of the file descriptors that the process may have, as `mongod` reckons.
fn connections_that_fit() -> u32 {
    const UNLIMITED: u32 = 1_000_000;
    let open_files = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    open_files
        .and_then(|files| u32::try_from(files / 5 * 4).ok())
        .map_or(UNLIMITED, |connections| connections.clamp(5, UNLIMITED))
}

fn storage(settings: &Settings) -> StorageOptions {
    StorageOptions {
        db_path: path(settings, "storage.dbPath").unwrap_or_else(|| PathBuf::from(DEFAULT_DB_PATH)),
        journal_commit_interval: millis(settings, "storage.journal.commitIntervalMs")
            .unwrap_or(DEFAULT_COMMIT_INTERVAL),
    }
}

fn encryption(
    settings: &Settings,
    environment: &Environment,
) -> Result<Option<EncryptionOptions>, Error> {
    const ENABLE: &str = "security.enableEncryption";
    const KEY_FILE: &str = "security.encryptionKeyFile";
    const SERVER_NAME: &str = "security.kmip.serverName";
    let enabled = settings.boolean(ENABLE).unwrap_or(false);
    let Some(enabled) = settings.place(ENABLE).filter(|_| enabled) else {
        // A key server that is named but not used would be a nasty surprise.
        let stray = settings.iter().find(|(path, _)| {
            path.starts_with("security.kmip.")
                || matches!(*path, KEY_FILE | "security.encryptionCipherMode")
        });
        return match stray {
            Some((_, setting)) => Err(Error::Needs {
                place: setting.place.clone(),
                needed: format!("{} to be true", both_names(ENABLE)),
                advice: "set it to encrypt the data, or remove the option",
            }),
            None => Ok(None),
        };
    };
    if let (Some(place), Some(other)) = (settings.place(KEY_FILE), settings.place(SERVER_NAME)) {
        return Err(Error::Conflict {
            place: place.clone(),
            other: other.clone(),
            advice: "the master key comes from a key file or from a KMIP server; keep one",
        });
    }
    let master_key = if let Some(kmip) = resolve_kmip::kmip(settings, environment)? {
        MasterKeyOptions::Kmip(Box::new(kmip))
    } else if let Some(file) = path(settings, KEY_FILE) {
        MasterKeyOptions::KeyFile(file)
    } else {
        return Err(Error::Needs {
            place: enabled.clone(),
            needed: format!("{} or {}", both_names(SERVER_NAME), both_names(KEY_FILE)),
            advice: "say where the master key comes from",
        });
    };
    Ok(Some(EncryptionOptions {
        cipher_mode: settings
            .text("security.encryptionCipherMode")
            .and_then(Cipher::from_mode),
        master_key,
    }))
}

fn system_log(settings: &Settings) -> Result<SystemLogOptions, Error> {
    const PATH: &str = "systemLog.path";
    let needs = |option: &str, needed: &str, advice: &'static str| {
        settings.place(option).map_or(Ok(()), |place| {
            Err(Error::Needs {
                place: place.clone(),
                needed: both_names(needed),
                advice,
            })
        })
    };
    let log_path = path(settings, PATH);
    if log_path.is_none() {
        let advice = "name the file, or remove the option to log to standard output";
        needs("systemLog.destination", PATH, advice)?;
        needs("systemLog.logRotate", PATH, advice)?;
        if settings.boolean("systemLog.logAppend") == Some(true) {
            needs("systemLog.logAppend", PATH, advice)?;
        }
    }
    let append = settings.boolean("systemLog.logAppend").unwrap_or(false);
    let rotate = match settings.text("systemLog.logRotate") {
        Some("reopen") => LogRotate::Reopen,
        _ => LogRotate::Rename,
    };
    if rotate == LogRotate::Reopen && !append {
        needs(
            "systemLog.logRotate",
            "systemLog.logAppend",
            "`reopen` appends to the file it finds; set it to true",
        )?;
    }
    Ok(SystemLogOptions {
        path: log_path,
        append,
        rotate,
        verbosity: settings
            .number("setParameter.logLevel")
            .or_else(|| settings.number("systemLog.verbosity"))
            .unwrap_or(0),
        quiet: settings
            .boolean("setParameter.quiet")
            .or_else(|| settings.boolean("systemLog.quiet"))
            .unwrap_or(false),
    })
}

pub(super) fn path(settings: &Settings, option: &str) -> Option<PathBuf> {
    settings.text(option).map(PathBuf::from)
}

pub(super) fn millis(settings: &Settings, option: &str) -> Option<Duration> {
    settings.number(option).map(Duration::from_millis)
}

/// `security.kmip.port (--kmipPort)`
pub(super) fn both_names(path: &str) -> String {
    known::by_path(path).map_or_else(|| path.to_owned(), known::Known::both_names)
}
