//! The running server: from the configuration to the exit status.

use std::future::Future;
use std::io;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use kmip_server::{KeySource, RequestRate, Server, ServerConfig, ServerHandle};
use sd_notify::NotifyState;
use time::OffsetDateTime;
use tls::{CertificateInfo, ClientAuth, IdentityFiles, Password, ServerTls, Trust};
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinSet;
use tracing::{error, info, warn};
use tracing_subscriber::filter::LevelFilter;

use crate::audit::{Audit, Note, NoteKind};
use crate::config::{self, Config, Level};
use crate::metrics::{self, Observed};
use crate::policy::{Policy, PolicyAuthority};
use crate::restart::Fixed;
use crate::{Error, harden, kek, secret};

/// For the audit log at a stop: its disk may hang.
const LAST_WORD: Duration = Duration::from_secs(2);

/// A certificate that ends within so many days is warned of.
const SOON_DAYS: i64 = 30;

/// What `kmipd check` tells.
pub(crate) struct Checked {
    pub(crate) clients: usize,
    pub(crate) tenants: usize,
    pub(crate) roles: usize,
    pub(crate) revoked: usize,
    pub(crate) certificate_ends: String,
    pub(crate) warnings: Vec<String>,
}

/// Looks at everything, and changes nothing.
pub(crate) fn check(path: &Path) -> Result<Checked, Error> {
    let config = config::load(path)?;
    let policy = Policy::new(&config, path)?;
    let loaded = server_tls(&config)?.load()?;
    crate::audit::chain_key(config.audit.hmac_key_file.as_deref())?;
    let key = runtime()?.block_on(kek::open(&config.storage))?;
    let mut warnings = warnings(&config, &policy, &loaded.certificate);
    if let KeySource::File(file) = &key
        && kmip_server::KeyEncryptionKey::read(file)
            .map_err(kmip_server::Error::from)?
            .is_none()
    {
        warnings.push(format!(
            "the key file {} is not there; it will be made, unless there are objects already",
            file.display()
        ));
    }
    Ok(Checked {
        clients: config.clients.len(),
        tenants: config.tenants.len(),
        roles: config.roles.len(),
        revoked: policy.revoked(),
        certificate_ends: loaded.certificate.not_after(),
        warnings,
    })
}

/// Serves until SIGTERM or SIGINT.
pub(crate) fn run(path: &Path) -> Result<(), Error> {
    let config = config::load(path)?;
    log(config.log.level);
    harden::no_core_dumps();
    let runtime = runtime()?;
    let served = runtime.block_on(serve(path, config));
    // What is still under way had its time to finish, and ends here: as after a crash, its changes are there or not.
    runtime.shutdown_background();
    served
}

pub(crate) fn runtime() -> Result<tokio::runtime::Runtime, Error> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_name("worker")
        .build()
        .map_err(|source| Error::System {
            what: "cannot start threads",
            source,
        })
}

/// A line of JSON for each event, on standard output.
fn log(level: Level) {
    let level = match level {
        Level::Error => LevelFilter::ERROR,
        Level::Warn => LevelFilter::WARN,
        Level::Info => LevelFilter::INFO,
        Level::Debug => LevelFilter::DEBUG,
    };
    let _ = tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_span_list(false)
        .with_max_level(level)
        .try_init();
}

