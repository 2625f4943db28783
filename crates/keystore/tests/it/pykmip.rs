//! PyKMIP 0.11.0. Set `STRONGROOM_PYKMIP` to the path of its `pykmip-server`; without it nothing is tested here, and
//! the test says so.

use std::fmt::Write;
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use keystore::provider::kmip::{KmipKeyError, KmipKeys};
use keystore::rotation::{RotationError, Target, revoke_old, rotate};
use kmip::ProtocolVersion;
use kmip::registry::State;
use kmip_client::{Client, ClientConfig, ServerAddress, VersionPolicy};
use rustix::process::{Pid, Signal, kill_process_group};

use crate::support::*;
use crate::world::*;

/// How long PyKMIP may take to start on a machine that is busy.
const START: Duration = Duration::from_secs(120);

struct PyKmip {
    child: Child,
    port: u16,
}

impl PyKmip {
    async fn start(executable: &str, world: &World) -> PyKmip {
        std::fs::create_dir_all(world.path("policy")).unwrap();
        // It cannot be asked for a free port; if another process is faster, the next one is tried.
        for _ in 0..5 {
            let free = TcpListener::bind("127.0.0.1:0").unwrap();
            let port = free.local_addr().unwrap().port();
            drop(free);
            std::fs::write(world.path("server.conf"), configuration(world, port)).unwrap();
            let child = Command::new(executable)
                .arg("-f")
                .arg(world.path("server.conf"))
                .arg("-l")
                .arg(world.path("server.log"))
                .current_dir(world.path(""))
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                // It has a child of its own: the group is what is ended.
                .process_group(0)
                .spawn()
                .unwrap_or_else(|error| panic!("STRONGROOM_PYKMIP={executable}: {error}"));
            let mut server = PyKmip { child, port };
            if server.is_ready(world).await {
                return server;
            }
        }
        panic!("PyKMIP does not start");
    }

    async fn is_ready(&mut self, world: &World) -> bool {
        let site = world.site(self.port);
        let server = ServerAddress::parse("127.0.0.1", self.port).unwrap();
        let client = Client::new(ClientConfig::new(vec![server], site.tls())).unwrap();
        let begun = Instant::now();
        while begun.elapsed() < START {
            if client.connect().await.is_ok() {
                return true;
            }
            if self.child.try_wait().unwrap().is_some() {
                return false;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        false
    }
}

impl Drop for PyKmip {
    fn drop(&mut self) {
        if let Some(pid) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            let _ = kill_process_group(pid, Signal::KILL);
        }
        let _ = self.child.wait();
    }
}

fn configuration(world: &World, port: u16) -> String {
    let file = |name: &str| world.path(name).display().to_string();
    let mut text = String::from("[server]\n");
    for (key, value) in [
        ("hostname", "127.0.0.1".to_owned()),
        ("port", port.to_string()),
        ("certificate_path", file("server.crt")),
        ("key_path", file("server.key")),
        ("ca_path", file("ca.pem")),
        ("auth_suite", "TLS1.2".to_owned()),
        ("policy_path", file("policy")),
        ("enable_tls_client_auth", "True".to_owned()),
        ("logging_level", "INFO".to_owned()),
        ("database_path", file("pykmip.db")),
    ] {
        writeln!(text, "{key}={value}").unwrap();
    }
    text
}

#[expect(clippy::print_stderr, reason = "what is not tested is to be seen")]
fn skipped() {
    eprintln!("SKIPPED: PyKMIP is not tested, STRONGROOM_PYKMIP is not set");
}

#[tokio::test(flavor = "multi_thread")]
async fn everything() {
    let Ok(executable) = std::env::var("STRONGROOM_PYKMIP") else {
        skipped();
        return;
    };
    let (world, _) = World::new().await;
    let server = PyKmip::start(&executable, &world).await;
    let mut site = world.site(server.port);
    let dbpath = world.dbpath();
    let keystore = site.created(&dbpath).await;
    keystore.create_data_key(tree(1)).unwrap();
    let before = contents(&keystore);

    // A new key, a given one, and revoking the first.
    let mut keys = site.keys().await;
    let rotated = rotate(&keystore, Target::NewKmipKey(&mut keys))
        .await
        .unwrap();
    assert_eq!(contents(&*site.open(&dbpath).await), before);
    let given = site.active_key("given").await;
    let (keys, key) = (&mut keys, "given");
    rotate(&keystore, Target::KmipKey { keys, key })
        .await
        .unwrap();
    revoke_old(&keystore, keys, &rotated.old).await.unwrap();
    let mut session = site.session().await;
    let old = rotated.old.identifier.unwrap();
    let attributes = session.get_attributes(&old).await.unwrap();
    assert_eq!(attributes.state, Some(State::Deactivated));
    drop(session);
    assert_eq!(keystore.master_key().identifier, Some(given));

    // Names are not unique there.
    site.active_key("twice").await;
    site.active_key("twice").await;
    let target = Target::KmipKey { keys, key: "twice" };
    let error = rotate(&keystore, target).await.unwrap_err();
    let RotationError::Kmip(KmipKeyError::Ambiguous { count: 2, .. }) = error else {
        panic!("{error}");
    };

    // Its Encrypt does AES-GCM, with nonces of its own, in the versions that have associated data.
    for version in [ProtocolVersion::V2_0, ProtocolVersion::V1_4] {
        site.version = VersionPolicy::Exactly(version);
        let mut keys: KmipKeys = site.keys().await.with_wrap_on_server(true);
        let rotated = rotate(&keystore, Target::NewKmipKey(&mut keys))
            .await
            .unwrap();
        assert!(rotated.new.is_wrapped_on_server(), "{version}");
        assert_eq!(contents(&*site.open(&dbpath).await), before, "{version}");
    }
    site.version = VersionPolicy::Exactly(ProtocolVersion::V1_2);
    let mut keys = site.keys().await.with_wrap_on_server(true);
    let error = keys.check_can_create().await.unwrap_err();
    assert!(matches!(error, KmipKeyError::NotOffered { .. }), "{error}");
    // Another dbpath's context does not open it.
    let mut keys = site.keys().await;
    let key = keystore.master_key();
    let other = uuid::Uuid::from_u128(1);
    let error = keys.open_key(&key, other, None).await.unwrap_err();
    assert!(
        matches!(
            error,
            KmipKeyError::NotOffered { .. } | KmipKeyError::NotUnwrapped { .. }
        ),
        "{error}"
    );
}
