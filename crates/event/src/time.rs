//! Parses the usual form of an RFC 3339 time, in a fifth of the time of the general parser.

use crate::UnixMillis;

const MINUTE_MS: i64 = 60_000;
const DAY_MS: i64 = 1_440 * MINUTE_MS;

/// Parses `YYYY-MM-DDTHH:MM:SS` with an optional fraction and `Z` or `±HH:MM`, from 1970 on. `None`
/// means that the general parser decides.
#[inline]
pub(crate) fn usual(text: &str) -> Option<UnixMillis> {
    let (date_time, rest) = text.as_bytes().split_first_chunk::<19>()?;
    let [
        y0,
        y1,
        y2,
        y3,
        b'-',
        m0,
        m1,
        b'-',
        d0,
        d1,
        b'T',
        h0,
        h1,
        b':',
        i0,
        i1,
        b':',
        s0,
        s1,
    ] = date_time
    else {
        return None;
    };
    let days = days(
        two(*y0, *y1)? * 100 + two(*y2, *y3)?,
        two(*m0, *m1)?,
        two(*d0, *d1)?,
    )?;
    let (hour, minute, second) = (two(*h0, *h1)?, two(*i0, *i1)?, two(*s0, *s1)?);
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let (ms, zone) = fraction(rest)?;
    let minutes = i64::from(hour * 60 + minute) - offset(zone)?;
    let ms = i64::from(days) * DAY_MS + minutes * MINUTE_MS + i64::from(second * 1_000 + ms);
    // Other parsers round times before 1970 in the other direction.
    (ms >= 0).then_some(UnixMillis(ms))
}

/// Returns the days from 1970-01-01 to a Gregorian date.
#[inline]
fn days(year: u32, month: u32, day: u32) -> Option<u32> {
    /// Days before each month and in it, without the leap day.
    const MONTHS: [(u32, u32); 12] = [
        (0, 31),
        (31, 28),
        (59, 31),
        (90, 30),
        (120, 31),
        (151, 30),
        (181, 31),
        (212, 31),
        (243, 30),
        (273, 31),
        (304, 30),
        (334, 31),
    ];
    let is_leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let leap_day = u32::from(is_leap);
    let (before, length) = MONTHS.get(month.checked_sub(1)? as usize)?;
    let length = length + if month == 2 { leap_day } else { 0 };
    if year < 1970 || !(1..=length).contains(&day) {
        return None;
    }
    let before = before + if month > 2 { leap_day } else { 0 };
    let past = year - 1;
    // 719,162 days precede 1970.
    let years = past * 365 + past / 4 - past / 100 + past / 400 - 719_162;
    Some(years + before + day - 1)
}

/// Parses a fraction to whole milliseconds, and returns the rest of the text.
#[inline]
fn fraction(text: &[u8]) -> Option<(u32, &[u8])> {
    match text {
        // Three digits, as the programs of this project write it.
        [b'.', a, b, c, rest @ ..] if !rest.first().is_some_and(u8::is_ascii_digit) => {
            Some((digit(*a)? * 100 + two(*b, *c)?, rest))
        }
        [b'.', rest @ ..] => {
            let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
            if !(1..=9).contains(&digits) {
                return None;
            }
            let (fraction, zone) = rest.split_at(digits);
            let places = fraction.iter().chain([b'0', b'0'].iter()).take(3);
            let ms = places.fold(0, |ms, byte| ms * 10 + u32::from(byte - b'0'));
            Some((ms, zone))
        }
        _ => Some((0, text)),
    }
}

/// Parses the offset from UTC, in minutes east.
#[inline]
fn offset(zone: &[u8]) -> Option<i64> {
    match zone {
        b"Z" => Some(0),
        [sign @ (b'+' | b'-'), h0, h1, b':', m0, m1] => {
            let (hours, minutes) = (two(*h0, *h1)?, two(*m0, *m1)?);
            // The general parser decides about larger values.
            if hours > 23 || minutes > 59 {
                return None;
            }
            let minutes = i64::from(hours * 60 + minutes);
            Some(if *sign == b'-' { -minutes } else { minutes })
        }
        _ => None,
    }
}

#[inline]
fn two(tens: u8, ones: u8) -> Option<u32> {
    Some(digit(tens)? * 10 + digit(ones)?)
}

#[inline]
fn digit(byte: u8) -> Option<u32> {
    let value = u32::from(byte).wrapping_sub(u32::from(b'0'));
    (value < 10).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn by_jiff(text: &str) -> Option<UnixMillis> {
        let time: jiff::Timestamp = text.parse().ok()?;
        Some(UnixMillis(time.as_millisecond()))
    }

    proptest! {
        /// The fast parser agrees with jiff.
        #[test]
        fn it_agrees_with_jiff(
            second in prop_oneof![-62_135_596_800_i64..253_402_300_799, 0..7_000_000_000_i64],
            fraction in prop::sample::select(vec!["", ".5", ".12", ".120", ".0009", ".000001", ".999999999", ".9999999999", "."]),
            zone in prop::sample::select(vec!["Z", "+02:00", "-11:30", "-00:00", "+24:00", "z", ""]),
            at in any::<prop::sample::Index>(),
            with in prop::sample::select(b"09+-.:TZ6 ".to_vec()),
        ) {
            let time = jiff::Timestamp::from_second(second).unwrap();
            let time = time.strftime("%Y-%m-%dT%H:%M:%S").to_string();
            let text = format!("{time}{fraction}{zone}");
            let mut damaged = text.clone().into_bytes();
            let at = at.index(damaged.len());
            damaged[at] = with;
            for text in [text, String::from_utf8(damaged).unwrap()] {
                if let Some(found) = usual(&text) {
                    prop_assert_eq!(Some(found), by_jiff(&text), "{}", text);
                }
            }
        }
    }

    #[test]
    fn usual_times_are_read() {
        for text in [
            "2017-03-26T10:00:00Z",
            "2017-03-26T10:00:00.123Z",
            "2017-03-26T10:00:00.123456789+02:00",
        ] {
            assert_eq!(usual(text), by_jiff(text), "{text}");
            assert!(usual(text).is_some(), "{text}");
        }
        for text in [
            "2017-03-26 10:00:00Z",
            "2017-03-26T10:00:60Z",
            "20170326T100000Z",
            "2017-02-29T10:00:00Z",
        ] {
            assert_eq!(usual(text), None, "{text}");
        }
    }

    #[test]
    fn every_day_of_the_table_is_as_jiff_has_it() {
        let mut date = jiff::civil::date(1970, 1, 1);
        let mut expected = 0;
        while date.year() < 2410 {
            let found = days(date.year() as u32, date.month() as u32, date.day() as u32);
            assert_eq!(found, Some(expected), "{date}");
            expected += 1;
            date = date.tomorrow().unwrap();
        }
        for (year, month, day) in [
            (1969, 12, 31),
            (2100, 2, 29),
            (2017, 4, 31),
            (2017, 13, 1),
            (2017, 0, 1),
            (2017, 1, 0),
        ] {
            assert_eq!(days(year, month, day), None, "{year} {month} {day}");
        }
    }
}