async fn serve(path: &Path, config: Config) -> Result<(), Error> {
    let signals = |source| Error::System {
        what: "cannot listen for signals",
        source,
    };
    let mut hangup = signal(SignalKind::hangup()).map_err(signals)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(signals)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(signals)?;

    let fixed = Fixed::new(&config);
    let policy = Policy::new(&config, path)?;
    let authority = Arc::new(PolicyAuthority::new(policy));
    let audit = Arc::new(Audit::open(&config.audit)?);
    if !audit.is_on() {
        warn!("there is no audit log: audit.file, audit.syslog and audit.stdout are all off");
    }
    let key = kek::open(&config.storage).await?;
    let server = Server::bind(server_config(&config, key, &authority, &audit)?).await?;
    let handle = server.handle();
    for warning in warnings(&config, &authority.current(), &handle.certificate()) {
        warn!("{warning}");
    }
    let mut tasks = JoinSet::new();
    if let Some(metrics) = &config.metrics {
        let observed = Observed {
            server: handle.clone(),
            audit: audit.clone(),
            authority: authority.clone(),
        };
        let listener = metrics::listen(metrics.listen)
            .await
            .map_err(|source| Error::Metrics {
                address: metrics.listen,
                source,
            })?;
        tasks.spawn(metrics::serve(listener, observed));
    }
    match crate::admin::listen(&config.storage.directory) {
        Ok(listener) => {
            tasks.spawn(crate::admin::serve(listener, handle.clone(), audit.clone()));
        }
        // Everything else works.
        Err(error) => warn!(%error, "no backups can be asked for: the admin socket cannot be made"),
    }
    let started = format!(
        "kmipd {}, process {}, listening on {}",
        env!("CARGO_PKG_VERSION"),
        std::process::id(),
        server.local_addr()
    );
    audit
        .note(&Note::new(NoteKind::Start, &started))
        .map_err(|_| Error::NotAudited)?;
    tasks.spawn(tick(audit.clone()));
    if let Some(patience) = sd_notify::watchdog_enabled() {
        tasks.spawn(watchdog(patience / 2));
    }
    notify(&[NotifyState::Ready]);

    let stats = handle.stats().clone();
    let stopped = async {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        info!("kmipd stops");
        notify(&[NotifyState::Stopping]);
    };
    let reloads = async {
        while hangup.recv().await.is_some() {
            reload(path, &fixed, &handle, &authority, &audit);
        }
        std::future::pending::<()>().await;
    };
    // The reloads go on while the last requests are answered, and end with the server.
    let serving: Pin<Box<dyn Future<Output = ()> + Send>> = Box::pin(server.run(stopped));
    tokio::select! {
        () = serving => {}
        () = reloads => {}
    }
    tasks.shutdown().await;
    let cut_off = stats.requests_under_way.get();
    if cut_off > 0 {
        warn!(
            cut_off,
            "requests are cut off; their changes may have been made"
        );
    }
    let last_word = tokio::task::spawn_blocking(move || {
        let said = match cut_off {
            0 => "stopped as asked".to_owned(),
            _ => {
                format!("stopped as asked; {cut_off} requests were cut off, and may have been done")
            }
        };
        let _ = audit.note(&Note::new(NoteKind::Stop, &said));
        audit.tick();
    });
    if tokio::time::timeout(LAST_WORD, last_word).await.is_err() {
        error!("the audit log does not take the stop in time");
    }
    Ok(())
}

fn server_config(
    config: &Config,
    key: KeySource,
    authority: &Arc<PolicyAuthority>,
    audit: &Arc<Audit>,
) -> Result<ServerConfig, Error> {
    let limits = &config.limits;
    let base = ServerConfig::new(
        config.net.listen,
        server_tls(config)?,
        &config.storage.directory,
    );
    Ok(ServerConfig {
        key,
        authority: authority.clone(),
        audit: audit.clone(),
        limits: kmip::Limits {
            message_bytes: usize::try_from(limits.message_size).unwrap_or(usize::MAX),
            batch_items: limits.batch_items,
            ..kmip::Limits::DEFAULT
        },
        crypto: config.crypto.limits(),
        max_connections: limits.connections,
        max_connections_per_client: limits.connections_per_client,
        max_handshakes: limits.handshakes,
        request_rate: (limits.requests_per_second > 0).then(|| RequestRate {
            per_second: f64::from(limits.requests_per_second),
            burst: limits.request_burst,
        }),
        handshake_timeout: Duration::from_millis(limits.handshake_timeout_ms),
        idle_timeout: Duration::from_secs(limits.idle_timeout_seconds),
        message_timeout: Duration::from_millis(limits.message_timeout_ms),
        request_timeout: Duration::from_millis(limits.request_timeout_ms),
        drain_timeout: Duration::from_millis(limits.drain_timeout_ms),
        ..base
    })
}

