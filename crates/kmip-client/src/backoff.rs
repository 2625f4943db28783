//! The pause between two rounds through the servers.

use std::time::Duration;

use rand::Rng;

/// The first pause is `max` / 2^this.
const DOUBLINGS: u32 = 4;

/// The pause behind round `round` (from 1): doubling up to `max`, and shortened at random by up to half, so that many
/// clients that lost the same server do not come back in step.
pub(crate) fn pause(round: u32, max: Duration) -> Duration {
    let longest = max
        / 2_u32.pow(
            DOUBLINGS
                .saturating_sub(round.saturating_sub(1))
                .min(DOUBLINGS),
        );
    longest.mul_f64(rand::rng().random_range(0.5..=1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_up_to_the_maximum_and_jitters() {
        let max = Duration::from_millis(1600);
        for (round, longest) in [
            (1, 100),
            (2, 200),
            (3, 400),
            (4, 800),
            (5, 1600),
            (6, 1600),
            (u32::MAX, 1600),
        ] {
            for _ in 0..50 {
                let pause = pause(round, max).as_millis();
                assert!(
                    (longest / 2..=longest).contains(&pause),
                    "round {round}: {pause} ms"
                );
            }
        }
        let different = (0..20).any(|_| pause(5, max) != pause(5, max));
        assert!(different, "the pauses are the same every time");
    }
}
