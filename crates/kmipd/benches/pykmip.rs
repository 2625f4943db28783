//! `kmipd` side by side with PyKMIP's server: the same client, the same certificates, the same work on both by turns.
//! `./benches/run kmip` builds it and runs it; docs/performance.md says how to read it.
//!
//! ```text
//! --kmipd FILE      the server (release build)
//! --pykmip FILE     PyKMIP's pykmip-server
//! --rounds N        how often each workload runs on each server (5)
//! --seconds S       how long it runs each time (2)
//! --objects N       among how many objects kmipd searches besides (100000)
//! ```

use std::error::Error;
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use kmip::operations::LocateRequest;
use kmip::{AttributeValue, Attributes, Name};
use kmip_client::{Client, ClientConfig, NewSymmetricKey, ServerAddress, Session};
use rustix::process::{Pid, Signal, kill_process_group};
use tls::dev_pki::{CertificateAuthority, Request};
use tls::{ClientTls, IdentityFiles, Trust};

type Fallible<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// How many objects each server has when it is measured: PyKMIP takes twenty seconds to make them.
const OBJECTS: usize = 1_000;
/// How many objects the workloads have made: each has a Name of its own.
static MADE: AtomicUsize = AtomicUsize::new(0);
/// Who makes objects beforehand, at the same time.
const LOADERS: usize = 8;

fn main() -> Fallible<()> {
    let options = Options::parse()?;
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(run(&options))
}

struct Options {
    kmipd: PathBuf,
    pykmip: PathBuf,
    rounds: usize,
    seconds: f64,
    objects: usize,
}

impl Options {
    fn parse() -> Fallible<Self> {
        let mut options = Self {
            kmipd: PathBuf::new(),
            pykmip: PathBuf::new(),
            rounds: 5,
            seconds: 2.0,
            objects: 100_000,
        };
        let mut arguments = std::env::args().skip(1);
        while let Some(name) = arguments.next() {
            if name == "--bench" {
                continue;
            }
            let value = arguments
                .next()
                .ok_or_else(|| format!("{name} has no value"))?;
            match name.as_str() {
                "--kmipd" => options.kmipd = value.into(),
                "--pykmip" => options.pykmip = value.into(),
                "--rounds" => options.rounds = value.parse()?,
                "--seconds" => options.seconds = value.parse()?,
                "--objects" => options.objects = value.parse()?,
                other => return Err(format!("{other} is not known").into()),
            }
        }
        Ok(options)
    }
}

/// A server that runs; killed when it is dropped.
struct Server {
    name: &'static str,
    child: Child,
    client: Client,
    identifier: String,
}

impl Drop for Server {
    fn drop(&mut self) {
        // PyKMIP has helpers, which would outlive it.
        let group = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        if let Some(group) = group {
            let _ = kill_process_group(group, Signal::KILL);
        }
        let _ = self.child.wait();
    }
}

impl Server {
    /// Waits until it answers.
    async fn started(
        name: &'static str,
        child: Child,
        port: u16,
        tls: ClientTls,
    ) -> Fallible<Self> {
        let address = ServerAddress::parse(&format!("127.0.0.1:{port}"), port)?;
        let config = ClientConfig {
            operation_timeout: Duration::from_secs(60),
            ..ClientConfig::new(vec![address], tls)
        };
        let mut server = Self {
            name,
            child,
            client: Client::new(config)?,
            identifier: String::new(),
        };
        for _ in 0..200 {
            if let Ok(mut session) = server.client.connect().await {
                let key = NewSymmetricKey::aes256("measured");
                server.identifier = session.create_symmetric_key(&key).await?;
                return Ok(server);
            }
            if let Some(status) = server.child.try_wait()? {
                return Err(format!("{name} ended with {status}").into());
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        Err(format!("{name} does not answer").into())
    }

    async fn connect(&self) -> Fallible<Session> {
        Ok(self.client.connect().await?)
    }

    /// Makes objects with the names `object-FROM` to `object-TO`.
    async fn load(&self, from: usize, to: usize) -> Fallible<()> {
        let mut loaders = Vec::new();
        for loader in 0..LOADERS {
            let mut session = self.connect().await?;
            loaders.push(tokio::spawn(async move {
                for number in (from + loader..to).step_by(LOADERS) {
                    let key = NewSymmetricKey::aes256(format!("object-{number}"));
                    session.create_symmetric_key(&key).await?;
                }
                Fallible::Ok(())
            }));
        }
        for loader in loaders {
            loader.await??;
        }
        Ok(())
    }

    /// Resident memory, in MiB.
    fn memory(&self) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()));
        let status = status.unwrap_or_default();
        let line = status.lines().find(|line| line.starts_with("VmRSS:"));
        let kib = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<f64>().ok());
        kib.unwrap_or_default() / 1024.0
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Work {
    Get,
    GetConnecting,
    Create,
    CreateByMany,
    LocateByName,
}

