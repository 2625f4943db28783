//! A directory of `kmipd init`, the program in it, and clients with its certificates.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use kmip::{Limits, RequestMessage, ResponseMessage};
use kmip_client::{Client, ClientConfig, ServerAddress, Session};
use kmipd::pki::Layout;
use tempfile::TempDir;
use tls::{ClientTls, IdentityFiles, Trust};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// No test waits for it, unless it fails.
const GENEROUS: Duration = Duration::from_secs(300);

pub(crate) struct Rig {
    directory: TempDir,
}

/// A program that runs; killed when it is dropped.
pub(crate) struct Running {
    child: Child,
    lines: Arc<Lines>,
    pub(crate) address: SocketAddr,
    /// Port 0 if there are no metrics.
    pub(crate) metrics_address: SocketAddr,
}

/// What it prints.
#[derive(Default)]
struct Lines {
    waiting: Mutex<(VecDeque<String>, bool)>,
    changed: Condvar,
}

impl Lines {
    /// The next line that holds the text; those before it are gone.
    fn wait_for(&self, text: &str) -> String {
        let mut seen = Vec::new();
        let mut waiting = self.waiting.lock().unwrap();
        loop {
            while let Some(line) = waiting.0.pop_front() {
                if line.contains(text) {
                    return line;
                }
                seen.push(line);
            }
            assert!(!waiting.1, "it ended without {text:?}: {seen:#?}");
            let (next, timeout) = self.changed.wait_timeout(waiting, GENEROUS).unwrap();
            assert!(!timeout.timed_out(), "no {text:?} in {seen:#?}");
            waiting = next;
        }
    }
}

