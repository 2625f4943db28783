//! The servers that are measured, and their certificates.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use kmip_client::{Client, ClientConfig, NewSymmetricKey, ServerAddress, Session};
use rustix::process::{Pid, Signal, kill_process_group};
use tls::dev_pki::{CertificateAuthority, Request};
use tls::{ClientTls, IdentityFiles, Trust};

use crate::work::MANY;
use crate::{Fallible, bare};

pub(crate) const KMIPD: &str = "kmipd";
pub(crate) const PYKMIP: &str = "PyKMIP";

/// A server that runs; killed when it is dropped.
pub(crate) struct Server {
    pub(crate) name: &'static str,
    child: Child,
    pub(crate) client: Client,
    /// A key that it has.
    pub(crate) identifier: String,
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
    pub(crate) async fn kmipd(program: &Path, directory: &Path, tls: ClientTls) -> Fallible<Self> {
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
        Self::started(KMIPD, child, port, tls).await
    }

    pub(crate) async fn pykmip(program: &Path, directory: &Path, tls: ClientTls) -> Fallible<Self> {
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
        Self::started(PYKMIP, child, port, tls).await
    }

    pub(crate) async fn bare(directory: &Path, tls: ClientTls) -> Fallible<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .arg(bare::ARGUMENT)
            .arg(directory)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .process_group(0)
            .spawn()?;
        let mut port = String::new();
        if let Some(output) = child.stdout.take() {
            BufReader::new(output).read_line(&mut port)?;
        }
        Self::started(bare::NAME, child, port.trim().parse()?, tls).await
    }

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
    pub(crate) async fn load(&self, from: usize, to: usize) -> Fallible<()> {
        let mut loaders = Vec::new();
        for loader in 0..MANY {
            let mut session = self.connect().await?;
            loaders.push(tokio::spawn(async move {
                for number in (from + loader..to).step_by(MANY) {
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
    pub(crate) fn memory(&self) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()));
        let status = status.unwrap_or_default();
        let line = status.lines().find(|line| line.starts_with("VmRSS:"));
        let kib = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<f64>().ok());
        kib.unwrap_or_default() / 1024.0
    }

    /// The processor time that it has taken, user and system, all threads. Counted in ticks of 10 ms.
    pub(crate) fn cpu(&self) -> Fallible<Duration> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        let (_, fields) = stat.rsplit_once(')').ok_or("/proc/PID/stat is strange")?;
        let ticks = fields
            .split_ascii_whitespace()
            .skip(11)
            .take(2)
            .map(|field| Ok(field.parse::<u64>()?))
            .sum::<Fallible<u64>>()?;
        let per_second = rustix::param::clock_ticks_per_second();
        Ok(Duration::from_secs(ticks) / u32::try_from(per_second)?)
    }
}

/// Certificates for all servers and the client. PyKMIP needs an elliptic curve's.
pub(crate) fn certificates(directory: &Path) -> Fallible<ClientTls> {
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
