//! Parser for the time of a log line: `17/May/2015:10:05:03 +0000`.

use affluenza_event::UnixMillis;
use jiff::civil::{Date, date};

/// Accepted years. The consumer accepts instants from 2 January 1970 to the end of 2105, and the
/// margin covers every time zone. A machine without a clock logs 1970.
const YEARS: std::ops::RangeInclusive<i64> = 1971..=2104;

const MONTHS: &[u8; 36] = b"JanFebMarAprMayJunJulAugSepOctNovDec";

const EPOCH: Date = date(1970, 1, 1);

/// Length of a time in a log, in bytes without its brackets.
pub(crate) const LOG_TIME_BYTES: usize = 26;

/// Time of a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LogTime {
    /// RFC 3339 text with the offset of the log.
    rfc3339: [u8; 25],
    /// Instant in UTC.
    pub(crate) instant: UnixMillis,
    /// Local date of the log, in days since 1970-01-01.
    pub(crate) day: i32,
}

impl LogTime {
    /// Parses exactly `17/May/2015:10:05:03 +0000`.
    pub(crate) fn parse(text: &[u8]) -> Option<Self> {
        let text: &[u8; LOG_TIME_BYTES] = text.try_into().ok()?;
        let separators = [
            (2, b'/'),
            (6, b'/'),
            (11, b':'),
            (14, b':'),
            (17, b':'),
            (20, b' '),
        ];
        if separators.iter().any(|&(at, byte)| text[at] != byte) {
            return None;
        }
        let day = number(&text[..2])?;
        let month = month(&text[3..6])?;
        let year = number(&text[7..11])?;
        let (hour, minute) = (number(&text[12..14])?, number(&text[15..17])?);
        // A leap second is logged as 60, which neither RFC 3339 parsers nor Unix time support.
        let second = match number(&text[18..20])? {
            60 => 59,
            second => second,
        };
        let sign = match text[21] {
            b'+' => 1,
            b'-' => -1,
            _ => return None,
        };
        let (offset_hours, offset_minutes) = (number(&text[22..24])?, number(&text[24..26])?);
        if !YEARS.contains(&year)
            || hour > 23
            || minute > 59
            || second > 59
            || offset_hours > 23
            || offset_minutes > 59
        {
            return None;
        }
        // The year has four digits, month and day have two: the casts are safe.
        let date = Date::new(year as i16, month as i8, day as i8).ok()?;
        let days = date.duration_since(EPOCH).as_hours() / 24;
        let offset_s = sign * (offset_hours * 3600 + offset_minutes * 60);
        let seconds = days * 86_400 + hour * 3600 + minute * 60 + second - offset_s;
        Some(Self {
            rfc3339: rfc3339(text, month, second),
            instant: UnixMillis(seconds * 1000),
            day: i32::try_from(days).ok()?,
        })
    }

    /// Time in the format of an event.
    pub(crate) fn as_rfc3339(&self) -> &str {
        std::str::from_utf8(&self.rfc3339).expect("only ASCII digits and separators were written")
    }
}

fn rfc3339(text: &[u8; LOG_TIME_BYTES], month: i64, second: i64) -> [u8; 25] {
    let mut out = *b"0000-00-00T00:00:00+00:00";
    out[..4].copy_from_slice(&text[7..11]);
    out[5..7].copy_from_slice(&two_digits(month));
    out[8..10].copy_from_slice(&text[..2]);
    out[11..17].copy_from_slice(&text[12..18]);
    out[17..19].copy_from_slice(&two_digits(second));
    out[19..22].copy_from_slice(&text[21..24]);
    out[23..25].copy_from_slice(&text[24..26]);
    // In RFC 3339, "-00:00" means an unknown offset.
    if out[19..] == *b"-00:00" {
        out[19] = b'+';
    }
    out
}

fn two_digits(number: i64) -> [u8; 2] {
    [b'0' + (number / 10) as u8, b'0' + (number % 10) as u8]
}

