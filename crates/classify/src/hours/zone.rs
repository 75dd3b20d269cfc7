//! Conversion of instants to local hours.

use jiff::civil::Date;
use jiff::tz::{Offset, TimeZone, TimeZoneDatabase};
use jiff::{SignedDuration, Timestamp};

use super::Band;

/// The default time zone of a portal.
const DEFAULT_ZONE: &str = "Europe/Rome";

const DAY: i64 = 86_400;

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
    pub date: Date,
    /// The local hour, 0 to 23.
    pub hour: u8,
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

/// A time zone of the IANA database. A clone shares its data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Zone(TimeZone);

impl Zone {
    /// Returns the zone with this IANA name (case-insensitive).
    ///
    /// # Errors
    /// [`UnknownZone`] if the bundled database does not have the name.
    pub fn named(name: &str) -> Result<Self, UnknownZone> {
        let zone = TimeZoneDatabase::bundled().get(name);
        zone.map(Self).map_err(|_| UnknownZone {
            name: name.to_owned(),
        })
    }

    /// The IANA name.
    #[must_use]
    pub fn name(&self) -> &str {
        // Every zone of the database has a name.
        self.0.iana_name().unwrap_or_default()
    }

    /// Returns the local hour of an instant, in milliseconds since 1970-01-01T00:00:00Z.
    ///
    /// Never fails: instants outside the years -9999 to 9999 are clamped. Takes about 60 ns.
    #[must_use]
    pub fn local(&self, unix_ms: i64) -> LocalHour {
        let utc = unix_ms.div_euclid(1_000).clamp(
            Timestamp::MIN.as_second() + DAY,
            Timestamp::MAX.as_second() - DAY,
        );
        let offset = self.offset_at(utc);
        let local = offset.to_datetime(timestamp(utc));
        let (hour, minute) = (local.hour().unsigned_abs(), local.minute().unsigned_abs());
        let second_of_hour = i64::from(minute) * 60 + i64::from(local.second());
        LocalHour {
            date: local.date(),
            hour,
            band: Band::of(hour),
            hour_start_utc: self.start_of_hour(utc, utc - second_of_hour),
            offset: offset.seconds(),
        }
    }

    fn offset_at(&self, utc: i64) -> Offset {
        self.0.to_offset(timestamp(utc))
    }

    /// Returns the start of the local hour of `utc`: `by_clock`, where the minutes of the clock
    /// would begin, or a later change of offset.
    fn start_of_hour(&self, utc: i64, by_clock: i64) -> i64 {
        let offset = self.offset_at(utc);
        if self.offset_at(by_clock) == offset {
            return by_clock;
        }
        let second_later = timestamp(utc) + SignedDuration::from_secs(1);
        // A transition that changes only the abbreviation does not move the clock.
        self.0
            .preceding(second_later)
            .take_while(|transition| transition.offset() == offset)
            .last()
            .map_or(by_clock, |transition| transition.timestamp().as_second())
    }

    /// Returns the periods of constant offset within `[from, to)`, as `(start, end, offset)` in
    /// ascending order. Instants are seconds since 1970; the first and last period are clipped.
    pub(super) fn steady_periods(&self, from: i64, to: i64) -> Vec<(i64, i64, i32)> {
        let mut periods = vec![(from, to, self.offset_at(from).seconds())];
        for transition in self.0.following(timestamp(from)) {
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
