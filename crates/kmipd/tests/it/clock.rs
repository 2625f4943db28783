//! The clock goes forth and back under the program, which knows nothing of it: a `clock_gettime` of the test's own comes
//! before the one of the C library.

use std::path::Path;
use std::process::Command;

use kmip::operations::{
    ActivateRequest, CreateRequest, CreateResponse, GetAttributesRequest, GetAttributesResponse,
    LocateRequest, LocateResponse, ObtainLeaseRequest, ObtainLeaseResponse, PingRequest,
    RevokeRequest, RevokeResponse,
};
use kmip::registry::{
    CryptographicAlgorithm, CryptographicUsageMask, ObjectType, RevocationReasonCode, State,
};
use kmip::structures::RevocationReason;
use kmip::{
    AttributeValue, Attributes, DateTime, Interval, ProtocolVersion, RequestMessage,
    RequestPayload, ResponseMessage, ResponsePayload,
};
use time::OffsetDateTime;
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use crate::preload::Preload;
use crate::rig::{Rig, Running, ask};

/// What is told is how many seconds the clock of the process is ahead.
const SOURCE: &str = r#"
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

int clock_gettime(clockid_t clock, struct timespec *now)
{
    int done = syscall(SYS_clock_gettime, clock, now);
    if (!done && told && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
        now->tv_sec += *told;
    return done;
}

int gettimeofday(struct timeval *now, void *zone)
{
    struct timespec time;
    int done = clock_gettime(CLOCK_REALTIME, &time);
    (void)zone;
    now->tv_sec = time.tv_sec;
    now->tv_usec = time.tv_nsec / 1000;
    return done;
}

time_t time(time_t *now)
{
    struct timespec time;
    clock_gettime(CLOCK_REALTIME, &time);
    if (now)
        *now = time.tv_sec;
    return time.tv_sec;
}
"#;

const HOUR: i64 = 3600;

const VERSION: ProtocolVersion = ProtocolVersion::V2_1;

/// A clock that a program takes for that of the machine.
struct Clock(Preload);

impl Clock {
    fn new(directory: &Path) -> Self {
        Self(Preload::new(directory, "clock", SOURCE))
    }

    fn set_ahead(&self, seconds: i64) {
        self.0.tell(seconds);
    }

    fn start(&self, rig: &Rig) -> Running {
        rig.start_by(self.0.before(Command::new(env!("CARGO_BIN_EXE_kmipd"))))
    }
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

    async fn send(&mut self, payload: impl Into<RequestPayload>) -> ResponseMessage {
        ask(&mut self.stream, &RequestMessage::new(VERSION, payload)).await
    }

    async fn ask<R: TryFrom<ResponsePayload, Error: std::fmt::Debug>>(
        &mut self,
        payload: impl Into<RequestPayload>,
    ) -> R {
        let item = self.send(payload).await.batch_items.remove(0);
        let why = item.result_message;
        R::try_from(item.payload.unwrap_or_else(|| panic!("{why:?}"))).unwrap()
    }

    /// How far the server's clock is ahead of the test's.
    async fn ahead(&mut self) -> i64 {
        let response = self.send(PingRequest::default()).await;
        response.header.time_stamp.0 - now()
    }

    async fn key(&mut self, dates: &[AttributeValue]) -> String {
        let mut attributes = Attributes::new()
            .with(AttributeValue::CryptographicAlgorithm(
                CryptographicAlgorithm::AES,
            ))
            .with(AttributeValue::CryptographicLength(256))
            .with(AttributeValue::CryptographicUsageMask(
                CryptographicUsageMask::Encrypt,
            ));
        for date in dates {
            attributes.push(date.clone());
        }
        let created: CreateResponse = self
            .ask(CreateRequest {
                object_type: ObjectType::SymmetricKey,
                attributes,
                protection_storage_masks: None,
            })
            .await;
        created.unique_identifier.to_string()
    }

    async fn attributes(&mut self, id: &str) -> Attributes {
        let response: GetAttributesResponse = self
            .ask(GetAttributesRequest {
                unique_identifier: Some(id.into()),
                attribute_names: Vec::new(),
            })
            .await;
        response.attributes
    }

    async fn state(&mut self, id: &str) -> State {
        *self.attributes(id).await.state().unwrap()
    }

    /// The keys in that state, newest first.
    async fn located(&mut self, state: State) -> Vec<String> {
        let response: LocateResponse = self
            .ask(LocateRequest {
                attributes: Attributes::new().with(AttributeValue::State(state)),
                ..LocateRequest::default()
            })
            .await;
        let ids = response.unique_identifiers.iter();
        ids.map(ToString::to_string).collect()
    }
}

fn now() -> i64 {
    OffsetDateTime::now_utc().unix_timestamp()
}

fn active_from(date: i64) -> AttributeValue {
    AttributeValue::ActivationDate(DateTime(date))
}

fn until(date: i64) -> AttributeValue {
    AttributeValue::DeactivationDate(DateTime(date))
}

async fn assert_states(peer: &mut Peer, expected: &[(&str, State)], when: &str) {
    for (id, state) in expected {
        assert_eq!(peer.state(id).await, *state, "{id} {when}");
        // What is found by its state agrees.
        for other in [State::PreActive, State::Active, State::Deactivated] {
            let found = peer.located(other).await;
            let is_there = found.iter().any(|found| found == id);
            assert_eq!(is_there, other == *state, "{id} in {other} {when}");
        }
    }
}

#[tokio::test]
async fn states_that_dates_have_brought() {
    let rig = Rig::new();
    let clock = Clock::new(rig.path());
    let server = clock.start(&rig);
    let mut peer = Peer::connect(&rig, &server).await;
    assert!((-1..=1).contains(&peer.ahead().await));
    let begun = now();
    let (one, two) = (begun + HOUR, begun + 2 * HOUR);
    // Looked at in between, and not looked at by anybody.
    let seen = peer.key(&[active_from(one), until(two)]).await;
    let unseen = peer.key(&[active_from(one), until(two)]).await;
    let later = peer.key(&[active_from(begun + 10 * HOUR)]).await;
    let ending = peer.key(&[active_from(begun), until(one)]).await;
    let before = [
        (seen.as_str(), State::PreActive),
        (&unseen, State::PreActive),
        (&later, State::PreActive),
        (&ending, State::Active),
    ];
    assert_states(&mut peer, &before, "at first").await;

    clock.set_ahead(HOUR + 60);
    assert!(peer.ahead().await > HOUR);
    assert_eq!(peer.state(&seen).await, State::Active);
    let after = [
        (seen.as_str(), State::Active),
        (&unseen, State::Active),
        (&later, State::PreActive),
        (&ending, State::Deactivated),
    ];
    // Back, beyond the start: what is active stays so, and what has ended.
    for ahead in [0, -HOUR / 2, HOUR / 2] {
        clock.set_ahead(ahead);
        assert!(peer.ahead().await < HOUR);
        assert_states(&mut peer, &after, "after the clock went back").await;
    }
    // As it is on the disk, not only in memory.
    server.kill();
    let server = clock.start(&rig);
    let mut peer = Peer::connect(&rig, &server).await;
    assert!(peer.ahead().await < HOUR);
    assert_states(&mut peer, &after, "after a restart").await;

    // The next date comes for the second time that the clock reaches it, and stays again.
    clock.set_ahead(2 * HOUR + 60);
    assert_eq!(peer.state(&seen).await, State::Deactivated);
    clock.set_ahead(0);
    let ended = [
        (seen.as_str(), State::Deactivated),
        (&unseen, State::Deactivated),
        (&later, State::PreActive),
        (&ending, State::Deactivated),
    ];
    assert_states(&mut peer, &ended, "after both dates").await;
    server.stop();
}

#[tokio::test]
async fn what_is_done_after_the_clock_went_back() {
    let rig = Rig::new();
    let clock = Clock::new(rig.path());
    clock.set_ahead(5 * HOUR);
    let server = clock.start(&rig);
    let mut peer = Peer::connect(&rig, &server).await;
    let key = peer.key(&[]).await;
    let request = ActivateRequest {
        unique_identifier: Some(key.as_str().into()),
    };
    let _: kmip::operations::ActivateResponse = peer.ask(request).await;
    clock.set_ahead(0);
    // Activated in what is now the future.
    assert_eq!(peer.state(&key).await, State::Active);
    let attributes = peer.attributes(&key).await;
    assert!(attributes.activation_date().unwrap().0 > now() + 4 * HOUR);
    // Its end is before its beginning, and it has ended.
    let request = RevokeRequest {
        unique_identifier: Some(key.as_str().into()),
        revocation_reason: RevocationReason {
            code: RevocationReasonCode::CessationOfOperation,
            message: None,
        },
        compromise_occurrence_date: None,
    };
    let _: RevokeResponse = peer.ask(request).await;
    for ahead in [0, -HOUR / 2, 6 * HOUR, 0] {
        clock.set_ahead(ahead);
        assert_eq!(peer.state(&key).await, State::Deactivated, "{ahead}");
    }
    // Newer is newer, whatever the clock said when.
    let mut keys = vec![peer.key(&[]).await];
    for ahead in [3 * HOUR, -HOUR / 2, HOUR, 0] {
        clock.set_ahead(ahead);
        keys.push(peer.key(&[]).await);
    }
    keys.reverse();
    assert_eq!(peer.located(State::PreActive).await, keys);
    server.stop();
    let server = clock.start(&rig);
    let mut peer = Peer::connect(&rig, &server).await;
    keys.insert(0, peer.key(&[]).await);
    assert_eq!(peer.located(State::PreActive).await, keys);
    server.stop();
}

#[tokio::test]
async fn leases_limits_connections_and_the_audit() {
    let rig = Rig::new();
    let clock = Clock::new(rig.path());
    rig.configure(
        "\ntenants:",
        "\nlimits: {requestsPerSecond: 5, requestBurst: 200}\ntenants:",
    );
    let server = clock.start(&rig);
    let mut peer = Peer::connect(&rig, &server).await;
    let key = peer.key(&[]).await;
    let mut asked = 0;
    for ahead in [0, 8 * HOUR, 0, -HOUR / 2, 100 * 24 * HOUR, 0] {
        clock.set_ahead(ahead);
        // The connection has been idle for minus eight hours, or for a hundred days: it lives all the same.
        let lease: ObtainLeaseResponse = peer
            .ask(ObtainLeaseRequest {
                unique_identifier: Some(key.as_str().into()),
            })
            .await;
        asked += 1;
        // Never longer than an hour, never negative.
        assert_eq!(lease.lease_time, Interval(3600), "{ahead}");
        // And a new one is let in, as long as its certificate is valid by that clock.
        Peer::connect(&rig, &server).await.key(&[]).await;
        asked += 1;
    }
    // The allowance of requests is by the time that passes: a clock that leaps makes none, and takes none.
    let mut refused = false;
    for number in 0..2_000 {
        clock.set_ahead((number % 3) * HOUR);
        let response = peer.send(PingRequest::default()).await;
        asked += 1;
        refused = response.batch_items[0].result_reason.is_some();
        if refused {
            break;
        }
    }
    assert!(refused, "{asked} requests");
    assert!(asked > 200);
    clock.set_ahead(0);
    drop(peer);
    server.stop();

    // The audit's lines are in the order in which things were done, whatever they say of the time.
    let log = rig.audit_log();
    let said = rig.ok(&["audit", "verify", log.to_str().unwrap()]);
    assert!(said.contains("is whole"), "{said}");
    let text = std::fs::read_to_string(log).unwrap();
    let lines: Vec<serde_json::Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    for (line, seq) in lines.iter().zip(1..) {
        assert_eq!(line["seq"], seq);
    }
    let leases: Vec<&str> = lines
        .iter()
        .filter(|line| line["operation"] == "ObtainLease")
        .map(|line| line["time"].as_str().unwrap())
        .collect();
    assert_eq!(leases.len(), 6);
    assert!(leases[0] < leases[1] && leases[1] > leases[2]);
    assert!(leases[3] < leases[2] && leases[4] > leases[1] && leases[5] < leases[4]);
}

/// Before its certificate is valid, a client is not let in; it is again when the clock is right.
#[tokio::test]
async fn a_clock_before_the_certificates() {
    let rig = Rig::new();
    let clock = Clock::new(rig.path());
    let server = clock.start(&rig);
    let mut session = rig.connect(&server, "strongroom").await;
    let key = kmip_client::NewSymmetricKey::aes256("k");
    let id = session.create_symmetric_key(&key).await.unwrap();
    clock.set_ahead(-30 * 24 * HOUR);
    assert!(rig.try_connect(&server, "strongroom").await.is_err());
    clock.set_ahead(400 * 24 * HOUR);
    assert!(rig.try_connect(&server, "strongroom").await.is_err());
    clock.set_ahead(0);
    let mut session = rig.connect(&server, "strongroom").await;
    session.get_symmetric_key(&id).await.unwrap();
    server.stop();
}