impl Work {
    const ALL: [Self; 5] = [
        Self::Get,
        Self::GetConnecting,
        Self::Create,
        Self::CreateByMany,
        Self::LocateByName,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Get => "Get, one connection",
            Self::GetConnecting => "Get, a new connection each",
            Self::Create => "Create, one connection",
            Self::CreateByMany => "Create, 8 connections",
            Self::LocateByName => "Locate by Name among 1,000",
        }
    }

    /// How long each operation took.
    async fn run(self, server: &Server, time: Duration) -> Fallible<Vec<Duration>> {
        if self != Self::CreateByMany {
            return self
                .run_alone(server.client.clone(), server.identifier.clone(), time)
                .await;
        }
        let workers: Vec<_> = (0..LOADERS)
            .map(|_| {
                let (client, id) = (server.client.clone(), server.identifier.clone());
                tokio::spawn(Self::Create.run_alone(client, id, time))
            })
            .collect();
        let mut all = Vec::new();
        for worker in workers {
            all.extend(worker.await??);
        }
        Ok(all)
    }

    async fn run_alone(
        self,
        client: Client,
        identifier: String,
        time: Duration,
    ) -> Fallible<Vec<Duration>> {
        let mut session = client.connect().await?;
        let mut taken = Vec::new();
        let begun = Instant::now();
        let mut number = 0_usize;
        while begun.elapsed() < time {
            number += 1;
            let start = Instant::now();
            match self {
                Self::Get => {
                    session.get_symmetric_key(&identifier).await?;
                }
                Self::GetConnecting => {
                    let mut fresh = client.connect().await?;
                    fresh.get_symmetric_key(&identifier).await?;
                }
                Self::Create | Self::CreateByMany => {
                    let made = MADE.fetch_add(1, Ordering::Relaxed);
                    let key = NewSymmetricKey::aes256(format!("made-{made}"));
                    session.create_symmetric_key(&key).await?;
                }
                Self::LocateByName => {
                    let name = format!("object-{}", number * 7919 % OBJECTS);
                    locate(&mut session, &name).await?;
                }
            }
            taken.push(start.elapsed());
        }
        Ok(taken)
    }
}

async fn locate(session: &mut Session, name: &str) -> Fallible<()> {
    let found = session
        .request(LocateRequest {
            attributes: Attributes::new().with(AttributeValue::Name(Name::text(name))),
            ..LocateRequest::default()
        })
        .await?;
    match found.unique_identifiers.len() {
        1 => Ok(()),
        count => Err(format!("{count} objects are called {name}").into()),
    }
}

/// What the rounds have come to.
#[derive(Default)]
struct Measured {
    per_second: Vec<f64>,
    taken: Vec<Duration>,
}

impl Measured {
    fn add(&mut self, taken: Vec<Duration>, time: Duration) {
        self.per_second
            .push(taken.len() as f64 / time.as_secs_f64());
        self.taken.extend(taken);
    }

    fn median(&self) -> f64 {
        let mut sorted = self.per_second.clone();
        sorted.sort_by(f64::total_cmp);
        sorted.get(sorted.len() / 2).copied().unwrap_or_default()
    }

    /// In milliseconds.
    fn percentile(&self, percent: usize) -> f64 {
        let mut sorted = self.taken.clone();
        sorted.sort();
        let place = (sorted.len() * percent / 100).min(sorted.len().saturating_sub(1));
        sorted
            .get(place)
            .map_or(0.0, |taken| taken.as_secs_f64() * 1e3)
    }
}

