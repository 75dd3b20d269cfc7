//! Fast and exact conversion of instants to local hours.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use jiff::tz::{TimeZone, TimeZoneDatabase};
use serde::{Deserialize, Serialize};

use super::{Band, Bands, LocalDate, Weekday};

/// The default time zone of a portal.
pub(crate) const DEFAULT_ZONE: &str = "Europe/Rome";

const HOUR: i64 = 3_600;
const DAY: i64 = 86_400;

/// The table holds the transitions between these instants: 3 January 1970 to the end of 2099. In
/// this range local seconds are never negative and fit 32 bits. `jiff` answers for all other
/// instants, with the same result and about a hundred times slower.
const TABLE_START: i64 = 2 * DAY;
const TABLE_END: i64 = 4_102_444_800;

/// The index of the table has one entry per 2^22 seconds (48.5 days). No zone changes its offset
/// more than two or three times in such a period.
const PERIOD_BITS: u32 = 22;

/// The name is not in the IANA database.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown time zone {name:?}: use a name of the IANA database, such as Europe/Rome")]
pub struct UnknownZone {
    /// The name as given.
    pub name: String,
}

/// Date and time of an instant in a time zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct LocalHour {
    /// The local date.
    pub date: LocalDate,
    /// The local hour, 0 to 23.
    pub hour: u8,
    /// The local minute, 0 to 59.
    pub minute: u8,
    /// The local day of the week.
    pub weekday: Weekday,
    /// The band of the local hour.
    pub band: Band,
    /// Start of this local hour, in seconds since 1970-01-01T00:00:00Z.
    ///
    /// The value identifies one real hour: the repeated hour of an autumn night has two values. A
    /// change of offset within an hour (Lord Howe changes by 30 minutes) starts a new hour. An hour
    /// lasts 3,600 s, or less if a change cuts it.
    pub hour_start_utc: i64,
    /// Local time minus UTC, in seconds.
    pub offset: i32,
}

/// A period with a constant offset. It ends at the start of the next span.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Span {
    start: i64,
    offset: i32,
}

/// A time zone of the IANA database, with the bands of the day.
///
/// Building a zone takes about 100 µs and 10 KiB, so build it once and keep it. Its serialised form
/// is its name.
#[derive(Clone, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Zone {
    tz: TimeZone,
    name: Box<str>,
    bands: Bands,
    spans: Box<[Span]>,
    by_period: Box<[u16]>,
}

impl Zone {
    /// Returns the zone with this IANA name (case-insensitive).
    ///
    /// # Errors
    /// [`UnknownZone`] if the bundled database does not have the name.
    pub fn named(name: &str) -> Result<Self, UnknownZone> {
        let unknown = |_| UnknownZone {
            name: name.to_owned(),
        };
        let tz = TimeZoneDatabase::bundled().get(name).map_err(unknown)?;
        let spans = spans(&tz);
        let by_period = index(&spans);
        let name = tz.iana_name().unwrap_or(name).into();
        Ok(Self {
            tz,
            name,
            bands: Bands::default(),
            spans,
            by_period,
        })
    }

