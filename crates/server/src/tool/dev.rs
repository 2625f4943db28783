//! `strongroom dev`: the playground.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::Failure;
use crate::config::tool::DevOptions;
use crate::config::{LogRotate, SystemLogOptions};
use crate::dev::{self, Database};
use crate::exit::ExitStatus;
use crate::net::Listener;
use crate::state::StartUp;
use crate::{log, run};

/// The most connections to the playground.
const DEV_CONNECTIONS: usize = 10_000;

pub(super) async fn run(options: &DevOptions) -> Result<(), Failure> {
    let playground = dev::DevOptions {
        directory: options.dir.clone(),
        port: options.port,
    };
    let failed = |error: dev::DevError| Failure::new(&error, error.exit_status());
    // The log begins before anything else does, so that it tells of the KMIP server too.
    let layout = dev::Layout::open_or_create(&options.dir).map_err(failed)?;
    let log = log::init(&SystemLogOptions {
        path: (!options.log_to_stdout).then(|| layout.log()),
        append: true,
        rotate: LogRotate::Rename,
        verbosity: 0,
        quiet: false,
    })
    .map_err(|error| Failure::new(&error, ExitStatus::LogFile))?;
    dev::run(&playground, std::io::stdout(), |database| {
        serve(database, log)
    })
    .await
    .map_err(failed)
}

/// The database of the playground.
async fn serve(database: Database, log: log::LogHandle) -> anyhow::Result<()> {
    let (stop, shutdown) = watch::channel(false);
    let stop = Arc::new(stop);
    run::stop_on_signal(Arc::clone(&stop))?;
    let address = tokio::net::lookup_host((database.host, database.port)).await?;
    let listener = Listener::bind(&address.collect::<Vec<_>>())
        .await
        .map_err(|(_, error)| error)?;
    let opened = &database.opened;
    let store = run::open_store(&database.dbpath, opened, Duration::from_millis(100)).await?;
    let config = database.config_path.display().to_string();
    let start_up = StartUp {
        argv: vec![
            "strongroomd".to_owned(),
            "--config".to_owned(),
            config.clone(),
        ],
        parsed: bson::rawdoc! { "config": config },
        encryption: opened.encryption.clone(),
        max_connections: DEV_CONNECTIONS,
        log: Some(log),
        ..StartUp::default()
    };
    let encryption = opened.encryption.as_ref();
    let _watch = encryption.map(|encryption| encryption.watch(stop));
    let _databases = encryption.map(|encryption| encryption.watch_databases(store.clone()));
    (database.ready)();
    run::serve(listener, store, start_up, shutdown).await?;
    match encryption.and_then(|encryption| encryption.stopped_by()) {
        Some(lost) => Err(lost.clone().into()),
        None => Ok(()),
    }
}
