//! A server of one's own for each test, and the tool with a certificate that it trusts.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use clap::Parser;
use kmip_server::{Server, ServerConfig};
use kmip_tool::{ConnectionOptions, Failure, Io, KmipArguments};
use serde_json::Value;
use tempfile::TempDir;
use tls::dev_pki::{CertificateAuthority, Request};
use tls::{ClientAuth, IdentityFiles, ServerTls, Trust};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tracing::instrument::WithSubscriber;

/// No test waits for it, unless it fails: a disk that is busy may take seconds for a sync.
const GENEROUS: Duration = Duration::from_secs(300);

#[derive(Debug, Parser)]
struct Whole {
    #[command(flatten)]
    kmip: KmipArguments,
}

/// A server, its certificates and its clients'.
pub(crate) struct Rig {
    directory: TempDir,
    authority: CertificateAuthority,
    pub(crate) address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
}

/// What a run of the tool came to.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) failure: Option<Failure>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) log: String,
}

impl Ran {
    /// Its standard output; it must have succeeded.
    #[track_caller]
    pub(crate) fn text(self) -> String {
        assert!(self.failure.is_none(), "{self:?}");
        self.stdout
    }

    /// The JSON document that it printed.
    #[track_caller]
    pub(crate) fn json(self) -> Value {
        let text = self.text();
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
    }

    /// The identifier of what was made.
    #[track_caller]
    pub(crate) fn id(self) -> String {
        self.json()["uniqueIdentifier"].as_str().unwrap().to_owned()
    }

    /// Why it failed; it must have.
    #[track_caller]
    pub(crate) fn failure(self) -> Failure {
        assert!(self.failure.is_some(), "{self:?}");
        self.failure.unwrap()
    }

    /// Everything that anybody could see of it.
    pub(crate) fn everything(&self) -> String {
        let failure = self
            .failure
            .as_ref()
            .map(|failure| format!("{failure} {failure:?} {}", failure.to_json(1, "x")));
        format!(
            "{}{}{}{}",
            self.stdout,
            self.stderr,
            self.log,
            failure.unwrap_or_default()
        )
    }
}

impl Rig {
    pub(crate) async fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        let authority = CertificateAuthority::new("test CA").unwrap();
        std::fs::write(path("ca.pem"), authority.certificate_pem()).unwrap();
        authority
            .issue(&Request::server(&["127.0.0.1"]))
            .unwrap()
            .write_combined(&path("server.pem"))
            .unwrap();
        authority
            .issue(&Request::client("db-1"))
            .unwrap()
            .write_combined(&path("client.pem"))
            .unwrap();
        let tls = ServerTls {
            identity: IdentityFiles::combined(path("server.pem")),
            client_auth: ClientAuth::Required(Trust::only(path("ca.pem"))),
        };
        let config = ServerConfig {
            handshake_timeout: GENEROUS,
            message_timeout: GENEROUS,
            ..ServerConfig::new(([127, 0, 0, 1], 0).into(), tls, path("kmip"))
        };
        let server = Server::bind(config).await.unwrap();
        let address = server.local_addr();
        let (stop, stopped) = oneshot::channel::<()>();
        let task = tokio::spawn(server.run(async move {
            let _ = stopped.await;
        }));
        Self {
            directory,
            authority,
            address,
            stop: Some(stop),
            task,
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) fn authority(&self) -> &CertificateAuthority {
        &self.authority
    }

    /// The connection, as a configuration file would have it.
    pub(crate) fn connection(&self) -> ConnectionOptions {
        ConnectionOptions {
            server_name: Some(self.address.to_string()),
            server_ca_file: Some(self.path("ca.pem")),
            client_certificate_file: Some(self.path("client.pem")),
            connect_timeout_ms: Some(300_000),
            ..ConnectionOptions::default()
        }
    }

    /// Runs `strongroom kmip` with these arguments.
    pub(crate) async fn run(&self, arguments: &[&str]) -> Ran {
        self.run_with(arguments, b"", false).await
    }

    /// With this on standard input, which may be a terminal; the log of `-vv` is kept.
    pub(crate) async fn run_with(
        &self,
        arguments: &[&str],
        mut stdin: &[u8],
        stdin_is_terminal: bool,
    ) -> Ran {
        let whole = std::iter::once("strongroom")
            .chain(arguments.iter().copied())
            .chain(["--config", "mongod.conf"]);
        let whole = Whole::try_parse_from(whole).unwrap();
        let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
        let log = Log::default();
        let subscriber = kmip_tool::subscriber(2, log.clone()).unwrap();
        let io = Io {
            stdin: &mut stdin,
            stdin_is_terminal,
            stdout: &mut stdout,
            stderr: &mut stderr,
        };
        let read_config = |file: &Path| {
            assert_eq!(file, Path::new("mongod.conf"));
            Ok(self.connection())
        };
        let result = kmip_tool::run(&whole.kmip, None, read_config, io)
            .with_subscriber(subscriber)
            .await;
        Ran {
            failure: result.err(),
            stdout: String::from_utf8(stdout).unwrap(),
            stderr: String::from_utf8(stderr).unwrap(),
            log: String::from_utf8(log.0.lock().unwrap().clone()).unwrap(),
        }
    }

    /// Makes a key with `create`.
    pub(crate) async fn create(&self, arguments: &[&str]) -> String {
        let all: Vec<&str> = ["create", "--json"]
            .into_iter()
            .chain(arguments.iter().copied())
            .collect();
        self.run(&all).await.id()
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        drop(self.stop.take());
        self.task.abort();
    }
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> tracing_subscriber::fmt::MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}
