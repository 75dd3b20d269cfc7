//! Compares existing hours with a count minute by minute.

use affluenza_classify::hours::{Band, Calendar, LocalDate, Weekday, Zone};
use proptest::prelude::*;
use proptest::sample::select;

const DAY: i64 = 86_400;
/// Step in seconds. All offsets and changes of these years are whole minutes (Newfoundland changed
/// its clocks at 00:01 until 2011).
const STEP: i64 = 60;

/// Counts the seconds at each hour of the clock by stepping through the range.
fn counted(zone: &Zone, from: LocalDate, to: LocalDate) -> [u64; 24] {
    let mut seconds = [0; 24];
    let (first, last) = (i64::from(from.days()) * DAY, i64::from(to.days()) * DAY);
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
        let (from, to) = (LocalDate::from_days(first), LocalDate::from_days(first + days));
        let existing = zone.existing_hours(from, to);
        let counted = counted(&zone, from, to);
        for hour in 0..24 {
            prop_assert_eq!(existing.seconds_at(hour), counted[usize::from(hour)], "hour {}", hour);
        }
        let in_bands: u64 = Band::ALL.iter().map(|band| zone.existing_hours(from, to).hours_in(zone.bands(), *band)).sum();
        prop_assert!(existing.seconds() / 3_600 - in_bands < 3, "only broken hours are rounded");
    }
}

#[test]
fn every_day_of_thirty_years_has_its_length() {
    let rome = Zone::default();
    let (from, to) = (
        LocalDate::new(1996, 1, 1).unwrap(),
        LocalDate::new(2027, 1, 1).unwrap(),
    );
    let mut lengths = [0_u32; 3];
    for days in from.days()..to.days() {
        let date = LocalDate::from_days(days);
        let hours = rome.existing_hours(date, date.plus_days(1)).seconds() / 3_600;
        let is_last_sunday =
            date.weekday() == Weekday::Sunday && date.plus_days(7).month() != date.month();
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
    let (from, to) = (
        LocalDate::new(2017, 1, 1).unwrap(),
        LocalDate::new(2018, 1, 1).unwrap(),
    );
    assert_eq!(
        Band::ALL.map(|band| rome.existing_hours(from, to).hours_in(rome.bands(), band)),
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
        let (from, to) = (
            LocalDate::new(year, 1, 1).unwrap(),
            LocalDate::new(year + 1, 1, 1).unwrap(),
        );
        let calendar = Calendar::default();
        let found: Vec<String> = (from.days()..to.days())
            .map(LocalDate::from_days)
            .filter(|date| date.weekday() <= Weekday::Friday && calendar.holiday(*date).is_some())
            .map(|date| date.to_string()[5..].to_owned())
            .collect();
        assert_eq!(found.join(" "), holidays, "{year}");
    }
}
