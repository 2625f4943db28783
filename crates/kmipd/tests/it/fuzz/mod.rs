//! Requests that an authenticated client has broken, over TLS, to the program as it runs in production: each is
//! answered or its connection ends; the server goes on for everybody else, does not grow, and knows in its audit what
//! happened.
//!
//! `KMIPD_FUZZ_SECONDS=600 KMIPD_FUZZ_SEED=7 cargo test -p kmipd --test it fuzz` is the long form; another seed
//! makes other requests.

mod corpus;
mod mutate;

use std::fs::File;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use kmip::operations::{
    ActivateRequest, ArchiveRequest, CreateKeyPairResponse, CreateResponse, RegisterResponse,
};
use kmip::{
    Limits, ProtocolVersion, RequestMessage, RequestPayload, ResponseMessage, ResponsePayload,
};
use kmip_client::{NewSymmetricKey, Session};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use crate::rig::{Rig, Running, ask};
use corpus::Objects;
use mutate::{Random, mutate};

/// No request may take so long, and no other client may have to wait so long.
const HANGS: Duration = Duration::from_secs(60);

/// More than what the server may gather for all clients (128 MiB), its caches and its tables together.
const MOST_MEMORY_KIB: u64 = 640 << 10;

fn environment(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().unwrap())
}

async fn one<R: TryFrom<ResponsePayload, Error: std::fmt::Debug>>(
    stream: &mut TlsStream<TcpStream>,
    payload: impl Into<RequestPayload>,
) -> R {
    let request = RequestMessage::new(ProtocolVersion::V1_4, payload);
    let item = ask(stream, &request).await.batch_items.remove(0);
    let why = item.result_message;
    R::try_from(item.payload.unwrap_or_else(|| panic!("{why:?}"))).unwrap()
}

async fn objects(stream: &mut TlsStream<TcpStream>) -> Objects {
    let created: CreateResponse = one(stream, corpus::create()).await;
    let pair: CreateKeyPairResponse = one(stream, corpus::pair()).await;
    let mut registered = Vec::new();
    for request in [
        corpus::hmac(),
        corpus::secret(),
        corpus::opaque(),
        corpus::opaque(),
    ] {
        let response: RegisterResponse = one(stream, request).await;
        registered.push(response.unique_identifier.to_string());
    }
    let archived = registered.pop().unwrap();
    let archive = ArchiveRequest {
        unique_identifier: Some(archived.as_str().into()),
    };
    let _: kmip::operations::ArchiveResponse = one(stream, archive).await;
    let activate = ActivateRequest {
        unique_identifier: Some(registered[1].as_str().into()),
    };
    let _: kmip::operations::ActivateResponse = one(stream, activate).await;
    let [hmac, secret, opaque] = registered.try_into().unwrap();
    Objects {
        key: created.unique_identifier.to_string(),
        hmac,
        private_key: pair.private_key_unique_identifier.to_string(),
        public_key: pair.public_key_unique_identifier.to_string(),
        secret,
        opaque,
        archived,
    }
}

/// What became of a message.
#[derive(Debug, PartialEq, Eq)]
enum Outcome {
    /// The connection goes on.
    Answered,
    /// An answer to the message as a whole: the server may close the connection behind it.
    Refused,
    Closed,
}

/// Sends it and takes what comes. A message whose length is not the one that it says ends its connection.
async fn send(stream: &mut TlsStream<TcpStream>, message: &[u8]) -> std::io::Result<Outcome> {
    stream.write_all(message).await?;
    stream.flush().await?;
    let mut header = [0; 8];
    if stream.read_exact(&mut header).await.is_err() {
        return Ok(Outcome::Closed);
    }
    let total = kmip::ttlv::message_bytes(header, &Limits::DEFAULT).expect("an answer");
    let mut answer = header.to_vec();
    answer.resize(total, 0);
    stream.read_exact(&mut answer[8..]).await?;
    let answer =
        ResponseMessage::decode(&answer, &Limits::DEFAULT).expect("an answer that can be read");
    let is_whole = answer
        .batch_items
        .iter()
        .any(|item| item.operation.is_none());
    Ok(if is_whole {
        Outcome::Refused
    } else {
        Outcome::Answered
    })
}

/// Whether the server knows where it ends, and takes it for a message.
fn is_framed(message: &[u8]) -> bool {
    let header = message[..8].try_into().unwrap();
    kmip::ttlv::message_bytes(header, &Limits::DEFAULT).is_ok_and(|total| total == message.len())
}

struct Attack<'a> {
    rig: &'a Rig,
    server: &'a Running,
    requests: Vec<Vec<u8>>,
    seed: u64,
    until: Instant,
    sent: AtomicUsize,
}

