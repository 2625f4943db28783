//! `strongroom dev`: a playground in one directory. One command, nothing to prepare.
//!
//! It makes a certificate authority and certificates, starts a KMIP server of its own (over mutual TLS,
//! like any other), and an encrypted database that keeps its master key there, through the same
//! start-up as `strongroomd`. Run again on the same directory it finds its data.
//!
//! A playground: the KMIP server's keys lie beside the data that they protect.

mod banner;
mod config;
mod error;
mod kmip;
mod layout;
mod port;

use std::future::Future;
use std::io::Write;
use std::path::PathBuf;

use kmip_client::ServerAddress;
use tls::dev_pki::DevPki;
use tls::{ClientTls, IdentityFiles, Trust};

pub use error::DevError;
pub use layout::{DEFAULT_DIRECTORY, Layout};
pub use port::{DEFAULT_PORT, Port};

use crate::startup::{
    self, DbpathLock, EncryptionOptions, KmipOptions, MasterKeySource, Opened, StartupError,
};

/// Where everything listens: the playground is for this machine only.
const HOST: &str = "127.0.0.1";
/// The name by which the KMIP server knows the database: the owner of its keys.
const CLIENT_NAME: &str = "strongroom-dev";

/// `strongroom dev [--dir DIR] [--port N]`
#[derive(Clone, Debug)]
pub struct DevOptions {
    /// The directory of the playground; created if it is not there.
    pub directory: PathBuf,
    /// The database's TCP port; `None`: [`DEFAULT_PORT`], or another one if that is taken.
    pub port: Option<u16>,
}

/// What the database server of the playground is started with.
#[non_exhaustive]
pub struct Database {
    /// The dbpath.
    pub dbpath: PathBuf,
    /// The address to listen on.
    pub host: &'static str,
    /// The TCP port to listen on. It was free a moment ago.
    pub port: u16,
    /// The configuration file that says all this, for `getCmdLineOpts`.
    pub config_path: PathBuf,
    /// The result of start-up: the keystore and the dbpath's lock.
    pub opened: Opened,
    /// To be called once the server accepts connections: prints the connection string.
    pub ready: Box<dyn FnOnce() + Send>,
}

/// Runs the playground until the database ends: `serve` runs it, and ends it when it is told to
/// (`SIGINT`, `SIGTERM`). The KMIP server is stopped after it.
///
/// What people are told goes to `out`.
///
/// # Errors
/// See [`DevError`]; each has an exit status.
pub async fn run<F, E>(
    options: &DevOptions,
    mut out: impl Write + Send + 'static,
    serve: impl FnOnce(Database) -> F,
) -> Result<(), DevError>
where
    F: Future<Output = Result<(), E>>,
    E: Into<anyhow::Error>,
{
    let layout = Layout::open_or_create(&options.directory)?;
    let _lock = DbpathLock::take(layout.root()).map_err(|error| match error {
        StartupError::Locked { dbpath } => DevError::Running { directory: dbpath },
        other => other.into(),
    })?;
    let port = Port::choose(HOST, options.port)?;
    let pki = DevPki::open_or_create(&layout.pki(), CLIENT_NAME)?;
    let kmip = kmip::start(&layout, &pki).await?;
    let config = config::Config {
        layout: &layout,
        pki: &pki,
        host: HOST,
        port: port.number(),
        kmip_port: kmip.address().port(),
    };
    config.write()?;

    let server = ServerAddress::parse(HOST, kmip.address().port())
        .map_err(|error| DevError::KmipServer(error.into()))?;
    let opened = match startup::open(&layout.dbpath(), Some(&encryption(&pki, server))).await {
        Ok(opened) => opened,
        Err(error) => {
            kmip.stop().await;
            return Err(error.into());
        }
    };
    let banner = banner::text(&layout, HOST, &port, kmip.address(), &opened);
    let result = serve(Database {
        dbpath: layout.dbpath(),
        host: HOST,
        port: port.number(),
        config_path: layout.config(),
        opened,
        ready: Box::new(move || {
            // Whoever closed standard output does not want to read it.
            let _ = out.write_all(banner.as_bytes()).and_then(|()| out.flush());
        }),
    })
    .await;
    kmip.stop().await;
    result.map_err(|error| DevError::Database(error.into()))
}

/// What `strongroomd` would make of the playground's configuration file.
fn encryption(pki: &DevPki, server: ServerAddress) -> EncryptionOptions {
    let tls = ClientTls {
        trust: Trust::only(&pki.ca),
        identity: Some(IdentityFiles::combined(&pki.client)),
    };
    let kmip = KmipOptions::new(vec![server], tls);
    EncryptionOptions {
        cipher: None,
        master_key: MasterKeySource::Kmip(Box::new(kmip)),
    }
}

#[cfg(test)]
mod tests;
