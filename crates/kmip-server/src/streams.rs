//! Cryptographic operations that come in parts: what each has come to, between two requests (KMIP 1.4, section 6.18
//! "Correlation Value"; 2.1, section 9.10).

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use kmip::Bytes;
use kmip::registry::{Operation, ResultReason};
use parking_lot::Mutex;

use crate::crypto::{self, Plain};
use crate::failure::Failure;

/// How many operations of one owner may be under way.
const MOST_OF_AN_OWNER: usize = 64;

/// How many may be under way in all.
const MOST: usize = 1_024;

/// How many bytes an operation may gather that needs all of its data at the end.
const MOST_GATHERED: usize = 16 << 20;

/// How many bytes the operations of one owner may have gathered.
const MOST_GATHERED_OF_AN_OWNER: usize = 32 << 20;

/// How many bytes all of them may have gathered.
const MOST_GATHERED_IN_ALL: usize = 128 << 20;

/// How long an operation waits for its next part.
const PATIENCE: Duration = Duration::from_secs(600);

/// An operation under way.
pub(crate) struct Running {
    pub(crate) owner: Arc<str>,
    pub(crate) operation: Operation,
    /// The object that it uses, if it uses one.
    pub(crate) identifier: Option<String>,
    pub(crate) progress: Progress,
}

/// What an operation has come to.
pub(crate) enum Progress {
    /// A cipher, which gives its results part by part.
    Cipher(Box<dyn crypto::Stream>),
    /// The data so far.
    Gathered(Plain),
}

impl Running {
    /// How many bytes it holds.
    fn gathered(&self) -> usize {
        match &self.progress {
            Progress::Cipher(_) => 0,
            Progress::Gathered(data) => data.len(),
        }
    }
}

/// By correlation value: since when it waits, and what for.
type Table = HashMap<Vec<u8>, (Instant, Running)>;

/// All operations under way.
#[derive(Default)]
pub(crate) struct Streams(Mutex<Table>);

impl Streams {
    /// Keeps an operation until its next part, under its old correlation value or a new one.
    pub(crate) fn keep(&self, value: Option<Bytes>, running: Running) -> Result<Bytes, Failure> {
        let value = match value {
            Some(value) => value,
            None => Bytes(crypto::random(16)?.to_vec()),
        };
        let now = Instant::now();
        let mut streams = self.0.lock();
        sweep(&mut streams, now);
        check_room(&streams, &running)?;
        streams.insert(value.0.clone(), (now, running));
        Ok(value)
    }

    /// Wipes what has waited too long for its next part. To be called now and then: nobody else may.
    pub(crate) fn sweep(&self) {
        sweep(&mut self.0.lock(), Instant::now());
    }

    /// Takes the operation, to go on with it. Nobody else's is found.
    pub(crate) fn take(
        &self,
        value: &Bytes,
        owner: &str,
        operation: Operation,
        identifier: Option<&str>,
    ) -> Result<Progress, Failure> {
        let mut streams = self.0.lock();
        let is_it = streams.get(&value.0).is_some_and(|(since, running)| {
            &*running.owner == owner
                && running.operation == operation
                && running.identifier.as_deref() == identifier
                && since.elapsed() < PATIENCE
        });
        let found = if is_it {
            streams.remove(&value.0)
        } else {
            None
        };
        found.map(|(_, running)| running.progress).ok_or_else(|| {
            Failure::new(
                ResultReason::InvalidCorrelationValue,
                "no such operation is under way",
            )
        })
    }
}

fn sweep(streams: &mut Table, now: Instant) {
    streams.retain(|_, (since, _)| now.saturating_duration_since(*since) < PATIENCE);
}

/// Whether there is room for one more: of its owner, so that no client takes it from all others, and in all.
fn check_room(streams: &Table, running: &Running) -> Result<(), Failure> {
    let (mut own, mut own_bytes, mut bytes) = (0, running.gathered(), running.gathered());
    for (_, other) in streams.values() {
        bytes += other.gathered();
        if other.owner == running.owner {
            own += 1;
            own_bytes += other.gathered();
        }
    }
    let problem = if own >= MOST_OF_AN_OWNER {
        format!("{MOST_OF_AN_OWNER} operations in parts are under way already")
    } else if streams.len() >= MOST {
        format!("{MOST} operations in parts of all clients are under way already")
    } else if own_bytes > MOST_GATHERED_OF_AN_OWNER || bytes > MOST_GATHERED_IN_ALL {
        "the operations in parts that are under way have gathered as much data as there is room for"
            .to_owned()
    } else {
        return Ok(());
    };
    Err(Failure::new(ResultReason::ServerLimitExceeded, problem))
}

/// Adds a part to what is gathered.
pub(crate) fn gather(gathered: Plain, part: &[u8]) -> Result<Plain, Failure> {
    let length = gathered.len().saturating_add(part.len());
    if length > MOST_GATHERED {
        return Err(Failure::new(
            ResultReason::ServerLimitExceeded,
            format!("the data has more than {MOST_GATHERED} bytes"),
        ));
    }
    let mut all = Plain::new(Vec::with_capacity(length));
    all.extend_from_slice(&gathered);
    all.extend_from_slice(part);
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn running(owner: &str, bytes: usize) -> Running {
        Running {
            owner: owner.into(),
            operation: Operation::Sign,
            identifier: None,
            progress: Progress::Gathered(Plain::new(vec![0; bytes])),
        }
    }

    #[test]
    fn bounded_for_each_and_for_all() {
        let streams = Streams::default();
        for _ in 0..MOST_OF_AN_OWNER {
            streams.keep(None, running("a", 0)).unwrap();
        }
        streams.keep(None, running("a", 0)).unwrap_err();
        for n in MOST_OF_AN_OWNER..MOST {
            let owner = format!("{}", n / MOST_OF_AN_OWNER);
            streams.keep(None, running(&owner, 0)).unwrap();
        }
        let failure = streams.keep(None, running("b", 0)).unwrap_err();
        assert!(failure.message.contains("all clients"), "{failure:?}");
    }

    #[test]
    fn bounded_in_bytes() {
        let mut streams = Table::new();
        let mut put = |owner: &str, bytes: usize| {
            let running = running(owner, bytes);
            check_room(&streams, &running)?;
            let key = streams.len().to_be_bytes().to_vec();
            streams.insert(key, (Instant::now(), running));
            Ok::<_, Failure>(())
        };
        for owner in ["a", "b", "c", "d"] {
            put(owner, MOST_GATHERED_OF_AN_OWNER - 1).unwrap();
            put(owner, 2).unwrap_err();
        }
        put("e", 4).unwrap();
        put("f", 1).unwrap_err();
    }

    #[test]
    fn nobody_waits_for_ever() {
        let streams = Streams::default();
        streams.keep(None, running("a", 1)).unwrap();
        let mut table = streams.0.lock();
        sweep(&mut table, Instant::now());
        assert_eq!(table.len(), 1);
        sweep(&mut table, Instant::now() + PATIENCE);
        assert!(table.is_empty());
    }
}