fn number(digits: &[u8]) -> Option<i64> {
    digits.iter().try_fold(0, |number, &byte| {
        byte.is_ascii_digit()
            .then(|| number * 10 + i64::from(byte - b'0'))
    })
}

fn month(name: &[u8]) -> Option<i64> {
    let at = MONTHS.chunks_exact(3).position(|month| month == name)?;
    Some(at as i64 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn time(text: &str) -> Option<(String, i64, i32)> {
        LogTime::parse(text.as_bytes())
            .map(|time| (time.as_rfc3339().to_owned(), time.instant.0, time.day))
    }

    #[test]
    fn a_time_keeps_its_offset_and_its_own_date() {
        assert_eq!(
            time("17/May/2015:10:05:03 +0000"),
            Some((
                "2015-05-17T10:05:03+00:00".into(),
                1_431_857_103_000,
                16_572
            ))
        );
        // Half past midnight in Rome is still the previous day in UTC.
        assert_eq!(
            time("26/Mar/2017:00:30:00 +0100"),
            Some((
                "2017-03-26T00:30:00+01:00".into(),
                1_490_484_600_000,
                17_251
            ))
        );
        assert_eq!(
            time("01/Jan/1971:00:00:00 -0000"),
            Some(("1971-01-01T00:00:00+00:00".into(), 31_536_000_000, 365))
        );
    }

    #[test]
    fn a_leap_second_is_the_second_before() {
        assert_eq!(
            time("31/Dec/2016:23:59:60 +0000"),
            time("31/Dec/2016:23:59:59 +0000")
        );
    }

    #[test]
    fn dates_that_do_not_exist_are_refused() {
        for text in [
            "29/Feb/2015:00:00:00 +0000",
            "31/Apr/2015:00:00:00 +0000",
            "00/Jan/2015:00:00:00 +0000",
            "01/Foo/2015:00:00:00 +0000",
            "01/jan/2015:00:00:00 +0000",
            "31/Dec/1970:00:00:00 +0000",
            "01/Jan/2105:00:00:00 +0000",
            "01/Jan/2015:24:00:00 +0000",
            "01/Jan/2015:00:60:00 +0000",
            "01/Jan/2015:00:00:61 +0000",
            "01/Jan/2015:00:00:00 +2400",
            "01/Jan/2015:00:00:00 +0060",
            "01/Jan/2015:00:00:00 00000",
            "01/Jan/2015:00:00:00  0000",
            "1/Jan/2015:00:00:00 +0000",
            "01/Jan/2015:00:00:00",
            "",
        ] {
            assert_eq!(time(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn the_instant_is_the_one_the_consumer_reads(
            (year, month, day) in (1971i64..=2104, 1i64..=12, 1i64..=31),
            (hour, minute, second) in (0u8..24, 0u8..60, 0u8..60),
            (west, offset_hours, offset_minutes) in (any::<bool>(), 0u8..24, 0u8..60),
        ) {
            let day = day.min(i64::from(date(year as i16, month as i8, 1).days_in_month()));
            let name = std::str::from_utf8(&MONTHS[(month as usize - 1) * 3..][..3]).unwrap();
            let sign = if west { '-' } else { '+' };
            let text = format!("{day:02}/{name}/{year}:{hour:02}:{minute:02}:{second:02} {sign}{offset_hours:02}{offset_minutes:02}");
            let time = LogTime::parse(text.as_bytes()).unwrap();
            let record = format!(
                r#"{{"specversion":"1.0","type":"{}","source":"s","id":"1","time":"{}","data":{{"ente":"e","portal":"p"}}}}"#,
                affluenza_event::ACCESS_V1,
                time.as_rfc3339(),
            );
            let event = affluenza_event::parse(record.as_bytes(), time.instant).unwrap();
            prop_assert_eq!(event.time, time.instant);
        }
    }
}
