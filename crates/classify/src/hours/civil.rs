//! Dates as numbers of days, the stored form.

use jiff::SignedDuration;
use jiff::civil::{Date, date};

const EPOCH: Date = date(1970, 1, 1);

/// Returns the days from 1970-01-01 to `date`; negative for earlier dates.
#[inline]
#[must_use]
pub fn days_since_1970(date: Date) -> i32 {
    // Less than 4.4 million days lie between 1970 and either end of the calendar.
    (date.duration_since(EPOCH).as_hours() / 24) as i32
}

/// Returns the date `days` after 1970-01-01, clamped to the years -9999 to 9999.
#[must_use]
pub fn date_since_1970(days: i32) -> Date {
    EPOCH.saturating_add(SignedDuration::from_hours(24 * i64::from(days)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_days() {
        for (day, days) in [
            (date(1970, 1, 1), 0),
            (date(2000, 2, 29), 11_016),
            (date(1969, 12, 31), -1),
            (Date::MIN, -4_371_587),
            (Date::MAX, 2_932_896),
        ] {
            assert_eq!(days_since_1970(day), days);
            assert_eq!(date_since_1970(days), day);
        }
        assert_eq!(date_since_1970(i32::MIN), Date::MIN);
        assert_eq!(date_since_1970(i32::MAX), Date::MAX);
    }
}