pub(crate) fn kmipd(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_kmipd"))
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

impl Rig {
    /// After `kmipd init`, with the client `strongroom`.
    pub(crate) fn new() -> Self {
        let rig = Self {
            directory: tempfile::tempdir().unwrap(),
        };
        rig.ok(&[
            "init",
            rig.path().to_str().unwrap(),
            "--san",
            "localhost",
            "--san",
            "127.0.0.1",
            "--listen",
            "127.0.0.1:0",
        ]);
        rig
    }

    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    pub(crate) fn layout(&self) -> Layout {
        Layout::new(self.path())
    }

    pub(crate) fn audit_log(&self) -> PathBuf {
        self.path().join("audit/audit.log")
    }

    /// Replaces something in the configuration.
    pub(crate) fn configure(&self, from: &str, to: &str) {
        let path = self.layout().config();
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{from:?} in {text}");
        std::fs::write(&path, text.replace(from, to)).unwrap();
    }

    /// Runs a command that must succeed, and returns what it prints.
    pub(crate) fn ok(&self, arguments: &[&str]) -> String {
        let output = kmipd(arguments);
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Runs a command that must fail, and returns its status and what it complains.
    pub(crate) fn fails(&self, arguments: &[&str]) -> (i32, String) {
        let output = kmipd(arguments);
        let status = output.status.code().unwrap();
        assert_ne!(status, 0, "{arguments:?}: {output:?}");
        (status, String::from_utf8(output.stderr).unwrap())
    }

    pub(crate) fn client(&self, arguments: &[&str]) -> String {
        let directory = self.path().to_str().unwrap();
        self.ok(&[&["client"], arguments, &["--dir", directory]].concat())
    }

    pub(crate) fn start(&self) -> Running {
        self.start_by(Command::new(env!("CARGO_BIN_EXE_kmipd")))
    }

    /// By a command that is, or becomes, the program with the arguments that it is given.
    pub(crate) fn start_by(&self, mut command: Command) -> Running {
        let config = self.layout().config();
        let mut child = command
            .args(["--config", config.to_str().unwrap()])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = Arc::new(Lines::default());
        let out = child.stdout.take().unwrap();
        let reader = lines.clone();
        std::thread::spawn(move || {
            for line in BufReader::new(out).lines().map_while(Result::ok) {
                reader.waiting.lock().unwrap().0.push_back(line);
                reader.changed.notify_all();
            }
            reader.waiting.lock().unwrap().1 = true;
            reader.changed.notify_all();
        });
        let mut running = Running {
            child,
            lines,
            address: ([127, 0, 0, 1], 0).into(),
            metrics_address: ([127, 0, 0, 1], 0).into(),
        };
        loop {
            let line = running.wait_for(" listening\"");
            if line.contains("KMIP server") {
                running.address = address(&line);
                return running;
            }
            running.metrics_address = address(&line);
        }
    }

    pub(crate) fn tls(&self, name: &str) -> ClientTls {
        ClientTls {
            trust: Trust::only(self.layout().ca()),
            identity: Some(IdentityFiles::combined(self.layout().issued(name))),
        }
    }

    pub(crate) fn config(&self, server: &Running, name: &str) -> ClientConfig {
        let address = ServerAddress::parse(&server.address.to_string(), 1).unwrap();
        ClientConfig {
            connect_timeout: GENEROUS,
            operation_timeout: GENEROUS,
            max_backoff: Duration::from_millis(20),
            ..ClientConfig::new(vec![address], self.tls(name))
        }
    }

    pub(crate) async fn try_connect(
        &self,
        server: &Running,
        name: &str,
    ) -> kmip_client::Result<Session> {
        Client::new(self.config(server, name))
            .unwrap()
            .connect()
            .await
    }

    pub(crate) async fn connect(&self, server: &Running, name: &str) -> Session {
        self.try_connect(server, name).await.unwrap()
    }

    /// A connection without a client's help.
    pub(crate) async fn raw(&self, server: &Running, name: &str) -> TlsStream<TcpStream> {
        let config = self.tls(name).load().unwrap().config;
        let tcp = TcpStream::connect(server.address).await.unwrap();
        TlsConnector::from(config)
            .connect("localhost".try_into().unwrap(), tcp)
            .await
            .unwrap()
    }
}

impl Running {
    pub(crate) fn process(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn wait_for(&self, text: &str) -> String {
        self.lines.wait_for(text)
    }

    pub(crate) fn process_id(&self) -> i32 {
        self.child.id().try_into().unwrap()
    }

    /// How much memory it has, in KiB.
    pub(crate) fn memory_kib(&self) -> u64 {
        let path = format!("/proc/{}/status", self.child.id());
        let status = std::fs::read_to_string(path).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS:"));
        let kib = line.unwrap().split_whitespace().nth(1).unwrap();
        kib.parse().unwrap()
    }

    pub(crate) fn signal(&self, signal: &str) {
        let id = self.child.id().to_string();
        let sent = Command::new("kill").args(["-s", signal, &id]).status();
        assert!(sent.unwrap().success());
    }

    /// Reads policy and certificates again, and waits until it has.
    pub(crate) fn reload(&self) -> String {
        self.signal("HUP");
        self.wait_for("policy and certificates")
    }

    /// A clean stop.
    pub(crate) fn stop(self) {
        self.signal("TERM");
        self.stopped();
    }

    /// Waits until it has stopped as it should.
    pub(crate) fn stopped(mut self) {
        assert!(self.child.wait().unwrap().success());
    }

    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn address(line: &str) -> SocketAddr {
    let (_, rest) = line.split_once("\"address\":\"").unwrap();
    let (address, _) = rest.split_once('"').unwrap();
    address.parse().unwrap()
}

/// What the metrics' listener answers, head included.
pub(crate) async fn http_get(address: SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: kmipd\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

/// Sends a request and reads its response.
pub(crate) async fn ask(
    stream: &mut TlsStream<TcpStream>,
    request: &RequestMessage,
) -> ResponseMessage {
    let request = request.encode().unwrap();
    stream.write_all(request.as_slice()).await.unwrap();
    stream.flush().await.unwrap();
    let mut header = [0; 8];
    stream.read_exact(&mut header).await.unwrap();
    let total = kmip::ttlv::message_bytes(header, &Limits::DEFAULT).unwrap();
    let mut message = header.to_vec();
    message.resize(total, 0);
    stream.read_exact(&mut message[8..]).await.unwrap();
    ResponseMessage::decode(&message, &Limits::DEFAULT).unwrap()
}

/// What `kmipd password` prints for this input: a password, with the end of its line or without.
pub(crate) fn password_hash(typed: &str) -> String {
    let mut child = Command::new(env!("CARGO_BIN_EXE_kmipd"))
        .arg("password")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    input.write_all(typed.as_bytes()).unwrap();
    drop(input);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}
