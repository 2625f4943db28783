//! `strongroom`: the operator's tool, from the command line to the exit status.

use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Parser;
use tokio::sync::watch;

use crate::config::tool::{DevOptions, Tool, ToolCommand};
use crate::config::{LogRotate, SystemLogOptions};
use crate::dev::{self, Database};
use crate::exit::ExitStatus;
use crate::net::Listener;
use crate::startup::EncryptionStatus;
use crate::state::StartUp;
use crate::{log, run};

/// The most connections to the playground.
const DEV_CONNECTIONS: usize = 10_000;

/// Runs the tool with this command line, program name first.
pub fn main(arguments: &[String]) -> ExitCode {
    let tool = match Tool::try_parse_from(arguments) {
        Ok(tool) => tool,
        Err(error) => {
            let _ = error.print();
            let status = if error.use_stderr() {
                ExitStatus::BadOptions
            } else {
                ExitStatus::Success
            };
            return status.into();
        }
    };
    let ToolCommand::Dev(options) = tool.command;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    let result = match runtime {
        Ok(runtime) => runtime.block_on(run_dev(&options)),
        Err(error) => Err((error.to_string(), ExitStatus::Internal)),
    };
    match result {
        Ok(()) => ExitStatus::Success.into(),
        Err((message, status)) => {
            let _ = writeln!(std::io::stderr(), "strongroom: {message}");
            status.into()
        }
    }
}

async fn run_dev(options: &DevOptions) -> Result<(), (String, ExitStatus)> {
    let playground = dev::DevOptions {
        directory: options.dir.clone(),
        port: options.port,
    };
    let failed = |error: dev::DevError| (error.to_string(), error.exit_status());
    // The log begins before anything else does, so that it tells of the KMIP server too.
    let layout = dev::Layout::open_or_create(&options.dir).map_err(failed)?;
    let log = log::init(&SystemLogOptions {
        path: (!options.log_to_stdout).then(|| layout.log()),
        append: true,
        rotate: LogRotate::Rename,
        verbosity: 0,
        quiet: false,
    })
    .map_err(|error| (error.to_string(), ExitStatus::LogFile))?;
    dev::run(&playground, std::io::stdout(), |database| {
        serve(database, log)
    })
    .await
    .map_err(failed)
}

/// The database of the playground.
async fn serve(database: Database, log: log::LogHandle) -> anyhow::Result<()> {
    let (stop, shutdown) = watch::channel(false);
    run::stop_on_signal(Arc::new(stop))?;
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
        encryption: opened
            .encryption
            .as_ref()
            .map(EncryptionStatus::to_document),
        max_connections: DEV_CONNECTIONS,
        log: Some(log),
        ..StartUp::default()
    };
    (database.ready)();
    run::serve(listener, store, start_up, shutdown).await?;
    Ok(())
}
