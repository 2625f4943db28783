//! Handshakes under way: bounded, and the oldest makes room. Whoever connects and stays silent costs nobody else
//! a place.

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::oneshot;

/// The handshakes under way.
pub(crate) struct Handshakes {
    max: usize,
    waiting: Mutex<Waiting>,
}

#[derive(Default)]
struct Waiting {
    next: u64,
    /// Oldest first. When the sender is dropped, the handshake ends.
    places: VecDeque<(u64, oneshot::Sender<()>)>,
}

/// The place of one handshake, given up when it is dropped.
pub(crate) struct Place {
    handshakes: Arc<Handshakes>,
    number: u64,
    evicted: oneshot::Receiver<()>,
}

impl Handshakes {
    pub(crate) fn new(max: usize) -> Arc<Self> {
        Arc::new(Self {
            max: max.max(1),
            waiting: Mutex::default(),
        })
    }

    /// A place for one more.
    pub(crate) fn enter(self: &Arc<Self>) -> Place {
        let (sender, evicted) = oneshot::channel();
        let mut waiting = self.waiting.lock();
        while waiting.places.len() >= self.max {
            waiting.places.pop_front();
        }
        let number = waiting.next;
        waiting.next += 1;
        waiting.places.push_back((number, sender));
        Place {
            handshakes: self.clone(),
            number,
            evicted,
        }
    }
}

impl Place {
    /// Completes when another handshake needs the place.
    pub(crate) async fn evicted(&mut self) {
        let _ = (&mut self.evicted).await;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut waiting = self.handshakes.waiting.lock();
        if let Ok(position) = waiting
            .places
            .binary_search_by_key(&self.number, |(number, _)| *number)
        {
            waiting.places.remove(position);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_oldest_makes_room() {
        let handshakes = Handshakes::new(2);
        let mut first = handshakes.enter();
        let second = handshakes.enter();
        let mut third = handshakes.enter();
        first.evicted().await;
        drop(second);
        let _fourth = handshakes.enter();
        assert_eq!(handshakes.waiting.lock().places.len(), 2);
        assert!(
            third
                .evicted
                .try_recv()
                .is_err_and(|error| error == oneshot::error::TryRecvError::Empty)
        );
        drop(first);
        assert_eq!(handshakes.waiting.lock().places.len(), 2);
    }
}
