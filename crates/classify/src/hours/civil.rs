//! Dates of the proleptic Gregorian calendar.

use std::fmt;
use std::str::FromStr;

use jiff::SignedDuration;
use jiff::civil::{Date, date};
use serde::{Deserialize, Serialize};

/// A day of the week. The discriminants follow ISO 8601, Monday 1 to Sunday 7.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[repr(u8)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Weekday {
    Monday = 1,
    Tuesday = 2,
    Wednesday = 3,
    Thursday = 4,
    Friday = 5,
    Saturday = 6,
    Sunday = 7,
}

impl Weekday {
    /// All days of the week, Monday first.
    pub const ALL: [Self; 7] = [
        Self::Monday,
        Self::Tuesday,
        Self::Wednesday,
        Self::Thursday,
        Self::Friday,
        Self::Saturday,
        Self::Sunday,
    ];

    /// The English name in lower case.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Monday => "monday",
            Self::Tuesday => "tuesday",
            Self::Wednesday => "wednesday",
            Self::Thursday => "thursday",
            Self::Friday => "friday",
            Self::Saturday => "saturday",
            Self::Sunday => "sunday",
        }
    }

    /// The ISO number, Monday 1 to Sunday 7.
    #[must_use]
    pub const fn number(self) -> u8 {
        self as u8
    }
}

/// A local date without a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct LocalDate {
    /// Days since 1970-01-01, kept since every stored row needs them.
    days: i32,
    date: Date,
}

/// The reason why a text or a triple is not a date.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LocalDateError {
    /// The text is not `YYYY-MM-DD`.
    #[error("{0:?} is not a date of the form YYYY-MM-DD")]
    Malformed(String),
    /// The calendar has no such day.
    #[error("{year:04}-{month:02}-{day:02} is not in the calendar of the years -9999 to 9999")]
    NoSuchDay {
        /// The requested year.
        year: i16,
        /// The requested month.
        month: u8,
        /// The requested day.
        day: u8,
    },
}

const EPOCH: Date = date(1970, 1, 1);

impl LocalDate {
    /// Returns the date `days` after 1970-01-01, clamped to the years -9999 to 9999.
    #[must_use]
    pub fn from_days(days: i32) -> Self {
        let after = SignedDuration::from_hours(24 * i64::from(days));
        EPOCH.saturating_add(after).into()
    }

    /// Creates a date from year, month and day.
    ///
    /// # Errors
    /// [`LocalDateError::NoSuchDay`] for a day such as 30 February, or a year beyond ±9999.
    pub fn new(year: i16, month: u8, day: u8) -> Result<Self, LocalDateError> {
        // A number above 127 becomes negative, which no calendar has.
        let date = Date::new(year, month.cast_signed(), day.cast_signed());
        date.map(Self::from)
            .map_err(|_| LocalDateError::NoSuchDay { year, month, day })
    }

    /// Days since 1970-01-01; negative for earlier dates.
    #[inline]
    #[must_use]
    pub const fn days(self) -> i32 {
        self.days
    }

    /// The year, -9999 to 9999.
    #[must_use]
    pub fn year(self) -> i16 {
        self.date.year()
    }

    /// The month, 1 to 12.
    #[must_use]
    pub fn month(self) -> u8 {
        self.date.month().unsigned_abs()
    }

    /// The day of the month, 1 to 31.
    #[must_use]
    pub fn day(self) -> u8 {
        self.date.day().unsigned_abs()
    }

    /// The day of the week.
    #[must_use]
    pub fn weekday(self) -> Weekday {
        Weekday::ALL[self.date.weekday().to_monday_zero_offset() as usize]
    }

    /// Returns the date `count` days later, clamped to the years -9999 to 9999.
    #[must_use]
    pub fn plus_days(self, count: i32) -> Self {
        Self::from_days(self.days.saturating_add(count))
    }
}

impl From<Date> for LocalDate {
    fn from(date: Date) -> Self {
        // Less than 4.4 million days lie between 1970 and either end of the calendar.
        let days = date.duration_since(EPOCH).as_hours() / 24;
        Self {
            days: days as i32,
            date,
        }
    }
}

impl fmt::Display for LocalDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.year() < 0 {
            f.write_str("-")?;
        }
        let year = self.year().unsigned_abs();
        write!(f, "{year:04}-{:02}-{:02}", self.month(), self.day())
    }
}

impl FromStr for LocalDate {
    type Err = LocalDateError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (sign, digits) = match text.strip_prefix('-') {
            Some(rest) => (-1, rest),
            None => (1, text),
        };
        let all_in_place = digits.len() == 10
            && digits.bytes().enumerate().all(|(at, byte)| match at {
                4 | 7 => byte == b'-',
                _ => byte.is_ascii_digit(),
            });
        if !all_in_place {
            return Err(malformed(text));
        }
        let year: i16 = digits[0..4].parse().map_err(|_| malformed(text))?;
        let month = digits[5..7].parse().map_err(|_| malformed(text))?;
        let day = digits[8..10].parse().map_err(|_| malformed(text))?;
        Self::new(sign * year, month, day)
    }
}

fn malformed(text: &str) -> LocalDateError {
    LocalDateError::Malformed(text.to_owned())
}

impl TryFrom<String> for LocalDate {
    type Error = LocalDateError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<LocalDate> for String {
    fn from(date: LocalDate) -> Self {
        date.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_days() {
        let date = |text: &str| text.parse::<LocalDate>().unwrap();
        assert_eq!(date("1970-01-01").days(), 0);
        assert_eq!(date("1970-01-01").weekday(), Weekday::Thursday);
        assert_eq!(date("2000-02-29").days(), 11_016);
        assert_eq!(date("2017-12-31").weekday(), Weekday::Sunday);
        assert_eq!(date("1969-12-31").days(), -1);
        assert_eq!(date("-9999-01-01").days(), -4_371_587);
        assert_eq!(date("9999-12-31").days(), 2_932_896);
        assert_eq!(LocalDate::from_days(-4_371_587), date("-9999-01-01"));
        assert_eq!(LocalDate::from_days(11_016), date("2000-02-29"));
        assert_eq!(LocalDate::from_days(i32::MIN).to_string(), "-9999-01-01");
        assert_eq!(LocalDate::from_days(i32::MAX).to_string(), "9999-12-31");
    }

    #[test]
    fn what_is_not_a_date_is_refused() {
        for text in [
            "",
            "2017-1-01",
            "2017-01-1x",
            "20170101",
            "2017-01-011",
            "２017-01-01",
            "+017-01-01",
        ] {
            assert!(
                matches!(text.parse::<LocalDate>(), Err(LocalDateError::Malformed(_))),
                "{text}"
            );
        }
        for text in [
            "2017-02-29",
            "2017-13-01",
            "2017-00-10",
            "2017-04-31",
            "2017-04-00",
        ] {
            assert!(
                matches!(
                    text.parse::<LocalDate>(),
                    Err(LocalDateError::NoSuchDay { .. })
                ),
                "{text}"
            );
        }
    }
}
