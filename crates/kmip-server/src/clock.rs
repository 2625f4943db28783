//! The time: the operating system's, or what a test says that it is.

use std::cell::RefCell;
use std::fmt;
use std::sync::Arc;

use kmip::DateTime;
use time::OffsetDateTime;

/// A clock of the server's own, in the place of the operating system's: for tests that let days pass.
pub trait Clock: fmt::Debug + Send + Sync + 'static {
    /// Now, in seconds since 1970.
    fn unix_seconds(&self) -> i64;
}

thread_local! {
    /// The clock of the request that this thread is performing. (A request is performed on one thread from its
    /// beginning to its end, and what asks for the time is deep in it.)
    static CLOCK: RefCell<Option<Arc<dyn Clock>>> = const { RefCell::new(None) };
}

/// While it lives, the clock is the one that this thread goes by.
pub(crate) struct Entered {
    before: Option<Arc<dyn Clock>>,
}

/// Goes by this clock.
pub(crate) fn enter(clock: &Arc<dyn Clock>) -> Entered {
    Entered {
        before: CLOCK.replace(Some(clock.clone())),
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        CLOCK.set(self.before.take());
    }
}

/// Now, in whole seconds, as KMIP counts.
pub(crate) fn now() -> DateTime {
    let own = CLOCK.with_borrow(|clock| clock.as_ref().map(|clock| clock.unix_seconds()));
    DateTime(own.unwrap_or_else(|| OffsetDateTime::now_utc().unix_timestamp()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Stopped(i64);

    impl Clock for Stopped {
        fn unix_seconds(&self) -> i64 {
            self.0
        }
    }

    #[test]
    fn one_clock_within_another() {
        let (early, late): (Arc<dyn Clock>, Arc<dyn Clock>) =
            (Arc::new(Stopped(7)), Arc::new(Stopped(8)));
        {
            let _early = enter(&early);
            assert_eq!(now(), DateTime(7));
            {
                let _late = enter(&late);
                assert_eq!(now(), DateTime(8));
            }
            assert_eq!(now(), DateTime(7));
        }
        assert!(now().0 > 1_700_000_000);
    }
}
