//! Connections that wait for their client: for its handshake, or for its next request. Whoever has been silent for
//! the longest makes room for others, so that silence costs nobody else a place.

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::oneshot;

/// Those that wait.
pub(crate) struct Waiting {
    max: usize,
    queue: Mutex<Queue>,
}

#[derive(Default)]
struct Queue {
    next: u64,
    /// Oldest first. When the sender is dropped, the connection ends.
    places: VecDeque<(u64, oneshot::Sender<()>)>,
}

/// The place of one of them, given up when it is dropped.
pub(crate) struct Place {
    waiting: Arc<Waiting>,
    number: u64,
    evicted: oneshot::Receiver<()>,
}

impl Waiting {
    /// With so many places: one more ends the oldest.
    pub(crate) fn new(max: usize) -> Arc<Self> {
        Arc::new(Self {
            max: max.max(1),
            queue: Mutex::default(),
        })
    }

    /// A place for one more.
    pub(crate) fn enter(self: &Arc<Self>) -> Place {
        let (sender, evicted) = oneshot::channel();
        let mut queue = self.queue.lock();
        while queue.places.len() >= self.max {
            queue.places.pop_front();
        }
        let number = queue.next;
        queue.next += 1;
        queue.places.push_back((number, sender));
        Place {
            waiting: self.clone(),
            number,
            evicted,
        }
    }

    /// Ends the one that has waited for the longest; false if nobody waits.
    pub(crate) fn make_room(&self) -> bool {
        self.queue.lock().places.pop_front().is_some()
    }
}

impl Place {
    /// Completes when another connection needs the place.
    pub(crate) async fn evicted(&mut self) {
        let _ = (&mut self.evicted).await;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut queue = self.waiting.queue.lock();
        if let Ok(position) = queue
            .places
            .binary_search_by_key(&self.number, |(number, _)| *number)
        {
            queue.places.remove(position);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_oldest_makes_room() {
        let waiting = Waiting::new(2);
        let mut first = waiting.enter();
        let second = waiting.enter();
        let mut third = waiting.enter();
        first.evicted().await;
        drop(second);
        let _fourth = waiting.enter();
        assert_eq!(waiting.queue.lock().places.len(), 2);
        assert!(
            third
                .evicted
                .try_recv()
                .is_err_and(|error| error == oneshot::error::TryRecvError::Empty)
        );
        drop(first);
        assert_eq!(waiting.queue.lock().places.len(), 2);
    }
}
