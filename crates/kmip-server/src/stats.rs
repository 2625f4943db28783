//! What the server counts. Every counter only grows, except `connections`, `handshakes` and
//! `requests_under_way`.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use kmip::registry::{Enumeration, Operation, ResultStatus};

/// Upper bounds of the buckets of request times, in seconds.
pub const REQUEST_SECONDS: [f64; 12] = [
    0.000_1, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1.0, 5.0,
];

/// One slot for each code below, and one for the others.
const OPERATIONS: usize = 0x41;

/// A number that many threads count.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// One more.
    pub fn add_one(&self) {
        self.add(1);
    }

    /// That many more.
    pub fn add(&self, more: u64) {
        self.0.fetch_add(more, Ordering::Relaxed);
    }

    pub(crate) fn subtract_one(&self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }

    /// The number as of now.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// All counters of a server.
#[derive(Debug)]
pub struct Stats {
    /// Connections that are open, after their handshake.
    pub connections: Counter,
    /// Handshakes under way.
    pub handshakes: Counter,
    /// Connections accepted.
    pub accepted: Counter,
    /// Handshakes that failed: no certificate, one that is not trusted, revoked or expired, not TLS.
    pub handshakes_failed: Counter,
    /// Handshakes that took too long, or had to make room for others.
    pub handshakes_abandoned: Counter,
    /// Connections closed because there were too many, in all or of the client.
    pub connections_refused: Counter,
    /// Connections closed because they had been idle for the longest, and others needed their place.
    pub connections_evicted: Counter,
    /// Requests that are being performed.
    pub requests_under_way: Counter,
    /// Requests answered.
    pub requests: Counter,
    /// Requests refused because the client sent too many.
    pub requests_throttled: Counter,
    /// Requests refused because of who sent them.
    pub requests_unauthenticated: Counter,
    /// Messages that could not be read.
    pub requests_malformed: Counter,
    /// Bytes of requests.
    pub request_bytes: Counter,
    /// Bytes of answers.
    pub response_bytes: Counter,
    /// Requests or items that failed because they could not be audited.
    pub audit_failures: Counter,
    items: Vec<[Counter; 2]>,
    seconds: Vec<Counter>,
    nanoseconds: Counter,
}

/// Items of one operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OperationCount {
    /// Its name; `other` for all that no version of the protocol has.
    pub operation: &'static str,
    /// Those that succeeded.
    pub succeeded: u64,
    /// Those that failed.
    pub failed: u64,
}

impl Default for Stats {
    fn default() -> Self {
        let none = Counter::default;
        Self {
            connections: none(),
            handshakes: none(),
            accepted: none(),
            handshakes_failed: none(),
            handshakes_abandoned: none(),
            connections_refused: none(),
            connections_evicted: none(),
            requests_under_way: none(),
            requests: none(),
            requests_throttled: none(),
            requests_unauthenticated: none(),
            requests_malformed: none(),
            request_bytes: none(),
            response_bytes: none(),
            audit_failures: none(),
            items: (0..OPERATIONS).map(|_| Default::default()).collect(),
            seconds: (0..=REQUEST_SECONDS.len()).map(|_| none()).collect(),
            nanoseconds: none(),
        }
    }
}

impl Stats {
    pub(crate) fn count_item(&self, operation: Option<Operation>, status: ResultStatus) {
        let slot = operation
            .and_then(|operation| usize::try_from(operation.code()).ok())
            .filter(|code| *code > 0 && *code < OPERATIONS)
            .unwrap_or(0);
        if let Some([succeeded, failed]) = self.items.get(slot) {
            match status {
                ResultStatus::Success => succeeded.add_one(),
                _ => failed.add_one(),
            }
        }
    }

    pub(crate) fn count_request(&self, took: Duration) {
        self.requests.add_one();
        let seconds = took.as_secs_f64();
        let bucket = REQUEST_SECONDS.partition_point(|bound| *bound < seconds);
        if let Some(counter) = self.seconds.get(bucket) {
            counter.add_one();
        }
        self.nanoseconds
            .add(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX));
    }

    /// The items of each operation that has been asked for.
    pub fn operations(&self) -> Vec<OperationCount> {
        self.items
            .iter()
            .enumerate()
            .map(|(code, [succeeded, failed])| OperationCount {
                operation: Operation::ENTRIES
                    .iter()
                    .find(|entry| usize::try_from(entry.code) == Ok(code))
                    .map_or("other", |entry| entry.name),
                succeeded: succeeded.get(),
                failed: failed.get(),
            })
            .filter(|count| count.succeeded + count.failed > 0)
            .collect()
    }

    /// How many requests took longer than the bound before and not longer than this one ([`REQUEST_SECONDS`]);
    /// the last: longer than all.
    pub fn request_buckets(&self) -> Vec<u64> {
        self.seconds.iter().map(Counter::get).collect()
    }

    /// The time that all requests took together, from the last byte read to the answer ready.
    pub fn request_time(&self) -> Duration {
        Duration::from_nanos(self.nanoseconds.get())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counted_under_its_name() {
        let stats = Stats::default();
        stats.count_item(Some(Operation::Get), ResultStatus::Success);
        stats.count_item(Some(Operation::Get), ResultStatus::OperationFailed);
        stats.count_item(
            Some(Operation::Other(7 << 28)),
            ResultStatus::OperationFailed,
        );
        stats.count_item(None, ResultStatus::OperationFailed);
        let counts: Vec<_> = stats
            .operations()
            .iter()
            .map(|count| (count.operation, count.succeeded, count.failed))
            .collect();
        assert_eq!(counts, [("other", 0, 2), ("Get", 1, 1)]);
        stats.count_request(Duration::from_millis(1));
        stats.count_request(Duration::from_secs(9));
        let buckets = stats.request_buckets();
        assert_eq!((buckets[2], buckets[12]), (1, 1), "{buckets:?}");
        for entry in Operation::ENTRIES {
            assert!(
                (entry.code as usize) < OPERATIONS,
                "{} has no slot",
                entry.name
            );
        }
    }
}
