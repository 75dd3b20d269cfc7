//! Compares existing hours with a count minute by minute.

use affluenza_classify::hours::{Band, Calendar, Zone, date_since_1970, days_since_1970};
use jiff::civil::{Date, Weekday, date};
use proptest::prelude::*;
use proptest::sample::select;

const DAY: i64 = 86_400;
/// Step in seconds. All offsets and changes of these years are whole minutes (Newfoundland changed
/// its clocks at 00:01 until 2011).
const STEP: i64 = 60;

/// Counts the seconds at each hour of the clock by stepping through the range.
fn counted(zone: &Zone, from: Date, to: Date) -> [u64; 24] {
    let mut seconds = [0; 24];
    let [first, last] = [from, to].map(|date| i64::from(days_since_1970(date)) * DAY);
    for utc in (first - 2 * DAY..last + 2 * DAY).step_by(STEP as usize) {
        let local = zone.local(utc * 1_000);
        if (from..to).contains(&local.date) {
            seconds[usize::from(local.hour)] += STEP.unsigned_abs();
        }
    }
    seconds
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(30))]

    #[test]
    fn existing_hours_are_those_counted(
        name in select(vec![
            "Europe/Rome", "UTC", "America/St_Johns", "Australia/Lord_Howe", "Africa/Casablanca", "Pacific/Apia",
        ]),
        // Days since 1970 in the years 1996 to 2026.
        first in 9_496_i32..20_800,
        days in 0_i32..250,
    ) {
        let zone = Zone::named(name).unwrap();
        let (from, to) = (date_since_1970(first), date_since_1970(first + days));
        let existing = zone.existing_hours(from, to);
        let counted = counted(&zone, from, to);
        for hour in 0..24 {
            prop_assert_eq!(existing.seconds_at(hour), counted[usize::from(hour)], "hour {}", hour);
        }
        let in_bands: u64 = [Band::Night, Band::Office, Band::Evening].map(|band| existing.hours_in(band)).iter().sum();
        prop_assert!(existing.seconds() / 3_600 - in_bands < 3, "only broken hours are rounded");
    }
}

#[test]
fn every_day_of_thirty_years_has_its_length() {
    let rome = Zone::default();
    let mut lengths = [0_u32; 3];
    for days in days_since_1970(date(1996, 1, 1))..days_since_1970(date(2027, 1, 1)) {
        let date = date_since_1970(days);
        let hours = rome
            .existing_hours(date, date_since_1970(days + 1))
            .seconds()
            / 3_600;
        let is_last_sunday =
            date.weekday() == Weekday::Sunday && date_since_1970(days + 7).month() != date.month();
        let expected = match date.month() {
            3 if is_last_sunday => 23,
            10 if is_last_sunday => 25,
            _ => 24,
        };
        assert_eq!(hours, expected, "{date}");
        lengths[usize::try_from(hours - 23).unwrap()] += 1;
    }
    assert_eq!(lengths, [31, 11_323 - 62, 31]);
}

#[test]
fn users_an_hour_divide_by_what_existed() {
    // The bands of the Focus report: 2,920, 3,650 and 2,190 hours in a year.
    let rome = Zone::default();
    let existing = rome.existing_hours(date(2017, 1, 1), date(2018, 1, 1));
    assert_eq!(
        [Band::Night, Band::Office, Band::Evening].map(|band| existing.hours_in(band)),
        [2_920, 3_650, 2_190]
    );
}

#[test]
fn holidays_of_known_years() {
    // Holidays from Monday to Friday, taken from printed calendars.
    for (year, holidays) in [
        (
            2016,
            "01-01 01-06 03-28 04-25 06-02 08-15 11-01 12-08 12-26",
        ),
        (2024, "01-01 04-01 04-25 05-01 08-15 11-01 12-25 12-26"),
        (
            2025,
            "01-01 01-06 04-21 04-25 05-01 06-02 08-15 12-08 12-25 12-26",
        ),
        (2026, "01-01 01-06 04-06 05-01 06-02 12-08 12-25"),
        (2027, "01-01 01-06 03-29 06-02 10-04 11-01 12-08"),
    ] {
        let (from, to) = (date(year, 1, 1), date(year + 1, 1, 1));
        let calendar = Calendar::default();
        let found: Vec<String> = (days_since_1970(from)..days_since_1970(to))
            .map(date_since_1970)
            .filter(|date| {
                date.weekday().to_monday_one_offset() <= 5 && calendar.holiday(*date).is_some()
            })
            .map(|date| date.to_string()[5..].to_owned())
            .collect();
        assert_eq!(found.join(" "), holidays, "{year}");
    }
}
