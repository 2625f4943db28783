//! The disk is full while the program works. (A bound on the size of each file stands for it, set and lifted from outside
//! while the program runs: the operating system then writes what fits, as much as a part of a line, and refuses the
//! rest. It needs no rights and no file system of its own.)

use std::collections::HashMap;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use kmip::SecretBytes;
use kmip::objects::OpaqueObject;
use kmip::operations::{
    GetAttributesRequest, GetRequest, GetResponse, ModifyAttributeRequest, RegisterRequest,
    RegisterResponse,
};
use kmip::registry::{ObjectType, OpaqueDataType, ResultReason, State};
use kmip::{
    AttributeValue, Attributes, ManagedObject, Name, ProtocolVersion, RequestMessage,
    RequestPayload, ResponseBatchItem, ResponsePayload,
};
use rustix::process::{Pid, Resource, Rlimit, prlimit};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use crate::preload::Preload;
use crate::rig::{Rig, Running, ask};

const VERSION: ProtocolVersion = ProtocolVersion::V2_1;

/// By far longer than the store waits between two attempts.
const PATIENCE: Duration = Duration::from_secs(60);

/// The program, to which a write beyond the bound is an error instead of its end.
fn start(rig: &Rig) -> Running {
    let mut command = Command::new("sh");
    command.args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\""]);
    command.arg(env!("CARGO_BIN_EXE_kmipd"));
    rig.start_by(command)
}

/// No file of the program's grows beyond so many bytes; `None`: there is room again.
fn bound(server: &Running, bytes: Option<u64>) {
    let limit = Rlimit {
        current: bytes,
        maximum: None,
    };
    let pid = Pid::from_raw(server.process_id());
    prlimit(pid, Resource::Fsize, limit).unwrap();
}

/// The size of the largest file below a directory.
fn largest(directory: &Path) -> u64 {
    let mut largest = 0;
    for entry in std::fs::read_dir(directory).unwrap() {
        let entry = entry.unwrap();
        let size = match entry.metadata() {
            Ok(metadata) if metadata.is_dir() => self::largest(&entry.path()),
            Ok(metadata) => metadata.len(),
            // Gone meanwhile.
            Err(_) => 0,
        };
        largest = largest.max(size);
    }
    largest
}

struct Peer {
    stream: TlsStream<TcpStream>,
}

impl Peer {
    async fn connect(rig: &Rig, server: &Running) -> Self {
        Self {
            stream: rig.raw(server, "strongroom").await,
        }
    }

    async fn item(&mut self, payload: impl Into<RequestPayload>) -> ResponseBatchItem {
        let request = RequestMessage::new(VERSION, payload);
        ask(&mut self.stream, &request).await.batch_items.remove(0)
    }

    /// An object of that many bytes; its identifier, or why not.
    async fn register(&mut self, name: &str, value: &SecretBytes) -> Result<String, ResultReason> {
        let object: ManagedObject = OpaqueObject {
            opaque_data_type: OpaqueDataType::Other(0x8000_0001),
            opaque_data_value: value.clone(),
        }
        .into();
        let request = RegisterRequest {
            object_type: ObjectType::OpaqueObject,
            attributes: Attributes::new().with(AttributeValue::Name(Name::text(name))),
            object,
            protection_storage_masks: None,
        };
        let item = self.item(request).await;
        match item.result_reason {
            Some(reason) => Err(reason),
            None => {
                let response = RegisterResponse::try_from(item.payload.unwrap()).unwrap();
                Ok(response.unique_identifier.to_string())
            }
        }
    }

    async fn get(&mut self, id: &str) -> Result<ManagedObject, ResultReason> {
        let request = GetRequest {
            unique_identifier: Some(id.into()),
            ..GetRequest::default()
        };
        let item = self.item(request).await;
        match item.result_reason {
            Some(reason) => Err(reason),
            None => Ok(GetResponse::try_from(item.payload.unwrap()).unwrap().object),
        }
    }

    async fn attributes(&mut self, id: &str) -> Result<Attributes, ResultReason> {
        let request = GetAttributesRequest {
            unique_identifier: Some(id.into()),
            attribute_names: Vec::new(),
        };
        let item = self.item(request).await;
        match (item.result_reason, item.payload) {
            (None, Some(ResponsePayload::GetAttributes(response))) => Ok(response.attributes),
            (reason, _) => Err(reason.unwrap()),
        }
    }

