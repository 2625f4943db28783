//! A running `strongroomd`, and a KMIP server in this process.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use kmip::SecretBytes;
use kmip_client::{Client, ClientConfig, NewSymmetricKey, ServerAddress};
use kmip_server::{Server, ServerConfig};
use mongodb::bson::doc;
use mongodb::options::ClientOptions;
use mongodb::sync::Client as MongoClient;
use tls::dev_pki::DevPki;
use tls::{ClientAuth, ClientTls, IdentityFiles, ServerTls, Trust};
use tokio::runtime::Runtime;

/// Ends a broken run; measures nothing.
const PATIENCE: Duration = Duration::from_secs(120);

/// A server process; it ends with the value.
pub(crate) struct Strongroomd {
    child: Child,
    port: u16,
    output: PathBuf,
}

impl Strongroomd {
    /// Starts a server on `directory/db`, and waits until it answers.
    pub(crate) fn start(directory: &Path, options: &[String]) -> Self {
        let dbpath = directory.join("db");
        std::fs::create_dir_all(&dbpath).unwrap();
        let port = free_port();
        let output = directory.join("output.txt");
        let file = std::fs::File::create(&output).unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_strongroomd"))
            .arg("--dbpath")
            .arg(&dbpath)
            .args(["--port", &port.to_string()])
            .args(options)
            .stdin(Stdio::null())
            .stdout(file.try_clone().unwrap())
            .stderr(file)
            .spawn()
            .unwrap();
        let mut server = Self {
            child,
            port,
            output,
        };
        server.wait_until_it_answers();
        server
    }

    fn wait_until_it_answers(&mut self) {
        let client = self.client_with(Duration::from_millis(500));
        let begun = Instant::now();
        while client
            .database("admin")
            .run_command(doc! { "ping": 1 })
            .run()
            .is_err()
        {
            let ended = self.child.try_wait().unwrap();
            let output = || std::fs::read_to_string(&self.output).unwrap_or_default();
            assert!(ended.is_none(), "{ended:?}\n{}", output());
            assert!(begun.elapsed() < PATIENCE, "no answer\n{}", output());
        }
    }

    /// A client of it.
    pub(crate) fn client(&self) -> MongoClient {
        self.client_with(PATIENCE)
    }

    fn client_with(&self, server_selection: Duration) -> MongoClient {
        let uri = format!("mongodb://127.0.0.1:{}/?directConnection=true", self.port);
        let mut options = ClientOptions::parse(uri).run().unwrap();
        options.server_selection_timeout = Some(server_selection);
        MongoClient::with_options(options).unwrap()
    }

    /// What it printed so far.
    pub(crate) fn output(&self) -> String {
        std::fs::read_to_string(&self.output).unwrap()
    }

    /// A clean stop, as a service manager does it.
    pub(crate) fn stop(mut self) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        let status = self.child.wait().unwrap();
        let output = std::fs::read_to_string(&self.output).unwrap_or_default();
        assert_eq!(status.code(), Some(0), "{output}");
    }
}

impl Drop for Strongroomd {
    fn drop(&mut self) {
        // It may have ended already; either is fine.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// Our KMIP server in this process, over mutual TLS.
pub(crate) struct Kmip {
    pki: DevPki,
    port: u16,
    runtime: Runtime,
}

impl Kmip {
    /// Starts it on a free port with its files in `directory`.
    pub(crate) fn start(directory: &Path) -> Self {
        let pki = DevPki::open_or_create(&directory.join("pki"), "integration test").unwrap();
        let runtime = Runtime::new().unwrap();
        let tls = ServerTls {
            identity: IdentityFiles::combined(&pki.server),
            client_auth: ClientAuth::Required(Trust::only(&pki.ca)),
        };
        let listen = "127.0.0.1:0".parse().unwrap();
        let config = ServerConfig::new(listen, tls, directory.join("kmip"));
        let server = runtime.block_on(Server::bind(config)).unwrap();
        let port = server.local_addr().port();
        runtime.spawn(server.run(std::future::pending()));
        Self { pki, port, runtime }
    }

    /// Puts an Active key with these bytes there; its unique identifier.
    pub(crate) fn register(&self, material: &[u8]) -> String {
        let tls = ClientTls {
            trust: Trust::only(&self.pki.ca),
            identity: Some(IdentityFiles::combined(&self.pki.client)),
        };
        let server = ServerAddress::parse("127.0.0.1", self.port).unwrap();
        let client = Client::new(ClientConfig::new(vec![server], tls)).unwrap();
        self.runtime.block_on(async {
            let mut session = client.connect().await.unwrap();
            let key = NewSymmetricKey::aes256("a key that the test knows");
            let material = SecretBytes::from(material);
            let identifier = session
                .register_symmetric_key(&key, &material)
                .await
                .unwrap();
            session.activate(&identifier).await.unwrap();
            identifier
        })
    }

    /// The options of a server that has its master key there.
    pub(crate) fn options(&self) -> Vec<String> {
        [
            "--enableEncryption",
            "--kmipServerName",
            "127.0.0.1",
            "--kmipPort",
            &self.port.to_string(),
            "--kmipServerCAFile",
            &self.pki.ca.display().to_string(),
            "--kmipClientCertificateFile",
            &self.pki.client.display().to_string(),
        ]
        .map(str::to_owned)
        .to_vec()
    }
}
