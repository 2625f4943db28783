//! What cryptography costs: which of it clients may ask for, and how much of it is done at once.
//!
//! Making an RSA key or deriving one from a password takes a processor for as long as a thousand other requests. Such
//! operations are bounded in size, and only so many are performed at once; more wait for their turn, and more than
//! can wait are refused. So there is always a processor left for those who only fetch a key.

use std::time::Instant;

use kmip::registry::ResultReason;
use parking_lot::{Condvar, Mutex};

use crate::budget::Deadline;
use crate::failure::Failure;

/// Data from this length on takes long enough to wait for a turn, in bytes: AWS-LC hashes it in about a millisecond.
const COSTLY_BYTES: usize = 1 << 20;

/// So many iterations of PBKDF2 take about as long.
const COSTLY_ITERATIONS: u32 = 2_000;

/// Which cryptography clients may ask for, and how much of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CryptoLimits {
    /// Whether Create Key Pair and Re-key Key Pair make RSA keys of 1024 bits, which nobody should trust any more.
    /// Default: no. (Keys that clients bring are taken as they are.)
    pub weak_keys: bool,
    /// The longest RSA key that is made, in bits: 2048, 3072, 4096 or 8192. Default 4096.
    pub max_rsa_bits: u32,
    /// The most iterations of PBKDF2 in Derive Key. Default 1,000,000: some tenths of a second.
    pub max_iterations: u32,
    /// How many costly operations are performed at once, at least 1. Default: one for each processor but one.
    pub costly_at_once: usize,
    /// How many more may wait for their turn; those beyond are refused. Default 64.
    pub costly_waiting: usize,
}

impl Default for CryptoLimits {
    fn default() -> Self {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            weak_keys: false,
            max_rsa_bits: 4096,
            max_iterations: 1_000_000,
            costly_at_once: processors.saturating_sub(1).max(1),
            costly_waiting: 64,
        }
    }
}

/// The limits, and who is at it.
pub(crate) struct Costs {
    pub(crate) limits: CryptoLimits,
    at_it: Mutex<AtIt>,
    done: Condvar,
}

#[derive(Default)]
struct AtIt {
    performed: usize,
    waiting: usize,
}

/// A turn at something costly; ends when it is dropped.
pub(crate) struct CostlyTurn<'a>(Option<&'a Costs>);

impl Drop for CostlyTurn<'_> {
    fn drop(&mut self) {
        if let Some(costs) = self.0 {
            costs.at_it.lock().performed -= 1;
            costs.done.notify_one();
        }
    }
}

impl Costs {
    pub(crate) fn new(limits: CryptoLimits) -> Self {
        Self {
            limits,
            at_it: Mutex::default(),
            done: Condvar::new(),
        }
    }

    /// Waits for a turn, no longer than the request may take. Blocks.
    ///
    /// # Errors
    /// Server Limit Exceeded: too many wait already, or the time is over.
    pub(crate) fn turn(&self, deadline: Deadline<'_>) -> Result<CostlyTurn<'_>, Failure> {
        let busy = || {
            Failure::new(
                ResultReason::ServerLimitExceeded,
                "the server is busy with costly cryptography: try again later",
            )
        };
        let most = self.limits.costly_at_once.max(1);
        let mut at_it = self.at_it.lock();
        if at_it.performed >= most {
            if at_it.waiting >= self.limits.costly_waiting {
                return Err(busy());
            }
            at_it.waiting += 1;
            let mut is_late = false;
            while at_it.performed >= most && !is_late {
                is_late = match deadline.end() {
                    Some(end) => {
                        self.done.wait_until(&mut at_it, end);
                        end <= Instant::now()
                    }
                    None => {
                        self.done.wait(&mut at_it);
                        false
                    }
                };
            }
            at_it.waiting -= 1;
            if at_it.performed >= most {
                return Err(busy());
            }
        }
        at_it.performed += 1;
        Ok(CostlyTurn(Some(self)))
    }

    /// A turn, if so much data needs one.
    pub(crate) fn turn_for_bytes(
        &self,
        bytes: usize,
        deadline: Deadline<'_>,
    ) -> Result<CostlyTurn<'_>, Failure> {
        match bytes >= COSTLY_BYTES {
            true => self.turn(deadline),
            false => Ok(CostlyTurn(None)),
        }
    }