impl Attack<'_> {
    async fn run(&self, number: u64) {
        let mut stream = self.rig.raw(self.server, "attacker").await;
        for round in 0.. {
            if Instant::now() > self.until {
                return;
            }
            let mut random = Random(self.seed ^ (number << 56) ^ (round << 8));
            let request = random.pick(&self.requests).clone();
            let message = mutate(&mut random, &request, &self.requests);
            let what = || {
                let seed = self.seed;
                format!("seed {seed}, {number}, {round}: {}", hex::encode(&message))
            };
            self.sent.fetch_add(1, Ordering::Relaxed);
            if !is_framed(&message) {
                // There is no end to wait for: it leaves in the middle.
                let _ = stream.write_all(&message).await;
                let _ = stream.shutdown().await;
                stream = self.rig.raw(self.server, "attacker").await;
                continue;
            }
            let outcome = tokio::time::timeout(HANGS, send(&mut stream, &message)).await;
            let outcome = outcome.unwrap_or_else(|_| panic!("no answer: {}", what()));
            // A server that panics answers nothing.
            let outcome = outcome.unwrap_or_else(|error| panic!("{error}: {}", what()));
            assert_ne!(outcome, Outcome::Closed, "{}", what());
            if outcome == Outcome::Refused {
                stream = self.rig.raw(self.server, "attacker").await;
            }
        }
    }
}

/// Another tenant's client, which wants to work all the time.
async fn work(
    mut session: Session,
    stop: Arc<AtomicBool>,
) -> (Vec<(String, kmip::SecretBytes)>, Duration) {
    let (mut keys, mut longest) = (Vec::new(), Duration::ZERO);
    while !stop.load(Ordering::Relaxed) {
        let begun = Instant::now();
        let name = format!("witness-{}", keys.len());
        let id = session
            .create_symmetric_key(&NewSymmetricKey::aes256(name))
            .await
            .unwrap();
        session.activate(&id).await.unwrap();
        let key = session.get_symmetric_key(&id).await.unwrap();
        longest = longest.max(begun.elapsed());
        keys.push((id, key.material));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    (keys, longest)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_authenticated_client_breaks_requests() {
    let seed = environment("KMIPD_FUZZ_SEED", 20_251_130);
    let seconds = environment("KMIPD_FUZZ_SECONDS", 5);
    let rig = Rig::new();
    rig.configure("  - default\n", "  - default\n  - other\n");
    rig.configure("\ntenants:", "\nlimits: {requestsPerSecond: 0}\ntenants:");
    rig.client(&["add", "attacker", "--tenant", "other", "--role", "admin"]);
    let errors = rig.path().join("errors");
    let mut command = Command::new(env!("CARGO_BIN_EXE_kmipd"));
    command.stderr(File::create(&errors).unwrap());
    let server = rig.start_by(command);
    let objects = objects(&mut rig.raw(&server, "attacker").await).await;
    let requests = corpus::requests(&objects);
    assert!(requests.len() > 500, "{}", requests.len());

    let stop = Arc::new(AtomicBool::new(false));
    let session = rig.connect(&server, "strongroom").await;
    let witness = tokio::spawn(work(session, stop.clone()));
    let attack = Attack {
        rig: &rig,
        server: &server,
        requests,
        seed,
        until: Instant::now() + Duration::from_secs(seconds),
        sent: AtomicUsize::new(0),
    };
    tokio::join!(attack.run(0), attack.run(1), attack.run(2));
    stop.store(true, Ordering::Relaxed);
    let (keys, longest) = witness.await.unwrap();
    let sent = attack.sent.into_inner();
    assert!(sent > 100, "{sent} requests");
    assert!(!keys.is_empty() && longest < HANGS, "{longest:?}");

    let memory = server.memory_kib();
    assert!(
        memory < MOST_MEMORY_KIB,
        "{memory} KiB after {sent} requests, seed {seed}"
    );
    let errors = std::fs::read_to_string(errors).unwrap();
    assert!(!errors.contains("panicked"), "seed {seed}: {errors}");
    // The server is whole: for those who were there, for those who come, and after a restart.
    server.stop();
    let log = rig.audit_log();
    assert!(
        rig.ok(&["audit", "verify", log.to_str().unwrap()])
            .contains("is whole")
    );
    let server = rig.start();
    let mut session = rig.connect(&server, "strongroom").await;
    for (id, material) in &keys {
        let key = session.get_symmetric_key(id).await.unwrap();
        assert_eq!(&key.material, material, "{id}");
    }
    assert_eq!(
        session.locate_by_name("fuzzed").await.unwrap().len(),
        0,
        "the attacker's objects are another tenant's"
    );
    server.stop();
}
