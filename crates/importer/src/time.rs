//! Parser for the time of a log line, in the forms that servers write.

use affluenza_event::UnixMillis;
use jiff::civil::DateTime;
use jiff::tz::{Offset, TimeZone};
use jiff::{Timestamp, civil::Date};

/// First and last accepted year. The consumer accepts instants from 2 January 1970 to the end of
/// 2105, and the margin covers every time zone. A machine without a clock logs 1970.
const YEARS: [&[u8]; 2] = [b"1971", b"2104"];

const MONTHS: [&[u8]; 12] = [
    b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec",
];

/// Length of `17/May/2015:10:05:03` and `2015-05-17T10:05:03`, in bytes.
const CLF_BYTES: usize = 20;
const ISO_BYTES: usize = 19;

/// Time zone of the portal, which decides the day of a visitor and the meaning of a time without
/// an offset.
#[derive(Debug, Clone)]
pub(crate) struct LogClock {
    zone: TimeZone,
}

impl Default for LogClock {
    fn default() -> Self {
        Self::new(TimeZone::UTC)
    }
}

impl LogClock {
    pub(crate) fn new(zone: TimeZone) -> Self {
        Self { zone }
    }

    pub(crate) fn name(&self) -> &str {
        self.zone.iana_name().unwrap_or("UTC")
    }

    /// Returns the day of an instant for the portal.
    pub(crate) fn day(&self, instant: UnixMillis) -> Date {
        let instant = Timestamp::from_millisecond(instant.0).unwrap_or(Timestamp::UNIX_EPOCH);
        self.zone.to_datetime(instant).date()
    }
}

/// Origin of the offset of a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum OffsetSource {
    /// The log has it, as hours and minutes.
    Log([u8; 5]),
    /// The form is in UTC.
    Utc,
    /// The time has none, and is read in the portal's time zone.
    Portal,
}

/// Time of a log line, in whole seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LogTime {
    /// RFC 3339 text with the offset of the log.
    rfc3339: [u8; 25],
    /// Instant in UTC.
    pub(crate) instant: UnixMillis,
    pub(crate) source: OffsetSource,
}

impl LogTime {
    /// Parses `17/May/2015:10:05:03 +0000`, RFC 3339 and its variants, or seconds, milli-, micro- or
    /// nanoseconds since 1970. A fraction of a second is cut.
    pub(crate) fn parse(text: &[u8], clock: &LogClock) -> Option<Self> {
        let mut time = *b"0000-00-00T00:00:00+00:00";
        let rest = match text {
            [_, _, b'/', ..] => {
                let clf: &[u8; CLF_BYTES] = text.first_chunk()?;
                if [6, 11, 14, 17].map(|at| clf[at]) != *b"/:::" {
                    return None;
                }
                let month = MONTHS.iter().position(|month| *month == &clf[3..6])? as u8 + 1;
                time[..4].copy_from_slice(&clf[7..11]);
                time[5..7].copy_from_slice(&[b'0' + month / 10, b'0' + month % 10]);
                time[8..10].copy_from_slice(&clf[..2]);
                time[11..19].copy_from_slice(&clf[12..]);
                &text[CLF_BYTES..]
            }
            [_, _, _, _, b'-', ..] => {
                let iso: &[u8; ISO_BYTES] = text.first_chunk()?;
                if !matches!(iso[10], b'T' | b't' | b' ') {
                    return None;
                }
                time[..10].copy_from_slice(&iso[..10]);
                time[11..19].copy_from_slice(&iso[11..]);
                &text[ISO_BYTES..]
            }
            _ => return Self::of_epoch(text),
        };
        Self::with_offset(time, without_fraction(rest), clock)
    }

    /// Parses a date and a time of day, both in UTC: `2015-05-17`, `10:05:03`.
    pub(crate) fn in_utc(date: &[u8], clock: &[u8]) -> Option<Self> {
        Self::at_offset(date, clock, *b"+0000")
    }

    /// Parses a date and a time of day with the offset that the header of a log names.
    pub(crate) fn at_offset(date: &[u8], clock: &[u8], offset: [u8; 5]) -> Option<Self> {
        let mut time = *b"0000-00-00T00:00:00+00:00";
        let date: &[u8; 10] = date.try_into().ok()?;
        let clock: &[u8; 8] = clock.first_chunk()?;
        time[..10].copy_from_slice(date);
        time[11..19].copy_from_slice(clock);
        if offset == *b"+0000" {
            return Self::checked(time, OffsetSource::Utc);
        }
        Self::with_offset(time, &offset, &LogClock::default())
    }