    /// A turn, if so many iterations need one; an error if they are too many.
    pub(crate) fn turn_for_iterations(
        &self,
        iterations: i32,
        deadline: Deadline<'_>,
    ) -> Result<CostlyTurn<'_>, Failure> {
        let most = self.limits.max_iterations;
        let iterations = u32::try_from(iterations)
            .ok()
            .filter(|iterations| (1..=most).contains(iterations))
            .ok_or_else(|| {
                Failure::invalid(format!(
                    "the Iteration Count is {iterations}, expected 1 to {most}"
                ))
            })?;
        match iterations >= COSTLY_ITERATIONS {
            true => self.turn(deadline),
            false => Ok(CostlyTurn(None)),
        }
    }

    /// Whether an RSA key of so many bits may be made.
    pub(crate) fn check_rsa(&self, bits: i32) -> Result<(), Failure> {
        let sizes = [1024, 2048, 3072, 4096, 8192_u32];
        let allowed = sizes.into_iter().filter(|size| {
            *size <= self.limits.max_rsa_bits && (*size >= 2048 || self.limits.weak_keys)
        });
        let allowed: Vec<u32> = allowed.collect();
        if u32::try_from(bits).is_ok_and(|bits| allowed.contains(&bits)) {
            return Ok(());
        }
        Err(Failure::invalid(format!(
            "RSA keys of {bits} bits are not made: expected one of {allowed:?}"
        )))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use super::*;
    use crate::budget::Budget;

    fn costs(at_once: usize, waiting: usize) -> Costs {
        Costs::new(CryptoLimits {
            costly_at_once: at_once,
            costly_waiting: waiting,
            ..CryptoLimits::default()
        })
    }

    #[test]
    fn so_many_at_once() {
        let costs = costs(2, 100);
        let budget = Budget::new(Duration::MAX);
        let (now, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for _ in 0..16 {
                scope.spawn(|| {
                    for _ in 0..20 {
                        let _turn = costs.turn(budget.begin()).unwrap();
                        most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                        std::thread::yield_now();
                        now.fetch_sub(1, Ordering::SeqCst);
                    }
                });
            }
        });
        assert!(most.load(Ordering::SeqCst) <= 2);
        assert_eq!(costs.at_it.lock().performed, 0);
        assert_eq!(costs.at_it.lock().waiting, 0);
    }

    #[test]
    fn those_beyond_are_refused() {
        let budget = Budget::new(Duration::from_millis(20));
        let costs = costs(1, 1);
        let turn = costs.turn(budget.begin()).unwrap();
        let refused = |failure: Option<Failure>| {
            assert_eq!(failure.unwrap().reason, ResultReason::ServerLimitExceeded);
        };
        // It waits until its time is over.
        refused(costs.turn(budget.begin()).err());
        assert_eq!(costs.at_it.lock().waiting, 0);
        let forever = Budget::new(Duration::MAX);
        std::thread::scope(|scope| {
            scope.spawn(|| costs.turn(forever.begin()).map(drop).unwrap());
            while costs.at_it.lock().waiting == 0 {
                std::thread::yield_now();
            }
            // There is room for one to wait, not for two.
            refused(costs.turn(forever.begin()).err());
            drop(turn);
        });
        assert!(costs.turn_for_bytes(100, budget.begin()).is_ok());
    }

    #[test]
    fn sizes() {
        let budget = Budget::new(Duration::MAX);
        let costs = costs(1, 0);
        for count in [i32::MIN, -1, 0, 1_000_001, i32::MAX] {
            assert!(costs.turn_for_iterations(count, budget.begin()).is_err());
        }
        assert!(costs.turn_for_iterations(1_000_000, budget.begin()).is_ok());
        assert!(costs.check_rsa(2048).is_ok() && costs.check_rsa(4096).is_ok());
        for bits in [-1, 0, 512, 1024, 2047, 8192, i32::MAX] {
            assert!(costs.check_rsa(bits).is_err(), "{bits}");
        }
        let weak = Costs::new(CryptoLimits {
            weak_keys: true,
            max_rsa_bits: 2048,
            ..CryptoLimits::default()
        });
        assert!(weak.check_rsa(1024).is_ok() && weak.check_rsa(3072).is_err());
    }
}
