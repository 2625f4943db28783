//! How much of the server each client has: connections and requests.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use parking_lot::Mutex;

/// Clients that are remembered before those without connections are forgotten.
const REMEMBERED: usize = 1_024;

/// A bound on how many batch items a client may send.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RequestRate {
    /// In the long run, for each second.
    pub per_second: f64,
    /// At once, after a pause. At least 1.
    pub burst: u32,
}

/// All clients, by the name that they are counted under ([`crate::Authority::counted_as`]).
pub(crate) struct Clients {
    max_connections: usize,
    rate: Option<RequestRate>,
    by_name: Mutex<HashMap<Arc<str>, Client>>,
}

struct Client {
    connections: usize,
    bucket: Arc<Mutex<Bucket>>,
}

/// A token bucket: refilled with time, a token for each batch item.
struct Bucket {
    tokens: f64,
    refilled: Instant,
}

impl Bucket {
    fn refill(&mut self, rate: RequestRate, now: Instant) {
        let since = now.saturating_duration_since(self.refilled).as_secs_f64();
        self.tokens = (self.tokens + since * rate.per_second).min(f64::from(rate.burst));
        self.refilled = now;
    }
}

/// A connection of a client's: counted until it is dropped.
pub(crate) struct Connected {
    clients: Arc<Clients>,
    name: Arc<str>,
    bucket: Arc<Mutex<Bucket>>,
}

impl Clients {
    pub(crate) fn new(max_connections: usize, rate: Option<RequestRate>) -> Arc<Self> {
        Arc::new(Self {
            max_connections,
            rate,
            by_name: Mutex::default(),
        })
    }

    /// One more connection; `None` if the client has as many as it may have.
    pub(crate) fn connect(self: &Arc<Self>, name: Arc<str>) -> Option<Connected> {
        let now = Instant::now();
        let mut by_name = self.by_name.lock();
        if by_name.len() >= REMEMBERED && !by_name.contains_key(&name) {
            // A client must not get new tokens by going away and coming back.
            by_name
                .retain(|_, client| client.connections > 0 || !self.is_full(&client.bucket, now));
        }
        let client = by_name.entry(name.clone()).or_insert_with(|| Client {
            connections: 0,
            bucket: Arc::new(Mutex::new(Bucket {
                tokens: self.rate.map_or(0.0, |rate| f64::from(rate.burst)),
                refilled: now,
            })),
        });
        if client.connections >= self.max_connections {
            return None;
        }
        client.connections += 1;
        Some(Connected {
            clients: self.clone(),
            name,
            bucket: client.bucket.clone(),
        })
    }

    fn is_full(&self, bucket: &Mutex<Bucket>, now: Instant) -> bool {
        let Some(rate) = self.rate else {
            return true;
        };
        let mut bucket = bucket.lock();
        bucket.refill(rate, now);
        bucket.tokens >= f64::from(rate.burst)
    }
}

impl Connected {
    /// What the client is counted under.
    pub(crate) fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// Whether the client may send a request of so many items now; takes a token for each if so. A batch is let in
    /// with the last token, or one that is larger than the burst never were: what it takes beyond is owed.
    pub(crate) fn may_ask(&self, items: usize) -> bool {
        self.may_ask_at(items, Instant::now())
    }

    fn may_ask_at(&self, items: usize, now: Instant) -> bool {
        let Some(rate) = self.clients.rate else {
            return true;
        };
        let mut bucket = self.bucket.lock();
        bucket.refill(rate, now);
        let may = bucket.tokens >= 1.0;
        if may {
            // More than this no batch has.
            let items = u32::try_from(items.max(1)).unwrap_or(u32::MAX);
            bucket.tokens -= f64::from(items);
        }
        may
    }
}

impl Drop for Connected {
    fn drop(&mut self) {
        if let Some(client) = self.clients.by_name.lock().get_mut(&self.name) {
            client.connections = client.connections.saturating_sub(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn connections() {
        let clients = Clients::new(2, None);
        let first = clients.connect("a".into()).unwrap();
        let _second = clients.connect("a".into()).unwrap();
        assert!(clients.connect("a".into()).is_none());
        let _other = clients.connect("b".into()).unwrap();
        drop(first);
        assert!(clients.connect("a".into()).is_some());
    }

    #[test]
    fn requests() {
        let rate = RequestRate {
            per_second: 2.0,
            burst: 3,
        };
        let clients = Clients::new(9, Some(rate));
        let client = clients.connect("a".into()).unwrap();
        let start = Instant::now();
        let asks = |after: Duration| client.may_ask_at(1, start + after);
        let at = |millis: u64| Duration::from_millis(millis);
        assert!(asks(at(0)) && asks(at(0)) && asks(at(0)));
        assert!(!asks(at(0)));
        assert!(asks(at(500)) && !asks(at(500)));
        // A long pause gives no more than the burst.
        assert!(asks(at(60_000)) && asks(at(60_000)) && asks(at(60_000)));
        assert!(!asks(at(60_000)));
        // A batch of seven: let in with the first token, and paid for with the next six.
        assert!(client.may_ask_at(7, start + at(60_500)));
        assert!(!asks(at(63_500)) && asks(at(64_000)));
    }

    #[test]
    fn no_new_tokens_by_coming_back() {
        let rate = RequestRate {
            per_second: 1e-9,
            burst: 1,
        };
        let clients = Clients::new(9, Some(rate));
        assert!(clients.connect("a".into()).unwrap().may_ask(1));
        for other in 0..2 * REMEMBERED {
            drop(clients.connect(other.to_string().into()).unwrap());
        }
        assert!(clients.by_name.lock().len() <= REMEMBERED + 1);
        assert!(!clients.connect("a".into()).unwrap().may_ask(1));
    }
}