async fn run(options: &Options) -> Fallible<()> {
    let directory = tempfile::tempdir()?;
    let tls = certificates(directory.path())?;
    let (child, port) = start_kmipd(&options.kmipd, directory.path())?;
    let kmipd = Server::started("kmipd", child, port, tls.clone()).await?;
    let (child, port) = start_pykmip(&options.pykmip, directory.path())?;
    let pykmip = Server::started("PyKMIP", child, port, tls).await?;
    for server in [&kmipd, &pykmip] {
        server.load(0, OBJECTS).await?;
    }

    let time = Duration::from_secs_f64(options.seconds);
    say("| workload | PyKMIP/s | kmipd/s | ratio | PyKMIP p50, p99 ms | kmipd p50, p99 ms |");
    say("|---|--:|--:|--:|--:|--:|");
    for work in Work::ALL {
        let (mut ours, mut theirs) = (Measured::default(), Measured::default());
        for _ in 0..options.rounds {
            theirs.add(work.run(&pykmip, time).await?, time);
            ours.add(work.run(&kmipd, time).await?, time);
        }
        say(&format!(
            "| {} | {:.0} | {:.0} | {:.0} | {:.2}, {:.2} | {:.2}, {:.2} |",
            work.name(),
            theirs.median(),
            ours.median(),
            ours.median() / theirs.median(),
            theirs.percentile(50),
            theirs.percentile(99),
            ours.percentile(50),
            ours.percentile(99),
        ));
    }
    for server in [&pykmip, &kmipd] {
        say(&format!(
            "\n{}: {:.0} MiB resident.",
            server.name,
            server.memory()
        ));
    }

    say(&format!(
        "\nkmipd, Locate by Name and Get among {} objects:\n",
        options.objects
    ));
    let before = Instant::now();
    kmipd.load(OBJECTS, options.objects).await?;
    say(&format!(
        "made by 8 connections in {:.0} s.",
        before.elapsed().as_secs_f64()
    ));
    for work in [Work::LocateByName, Work::Get] {
        let mut many = Measured::default();
        for _ in 0..options.rounds {
            many.add(work.run(&kmipd, time).await?, time);
        }
        say(&format!(
            "{}: {:.0}/s, p50 {:.2} ms, p99 {:.2} ms.",
            work.name().split([',', ' ']).next().unwrap_or_default(),
            many.median(),
            many.percentile(50),
            many.percentile(99)
        ));
    }
    say(&format!("{:.0} MiB resident.", kmipd.memory()));
    Ok(())
}

#[allow(clippy::print_stdout)]
fn say(line: &str) {
    println!("{line}");
}

/// Certificates for both servers and the client. PyKMIP needs an elliptic curve's.
fn certificates(directory: &Path) -> Fallible<ClientTls> {
    let authority = CertificateAuthority::new("bench")?;
    let ca = directory.join("ca.pem");
    std::fs::write(&ca, authority.certificate_pem())?;
    let server = authority.issue(&Request::server(&["localhost", "127.0.0.1"]))?;
    server.write_combined(&directory.join("server.pem"))?;
    let client = directory.join("client.pem");
    authority
        .issue(&Request::client("bench"))?
        .write_combined(&client)?;
    Ok(ClientTls {
        trust: Trust::only(&ca),
        identity: Some(IdentityFiles::combined(&client)),
    })
}

fn free_port() -> Fallible<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

fn start_kmipd(program: &Path, directory: &Path) -> Fallible<(Child, u16)> {
    let port = free_port()?;
    let config = directory.join("kmipd.yaml");
    std::fs::write(
        &config,
        format!(
            "net: {{listen: '127.0.0.1:{port}'}}\n\
             tls: {{certificateFile: server.pem, clientCaFile: ca.pem}}\n\
             storage: {{directory: data, key: {{file: kek}}}}\n\
             limits: {{requestsPerSecond: 0}}\n\
             audit: {{file: audit.log}}\n\
             log: {{level: error}}\n\
             tenants: [bench]\n\
             roles: {{all: {{operations: [all]}}}}\n\
             clients: {{bench: {{tenant: bench, role: all}}}}\n"
        ),
    )?;
    let child = Command::new(program)
        .arg("--config")
        .arg(&config)
        .stdin(Stdio::null())
        .process_group(0)
        .spawn()?;
    Ok((child, port))
}

fn start_pykmip(program: &Path, directory: &Path) -> Fallible<(Child, u16)> {
    let port = free_port()?;
    std::fs::create_dir(directory.join("policy"))?;
    let path = |name: &str| directory.join(name).display().to_string();
    std::fs::write(
        directory.join("server.conf"),
        format!(
            "[server]\nhostname=127.0.0.1\nport={port}\ncertificate_path={server}\nkey_path={server}\nca_path={ca}\n\
             auth_suite=TLS1.2\npolicy_path={policy}\nenable_tls_client_auth=True\nlogging_level=ERROR\n\
             database_path={database}\n",
            server = path("server.pem"),
            ca = path("ca.pem"),
            policy = path("policy"),
            database = path("pykmip.db"),
        ),
    )?;
    let child = Command::new(program)
        .args(["-f", &path("server.conf"), "-l", &path("pykmip.log")])
        .current_dir(directory)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()?;
    Ok((child, port))
}
