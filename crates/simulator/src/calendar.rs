//! Hours of a year in a time zone, including clock changes.

use std::ops::Range;

use affluenza_classify::hours::Holiday;
use jiff::civil::{Date, Weekday, date};
use jiff::tz::TimeZone;

use crate::error::SimulationError;

const HOUR_MS: i64 = 3_600_000;

/// An hour of local time. The day of the spring clock change has 23 of them, the autumn one 25.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Hour {
    /// Start of the hour, in milliseconds since 1970-01-01T00:00:00Z.
    pub start_ms: i64,
    /// Day of the year, from 0.
    pub day: u16,
    /// Local hour, 0 to 23.
    pub hour: u8,
    /// Offset from UTC, in minutes.
    pub offset_minutes: i16,
}

/// A year in a time zone.
#[derive(Debug)]
pub(crate) struct YearCalendar {
    pub year: i16,
    pub hours: Vec<Hour>,
    pub days: u16,
}

/// Returns the start of a year in milliseconds since 1970; `None` out of the range of times.
fn start_of(year: i16, zone: &TimeZone) -> Option<i64> {
    let midnight = Date::new(year, 1, 1).ok()?.at(0, 0, 0, 0);
    Some(zone.to_timestamp(midnight).ok()?.as_millisecond())
}

/// Returns the hours of a year; `None` if they do not begin at full local hours.
fn hours_in(year: i16, zone: &TimeZone) -> Option<Vec<Hour>> {
    let mut hours = Vec::with_capacity(8784);
    let mut start_ms = start_of(year, zone)?;
    let end = start_of(year + 1, zone)?;
    while start_ms < end {
        let instant = jiff::Timestamp::from_millisecond(start_ms).ok()?;
        let offset = zone.to_offset(instant);
        let local = offset.to_datetime(instant);
        if local.minute() != 0 || offset.seconds() % 60 != 0 {
            return None;
        }
        hours.push(Hour {
            start_ms,
            // Days of a year and hours of a day fit.
            day: (local.date().day_of_year() - 1) as u16,
            hour: local.hour() as u8,
            offset_minutes: (offset.seconds() / 60) as i16,
        });
        start_ms += HOUR_MS;
    }
    Some(hours)
}

impl YearCalendar {
    pub(crate) fn new(year: i16, zone: &TimeZone) -> Result<Self, SimulationError> {
        let hours = hours_in(year, zone);
        Ok(Self {
            year,
            hours: hours.ok_or_else(|| {
                SimulationError::BadZone(zone.iana_name().unwrap_or("?").to_owned())
            })?,
            days: date(year, 1, 1).days_in_year() as u16,
        })
    }

    /// Date of a day of the year.
    pub(crate) fn date(&self, day: u16) -> Date {
        date(self.year, 1, 1).saturating_add(jiff::Span::new().days(i64::from(day)))
    }

    /// Range of the hours of `days`, as indexes.
    pub(crate) fn hours_of(&self, days: &Range<u16>) -> Range<usize> {
        let start = self.hours.partition_point(|hour| hour.day < days.start);
        start..self.hours.partition_point(|hour| hour.day < days.end)
    }
}

/// Relative load of an hour, in users of Focus 2017. People use services on working days, less in
/// August and at Christmas, more before taxes are due. The proportions are a guess; the figures fix
/// the sums.
pub(crate) fn busyness(day: Date, hour: u8) -> f64 {
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
    let office = (8..18).contains(&hour);
    let is_holiday = Holiday::national(day).is_some();
    let of_week = match (day.weekday(), office) {
        (_, true) if is_holiday => 0.40,
        (_, false) if is_holiday => 0.75,
        (Weekday::Saturday, true) => 0.55,
        (Weekday::Sunday, true) => 0.45,
        (Weekday::Saturday, false) => 0.86,
        (Weekday::Sunday, false) => 0.92,
        (Weekday::Monday, _) => 1.18,
        (Weekday::Tuesday, _) => 1.17,
        (Weekday::Wednesday, _) => 1.13,
        (Weekday::Thursday, _) => 1.10,
        (Weekday::Friday, _) => 1.02,
    };
    let of_season = match (day.month(), day.day()) {
        (8, 11..=20) => 0.75,
        (12, 24..) | (1, ..=6) => 0.7,
        // Local property taxes are due on the 16th.
        (6 | 12, 10..=16) => 1.25,
        _ => 1.0,
    };
    HOURS[usize::from(hour) % 24] * of_week * of_season * MONTHS[(day.month() - 1) as usize]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rome(year: i16) -> YearCalendar {
        YearCalendar::new(year, &TimeZone::get("Europe/Rome").unwrap()).unwrap()
    }

    #[test]
    fn the_days_of_the_clock_changes_have_23_and_25_hours() {
        let calendar = rome(2017);
        assert_eq!(calendar.days, 365);
        assert_eq!(calendar.hours.len(), 8760);
        for (day, hours) in [(date(2017, 3, 26), 23), (date(2017, 10, 29), 25)] {
            let place = (0..365).find(|it| calendar.date(*it) == day).unwrap();
            assert_eq!(calendar.hours_of(&(place..place + 1)).len(), hours);
        }
        let night = calendar.hours.iter().filter(|hour| hour.hour < 8).count();
        assert_eq!(night, 8 * 365);
        assert_eq!(calendar.hours[0].offset_minutes, 60);
        assert_eq!(rome(2020).hours.len(), 8784);
    }

    #[test]
    fn half_hour_changes_are_refused() {
        let zone = TimeZone::get("Australia/Lord_Howe").unwrap();
        assert!(YearCalendar::new(2017, &zone).is_err());
    }

    #[test]
    fn holidays_are_those_of_the_classification() {
        let load = |year, month, day| busyness(date(year, month, day), 10);
        assert!(load(2017, 4, 17) < load(2017, 4, 18) / 2.0);
        // 4 October is a holiday since 2026, when it is a Sunday.
        assert!(load(2026, 10, 4) < load(2025, 10, 5));
    }

    #[test]
    fn people_work_on_working_days() {
        let monday = busyness(date(2017, 10, 2), 10);
        assert!(busyness(date(2017, 10, 1), 10) < monday / 2.0);
        assert!(busyness(date(2017, 8, 14), 10) < monday * 0.6);
        assert!(busyness(date(2017, 10, 2), 3) < monday / 20.0);
    }
}
