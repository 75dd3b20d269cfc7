//! Dates of the proleptic Gregorian calendar, as days since 1970-01-01.

use std::fmt;
use std::str::FromStr;

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

/// A local date without a time: days since 1970-01-01, with year, month and day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct LocalDate {
    days: i32,
    year: i16,
    month: u8,
    day: u8,
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

/// Days since 1970-01-01 of -9999-01-01 and 9999-12-31, the limits of `jiff`.
const DAYS_MIN: i32 = -4_371_587;
const DAYS_MAX: i32 = 2_932_896;

impl LocalDate {
    /// Returns the date `days` after 1970-01-01, clamped to the years -9999 to 9999.
    ///
    /// The algorithm is by Neri and Schneider (*Euclidean affine functions and their application to
    /// calendar algorithms*, 2022). Its years begin on 1 March, and multiplications replace
    /// divisions.
    #[inline]
    #[must_use]
    pub const fn from_days(days: i32) -> Self {
        /// Cycles of 400 years that are added to avoid negative numbers.
        const CYCLES: u32 = 30;
        const DAYS_SHIFT: i32 = 719_468 + 146_097 * CYCLES as i32;

        let days = if days < DAYS_MIN {
            DAYS_MIN
        } else if days > DAYS_MAX {
            DAYS_MAX
        } else {
            days
        };
        let quarters = 4 * (days + DAYS_SHIFT) as u32 + 3;
        let century = quarters / 146_097;
        let of_century = quarters % 146_097 / 4;
        let product = 2_939_745 * (4 * of_century as u64 + 3);
        let year_of_century = (product >> 32) as u32;
        let day_of_year = (product as u32) / 2_939_745 / 4;
        let months = 2_141 * day_of_year + 197_913;
        let is_next_year = day_of_year >= 306;
        let month = (months >> 16) - if is_next_year { 12 } else { 0 };
        let year = (100 * century + year_of_century + is_next_year as u32) as i32;
        Self {
            days,
            year: (year - 400 * CYCLES as i32) as i16,
            month: month as u8,
            day: ((months & 0xffff) / 2_141 + 1) as u8,
        }
    }

    /// Creates a date from year, month and day.
    ///
    /// # Errors
    /// [`LocalDateError::NoSuchDay`] for a day such as 30 February, or a year beyond ±9999.
    pub const fn new(year: i16, month: u8, day: u8) -> Result<Self, LocalDateError> {
        let candidate = Self::from_days(days_from_civil(year, month, day));
        if candidate.year == year && candidate.month == month && candidate.day == day {
            Ok(candidate)
        } else {
            Err(LocalDateError::NoSuchDay { year, month, day })
        }
    }

    /// Days since 1970-01-01; negative for earlier dates.
    #[inline]
    #[must_use]
    pub const fn days(self) -> i32 {
        self.days
    }

    /// The year, -9999 to 9999.
    #[inline]
    #[must_use]
    pub const fn year(self) -> i16 {
        self.year
    }

    /// The month, 1 to 12.
    #[inline]
    #[must_use]
    pub const fn month(self) -> u8 {
        self.month
    }

    /// The day of the month, 1 to 31.
    #[inline]
    #[must_use]
    pub const fn day(self) -> u8 {
        self.day
    }

    /// The day of the week.
    #[inline]
    #[must_use]
    pub const fn weekday(self) -> Weekday {
        // 1970-01-01 was a Thursday.
        Weekday::ALL[(self.days + 3).rem_euclid(7) as usize]
    }

    /// Returns the date `count` days later, clamped to the years -9999 to 9999.
    #[must_use]
    pub const fn plus_days(self, count: i32) -> Self {
        Self::from_days(self.days.saturating_add(count))
    }
}

/// Returns the days since 1970-01-01, the inverse of [`LocalDate::from_days`] for valid dates.
const fn days_from_civil(year: i16, month: u8, day: u8) -> i32 {
    let year = year as i32 - (month <= 2) as i32;
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let march_month = (month as i32 + 9) % 12;
    let day_of_year = (153 * march_month + 2) / 5 + day as i32 - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

impl PartialOrd for LocalDate {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for LocalDate {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.days.cmp(&other.days)
    }
}

impl fmt::Display for LocalDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.year < 0 {
            f.write_str("-")?;
        }
        let year = self.year.unsigned_abs();
        write!(f, "{year:04}-{:02}-{:02}", self.month, self.day)
    }
}

impl FromStr for LocalDate {
    type Err = LocalDateError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let malformed = || LocalDateError::Malformed(text.to_owned());
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
            return Err(malformed());
        }
        let year: i16 = digits[0..4].parse().map_err(|_| malformed())?;
        let month = digits[5..7].parse().map_err(|_| malformed())?;
        let day = digits[8..10].parse().map_err(|_| malformed())?;
        Self::new(sign * year, month, day)
    }
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
        assert_eq!(date("-9999-01-01").days(), DAYS_MIN);
        assert_eq!(date("9999-12-31").days(), DAYS_MAX);
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

    #[test]
    fn forty_thousand_days_agree_with_jiff() {
        for days in (-20_000..20_000).chain([DAYS_MIN, DAYS_MAX, -719_529, -719_163]) {
            let mine = LocalDate::from_days(days);
            let theirs = jiff::civil::date(1970, 1, 1) + jiff::Span::new().days(days);
            assert_eq!(
                (mine.year(), mine.month(), mine.day()),
                (theirs.year(), theirs.month() as u8, theirs.day() as u8)
            );
            assert_eq!(
                mine.weekday().number(),
                theirs.weekday().to_monday_one_offset() as u8
            );
            assert_eq!(
                LocalDate::new(mine.year(), mine.month(), mine.day()),
                Ok(mine)
            );
        }
    }
}
