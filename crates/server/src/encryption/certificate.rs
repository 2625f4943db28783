//! The end of the client certificate: without it no KMIP server talks to us, and the next start fails.

use std::time::Duration;

/// The first warning comes this long before the end.
const FIRST_WARNING_DAYS: i64 = 30;
/// From here on there is one each day.
const DAILY_WARNING_DAYS: i64 = 7;
const DAY_SECONDS: i64 = 24 * 60 * 60;

/// How often the certificate is looked at. It costs a `stat` for each file.
pub(super) const LOOK_EVERY: Duration = Duration::from_secs(3600);

/// How near the end is. A warning is due whenever it changes, so that the last week has one each day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// Far away.
    Fine,
    /// Within 30 days.
    Month,
    /// Within 7 days: so many whole days are left.
    Week(i64),
    /// It is over: minus so many days are left.
    Expired(i64),
}

impl Stage {
    /// The stage of a certificate that ends at `not_after`; both in seconds since 1970.
    pub(super) fn of(not_after: i64, now: i64) -> Self {
        let left = not_after.saturating_sub(now);
        if left < 0 {
            Self::Expired(days_left(not_after, now))
        } else if left < DAILY_WARNING_DAYS * DAY_SECONDS {
            Self::Week(days_left(not_after, now))
        } else if left < FIRST_WARNING_DAYS * DAY_SECONDS {
            Self::Month
        } else {
            Self::Fine
        }
    }
}

/// Whole days until the end; negative once it is over.
pub(crate) fn days_left(not_after: i64, now: i64) -> i64 {
    not_after.saturating_sub(now).div_euclid(DAY_SECONDS)
}

/// Whether the end is near enough for a warning.
pub(crate) fn is_near(not_after: i64, now: i64) -> bool {
    Stage::of(not_after, now) != Stage::Fine
}

/// What was said last, so that nothing is said twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Said {
    not_after: i64,
    stage: Stage,
}

/// What to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Notice {
    /// The end is near.
    Expires,
    /// It is over.
    Expired,
    /// There is a new certificate, and its end is far away.
    Renewed,
}

/// What there is to say now that was not said before.
pub(super) fn notice(said: &mut Option<Said>, not_after: i64, now: i64) -> Option<Notice> {
    let stage = Stage::of(not_after, now);
    let before = said.replace(Said { not_after, stage });
    if before.is_some_and(|before| before.stage == stage && before.not_after == not_after) {
        return None;
    }
    match stage {
        Stage::Fine => before
            .filter(|before| before.not_after != not_after)
            .map(|_| Notice::Renewed),
        Stage::Month | Stage::Week(_) => Some(Notice::Expires),
        Stage::Expired(_) => Some(Notice::Expired),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The days before the end on which something is said, looking every hour.
    fn told(not_after_days: i64) -> Vec<(i64, Notice)> {
        let (mut said, end) = (None, not_after_days * DAY_SECONDS);
        (0..(not_after_days + 3) * 24)
            .filter_map(|hour| {
                let now = hour * 3600;
                let notice = notice(&mut said, end, now)?;
                Some((days_left(end, now), notice))
            })
            .collect()
    }

    #[test]
    fn once_before_a_month_then_daily_in_the_last_week_and_after() {
        use Notice::{Expired, Expires};
        let expected = [
            (29, Expires),
            (6, Expires),
            (5, Expires),
            (4, Expires),
            (3, Expires),
            (2, Expires),
            (1, Expires),
            (0, Expires),
            (-1, Expired),
            (-2, Expired),
            (-3, Expired),
        ];
        assert_eq!(told(100), expected);
        // A start in the middle says at once how it is.
        assert_eq!(told(5)[0], (5, Expires));
        assert_eq!(told(20)[0], (20, Expires));
    }

    #[test]
    fn a_new_certificate_is_told_of_once() {
        let mut said = None;
        assert_eq!(notice(&mut said, DAY_SECONDS, 0), Some(Notice::Expires));
        assert_eq!(notice(&mut said, DAY_SECONDS, 0), None);
        let later = 300 * DAY_SECONDS;
        assert_eq!(notice(&mut said, later, 0), Some(Notice::Renewed));
        assert_eq!(notice(&mut said, later, 0), None);
        // Another one that ends soon, too.
        assert_eq!(notice(&mut said, 2 * DAY_SECONDS, 0), Some(Notice::Expires));
        let another = 2 * DAY_SECONDS + 1;
        assert_eq!(notice(&mut said, another, 0), Some(Notice::Expires));
    }

    #[test]
    fn a_certificate_that_is_fine_is_not_mentioned() {
        let mut said = None;
        assert_eq!(notice(&mut said, 31 * DAY_SECONDS, 0), None);
        assert!(!is_near(31 * DAY_SECONDS, 0) && is_near(29 * DAY_SECONDS, 0) && is_near(-1, 0));
    }
}
