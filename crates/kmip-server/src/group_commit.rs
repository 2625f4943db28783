//! Changes that take microseconds are made one after the other by one task, and answered by one thread: it waits once
//! until all those that are there are on the disk, while the task makes the next ones.
//!
//! With a thread for each, they would wait for each other at every lock, and most of the processor's time would go into
//! putting threads to sleep and waking them. The task waits for the engine's commit without giving up its thread: the
//! engine's own task takes its turn there. What may take long is not done here ([`crate::way`]): everybody else's changes
//! would wait for it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};

use futures_util::FutureExt as _;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;

use crate::answering::{Reply, Unanswered};
use crate::identity::Peer;
use crate::service::{Received, Service};

/// What has become of a change.
pub(crate) enum Made {
    Answered(Reply),
    /// It would have had to wait for somebody: it wants a thread of its own.
    NotHere(Received),
}

struct Change {
    peer: Arc<Peer>,
    request: Received,
    /// Dropped if the change fails in a way that nobody foresaw.
    made: oneshot::Sender<Made>,
}

/// A change that has been made, and may not be on the disk yet.
struct Undurable {
    unanswered: Unanswered,
    made: oneshot::Sender<Made>,
}

/// The task and the thread. They end when this is dropped, after what is under way.
pub(crate) struct GroupCommit {
    /// Not bounded: every connection has one request under way at most.
    changes: UnboundedSender<Change>,
}

impl GroupCommit {
    /// To be called in the context of the runtime that the store was opened in.
    pub(crate) fn start(service: Arc<Service>) -> std::io::Result<Self> {
        let (changes, to_make) = unbounded_channel();
        let (undurable, to_answer) = channel();
        let own = service.clone();
        std::thread::Builder::new()
            .name("group-commit".to_owned())
            .spawn(move || answer(&own, &to_answer))?;
        tokio::spawn(make(service, to_make, undurable));
        Ok(Self { changes })
    }

    /// Makes a change, together with those that are there.
    ///
    /// # Errors
    /// A fault of the server's: the change may have been made.
    pub(crate) async fn make(&self, peer: Arc<Peer>, request: Received) -> Result<Made, Failed> {
        let (made, answer) = oneshot::channel();
        let change = Change {
            peer,
            request,
            made,
        };
        self.changes.send(change).map_err(|_| Failed)?;
        answer.await.map_err(|_| Failed)
    }
}

/// Not foreseen; the panic is in the log.
#[derive(Debug, thiserror::Error)]
#[error("a change has failed half-way")]
pub(crate) struct Failed;

/// Makes the changes. A panic in one request does not end what makes everybody's.
async fn make(
    service: Arc<Service>,
    mut changes: UnboundedReceiver<Change>,
    undurable: Sender<Undurable>,
) {
    while let Some(change) = changes.recv().await {
        let Change {
            peer,
            request,
            made,
        } = change;
        let changed = AssertUnwindSafe(service.change(&peer, request)).catch_unwind();
        match changed.await {
            Ok(Ok(unanswered)) => {
                // Whoever waits sees it if the thread is gone.
                let _ = undurable.send(Undurable { unanswered, made });
            }
            Ok(Err(request)) => {
                // A client that has gone is not told.
                let _ = made.send(Made::NotHere(request));
            }
            // Whoever waits sees that nothing will come.
            Err(_) => {}
        }
    }
}

/// Answers the changes. The first one of those that are there waits for the disk, and thereby for all of them.
fn answer(service: &Service, changes: &Receiver<Undurable>) {
    while let Ok(Undurable { unanswered, made }) = changes.recv() {
        if let Ok(reply) = catch_unwind(AssertUnwindSafe(|| service.finish(unanswered))) {
            let _ = made.send(Made::Answered(reply));
        }
    }
}