    /// Returns the zones with these names, or Europe/Rome if the list is empty. Skips names that
    /// the bundled database lacks, because no event is classified with a register that has such a
    /// name.
    pub fn all_named<'n>(names: impl IntoIterator<Item = &'n str>) -> Vec<Self> {
        let named = names.into_iter().map(Self::named);
        let mut zones: Vec<Self> = named.filter_map(Result::ok).collect();
        if zones.is_empty() {
            zones.push(Self::default());
        }
        zones
    }

    /// The IANA name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The bands of the day.
    #[must_use]
    pub const fn bands(&self) -> &Bands {
        &self.bands
    }

    /// Returns the local hour of an instant, in milliseconds since 1970-01-01T00:00:00Z.
    ///
    /// Never fails: instants outside the years -9999 to 9999 are clamped. From 1970 to 2099 it
    /// takes a few nanoseconds and allocates nothing.
    #[inline]
    #[must_use]
    pub fn local(&self, unix_ms: i64) -> LocalHour {
        if !(TABLE_START * 1_000..TABLE_END * 1_000).contains(&unix_ms) {
            return self.local_by_jiff(unix_ms.div_euclid(1_000));
        }
        let utc = unix_ms / 1_000;
        let span = self.span_at(utc);
        // 32 bits are enough within the table, and their division is faster.
        let local = (utc + i64::from(span.offset)) as u32;
        let (days, second) = (local / DAY as u32, local % DAY as u32);
        self.at(utc, span, days as i32, second)
    }

    #[inline]
    fn at(&self, utc: i64, span: Span, days: i32, second: u32) -> LocalHour {
        let date = LocalDate::from_days(days);
        let (hour, second_of_hour) = (second / HOUR as u32, second % HOUR as u32);
        LocalHour {
            date,
            hour: hour as u8,
            minute: (second_of_hour / 60) as u8,
            weekday: date.weekday(),
            band: self.bands.of(hour as u8),
            hour_start_utc: (utc - i64::from(second_of_hour)).max(span.start),
            offset: span.offset,
        }
    }

    /// Returns the span of an instant within the table.
    #[inline]
    fn span_at(&self, utc: i64) -> Span {
        let mut at = usize::from(self.by_period[(utc >> PERIOD_BITS) as usize]);
        while self.spans.get(at + 1).is_some_and(|next| next.start <= utc) {
            at += 1;
        }
        self.spans[at]
    }

    #[cold]
    fn local_by_jiff(&self, utc: i64) -> LocalHour {
        let utc = utc.clamp(
            Timestamp::MIN.as_second() + DAY,
            Timestamp::MAX.as_second() - DAY,
        );
        let span = span_by_jiff(&self.tz, utc);
        let local = utc + i64::from(span.offset);
        let (days, second) = (local.div_euclid(DAY), local.rem_euclid(DAY));
        self.at(utc, span, days as i32, second as u32)
    }

    /// Returns the periods of constant offset within `[from, to)`, as `(start, end, offset)` in
    /// ascending order. Instants are seconds since 1970; the first and last period are clipped.
    pub(super) fn steady_periods(&self, from: i64, to: i64) -> Vec<(i64, i64, i32)> {
        let mut periods = vec![(from, to, span_by_jiff(&self.tz, from).offset)];
        for transition in self.tz.following(timestamp(from)) {
            let (start, offset) = (
                transition.timestamp().as_second(),
                transition.offset().seconds(),
            );
            if start >= to {
                break;
            }
            if let Some(last) = periods.last_mut() {
                last.1 = start;
            }
            periods.push((start, to, offset));
        }
        periods
    }
}

fn span_by_jiff(tz: &TimeZone, utc: i64) -> Span {
    let timestamp = timestamp(utc);
    let offset = tz.to_offset(timestamp).seconds();
    let start = tz
        .preceding(timestamp + jiff::SignedDuration::from_secs(1))
        .take_while(|transition| transition.offset().seconds() == offset)
        .last()
        .map_or(i64::MIN, |transition| transition.timestamp().as_second());
    Span { start, offset }
}

/// Returns the span at the start of the table and one for every later change of offset.
fn spans(tz: &TimeZone) -> Box<[Span]> {
    let mut spans = vec![span_by_jiff(tz, TABLE_START)];
    for transition in tz.following(timestamp(TABLE_START)) {
        let span = Span {
            start: transition.timestamp().as_second(),
            offset: transition.offset().seconds(),
        };
        if span.start >= TABLE_END {
            break;
        }
        // A transition that changes only the abbreviation or the summer-time flag does not move the
        // clock.
        if spans.last().is_some_and(|last| last.offset != span.offset) {
            spans.push(span);
        }
    }
    spans.into_boxed_slice()
}

/// Returns, for each index period, the position of the span at its start.
fn index(spans: &[Span]) -> Box<[u16]> {
    let periods = (TABLE_END >> PERIOD_BITS) + 1;
    let mut at = 0_usize;
    (0..periods)
        .map(|period| {
            while spans
                .get(at + 1)
                .is_some_and(|next| next.start <= period << PERIOD_BITS)
            {
                at += 1;
            }
            u16::try_from(at).expect("no zone has 65,536 transitions in 130 years")
        })
        .collect()
}

fn timestamp(utc: i64) -> Timestamp {
    let clamped = utc.clamp(Timestamp::MIN.as_second(), Timestamp::MAX.as_second() - 2);
    Timestamp::from_second(clamped).expect("clamped to what a timestamp can hold")
}

impl Default for Zone {
    /// `Europe/Rome`.
    fn default() -> Self {
        Self::named(DEFAULT_ZONE).expect("the bundled database has Europe/Rome")
    }
}

impl fmt::Debug for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Zone")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl PartialEq for Zone {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name && self.bands == other.bands
    }
}

impl Eq for Zone {}

impl FromStr for Zone {
    type Err = UnknownZone;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::named(name)
    }
}

impl TryFrom<String> for Zone {
    type Error = UnknownZone;

    fn try_from(name: String) -> Result<Self, Self::Error> {
        Self::named(&name)
    }
}

impl From<Zone> for String {
    fn from(zone: Zone) -> Self {
        zone.name.into()
    }
}
