//! Hours of a year and their relative load.

use affluenza_classify::hours::{Holiday, LocalHour, Zone, days_since_1970};
use jiff::civil::{Weekday, date};

/// Length of an hour, in milliseconds.
pub(crate) const HOUR_MS: i64 = 3_600_000;

/// Time zone of the figures' hours.
const ZONE: &str = "Europe/Rome";

/// Returns the hours of a year. The day of the spring clock change has 23 of them, the autumn one
/// 25.
pub(crate) fn hours_of(year: i16) -> Vec<LocalHour> {
    let zone = Zone::named(ZONE).expect("the bundled IANA database has the zone");
    let new_year = days_since_1970(date(year, 1, 1));
    // Local time is at most a day away from UTC.
    let first = (i64::from(new_year) - 1) * 24;
    (first..first + 368 * 24)
        .map(|hour| zone.local(hour * HOUR_MS))
        .filter(|local| local.date.year() == year)
        .collect()
}

/// Relative load of an hour, in users of Focus 2017. People use services on working days, less in
/// August and at Christmas, more before taxes are due. The proportions are a guess; the figures fix
/// the sums.
pub(crate) fn busyness(local: &LocalHour) -> f64 {
    /// The means over the night, the office hours and the evening are 16, 176 and 87.
    #[rustfmt::skip]
    const HOURS: [f64; 24] = [
        16.0, 9.0, 6.0, 5.0, 5.0, 9.0, 24.0, 54.0,
        150.0, 215.0, 245.0, 235.0, 185.0, 130.0, 145.0, 165.0, 155.0, 135.0,
        105.0, 92.0, 85.0, 95.0, 90.0, 55.0,
    ];
    const MONTHS: [f64; 12] = [
        1.08, 1.02, 1.03, 0.97, 1.06, 1.10, 0.98, 0.66, 1.08, 1.06, 1.0, 0.96,
    ];
    let is_office = (8..18).contains(&local.hour);
    let of_week = match (
        Holiday::national(local.date),
        local.date.weekday(),
        is_office,
    ) {
        (Some(_), _, true) => 0.40,
        (Some(_), _, false) => 0.75,
        (None, Weekday::Saturday, true) => 0.55,
        (None, Weekday::Sunday, true) => 0.45,
        (None, Weekday::Saturday, false) => 0.86,
        (None, Weekday::Sunday, false) => 0.92,
        (None, Weekday::Monday, _) => 1.18,
        (None, Weekday::Tuesday, _) => 1.17,
        (None, Weekday::Wednesday, _) => 1.13,
        (None, Weekday::Thursday, _) => 1.10,
        (None, Weekday::Friday, _) => 1.02,
    };
    let of_season = match (local.date.month(), local.date.day()) {
        (8, 11..=20) => 0.75,
        (12, 24..) | (1, ..=6) => 0.7,
        // Local property taxes are due on the 16th.
        (6 | 12, 10..=16) => 1.25,
        _ => 1.0,
    };
    let month = usize::from(local.date.month().unsigned_abs()) - 1;
    HOURS[usize::from(local.hour)] * of_week * of_season * MONTHS[month]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(month: i8, day: i8, hour: u8) -> LocalHour {
        let date = date(2017, month, day);
        let hours = hours_of(2017);
        let found = hours.iter().find(|it| it.date == date && it.hour == hour);
        *found.unwrap()
    }

    #[test]
    fn the_days_of_the_clock_changes_have_23_and_25_hours() {
        let hours = hours_of(2017);
        assert_eq!(hours.len(), 8760);
        assert_eq!(hours_of(2020).len(), 8784);
        assert_eq!((hours[0].hour, hours[0].offset), (0, 3600));
        for (month, day, count) in [(3, 26, 23), (10, 29, 25)] {
            let date = date(2017, month, day);
            assert_eq!(hours.iter().filter(|it| it.date == date).count(), count);
        }
    }

    #[test]
    fn people_work_on_working_days() {
        let monday = busyness(&at(10, 2, 10));
        assert!(busyness(&at(10, 1, 10)) < monday / 2.0);
        assert!(busyness(&at(4, 17, 10)) < monday / 2.0, "Easter Monday");
        assert!(busyness(&at(8, 14, 10)) < monday * 0.6);
        assert!(busyness(&at(10, 2, 3)) < monday / 20.0);
    }
}
