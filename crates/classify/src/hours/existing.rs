//! Hours that existed in a range of dates, the divisor of averages per hour.

use jiff::civil::Date;

use super::{Band, Zone, days_since_1970};

const HOUR: i64 = 3_600;
const DAY: i64 = 86_400;

/// Real duration of each hour of the clock over a range of local dates.
///
/// Clock changes skip an hour in spring and repeat one in autumn. A year of Rome has 365 × 24
/// hours, but March has one less and October one more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExistingHours {
    seconds: [u64; 24],
}

impl ExistingHours {
    /// Seconds during which the clock showed `hour`, 0 to 23; zero for greater hours.
    #[must_use]
    pub fn seconds_at(&self, hour: u8) -> u64 {
        self.seconds.get(usize::from(hour)).copied().unwrap_or(0)
    }

    /// Hours during which the clock showed `hour`, 0 to 23; zero for greater hours.
    #[must_use]
    pub fn hours_at(&self, hour: u8) -> f64 {
        self.seconds_at(hour) as f64 / HOUR as f64
    }

    /// Whole hours of `band`, rounded down. Fractions occur only in the few zones that change by 30
    /// minutes.
    #[must_use]
    pub fn hours_in(&self, band: Band) -> u64 {
        let seconds: u64 = band.hours().map(|hour| self.seconds_at(hour)).sum();
        seconds / HOUR.unsigned_abs()
    }

    /// Returns the longest duration of each hour among `zones` over a range of local dates. An hour
    /// that one zone skips exists if another zone has it.
    #[must_use]
    pub fn of_any(zones: &[Zone], from: Date, to: Date) -> Self {
        let mut longest = [0; 24];
        for zone in zones {
            let existing = zone.existing_hours(from, to);
            for (longest, seconds) in longest.iter_mut().zip(existing.seconds) {
                *longest = seconds.max(*longest);
            }
        }
        Self { seconds: longest }
    }

    /// Seconds of the whole range.
    #[must_use]
    pub fn seconds(&self) -> u64 {
        self.seconds.iter().sum()
    }
}

impl Zone {
    /// Returns the duration of each hour of the clock from local midnight of `from` (inclusive) to
    /// local midnight of `to` (exclusive). All durations are zero if `to` is not after `from`.
    #[must_use]
    pub fn existing_hours(&self, from: Date, to: Date) -> ExistingHours {
        let mut seconds = [0; 24];
        let [first, last] = [from, to].map(|date| i64::from(days_since_1970(date)) * DAY);
        if first < last {
            // No UTC offset exceeds 26 hours, so two days on either side are enough.
            for (start, end, offset) in self.steady_periods(first - 2 * DAY, last + 2 * DAY) {
                let offset = i64::from(offset);
                add_local(
                    &mut seconds,
                    (start + offset).max(first),
                    (end + offset).min(last),
                );
            }
        }
        ExistingHours { seconds }
    }
}

/// Adds the local seconds `[start, end)` to the hours of the clock that they fall in.
fn add_local(seconds: &mut [u64; 24], start: i64, end: i64) {
    if start >= end {
        return;
    }
    for (hour, total) in (0_i64..).zip(seconds.iter_mut()) {
        let [from, to] = [start, end].map(|instant| {
            let within = instant.rem_euclid(DAY) - hour * HOUR;
            instant.div_euclid(DAY) * HOUR + within.clamp(0, HOUR)
        });
        *total += (to - from).unsigned_abs();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(text: &str) -> Date {
        text.parse().unwrap()
    }

    #[test]
    fn a_year_of_rome_has_every_hour_and_its_halves_do_not() {
        let rome = Zone::default();
        let year = rome.existing_hours(date("2017-01-01"), date("2018-01-01"));
        let year = |band| year.hours_in(band);
        assert_eq!(
            [Band::Night, Band::Office, Band::Evening].map(year),
            [8 * 365, 10 * 365, 6 * 365]
        );
        let march = rome.existing_hours(date("2017-03-01"), date("2017-04-01"));
        assert_eq!(
            (march.seconds_at(1), march.seconds_at(2)),
            (31 * 3_600, 30 * 3_600)
        );
        let day = rome.existing_hours(date("2017-10-29"), date("2017-10-30"));
        assert_eq!((day.seconds(), day.seconds_at(2)), (25 * 3_600, 2 * 3_600));
        let day = rome.existing_hours(date("2017-03-26"), date("2017-03-27"));
        assert_eq!((day.seconds(), day.seconds_at(2)), (23 * 3_600, 0));
        assert_eq!(day.hours_in(Band::Night), 7);
    }

    #[test]
    fn an_hour_that_one_zone_skips_exists_in_another() {
        let day = (date("2017-03-26"), date("2017-03-27"));
        let kolkata = Zone::named("Asia/Kolkata").unwrap();
        let alone = ExistingHours::of_any(std::slice::from_ref(&kolkata), day.0, day.1);
        assert_eq!((alone.seconds(), alone.seconds_at(2)), (86_400, 3_600));
        let both = ExistingHours::of_any(&[Zone::default(), kolkata], day.0, day.1);
        assert_eq!(both, alone);
        // Rome has one hour twice in autumn.
        let day = (date("2017-10-29"), date("2017-10-30"));
        let both = ExistingHours::of_any(
            &[Zone::default(), Zone::named("UTC").unwrap()],
            day.0,
            day.1,
        );
        assert_eq!((both.seconds_at(2), both.seconds_at(3)), (7_200, 3_600));
    }

    #[test]
    fn half_hours_and_skipped_days_are_exact() {
        let lord_howe = Zone::named("Australia/Lord_Howe").unwrap();
        let spring = lord_howe.existing_hours(date("2024-10-06"), date("2024-10-07"));
        assert_eq!((spring.seconds(), spring.seconds_at(2)), (84_600, 1_800));
        let autumn = lord_howe.existing_hours(date("2024-04-07"), date("2024-04-08"));
        assert_eq!((autumn.seconds(), autumn.seconds_at(1)), (88_200, 5_400));
        // Samoa crossed the date line and skipped 30 December 2011.
        let samoa = Zone::named("Pacific/Apia").unwrap();
        assert_eq!(
            samoa
                .existing_hours(date("2011-12-30"), date("2011-12-31"))
                .seconds(),
            0
        );
    }

    #[test]
    fn an_empty_range_has_no_hours() {
        let rome = Zone::default();
        assert_eq!(
            rome.existing_hours(date("2017-02-01"), date("2017-02-01"))
                .seconds(),
            0
        );
        assert_eq!(
            rome.existing_hours(date("2017-02-02"), date("2017-02-01"))
                .seconds(),
            0
        );
    }
}
