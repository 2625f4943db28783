//! What the looks at the master key add up to: a state machine without a clock of its own.

use std::time::{Duration, Instant};

use time::OffsetDateTime;

use super::look::{Look, Outcome, Via};
use super::{KeyLost, KeyStatePolicy, OnKeyStateLoss};

/// How often a lost key is looked at, at least: so that a measure ends soon after the key is back.
const WHILE_LOST: Duration = Duration::from_secs(60);

/// The time, by both clocks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Now {
    pub(super) instant: Instant,
    pub(super) clock: OffsetDateTime,
}

impl Now {
    pub(super) fn read() -> Self {
        Self {
            instant: Instant::now(),
            clock: OffsetDateTime::now_utc(),
        }
    }
}

/// What is known about the master key on its KMIP server.
#[derive(Clone, Debug)]
pub(super) struct Live {
    /// The key that all this is about.
    pub(super) identifier: String,
    /// The state that a server told last, in KMIP's words; `Gone` if it has no such key.
    pub(super) state: String,
    /// When that was.
    pub(super) state_seen: OffsetDateTime,
    /// The server that was used last.
    pub(super) via: Via,
    pub(super) last_poll: Option<Poll>,
    /// When the next look is due; `None` if there is none.
    pub(super) next_poll: Option<OffsetDateTime>,
    /// Looks in a row that found nobody who could tell.
    pub(super) failed_polls: u32,
    /// Set while the key is lost.
    pub(super) loss: Option<Loss>,
}

/// A look that is over.
#[derive(Clone, Debug)]
pub(super) struct Poll {
    pub(super) at: OffsetDateTime,
    /// The state that was found, or why none was.
    pub(super) result: Result<String, String>,
}

/// A key that is lost for the time being.
#[derive(Clone, Debug)]
pub(super) struct Loss {
    pub(super) lost: KeyLost,
    pub(super) since: OffsetDateTime,
    since_instant: Instant,
    /// Whether the grace period is over and the policy in effect.
    pub(super) measure_taken: bool,
    /// Looks that have confirmed the loss.
    seen: u32,
}

/// What a look leads to, for the log and the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// The key is lost; the grace period begins, or the way in which it is lost is another one now.
    Lost(KeyLost),
    /// The grace period is over: the policy takes effect.
    Measure(OnKeyStateLoss, KeyLost),
    /// The key is Active again; whether a measure is taken back.
    Back { measure: bool },
    /// Nobody could tell, for the nth time in a row; said the first, second, fourth, eighth … time.
    Unknown { error: String, times: u32 },
    /// Somebody can tell again, after so many failures.
    Answers { after: u32 },
}

impl Live {
    /// As the start of the server found it.
    pub(super) fn at_start(identifier: String, state: String, via: Via, now: Now) -> Self {
        Self {
            identifier,
            state,
            state_seen: now.clock,
            via,
            last_poll: None,
            next_poll: None,
            failed_polls: 0,
            loss: None,
        }
    }

    /// Takes in what a look found.
    pub(super) fn record(&mut self, look: Look, policy: &KeyStatePolicy, now: Now) -> Vec<Event> {
        let mut events = Vec::new();
        if let Some(via) = look.via {
            self.via = via;
        }
        let result = match &look.outcome {
            Outcome::Active => Ok("Active".to_owned()),
            Outcome::Lost(lost) => Ok(lost.state().to_owned()),
            Outcome::Unknown(why) => Err(why.clone()),
        };
        if let Ok(state) = &result {
            self.state.clone_from(state);
            self.state_seen = now.clock;
            if self.failed_polls > 0 {
                events.push(Event::Answers {
                    after: std::mem::take(&mut self.failed_polls),
                });
            }
        }
        self.last_poll = Some(Poll {
            at: now.clock,
            result,
        });
        match look.outcome {
            Outcome::Active => {
                if let Some(loss) = self.loss.take() {
                    events.push(Event::Back {
                        measure: loss.measure_taken,
                    });
                }
            }
            Outcome::Lost(lost) => self.lose(lost, policy, now, &mut events),
            Outcome::Unknown(error) => {
                self.failed_polls = self.failed_polls.saturating_add(1);
                // A KMIP server may be away for days: the log says so now and then, not each time.
                if self.failed_polls.is_power_of_two() {
                    let times = self.failed_polls;
                    events.push(Event::Unknown { error, times });
                }
            }
        }
        events
    }

    fn lose(&mut self, lost: KeyLost, policy: &KeyStatePolicy, now: Now, events: &mut Vec<Event>) {
        let loss = match &mut self.loss {
            Some(loss) => {
                if loss.lost != lost {
                    events.push(Event::Lost(lost.clone()));
                    loss.lost = lost;
                }
                loss
            }
            None => {
                events.push(Event::Lost(lost.clone()));
                self.loss.insert(Loss {
                    lost,
                    since: now.clock,
                    since_instant: now.instant,
                    measure_taken: false,
                    seen: 0,
                })
            }
        };
        // Only a look that sees the loss takes the measure: a server that cannot be reached when the
        // grace period ends is no reason for one.
        if now.instant.saturating_duration_since(loss.since_instant) < policy.grace {
            return;
        }
        loss.seen = loss.seen.saturating_add(1);
        // A warning is repeated now and then, the other measures are taken once.
        let again = policy.on_loss == OnKeyStateLoss::Warn && loss.seen.is_power_of_two();
        if !std::mem::replace(&mut loss.measure_taken, true) || again {
            events.push(Event::Measure(policy.on_loss, loss.lost.clone()));
        }
    }

    /// The master key is another one now, Active as the rotation has seen: what was known of the one
    /// before means nothing any more.
    pub(super) fn follow(&mut self, identifier: &str, now: Now) -> Option<Event> {
        if self.identifier == identifier {
            return None;
        }
        identifier.clone_into(&mut self.identifier);
        "Active".clone_into(&mut self.state);
        self.state_seen = now.clock;
        self.loss.take().map(|loss| Event::Back {
            measure: loss.measure_taken,
        })
    }

    /// How long to wait for the next look.
    pub(super) fn pause(&self, interval: Duration, policy: &KeyStatePolicy, now: Now) -> Duration {
        let Some(loss) = &self.loss else {
            return interval;
        };
        if loss.measure_taken {
            return interval.min(WHILE_LOST);
        }
        let end = loss.since_instant + policy.grace;
        let left = end.saturating_duration_since(now.instant);
        match left.is_zero() {
            // The grace period is over, and the look at its end found nobody who could tell.
            true => interval.min(WHILE_LOST),
            false => interval.min(left).min(WHILE_LOST),
        }
    }
}
