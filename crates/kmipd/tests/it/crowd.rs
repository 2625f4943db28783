//! A thousand clients, of which half say nothing.

use std::time::{Duration, Instant};

use kmip::operations::GetRequest;
use kmip::{ProtocolVersion, RequestMessage};
use kmip_client::NewSymmetricKey;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::net::TcpStream;

use crate::rig::{Rig, ask};

/// Connections that are authenticated.
const CROWD: usize = 1_000;
/// How many handshakes the test begins at once.
const AT_ONCE: usize = 16;
/// How often each of those that work asks.
const ROUNDS: usize = 4;

/// Both sides need a file for each connection, and the server inherits the limit. Whether there are enough.
fn allow_files(wanted: u64) -> bool {
    let limits = getrlimit(Resource::Nofile);
    if limits.current.is_none_or(|current| current >= wanted) {
        return true;
    }
    let raised = Rlimit {
        current: Some(limits.maximum.map_or(wanted, |most| most.min(wanted))),
        maximum: limits.maximum,
    };
    setrlimit(Resource::Nofile, raised).is_ok() && raised.current == Some(wanted)
}

#[tokio::test(flavor = "multi_thread")]
#[allow(clippy::print_stderr)]
async fn a_thousand_of_which_half_are_silent() {
    if !allow_files(CROWD as u64 + 600) {
        eprintln!(
            "skipped: the limit on open files (ulimit -Hn) is too low for {CROWD} connections"
        );
        return;
    }
    let rig = Rig::new();
    rig.configure(
        "storage:\n",
        "limits: {connections: 1100, connectionsPerClient: 1100, requestsPerSecond: 0, idleTimeoutSeconds: 3600, handshakeTimeoutMs: 60000}\nstorage:\n",
    );
    let server = rig.start();
    let mut first = rig.connect(&server, "strongroom").await;
    let id = first
        .create_symmetric_key(&NewSymmetricKey::aes256("k"))
        .await
        .unwrap();
    // Some who do not even begin a handshake.
    let mut strangers = Vec::new();
    for _ in 0..100 {
        strangers.push(TcpStream::connect(server.address).await.unwrap());
    }
    let mut streams = Vec::new();
    while streams.len() < CROWD {
        let batch = (0..AT_ONCE).map(|_| rig.raw(&server, "strongroom"));
        let mut batch: Vec<_> = batch.map(Box::pin).collect();
        for stream in &mut batch {
            streams.push(stream.await);
        }
    }
    streams.truncate(CROWD);
    let silent = streams.split_off(CROWD / 2);
    let request = RequestMessage::new(
        ProtocolVersion::V1_4,
        GetRequest {
            unique_identifier: Some(id.as_str().into()),
            ..GetRequest::default()
        },
    );
    let mut working = tokio::task::JoinSet::new();
    for mut stream in streams {
        let request = request.clone();
        working.spawn(async move {
            let mut slowest = Duration::ZERO;
            for _ in 0..ROUNDS {
                let asked = Instant::now();
                let response = ask(&mut stream, &request).await;
                assert_eq!(response.batch_items[0].result_reason, None);
                slowest = slowest.max(asked.elapsed());
            }
            slowest
        });
    }
    let mut served = 0;
    while let Some(done) = working.join_next().await {
        // The deadline for a message is ten seconds: nobody comes near it.
        assert!(done.unwrap() < Duration::from_secs(10));
        served += 1;
    }
    assert_eq!(served, CROWD / 2);
    // Those who were silent have lost nothing by it.
    for mut stream in silent.into_iter().take(20) {
        let response = ask(&mut stream, &request).await;
        assert_eq!(response.batch_items[0].result_reason, None);
    }
    drop(strangers);
    server.kill();
}