    fn with_offset(mut time: [u8; 25], offset: &[u8], clock: &LogClock) -> Option<Self> {
        let digits = match offset.trim_ascii_start() {
            b"" => return Self::in_zone(time, clock),
            b"Z" | b"z" => *b"+0000",
            [sign, hours @ .., b':', tens, ones] if hours.len() == 2 => {
                [*sign, hours[0], hours[1], *tens, *ones]
            }
            offset => *offset.first_chunk::<5>().filter(|_| offset.len() == 5)?,
        };
        if !matches!(digits[0], b'+' | b'-') || digits[1..] > b"2359"[..] {
            return None;
        }
        // In RFC 3339, "-00:00" means an unknown offset.
        if digits != *b"-0000" {
            time[19..22].copy_from_slice(&digits[..3]);
            time[23..].copy_from_slice(&digits[3..]);
        }
        Self::checked(time, OffsetSource::Log(digits))
    }

    /// Reads a time without an offset in the portal's zone. Of an hour that occurs twice, it is the
    /// first.
    fn in_zone(time: [u8; 25], clock: &LogClock) -> Option<Self> {
        // The calendar and the digits are checked as of a time in UTC.
        let local = Self::checked(time, OffsetSource::Portal)?;
        let civil = Offset::UTC.to_datetime(Timestamp::from_millisecond(local.instant.0).ok()?);
        let zoned = clock
            .zone
            .to_ambiguous_zoned_datetime(civil)
            .compatible()
            .ok()?;
        Self::of_instant(zoned.timestamp(), zoned.datetime(), zoned.offset()).map(|time| Self {
            source: OffsetSource::Portal,
            ..time
        })
    }

    fn of_epoch(text: &[u8]) -> Option<Self> {
        let digits = text.iter().position(|byte| !byte.is_ascii_digit());
        let (whole, fraction) = text.split_at(digits.unwrap_or(text.len()));
        if !without_fraction(fraction).is_empty() {
            return None;
        }
        // The number of digits tells the unit until the year 2286.
        let seconds = match whole.len() {
            8..=10 => whole,
            13 => &whole[..10],
            16 => &whole[..10],
            19 => &whole[..10],
            _ => return None,
        };
        let seconds: i64 = std::str::from_utf8(seconds).ok()?.parse().ok()?;
        let instant = Timestamp::from_second(seconds).ok()?;
        let time = Self::of_instant(instant, Offset::UTC.to_datetime(instant), Offset::UTC)?;
        Some(Self {
            source: OffsetSource::Utc,
            ..time
        })
    }

    fn of_instant(instant: Timestamp, local: DateTime, offset: Offset) -> Option<Self> {
        let mut time = *b"0000-00-00T00:00:00+00:00";
        let minutes = u16::try_from(offset.seconds().abs() / 60).ok()?;
        let year = u16::try_from(local.year()).ok()?;
        let small = [
            local.month(),
            local.day(),
            local.hour(),
            local.minute(),
            local.second(),
        ];
        put_pair(&mut time, 0, year / 100);
        put_pair(&mut time, 2, year % 100);
        for (value, at) in small.into_iter().zip([5, 8, 11, 14, 17]) {
            put_pair(&mut time, at, u16::from(value.unsigned_abs()));
        }
        if offset.is_negative() {
            time[19] = b'-';
        }
        put_pair(&mut time, 20, minutes / 60);
        put_pair(&mut time, 23, minutes % 60);
        let checked = Self::checked(time, OffsetSource::Utc)?;
        (checked.instant.0 == instant.as_second() * 1_000).then_some(checked)
    }

    fn checked(mut time: [u8; 25], source: OffsetSource) -> Option<Self> {
        if time[..4] < *YEARS[0] || time[..4] > *YEARS[1] {
            return None;
        }
        // A leap second is logged as 60, which neither RFC 3339 parsers nor Unix time support.
        if time[17..19] == *b"60" {
            time[17..19].copy_from_slice(b"59");
        }
        let instant = instant(&time)?;
        Some(Self {
            rfc3339: time,
            instant: UnixMillis(instant.as_millisecond()),
            source,
        })
    }

    /// Time in the format of an event.
    pub(crate) fn as_rfc3339(&self) -> &str {
        std::str::from_utf8(&self.rfc3339).expect("the text was parsed")
    }
}

/// Reads `2015-05-17T10:05:03+00:00`. The general parser of RFC 3339 takes several times as long.
fn instant(time: &[u8; 25]) -> Option<Timestamp> {
    if [4, 7, 10, 13, 16, 22].map(|at| time[at]) != *b"--T:::" {
        return None;
    }
    let year = pair(time, 0)? * 100 + pair(time, 2)?;
    let [month, day, hour, minute, second] = [5, 8, 11, 14, 17].map(|at| pair(time, at));
    let (month, day) = (i8::try_from(month?).ok()?, i8::try_from(day?).ok()?);
    let (hour, minute) = (i8::try_from(hour?).ok()?, i8::try_from(minute?).ok()?);
    let second = i8::try_from(second?).ok()?;
    let local = DateTime::new(year, month, day, hour, minute, second, 0).ok()?;
    let (hours, minutes) = (i32::from(pair(time, 20)?), i32::from(pair(time, 23)?));
    let seconds = (hours * 60 + minutes) * if time[19] == b'-' { -60 } else { 60 };
    let offset = Offset::from_seconds(seconds)
        .ok()
        .filter(|_| minutes < 60)?;
    offset.to_timestamp(local).ok()
}

