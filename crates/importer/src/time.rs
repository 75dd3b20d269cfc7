//! Parser for the time of a log line: `17/May/2015:10:05:03 +0000`.

use affluenza_event::UnixMillis;
use jiff::Timestamp;

/// First and last accepted year. The consumer accepts instants from 2 January 1970 to the end of
/// 2105, and the margin covers every time zone. A machine without a clock logs 1970.
const YEARS: [&[u8]; 2] = [b"1971", b"2104"];

const MONTHS: [&[u8]; 12] = [
    b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec",
];

/// Length of a time in a log, in bytes without its brackets.
pub(crate) const LOG_TIME_BYTES: usize = 26;

/// Time of a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LogTime {
    /// RFC 3339 text with the offset of the log.
    rfc3339: [u8; 25],
    /// Instant in UTC.
    pub(crate) instant: UnixMillis,
}

impl LogTime {
    /// Parses exactly `17/May/2015:10:05:03 +0000`.
    pub(crate) fn parse(text: &[u8]) -> Option<Self> {
        let text: &[u8; LOG_TIME_BYTES] = text.try_into().ok()?;
        let separators = [2, 6, 11, 14, 17, 20].map(|at| text[at]);
        let (year, offset) = (&text[7..11], &text[22..26]);
        if separators != *b"//::: " || year < YEARS[0] || year > YEARS[1] || offset > &b"2359"[..] {
            return None;
        }
        let month = MONTHS.iter().position(|month| *month == &text[3..6])? as u8 + 1;
        let mut rfc3339 = *b"0000-00-00T00:00:00+00:00";
        rfc3339[..4].copy_from_slice(year);
        rfc3339[5..7].copy_from_slice(&[b'0' + month / 10, b'0' + month % 10]);
        rfc3339[8..10].copy_from_slice(&text[..2]);
        rfc3339[11..19].copy_from_slice(&text[12..20]);
        // A leap second is logged as 60, which neither RFC 3339 parsers nor Unix time support.
        if rfc3339.ends_with(b"60+00:00") {
            rfc3339[17..19].copy_from_slice(b"59");
        }
        // In RFC 3339, "-00:00" means an unknown offset.
        if text[21..] != *b"-0000" {
            rfc3339[19..22].copy_from_slice(&text[21..24]);
            rfc3339[23..].copy_from_slice(&text[24..]);
        }
        let instant: Timestamp = std::str::from_utf8(&rfc3339).ok()?.parse().ok()?;
        Some(Self {
            rfc3339,
            instant: UnixMillis(instant.as_millisecond()),
        })
    }

    /// Time in the format of an event.
    pub(crate) fn as_rfc3339(&self) -> &str {
        std::str::from_utf8(&self.rfc3339).expect("the text was parsed")
    }

    /// Local date of the log, such as `2015-05-17`.
    pub(crate) fn day(&self) -> &str {
        &self.as_rfc3339()[..10]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;
    use proptest::prelude::*;

    #[test]
    fn a_time_keeps_its_offset_and_its_own_date() {
        for (text, expected, instant) in [
            (
                "17/May/2015:10:05:03 +0000",
                "2015-05-17T10:05:03+00:00",
                1_431_857_103_000,
            ),
            // Half past midnight in Rome is still the previous day in UTC.
            (
                "26/Mar/2017:00:30:00 +0100",
                "2017-03-26T00:30:00+01:00",
                1_490_484_600_000,
            ),
            (
                "01/Jan/1971:00:00:00 -0000",
                "1971-01-01T00:00:00+00:00",
                31_536_000_000,
            ),
            // A leap second is the second before.
            (
                "31/Dec/2016:23:59:60 -0200",
                "2016-12-31T23:59:59-02:00",
                1_483_235_999_000,
            ),
        ] {
            let time = LogTime::parse(text.as_bytes()).unwrap();
            assert_eq!((time.as_rfc3339(), time.instant.0), (expected, instant));
            assert_eq!(time.day(), &expected[..10]);
        }
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
            "01/Jan/2015:00:00:0x +0000",
            "0x/Jan/2015:00:00:00 +0000",
            "01/Jan/2x15:00:00:00 +0000",
            "",
        ] {
            assert_eq!(LogTime::parse(text.as_bytes()), None, "{text}");
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
            let name = std::str::from_utf8(MONTHS[month as usize - 1]).unwrap();
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
