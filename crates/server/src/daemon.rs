//! `strongroomd`: from the command line to the exit status.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use tls::{ClientTls, IdentityFiles, Trust};

use tokio::sync::watch;

use crate::config::{
    self, Environment, ErrorKind, Invocation, MasterKeyOptions, NetOptions, Options,
};
use crate::emit;
use crate::encryption::{KeyLost, KeyStatePolicy};
use crate::exit::ExitStatus;
use crate::log::{self, events};
use crate::net::Listener;
use crate::run;
use crate::startup::{
    self, EncryptionOptions, KmipOptions, MasterKeySource, StartupError, storage_exit_status,
};
use crate::state::StartUp;
use crate::version;

/// Why the server did not start, or did not stop as it should.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
enum Failure {
    #[error(transparent)]
    Config(#[from] config::Error),
    #[error(transparent)]
    Log(#[from] log::Error),
    #[error(transparent)]
    Startup(#[from] StartupError),
    #[error(
        "{0}: the server stopped, as security.kmip.onKeyStateLoss (--kmipOnKeyStateLoss) asks for. The data is \
         whole; docs/key-management.md says how to go on"
    )]
    KeyLost(KeyLost),
    #[error("{0}")]
    Storage(#[from] storage::Error),
    #[error("cannot listen on {address} (net.bindIp, net.port): {source}")]
    Listen { address: String, source: io::Error },
    #[error("cannot write the process id to {path} (processManagement.pidFilePath): {source}", path = path.display())]
    PidFile { path: PathBuf, source: io::Error },
    #[error("{what}: {source}")]
    System {
        what: &'static str,
        source: io::Error,
    },
}

impl Failure {
    fn exit_status(&self) -> ExitStatus {
        match self {
            Self::Config(error) => config_exit_status(error),
            Self::Log(_) => ExitStatus::LogFile,
            Self::Startup(error) => error.exit_status(),
            Self::Storage(error) => storage_exit_status(error),
            Self::Listen { .. } => ExitStatus::CannotListen,
            Self::PidFile { .. } => ExitStatus::PidFile,
            Self::KeyLost(KeyLost::Gone { .. }) => ExitStatus::KeyNotFound,
            Self::KeyLost(_) => ExitStatus::KeyNotActive,
            Self::System { .. } => ExitStatus::Internal,
        }
    }
}

/// What options that cannot be used end the process with.
pub(crate) fn config_exit_status(error: &config::Error) -> ExitStatus {
    match error.kind() {
        ErrorKind::ConfigFile => ExitStatus::ConfigFile,
        ErrorKind::PasswordFile => ExitStatus::TlsKeyPassword,
        _ => ExitStatus::BadOptions,
    }
}

/// Runs the server with this command line, program name first, until it is asked to stop. The
/// environment is consumed, so that nothing secret in it outlives the reading of the options.
pub fn main(arguments: &[String], environment: Environment) -> ExitCode {
    let loaded = config::load(arguments, &environment);
    drop(environment);
    let result = match loaded {
        Ok(Invocation::Print(text)) => {
            // Whoever closed standard output does not want to read it.
            let _ = io::stdout().write_all(text.as_bytes());
            return ExitStatus::Success.into();
        }
        Ok(Invocation::Run(options)) => start(&options),
        Err(error) => Err(error.into()),
    };
    match result {
        Ok(()) => ExitStatus::Success.into(),
        Err(error) => {
            let status = error.exit_status();
            emit!(
                events::STARTUP_FAILED, error = %error, status = status.name(),
                exitCode = status.number()
            );
            let _ = writeln!(
                io::stderr(),
                "strongroomd: {error}\nExit status {} ({}): {}",
                status.number(),
                status.name(),
                status.advice()
            );
            status.into()
        }
    }
}

fn start(options: &Options) -> Result<(), Failure> {
    let log = log::init(&options.system_log)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_name("worker")
        .build()
        .map_err(|source| Failure::System {
            what: "cannot start threads",
            source,
        })?;
    runtime.block_on(serve(options, log))
}

async fn serve(options: &Options, log: log::LogHandle) -> Result<(), Failure> {
    let signals = |source| Failure::System {
        what: "cannot listen for signals",
        source,
    };
    let (stop, shutdown) = watch::channel(false);
    let stop = Arc::new(stop);
    run::stop_on_signal(Arc::clone(&stop)).map_err(signals)?;
    log::rotate_on_signal(log.clone()).map_err(signals)?;
    let dbpath = &options.storage.db_path;
    emit!(
        events::STARTING, version = version::STRONGROOM_VERSION, pid = std::process::id(),
        port = options.net.port, dbPath = %dbpath.display()
    );
    let shown = &options.cmd_line_opts;
    emit!(events::OPTIONS, options_json = shown.parsed_json().as_str());
    if let Some(encryption) = &options.security.encryption
        && let MasterKeyOptions::Kmip(kmip) = &encryption.master_key
        && kmip.password_in_arguments
    {
        emit!(events::PASSWORD_IN_ARGUMENTS, startupWarning = true);
    }
    // A port that is taken is found before a key is created anywhere.
    let listener = listen(&options.net).await?;
    // So is a place where the process id cannot be written.
    let mut pid_file = options
        .process
        .pid_file_path
        .as_deref()
        .map(PidFile::open)
        .transpose()?;
    let encryption = options.security.encryption.as_ref().map(encryption_options);
    if startup::rotate(dbpath, encryption.as_ref())
        .await?
        .is_some()
    {
        emit!(events::STOPPED);
        return Ok(());
    }
    let opened = startup::open(dbpath, encryption.as_ref()).await?;
    if opened.keystore.is_none() {
        emit!(events::NOT_ENCRYPTED, startupWarning = true);
    }
    emit!(events::NO_ACCESS_CONTROL, startupWarning = true);
    let commit_interval = options.storage.journal_commit_interval;
    let store = run::open_store(dbpath, &opened, commit_interval).await?;
    if let Some(pid_file) = &mut pid_file {
        pid_file.write()?;
    }
    let start_up = StartUp {
        argv: shown.argv().to_vec(),
        parsed: bson::RawDocumentBuf::try_from(shown.parsed()).unwrap_or_default(),
        encryption: opened.encryption.clone(),
        max_connections: options.net.max_incoming_connections as usize,
        log: Some(log),
        cursor_timeout: options.parameters.cursor_timeout,
    };
    let encryption = opened.encryption.as_ref();
    let _watch = encryption.map(|encryption| encryption.watch(stop));
    let _databases = encryption.map(|encryption| encryption.watch_databases(store.clone()));
    run::serve(listener, store, start_up, shutdown).await?;
    emit!(events::STOPPED);
    match encryption.and_then(|encryption| encryption.stopped_by()) {
        Some(lost) => Err(Failure::KeyLost(lost.clone())),
        None => Ok(()),
    }
}

async fn listen(net: &NetOptions) -> Result<Listener, Failure> {
    let mut addresses: Vec<SocketAddr> = Vec::new();
    for host in &net.bind_hosts {
        let failed = |source| Failure::Listen {
            address: format!("{host}:{}", net.port),
            source,
        };
        let found = tokio::net::lookup_host((host.as_str(), net.port))
            .await
            .map_err(failed)?;
        // A name may have addresses of both families, and two names the same one.
        for address in found {
            if !addresses.contains(&address) {
                addresses.push(address);
            }
        }
    }
    Listener::bind(&addresses)
        .await
        .map_err(|(address, source)| Failure::Listen {
            address: address.to_string(),
            source,
        })
}

/// The options of the configuration as start-up takes them.
pub(crate) fn encryption_options(options: &config::EncryptionOptions) -> EncryptionOptions {
    let master_key = match &options.master_key {
        MasterKeyOptions::KeyFile(path) => MasterKeySource::KeyFile(path.clone()),
        MasterKeyOptions::Kmip(kmip) => MasterKeySource::Kmip(Box::new(kmip_options(kmip))),
    };
    EncryptionOptions {
        cipher: options.cipher_mode,
        master_key,
    }
}

fn kmip_options(options: &config::KmipOptions) -> KmipOptions {
    let tls = ClientTls {
        trust: Trust::system_and(options.server_ca_file.clone()),
        identity: Some(IdentityFiles {
            certificate: options.client_certificate_file.clone(),
            key: options.client_key_file.clone(),
            password: options
                .client_certificate_password
                .as_ref()
                .map(|password| tls::Password::new(password.expose().to_owned())),
        }),
    };
    let mut kmip = KmipOptions::new(options.servers.clone(), tls);
    kmip.connect_retries = options.connect_retries;
    kmip.connect_timeout = options.connect_timeout;
    kmip.version = options.version;
    kmip.key_identifier.clone_from(&options.key_identifier);
    kmip.create_key_if_missing = options.create_key_if_missing;
    kmip.activate_keys = options.activate_keys;
    kmip.rotate_master_key = options.rotate_master_key;
    kmip.wrap_on_server = options.wrap_on_server;
    kmip.key_state = KeyStatePolicy {
        polling: options.key_state_polling,
        on_loss: options.on_key_state_loss,
        grace: options.key_state_grace,
    };
    kmip
}

/// The file with the process id, removed when the server stops. It is opened before anything is created and
/// written once the dbpath is locked: until then it may be the file of another server, which uses the dbpath.
struct PidFile {
    path: PathBuf,
    file: File,
    is_ours: bool,
}

impl PidFile {
    fn open(path: &Path) -> Result<Self, Failure> {
        let mut writing = OpenOptions::new();
        writing.write(true);
        let opened = match writing.clone().create_new(true).open(path) {
            Ok(file) => Ok((file, true)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                writing.open(path).map(|file| (file, false))
            }
            Err(error) => Err(error),
        };
        let (file, is_ours) = opened.map_err(|source| Failure::PidFile {
            path: path.to_owned(),
            source,
        })?;
        Ok(Self {
            path: path.to_owned(),
            file,
            is_ours,
        })
    }

    fn write(&mut self) -> Result<(), Failure> {
        self.is_ours = true;
        self.file
            .set_len(0)
            .and_then(|()| writeln!(self.file, "{}", std::process::id()))
            .map_err(|source| Failure::PidFile {
                path: self.path.clone(),
                source,
            })
    }
}

impl Drop for PidFile {
    fn drop(&mut self) {
        if self.is_ours {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}
