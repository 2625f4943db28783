//! The state machine, with a clock of the test's.

use std::time::{Duration, Instant};

use time::OffsetDateTime;

use super::live::{Event, Live, Now};
use super::look::{Look, Outcome, Via};
use super::{KeyLost, KeyStatePolicy, OnKeyStateLoss};

const INTERVAL: Duration = Duration::from_secs(900);

fn via() -> Via {
    Via {
        server: "kmip.example.com:5696".into(),
        address: "192.0.2.1:5696".into(),
        version: "1.4".into(),
    }
}

fn lost(state: &str) -> KeyLost {
    KeyLost::NotActive {
        identifier: "7".into(),
        state: state.into(),
        server: via().server,
    }
}

/// A key, and time that passes when the test says so.
struct Key {
    live: Live,
    policy: KeyStatePolicy,
    now: Now,
}

impl Key {
    fn new(on_loss: OnKeyStateLoss, grace_secs: u64) -> Self {
        let now = Now {
            instant: Instant::now(),
            clock: OffsetDateTime::UNIX_EPOCH,
        };
        Self {
            live: Live::at_start("7".into(), "Active".into(), via(), now),
            policy: KeyStatePolicy {
                polling: Some(INTERVAL),
                on_loss,
                grace: Duration::from_secs(grace_secs),
            },
            now,
        }
    }

    /// What a look after so many seconds leads to.
    fn look(&mut self, after_secs: u64, outcome: Outcome) -> Vec<Event> {
        let after = Duration::from_secs(after_secs);
        self.now.instant += after;
        self.now.clock += after;
        let look = Look {
            via: (!matches!(outcome, Outcome::Unknown(_))).then(via),
            outcome,
        };
        self.live.record(look, &self.policy, self.now)
    }

    fn lost(&mut self, after_secs: u64) -> Vec<Event> {
        self.look(after_secs, Outcome::Lost(lost("Deactivated")))
    }

    fn pause(&self) -> u64 {
        self.live.pause(INTERVAL, &self.policy, self.now).as_secs()
    }
}

fn unknown() -> Outcome {
    Outcome::Unknown("nobody there".into())
}

#[test]
fn without_grace_the_measure_follows_at_once_and_once() {
    let mut key = Key::new(OnKeyStateLoss::ReadOnly, 0);
    assert_eq!(key.look(1, Outcome::Active), []);
    assert_eq!(key.pause(), 900);
    let measure = Event::Measure(OnKeyStateLoss::ReadOnly, lost("Deactivated"));
    assert_eq!(key.lost(1), [Event::Lost(lost("Deactivated")), measure]);
    assert_eq!(key.live.state, "Deactivated");
    for _ in 0..5 {
        assert_eq!(key.lost(60), []);
    }
    assert_eq!(key.pause(), 60, "looks more often than every 15 minutes");
    assert_eq!(
        key.look(1, Outcome::Active),
        [Event::Back { measure: true }]
    );
    assert_eq!(key.pause(), 900);
    // And all over again.
    assert_eq!(key.lost(1).len(), 2);
}

#[test]
fn within_the_grace_nothing_is_done_and_nothing_taken_back() {
    let mut key = Key::new(OnKeyStateLoss::Shutdown, 100);
    assert_eq!(key.lost(1), [Event::Lost(lost("Deactivated"))]);
    assert_eq!(key.pause(), 60);
    assert_eq!(key.lost(60), []);
    assert_eq!(
        key.pause(),
        40,
        "the look is due when the grace period ends"
    );
    assert_eq!(
        key.look(39, Outcome::Active),
        [Event::Back { measure: false }]
    );
    // A later loss has a grace period of its own.
    assert_eq!(key.lost(30), [Event::Lost(lost("Deactivated"))]);
    assert_eq!(key.lost(99), []);
    let measure = Event::Measure(OnKeyStateLoss::Shutdown, lost("Deactivated"));
    assert_eq!(key.lost(1), [measure]);
}

#[test]
fn who_cannot_tell_takes_no_measure_and_takes_none_back() {
    let mut key = Key::new(OnKeyStateLoss::ReadOnly, 100);
    key.lost(1);
    for _ in 0..10 {
        let events = key.look(100, unknown());
        let only_said = events
            .iter()
            .all(|event| matches!(event, Event::Unknown { .. }));
        assert!(only_said, "{events:?}");
        assert_eq!(key.pause(), 60);
    }
    assert_eq!(key.live.state, "Deactivated", "what was known stays known");
    let measure = Event::Measure(OnKeyStateLoss::ReadOnly, lost("Deactivated"));
    assert_eq!(key.lost(1), [Event::Answers { after: 10 }, measure]);
    assert_eq!(key.look(1, unknown()).len(), 1);
    assert!(key.live.loss.as_ref().unwrap().measure_taken);
    assert_eq!(
        key.look(1, Outcome::Active),
        [Event::Answers { after: 1 }, Event::Back { measure: true }]
    );
}

#[test]
fn a_server_that_is_away_for_long_does_not_fill_the_log() {
    let mut key = Key::new(OnKeyStateLoss::Shutdown, 0);
    let said: Vec<u32> = (0..1000)
        .flat_map(|_| key.look(900, unknown()))
        .map(|event| match event {
            Event::Unknown { times, .. } => times,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(said, [1, 2, 4, 8, 16, 32, 64, 128, 256, 512]);
    assert_eq!(
        key.look(1, Outcome::Active),
        [Event::Answers { after: 1000 }]
    );
}

#[test]
fn a_warning_is_repeated_now_and_then() {
    let mut key = Key::new(OnKeyStateLoss::Warn, 0);
    let warnings = (0..100)
        .flat_map(|_| key.lost(60))
        .filter(|event| matches!(event, Event::Measure(OnKeyStateLoss::Warn, _)))
        .count();
    assert_eq!(warnings, 7, "1, 2, 4, 8, 16, 32, 64");
}

#[test]
fn a_key_that_is_lost_in_another_way_is_told_of_again() {
    let mut key = Key::new(OnKeyStateLoss::ReadOnly, 100);
    key.lost(1);
    let gone = KeyLost::Gone {
        identifier: "7".into(),
        servers: via().server,
    };
    let events = key.look(50, Outcome::Lost(gone.clone()));
    assert_eq!(events, [Event::Lost(gone.clone())]);
    assert_eq!(key.live.state, "Gone");
    // The time runs from the first loss.
    let measure = Event::Measure(OnKeyStateLoss::ReadOnly, gone.clone());
    assert_eq!(key.look(50, Outcome::Lost(gone)), [measure]);
}

#[test]
fn another_master_key_starts_anew() {
    let mut key = Key::new(OnKeyStateLoss::ReadOnly, 0);
    assert_eq!(key.live.follow("7", key.now), None);
    key.lost(1);
    assert_eq!(
        key.live.follow("8", key.now),
        Some(Event::Back { measure: true })
    );
    assert_eq!((&*key.live.identifier, &*key.live.state), ("8", "Active"));
    assert_eq!(key.live.follow("8", key.now), None);
}
