//! Requests that are refused before anybody looks at them: each client may cause one line of the audit log for each
//! second and kind, which says how many there were.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use kmip::ProtocolVersion;
use parking_lot::Mutex;

use crate::identity::Peer;

/// How often a client is told of.
pub(crate) const PAUSE: Duration = Duration::from_secs(1);

/// Why nobody looked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    /// The client sends too many.
    Throttled,
    /// It is no message of a version that is supported.
    Unreadable,
}

/// Requests of one client, to be told as one event.
#[derive(Clone)]
pub(crate) struct Refused {
    pub(crate) kind: Kind,
    /// Who sent the last of them.
    pub(crate) peer: Arc<Peer>,
    /// The version of the last of them.
    pub(crate) version: Option<ProtocolVersion>,
    pub(crate) count: u64,
}

/// What has not been told yet, by the name that the client is counted under.
#[derive(Default)]
pub(crate) struct Refusals(Mutex<HashMap<(Arc<str>, Kind), Tally>>);

struct Tally {
    /// Since when this one gathers.
    since: Instant,
    untold: Refused,
}

impl Refusals {
    /// One more. The first is to be told at once; those after it are gathered for [`Refusals::due`].
    pub(crate) fn count(
        &self,
        client: &Arc<str>,
        refused: Refused,
        now: Instant,
    ) -> Option<Refused> {
        let mut tallies = self.0.lock();
        let key = (client.clone(), refused.kind);
        if let Some(tally) = tallies.get_mut(&key) {
            let count = tally.untold.count.saturating_add(refused.count);
            tally.untold = Refused { count, ..refused };
            return None;
        }
        let untold = Refused {
            count: 0,
            ..refused.clone()
        };
        tallies.insert(key, Tally { since: now, untold });
        Some(refused)
    }

    /// What is to be told now. To be called about every [`PAUSE`].
    pub(crate) fn due(&self, now: Instant) -> Vec<Refused> {
        self.take(
            |tally| now.saturating_duration_since(tally.since) >= PAUSE,
            now,
        )
    }

    /// All that is left.
    pub(crate) fn rest(&self) -> Vec<Refused> {
        self.take(|_| true, Instant::now())
    }

    fn take(&self, is_due: impl Fn(&Tally) -> bool, now: Instant) -> Vec<Refused> {
        let mut due = Vec::new();
        self.0.lock().retain(|_, tally| {
            if !is_due(tally) {
                return true;
            }
            if tally.untold.count == 0 {
                return false;
            }
            due.push(tally.untold.clone());
            tally.untold.count = 0;
            tally.since = now;
            true
        });
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_event_for_each_second() {
        let refusals = Refusals::default();
        let peer = Arc::new(crate::identity::test_peer("a"));
        let start = Instant::now();
        let count = |client: &str, kind, after| {
            let refused = Refused {
                kind,
                peer: peer.clone(),
                version: None,
                count: 1,
            };
            refusals
                .count(&client.into(), refused, start + after)
                .map(|refused| refused.count)
        };
        let millis = Duration::from_millis;
        assert_eq!(count("a", Kind::Throttled, millis(0)), Some(1));
        assert_eq!(count("a", Kind::Throttled, millis(1)), None);
        assert_eq!(count("a", Kind::Throttled, millis(2)), None);
        assert_eq!(count("a", Kind::Unreadable, millis(2)), Some(1));
        assert_eq!(count("b", Kind::Throttled, millis(2)), Some(1));
        let due = |after| -> Vec<u64> {
            let due = refusals.due(start + after);
            due.iter().map(|refused| refused.count).collect()
        };
        assert!(due(millis(900)).is_empty());
        assert_eq!(due(millis(1_100)), [2]);
        assert_eq!(count("a", Kind::Throttled, millis(1_200)), None);
        assert_eq!(refusals.rest()[0].count, 1);
        // Whoever is quiet is forgotten.
        assert!(due(millis(9_000)).is_empty() && refusals.0.lock().is_empty());
        assert_eq!(count("a", Kind::Throttled, millis(9_001)), Some(1));
    }
}
