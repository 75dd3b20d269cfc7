//! Compares the conversion to local time with two others: zoned times of `jiff`, and the rule of the
//! European Union computed here. Covers thirty years, and random instants, of several zones.

use affluenza_classify::hours::{Band, Zone, days_since_1970};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use proptest::prelude::*;
use proptest::sample::select;

const HOUR: i64 = 3_600;
const DAY: i64 = 86_400;
/// 1996-01-01 and 2027-01-01, seconds since 1970.
const FROM: i64 = 820_454_400;
const TO: i64 = 1_798_761_600;

const ZONES: &[&str] = &[
    "Europe/Rome",
    "Europe/London",
    "UTC",
    "America/New_York",
    "America/St_Johns",
    "Asia/Kolkata",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "Africa/Casablanca",
    "Pacific/Apia",
    "Pacific/Chatham",
    "Antarctica/Troll",
];

/// Rome's offset by the rule of directive 2000/84 and its predecessors: summer time from the last
/// Sunday of March to the last Sunday of October, 01:00 UTC.
fn offset_by_the_rule(utc: i64) -> i64 {
    let year = (1970..)
        .find(|year| days_before(year + 1) * DAY > utc)
        .unwrap();
    let change = |month_end: i64| {
        let last = days_before(year) + month_end + i64::from(is_leap(year)) - 1;
        // Day 0 was a Thursday, so day 3 a Sunday.
        let sunday = last - (last - 3).rem_euclid(7);
        sunday * DAY + HOUR
    };
    // Days of a common year until the end of March and until the end of October.
    let is_summer = (change(90)..change(304)).contains(&utc);
    if is_summer { 2 * HOUR } else { HOUR }
}

fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

/// Days from 1970-01-01 to 1 January of `year`.
fn days_before(year: i64) -> i64 {
    (1970..year).map(|y| 365 + i64::from(is_leap(y))).sum()
}

fn check_against_jiff(zone: &Zone, tz: &TimeZone, unix_ms: i64) -> Result<(), TestCaseError> {
    let local = zone.local(unix_ms);
    let instant = Timestamp::from_millisecond(unix_ms).unwrap();
    let expected = instant.to_zoned_datetime(tz.clone());
    prop_assert_eq!(local.date, expected.date());
    prop_assert_eq!(i64::from(local.hour), i64::from(expected.hour()));
    prop_assert_eq!(local.offset, expected.offset().seconds());
    prop_assert_eq!(local.band, Band::of(local.hour));
    Ok(())
}

/// Checks that the hour starts at or before the instant and lasts at most 3,600 s. Its first second
/// is in the same local hour, the second before is in another one.
fn check_hour_start(zone: &Zone, unix_ms: i64) -> Result<(), TestCaseError> {
    let local = zone.local(unix_ms);
    let second = unix_ms.div_euclid(1_000);
    prop_assert!(local.hour_start_utc <= second && second < local.hour_start_utc + HOUR);
    let first = zone.local(local.hour_start_utc * 1_000);
    prop_assert_eq!(
        (first.date, first.hour, first.offset),
        (local.date, local.hour, local.offset)
    );
    prop_assert_eq!(first.hour_start_utc, local.hour_start_utc);
    let before = zone.local(local.hour_start_utc * 1_000 - 1);
    prop_assert_ne!(
        (before.date, before.hour, before.offset),
        (local.date, local.hour, local.offset)
    );
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn thirty_years_agree_with_jiff(name in select(ZONES), seconds in proptest::collection::vec(FROM..TO, 50)) {
        let zone = Zone::named(name).unwrap();
        let tz = TimeZone::get(name).unwrap();
        for second in seconds {
            let unix_ms = second * 1_000 + second.rem_euclid(1_000);
            check_against_jiff(&zone, &tz, unix_ms)?;
            check_hour_start(&zone, unix_ms)?;
        }
    }

    #[test]
    fn any_time_agrees_with_jiff(name in select(ZONES), second in -377_000_000_000_i64..253_000_000_000) {
        let zone = Zone::named(name).unwrap();
        let tz = TimeZone::get(name).unwrap();
        check_against_jiff(&zone, &tz, second * 1_000)?;
        check_hour_start(&zone, second * 1_000)?;
    }

    #[test]
    fn no_instant_fails(unix_ms in any::<i64>()) {
        let local = Zone::default().local(unix_ms);
        prop_assert!(local.hour < 24);
    }
}

#[test]
fn thirty_years_of_rome_follow_the_rule() {
    let rome = Zone::default();
    // Steps of 6,607 s are fast enough and still meet every quarter of an hour.
    for utc in (FROM..TO).step_by(6_607) {
        let offset = offset_by_the_rule(utc);
        let local = rome.local(utc * 1_000);
        assert_eq!(i64::from(local.offset), offset, "{utc}");
        assert_eq!(
            i64::from(days_since_1970(local.date)),
            (utc + offset).div_euclid(DAY)
        );
        assert_eq!(i64::from(local.hour), (utc + offset).rem_euclid(DAY) / HOUR);
    }
}

#[test]
fn the_second_before_and_after_every_change() {
    let rome = Zone::default();
    let mut changes = 0;
    for hour in (FROM..TO).step_by(HOUR as usize) {
        if offset_by_the_rule(hour) == offset_by_the_rule(hour - 1) {
            continue;
        }
        changes += 1;
        for utc in [hour - 1, hour] {
            assert_eq!(
                i64::from(rome.local(utc * 1_000).offset),
                offset_by_the_rule(utc)
            );
        }
        assert_eq!(rome.local(hour * 1_000).hour_start_utc, hour);
    }
    assert_eq!(changes, 2 * 31);
}

#[test]
fn an_unknown_zone_is_refused_and_a_known_one_named_well() {
    for name in [
        "Europe/Atlantis",
        "",
        "CET+1",
        "Europe/Rome ",
        "../etc/passwd",
    ] {
        assert_eq!(Zone::named(name).unwrap_err().name, name);
    }
    assert_eq!(Zone::named("europe/rome").unwrap().name(), "Europe/Rome");
}

#[test]
fn both_hours_of_an_autumn_night_are_told_apart() {
    let rome = Zone::default();
    let (first, second) = (rome.local(1_509_235_200_000), rome.local(1_509_238_800_000));
    assert_eq!((first.hour, second.hour), (2, 2));
    assert_eq!(second.hour_start_utc - first.hour_start_utc, HOUR);
    assert_eq!(first.date, jiff::civil::date(2017, 10, 29));
}