/// Reads two digits.
fn pair(time: &[u8; 25], at: usize) -> Option<i16> {
    match time[at..at + 2] {
        [tens @ b'0'..=b'9', ones @ b'0'..=b'9'] => {
            Some(i16::from(tens - b'0') * 10 + i16::from(ones - b'0'))
        }
        _ => None,
    }
}

/// Writes two digits.
fn put_pair(time: &mut [u8; 25], at: usize, value: u16) {
    let [_, tens] = (value / 10 % 10).to_be_bytes();
    let [_, ones] = (value % 10).to_be_bytes();
    time[at..at + 2].copy_from_slice(&[b'0' + tens, b'0' + ones]);
}

/// Removes a fraction of a second from the beginning of a text.
fn without_fraction(text: &[u8]) -> &[u8] {
    let [b'.' | b',', fraction @ ..] = text else {
        return text;
    };
    let digits = fraction
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    &fraction[digits..]
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;
    use proptest::prelude::*;

    #[test]
    fn a_time_keeps_its_offset() {
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
            let time = LogTime::parse(text.as_bytes(), &LogClock::default()).unwrap();
            assert_eq!((time.as_rfc3339(), time.instant.0), (expected, instant));
        }
    }

    #[test]
    fn times_of_all_servers_are_read() {
        let clock = LogClock::new(TimeZone::get("Europe/Rome").unwrap());
        let offset = |digits: &[u8; 5]| OffsetSource::Log(*digits);
        for (text, expected, source) in [
            (
                "2026-05-14T10:05:03+02:00",
                "2026-05-14T10:05:03+02:00",
                offset(b"+0200"),
            ),
            (
                "2026-05-14T10:05:03.123456+0200",
                "2026-05-14T10:05:03+02:00",
                offset(b"+0200"),
            ),
            (
                "2026-05-14 10:05:03,1 -02:30",
                "2026-05-14T10:05:03-02:30",
                offset(b"-0230"),
            ),
            (
                "2026-05-14T08:05:03.999999999Z",
                "2026-05-14T08:05:03+00:00",
                offset(b"+0000"),
            ),
            (
                "14/May/2026:10:05:03.655",
                "2026-05-14T10:05:03+02:00",
                OffsetSource::Portal,
            ),
            (
                "2026-01-14 10:05:03",
                "2026-01-14T10:05:03+01:00",
                OffsetSource::Portal,
            ),
            // An hour that the clocks skip, and one that they repeat.
            (
                "2026-03-29 02:30:00",
                "2026-03-29T03:30:00+02:00",
                OffsetSource::Portal,
            ),
            (
                "2026-10-25 02:30:00",
                "2026-10-25T02:30:00+02:00",
                OffsetSource::Portal,
            ),
            ("1778745903", "2026-05-14T08:05:03+00:00", OffsetSource::Utc),
            (
                "1778745903.12",
                "2026-05-14T08:05:03+00:00",
                OffsetSource::Utc,
            ),
            (
                "1778745903120",
                "2026-05-14T08:05:03+00:00",
                OffsetSource::Utc,
            ),
            (
                "1778745903120000",
                "2026-05-14T08:05:03+00:00",
                OffsetSource::Utc,
            ),
        ] {
            let time = LogTime::parse(text.as_bytes(), &clock).unwrap_or_else(|| panic!("{text}"));
            assert_eq!(
                (time.as_rfc3339(), time.source),
                (expected, source),
                "{text}"
            );
        }
        let time = LogTime::in_utc(b"2026-05-14", b"08:05:03").unwrap();
        assert_eq!(time.as_rfc3339(), "2026-05-14T08:05:03+00:00");
        assert_eq!(clock.day(time.instant), date(2026, 5, 14));
        let night = LogTime::in_utc(b"2026-05-14", b"22:00:00").unwrap();
        assert_eq!(clock.day(night.instant), date(2026, 5, 15));
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
            "1/Jan/2015:00:00:00 +0000",
            "01/Jan/2015:00:00:00 +000",
            "01/Jan/2015:00:00:00 UTC",
            "2015-02-29T00:00:00Z",
            "2015-01-01 00:00",
            "123",
            "1431857103x",
            "01/Jan/2015:00:00:0x +0000",
            "0x/Jan/2015:00:00:00 +0000",
            "01/Jan/2x15:00:00:00 +0000",
            "",
        ] {
            assert_eq!(
                LogTime::parse(text.as_bytes(), &LogClock::default()),
                None,
                "{text}"
            );
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
            let time = LogTime::parse(text.as_bytes(), &LogClock::default()).unwrap();
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
