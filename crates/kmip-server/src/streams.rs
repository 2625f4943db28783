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

/// How many bytes an operation may gather that needs all of its data at the end.
const MOST_GATHERED: usize = 16 << 20;

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

/// All operations under way.
#[derive(Default)]
pub(crate) struct Streams(Mutex<HashMap<Vec<u8>, (Instant, Running)>>);

impl Streams {
    /// Keeps an operation until its next part, under its old correlation value or a new one.
    pub(crate) fn keep(&self, value: Option<Bytes>, running: Running) -> Result<Bytes, Failure> {
        let value = match value {
            Some(value) => value,
            None => Bytes(crypto::random(16)?.to_vec()),
        };
        let mut streams = self.0.lock();
        streams.retain(|_, (since, _)| since.elapsed() < PATIENCE);
        let own = streams
            .values()
            .filter(|(_, other)| other.owner == running.owner);
        if own.count() >= MOST_OF_AN_OWNER {
            return Err(Failure::new(
                ResultReason::ServerLimitExceeded,
                format!("{MOST_OF_AN_OWNER} operations in parts are under way already"),
            ));
        }
        streams.insert(value.0.clone(), (Instant::now(), running));
        Ok(value)
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