fn server_tls(config: &Config) -> Result<ServerTls, Error> {
    let tls = &config.tls;
    let (option, key) = match &tls.key_file {
        Some(key) => ("tls.keyFile", key),
        None => ("tls.certificateFile", &tls.certificate_file),
    };
    secret::check_private(key).map_err(|problem| Error::Exposed { option, problem })?;
    let password = tls
        .key_password_file
        .as_deref()
        .map(secret::first_line)
        .transpose()
        .map_err(|problem| Error::Exposed {
            option: "tls.keyPasswordFile",
            problem,
        })?
        .map(|password| Password::new(password.as_str()));
    let trust = Trust::only(&tls.client_ca_file);
    Ok(ServerTls {
        identity: IdentityFiles {
            certificate: tls.certificate_file.clone(),
            key: tls.key_file.clone(),
            password,
        },
        client_auth: match &tls.crl_file {
            None => ClientAuth::Required(trust),
            Some(crl_file) => ClientAuth::Unrevoked {
                trust,
                crl_file: crl_file.clone(),
            },
        },
    })
}

fn warnings(config: &Config, policy: &Policy, certificate: &CertificateInfo) -> Vec<String> {
    let mut warnings = Vec::new();
    let soon = OffsetDateTime::now_utc() + time::Duration::days(SOON_DAYS);
    if certificate.is_expired_at(soon) {
        warnings.push(format!(
            "the server's certificate ends on {}; \"kmipd server renew\" issues a new one",
            certificate.not_after()
        ));
    }
    if let Some(overdue) = policy.crl_overdue() {
        warnings.push(format!(
            "a revocation list in tls.crlFile should have been replaced by {overdue}; it still holds"
        ));
    }
    if config.clients.is_empty() {
        warnings.push("there are no clients: every request will be refused".to_owned());
    }
    warnings
}

/// Reads policy, certificates and revocation lists again. What cannot be used leaves what was there before.
fn reload(
    path: &Path,
    fixed: &Fixed,
    handle: &ServerHandle,
    authority: &PolicyAuthority,
    audit: &Audit,
) {
    notify_reloading();
    let outcome = config::load(path)
        .and_then(|config| Policy::new(&config, path).map(|policy| (config, policy)))
        .map_err(|error| error.to_string())
        .and_then(|(config, policy)| {
            // Its keys as they are now: somebody may have opened them to others.
            server_tls(&config).map_err(|error| error.to_string())?;
            let certificate = handle.reload_tls().map_err(|error| error.to_string())?;
            for warning in warnings(&config, &policy, &certificate) {
                warn!("{warning}");
            }
            let mut said = format!(
                "{} clients, {} revoked certificates; the server's certificate ends on {}",
                config.clients.len(),
                policy.revoked(),
                certificate.not_after()
            );
            let waiting = fixed.changed_in(&config);
            for option in &waiting {
                warn!(
                    option,
                    "an option has changed in the file, and holds after a restart only"
                );
            }
            if !waiting.is_empty() {
                said.push_str("; what waits for a restart: ");
                said.push_str(&waiting.join(", "));
            }
            authority.replace(policy);
            Ok(said)
        });
    if let Err(error) = audit.reopen() {
        error!(%error, "the audit log cannot be opened again");
    }
    let note = match &outcome {
        Ok(said) => {
            info!("policy and certificates read again: {said}");
            Note::new(NoteKind::Reload, said)
        }
        Err(problem) => {
            error!("policy and certificates stay as they were: {problem}");
            Note::new(NoteKind::ReloadFailed, problem)
        }
    };
    let _ = audit.note(&note);
    notify(&[NotifyState::Ready]);
}

/// Forces the audit log to the disk from time to time.
async fn tick(audit: Arc<Audit>) {
    let mut interval = tokio::time::interval(audit.interval());
    interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        interval.tick().await;
        let audit = audit.clone();
        if tokio::task::spawn_blocking(move || audit.tick())
            .await
            .is_err()
        {
            error!("the audit log's clock has stopped");
            return;
        }
    }
}

/// Tells systemd that the server lives.
async fn watchdog(pause: Duration) {
    let mut interval = tokio::time::interval(pause);
    loop {
        interval.tick().await;
        notify(&[NotifyState::Watchdog]);
    }
}

fn notify_reloading() {
    if let Ok(now) = NotifyState::monotonic_usec_now() {
        notify(&[NotifyState::Reloading, now]);
    }
}

/// Tells systemd, if it wants to be told.
fn notify(state: &[NotifyState<'_>]) {
    let told: io::Result<()> = sd_notify::notify(state);
    if let Err(error) = told {
        warn!(%error, "systemd cannot be told");
    }
}
