//! The proleptic Gregorian calendar over milliseconds since 1970, for any 64-bit date.

/// Milliseconds of a day.
pub(crate) const DAY_MS: i64 = 86_400_000;
/// Milliseconds of an hour.
pub(crate) const HOUR_MS: i64 = 3_600_000;
/// Milliseconds of a minute.
pub(crate) const MINUTE_MS: i64 = 60_000;

/// A moment taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Parts {
    pub(crate) year: i64,
    /// 1 to 12
    pub(crate) month: i64,
    /// 1 to 31
    pub(crate) day: i64,
    pub(crate) hour: i64,
    pub(crate) minute: i64,
    pub(crate) second: i64,
    pub(crate) millisecond: i64,
    /// Days since 1970-01-01.
    pub(crate) days: i64,
}

impl Parts {
    /// The parts of a moment, in UTC.
    pub(crate) const fn of(millis: i64) -> Self {
        let days = millis.div_euclid(DAY_MS);
        let time = millis.rem_euclid(DAY_MS);
        let (year, month, day) = civil(days);
        Self {
            year,
            month,
            day,
            hour: time / HOUR_MS,
            minute: time % HOUR_MS / MINUTE_MS,
            second: time % MINUTE_MS / 1000,
            millisecond: time % 1000,
            days,
        }
    }

    /// 1 (Sunday) to 7 (Saturday).
    pub(crate) const fn day_of_week(&self) -> i64 {
        // 1970-01-01 was a Thursday.
        (self.days + 4).rem_euclid(7) + 1
    }

    /// 1 (Monday) to 7 (Sunday).
    pub(crate) const fn iso_day_of_week(&self) -> i64 {
        (self.days + 3).rem_euclid(7) + 1
    }

    /// 1 to 366.
    pub(crate) const fn day_of_year(&self) -> i64 {
        self.days - days_from_civil(self.year, 1, 1) + 1
    }

    /// 0 to 53: weeks begin on Sundays, and week 1 with the first Sunday of the year.
    pub(crate) const fn week(&self) -> i64 {
        (self.day_of_year() + 7 - self.day_of_week()) / 7
    }

    /// The year of the ISO 8601 week: the one that its Thursday lies in.
    pub(crate) const fn iso_week_year(&self) -> i64 {
        civil(self.days - self.iso_day_of_week() + 4).0
    }

    /// 1 to 53, of ISO 8601.
    pub(crate) const fn iso_week(&self) -> i64 {
        let thursday = self.days - self.iso_day_of_week() + 4;
        (thursday - days_from_civil(civil(thursday).0, 1, 1)) / 7 + 1
    }
}

/// The date of a day counted from 1970-01-01.
const fn civil(days: i64) -> (i64, i64, i64) {
    // The years start in March, so that the leap day is the last one; an era is 400 years.
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    let year = year_of_era + era * 400 + (month <= 2) as i64;
    (year, month, day)
}

/// The day counted from 1970-01-01 of a date whose month is 1 to 12; the day may be any.
pub(crate) const fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = year - (month <= 2) as i64;
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let shifted_month = if month > 2 { month - 3 } else { month + 9 };
    let day_of_year = (153 * shifted_month + 2) / 5;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468 + (day - 1)
}

/// The day counted from 1970-01-01 of a date whose month may be beyond 1 to 12: month 14 is
/// February of the next year.
pub(crate) const fn days_from_carrying(year: i64, month: i64, day: i64) -> i64 {
    let year = year + (month - 1).div_euclid(12);
    let month = (month - 1).rem_euclid(12) + 1;
    days_from_civil(year, month, day)
}

/// The Monday of an ISO 8601 week, as a day counted from 1970-01-01.
pub(crate) const fn iso_week_start(iso_year: i64, iso_week: i64) -> i64 {
    // January 4th always lies in week 1.
    let fourth = days_from_civil(iso_year, 1, 4);
    let monday = fourth - (fourth + 3).rem_euclid(7);
    monday + (iso_week - 1) * 7
}

/// The days of a month, 1 to 12.
pub(crate) const fn days_in_month(year: i64, month: i64) -> i64 {
    days_from_carrying(year, month + 1, 1) - days_from_civil(year, month, 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn agrees_with_another_calendar(millis in -377_705_116_800_000_i64..253_402_300_799_999) {
            let ours = Parts::of(millis);
            let theirs =
                time::OffsetDateTime::from_unix_timestamp_nanos(i128::from(millis) * 1_000_000)
                    .unwrap();
            let theirs_date = theirs.date();
            prop_assert_eq!(ours.year, i64::from(theirs.year()));
            prop_assert_eq!(ours.month, i64::from(u8::from(theirs.month())));
            prop_assert_eq!(ours.day, i64::from(theirs.day()));
            prop_assert_eq!(ours.hour, i64::from(theirs.hour()));
            prop_assert_eq!(ours.millisecond, i64::from(theirs.millisecond()));
            prop_assert_eq!(ours.day_of_year(), i64::from(theirs.ordinal()));
            prop_assert_eq!(
                ours.day_of_week(),
                i64::from(theirs.weekday().number_days_from_sunday()) + 1
            );
            prop_assert_eq!(ours.week(), i64::from(theirs_date.sunday_based_week()));
            let (iso_year, iso_week, weekday) = theirs_date.to_iso_week_date();
            prop_assert_eq!(ours.iso_week_year(), i64::from(iso_year));
            prop_assert_eq!(ours.iso_week(), i64::from(iso_week));
            prop_assert_eq!(
                iso_week_start(ours.iso_week_year(), ours.iso_week())
                    + i64::from(weekday.number_days_from_monday()),
                ours.days
            );
            prop_assert_eq!(days_from_civil(ours.year, ours.month, ours.day), ours.days);
        }

        #[test]
        fn takes_any_date_apart(millis in any::<i64>()) {
            let parts = Parts::of(millis);
            prop_assert_eq!(
                days_from_civil(parts.year, parts.month, parts.day),
                parts.days
            );
        }
    }
}