    /// When there is room again: the store tries again now and then, no later than two seconds after its last
    /// attempt. What is refused until then is not done.
    async fn register_in_the_end(&mut self, name: &str, value: &SecretBytes) -> String {
        let begun = Instant::now();
        loop {
            match self.register(name, value).await {
                Ok(id) => return id,
                Err(reason) => assert_eq!(reason, ResultReason::GeneralFailure),
            }
            assert!(begun.elapsed() < PATIENCE, "there is room for {PATIENCE:?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn rename(&mut self, id: &str, name: &str) {
        let request = ModifyAttributeRequest {
            unique_identifier: Some(id.into()),
            current_attribute: None,
            attribute: AttributeValue::Name(Name::text(name)).into(),
        };
        let item = self.item(request).await;
        assert_eq!(item.result_reason, None, "{:?}", item.result_message);
    }

    /// Everything that was answered is there, as it was answered.
    async fn verify(&mut self, known: &Known) {
        for (id, value) in known {
            let Ok(ManagedObject::OpaqueObject(opaque)) = self.get(id).await else {
                panic!("{id} was answered, and is not there");
            };
            assert_eq!(&opaque.opaque_data_value, value, "{id}");
            let attributes = self.attributes(id).await.unwrap();
            assert_eq!(attributes.state(), Some(&State::PreActive), "{id}");
        }
    }
}

/// What was answered.
type Known = HashMap<String, SecretBytes>;

fn value(number: usize, bytes: usize) -> SecretBytes {
    let number = number.to_be_bytes();
    number
        .iter()
        .copied()
        .cycle()
        .take(bytes)
        .collect::<Vec<u8>>()
        .into()
}

fn verify_audit(rig: &Rig) {
    let log = rig.audit_log();
    let said = rig.ok(&["audit", "verify", log.to_str().unwrap()]);
    assert!(said.contains("is whole"), "{said}");
}

/// Registers objects until some have been refused for want of room; what is behind them may be taken, as the store
/// goes on in another file.
async fn fill(peer: &mut Peer, known: &mut Known, round: usize, bytes: usize) {
    let mut refusals = 0;
    for number in 0..500 {
        let name = format!("{round}-{number}");
        let value = value(number, bytes);
        match peer.register(&name, &value).await {
            Ok(id) => {
                known.insert(id, value);
            }
            Err(reason) => {
                assert_eq!(reason, ResultReason::GeneralFailure);
                refusals += 1;
                if refusals == 3 {
                    return;
                }
            }
        }
    }
    panic!("the disk did not get full");
}

/// Files that are full in the middle of a record, while the audit log, which is much smaller, is not.
#[tokio::test]
async fn no_room_for_objects() {
    let rig = Rig::new();
    let mut known = Known::new();
    let mut server = start(&rig);
    for round in 0..4 {
        let mut peer = Peer::connect(&rig, &server).await;
        for number in 0..5 {
            let value = value(number, 1_000);
            let name = format!("small-{round}-{number}");
            let id = peer.register(&name, &value).await.unwrap();
            known.insert(id, value);
        }
        let size = largest(&rig.path().join("data"));
        bound(&server, Some(size + 300_000 + 40_000 * round as u64));
        fill(&mut peer, &mut known, round, 60_000).await;
        // Who only reads goes on, on this connection and on a new one.
        peer.verify(&known).await;
        let mut other = Peer::connect(&rig, &server).await;
        other.verify(&known).await;
        bound(&server, None);
        match round {
            0 => {}
            1 | 2 => {
                // An operator stops it.
                server.stop();
                server = start(&rig);
            }
            _ => {
                server.kill();
                server = start(&rig);
            }
        }
        let mut peer = Peer::connect(&rig, &server).await;
        peer.verify(&known).await;
        // Nothing is half there: the names that were refused are free.
        let value = value(round, 50_000);
        let id = peer.register_in_the_end("refused", &value).await;
        known.insert(id.clone(), value);
        peer.rename(&id, &format!("after-{round}")).await;
    }
    server.kill();
    let server = start(&rig);
    let mut peer = Peer::connect(&rig, &server).await;
    peer.verify(&known).await;
    server.stop();
    verify_audit(&rig);
}

/// Not one byte more, for as long as it takes. (The audit goes to a pipe, and would else be in the way.)
#[tokio::test]
async fn no_room_at_all() {
    let rig = Rig::new();
    rig.configure("  file: audit/audit.log\n", "  stdout: true\n");
    let mut known = Known::new();
    let mut server = start(&rig);
    let mut peer = Peer::connect(&rig, &server).await;
    for number in 0..10 {
        let value = value(number, 1_000);
        let id = peer
            .register(&format!("first-{number}"), &value)
            .await
            .unwrap();
        known.insert(id, value);
    }
    for restarts in [false, true, false] {
        bound(&server, Some(0));
        let mut other = Peer::connect(&rig, &server).await;
        for number in 0..5 {
            for peer in [&mut peer, &mut other] {
                let refused = peer.register("refused", &value(number, 100)).await;
                assert_eq!(refused, Err(ResultReason::GeneralFailure), "{number}");
            }
            other.verify(&known).await;
        }
        bound(&server, None);
        if restarts {
            server.kill();
            server = start(&rig);
            peer = Peer::connect(&rig, &server).await;
        }
        peer.verify(&known).await;
        let value = value(known.len(), 2_000);
        let id = peer.register_in_the_end("refused", &value).await;
        known.insert(id.clone(), value);
        peer.rename(&id, &format!("after-{}", known.len())).await;
    }
    server.stop();
    let server = start(&rig);
    Peer::connect(&rig, &server).await.verify(&known).await;
    server.stop();
}

/// A start without room says so; with room, it is as if there had been none.
#[tokio::test]
async fn no_room_for_a_start() {
    let rig = Rig::new();
    let mut known = Known::new();
    let config = rig.layout().config();
    for round in 0..2 {
        let output = Command::new("sh")
            .args(["-c", "trap '' XFSZ; ulimit -f 0; exec \"$0\" \"$@\""])
            .arg(env!("CARGO_BIN_EXE_kmipd"))
            .args(["--config", config.to_str().unwrap()])
            .output()
            .unwrap();
        let complaint = String::from_utf8(output.stderr).unwrap();
        let status = output.status.code();
        assert!(matches!(status, Some(6 | 7)), "{status:?} {complaint}");
        assert!(complaint.contains("too large"), "{complaint}");
        let server = start(&rig);
        let mut peer = Peer::connect(&rig, &server).await;
        peer.verify(&known).await;
        let value = value(round, 1_000);
        let id = peer.register(&format!("{round}"), &value).await.unwrap();
        known.insert(id, value);
        server.stop();
    }
    verify_audit(&rig);
}

/// What is told is the error of a sync of the store's files.
const FAILING_SYNC: &str = r#"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>

static int fails(int file)
{
    char link[64], path[4096];
    if (!told || !*told)
        return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, sizeof path - 1);
    path[length < 0 ? 0 : length] = 0;
    if (!strstr(path, "/data/trees/"))
        return 0;
    errno = *told;
    return 1;
}

int fdatasync(int file)
{
    return fails(file) ? -1 : syscall(SYS_fdatasync, file);
}

int fsync(int file)
{
    return fails(file) ? -1 : syscall(SYS_fsync, file);
}
"#;

/// Some file systems find out that there is no room when they are asked to make it durable. (The sync of the store's
/// files fails from outside the program.)
#[tokio::test]
async fn no_room_found_at_the_sync() {
    const NO_SPACE: i64 = 28;
    let rig = Rig::new();
    let sync = Preload::new(rig.path(), "sync", FAILING_SYNC);
    let start = || rig.start_by(sync.before(Command::new(env!("CARGO_BIN_EXE_kmipd"))));
    let mut server = start();
    let mut known = Known::new();
    for round in 0..3 {
        let mut peer = Peer::connect(&rig, &server).await;
        let value = value(round, 1_000);
        let name = format!("before-{round}");
        let id = peer.register_in_the_end(&name, &value).await;
        known.insert(id, value.clone());
        // Handed out once, they are only read from then on.
        peer.verify(&known).await;

        sync.tell(NO_SPACE);
        let name = format!("refused-{round}");
        for _ in 0..3 {
            let refused = peer.register(&name, &value).await;
            assert!(refused.is_err(), "{refused:?} is not durable");
        }
        let mut other = Peer::connect(&rig, &server).await;
        other.verify(&known).await;
        sync.tell(0);
        if round == 1 {
            server.kill();
            server = start();
        }
        let mut peer = Peer::connect(&rig, &server).await;
        peer.verify(&known).await;
    }
    let mut peer = Peer::connect(&rig, &server).await;
    let last = value(9, 1_000);
    let id = peer.register_in_the_end("last", &last).await;
    known.insert(id, last);
    server.kill();
    let server = start();
    Peer::connect(&rig, &server).await.verify(&known).await;
    server.stop();
    verify_audit(&rig);
}

/// Reads until the audit log is the largest of all files, so that it is the one that hits a bound.
async fn grow_the_audit(rig: &Rig, peer: &mut Peer, id: &str) -> u64 {
    let others = largest(&rig.path().join("data"));
    loop {
        peer.get(id).await.unwrap();
        let size = std::fs::metadata(rig.audit_log()).unwrap().len();
        if size > others + 20_000 {
            return size;
        }
    }
}

/// Asks until the audit log takes no more; how often it did before.
async fn until_refused(peer: &mut Peer, id: &str) -> usize {
    for number in 0..1_000 {
        if let Err(reason) = peer.get(id).await {
            assert_eq!(reason, ResultReason::GeneralFailure);
            return number;
        }
    }
    panic!("the audit log did not get full");
}

fn lines(rig: &Rig) -> String {
    std::fs::read_to_string(rig.audit_log()).unwrap()
}

#[tokio::test]
async fn no_room_for_the_audit() {
    let rig = Rig::new();
    rig.configure("\ntenants:", "\nlimits: {requestsPerSecond: 0}\ntenants:");
    let server = start(&rig);
    let mut peer = Peer::connect(&rig, &server).await;
    let mut known = Known::new();
    let small = value(1, 100);
    let id = peer.register("first", &small).await.unwrap();
    known.insert(id.clone(), small.clone());
    for round in 0..3 {
        let size = grow_the_audit(&rig, &mut peer, &id).await;
        // In the middle of a line, at another place each time.
        bound(&server, Some(size + 1_500 + 137 * round));
        assert!(until_refused(&mut peer, &id).await > 0);
        // What cannot be audited is not done, by anybody.
        let mut other = Peer::connect(&rig, &server).await;
        for _ in 0..3 {
            let refused = peer.register("refused", &small).await;
            assert_eq!(refused, Err(ResultReason::GeneralFailure));
            assert_eq!(
                other.get(&id).await.err(),
                Some(ResultReason::GeneralFailure)
            );
        }
        assert!(!lines(&rig).ends_with('\n'), "a part of a line fitted");
        bound(&server, None);
        peer.verify(&known).await;
        // Nothing was done without a line: the name is free.
        let id = peer
            .register(&format!("after-{round}"), &small)
            .await
            .unwrap();
        known.insert(id, small.clone());
        verify_audit(&rig);
    }
    let id = peer.register("refused", &small).await.unwrap();
    known.insert(id.clone(), small);

    // The same, but with a kill while it is full.
    let size = grow_the_audit(&rig, &mut peer, &id).await;
    bound(&server, Some(size + 1_000));
    until_refused(&mut peer, &id).await;
    server.kill();
    let server = start(&rig);
    let mut peer = Peer::connect(&rig, &server).await;
    peer.verify(&known).await;
    server.stop();
    verify_audit(&rig);
    let text = lines(&rig);
    assert_eq!(
        text.matches("\"event\":\"torn\"").count(),
        4,
        "each cut line is told of"
    );
    // Each object's making is in it exactly once.
    for id in known.keys() {
        let made = text
            .lines()
            .filter(|line| line.contains(id.as_str()) && line.contains("\"Register\""));
        assert_eq!(made.count(), 1, "{id}");
    }
}

#[tokio::test]
async fn no_room_for_the_audit_of_changes() {
    let rig = Rig::new();
    rig.configure("\ntenants:", "\nlimits: {requestsPerSecond: 0}\ntenants:");
    rig.configure(
        "  file: audit/audit.log\n",
        "  file: audit/audit.log\n  onFailure: refuseChanges\n",
    );
    let server = start(&rig);
    let mut peer = Peer::connect(&rig, &server).await;
    let small = value(2, 100);
    let id = peer.register("first", &small).await.unwrap();
    let size = grow_the_audit(&rig, &mut peer, &id).await;
    bound(&server, Some(size + 1_500));
    // Reads go on, changes do not.
    for number in 0..50 {
        peer.get(&id).await.unwrap();
        if number > 20 {
            let refused = peer.register("refused", &small).await;
            assert_eq!(refused, Err(ResultReason::GeneralFailure));
        }
    }
    bound(&server, None);
    let second = peer.register("refused", &small).await.unwrap();
    peer.verify(&Known::from([(id, small.clone()), (second, small)]))
        .await;
    server.stop();
    verify_audit(&rig);
}
