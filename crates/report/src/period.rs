//! Days that a report is about: a year, a quarter or a month, as far as they have passed.

use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

use affluenza_store::figures::DayRange;
use affluenza_words::{Language, WordArg};
use jiff::civil::Date;
use serde::{Serialize, Serializer};
use thiserror::Error;

/// Years that a report can be of: those of the calendar that portals use.
const YEARS: RangeInclusive<i16> = 1970..=9998;

/// Part of a calendar year.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum YearPart {
    Whole,
    /// Quarter, 1 to 4.
    Quarter(i8),
    /// Month, 1 to 12.
    Month(i8),
}

/// Days of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReportPeriod {
    year: i16,
    part: YearPart,
    /// Last counted day of a period that is not over.
    until: Option<Date>,
}

/// A text that names no period.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("give a year, a quarter or a month of the years 1970 to 9998: 2026, 2026-Q1 or 2026-03")]
pub struct UnknownPeriod;

impl ReportPeriod {
    /// Returns a whole calendar year.
    pub const fn of_year(year: i16) -> Self {
        Self {
            year,
            part: YearPart::Whole,
            until: None,
        }
    }

    /// Returns the days up to `last`, if the period does not end before; no day if it begins later.
    #[must_use]
    pub fn until(self, last: Date) -> Self {
        let last = last.max(self.day_before());
        Self {
            until: (last < self.end()).then_some(last),
            ..self
        }
    }

    /// Returns the same days of another year; no day if none is counted.
    #[must_use]
    pub fn in_year(self, year: i16) -> Self {
        let same = |day: Date| {
            let same = Date::new(year, day.month(), day.day());
            // Only 29 February may be missing.
            same.or_else(|_| Date::new(year, day.month(), 28))
                .unwrap_or(Date::MAX)
        };
        let whole = Self {
            year,
            until: None,
            ..self
        };
        let until = self.until.map(|until| match self.has_begun() {
            true => same(until),
            false => whole.day_before(),
        });
        Self { until, ..whole }
    }

    /// Calendar year.
    pub const fn year(&self) -> i16 {
        self.year
    }

    /// True for a calendar year, also if it is not over.
    pub fn is_year(&self) -> bool {
        self.part == YearPart::Whole
    }

    /// Last counted day of a period that is not over; `None` if all its days are counted.
    pub const fn counted_until(&self) -> Option<Date> {
        self.until
    }

    /// First day.
    pub fn first(&self) -> Date {
        // Jiff has no year beyond ±9999, and no portal has figures of one.
        Date::new(self.year, *self.all_months().start(), 1).unwrap_or(Date::MAX)
    }

    /// Last day by the calendar.
    pub fn end(&self) -> Date {
        let last = Date::new(self.year, *self.all_months().end(), 1);
        last.map_or(Date::MAX, Date::last_of_month)
    }

    fn day_before(&self) -> Date {
        self.first().yesterday().unwrap_or(Date::MIN)
    }

    /// True if a day is counted.
    pub fn has_begun(&self) -> bool {
        self.first() <= self.last()
    }

    /// Last counted day. It precedes the first one if no day has passed.
    pub fn last(&self) -> Date {
        self.until.unwrap_or_else(|| self.end())
    }

    /// Counted months.
    pub fn months(&self) -> RangeInclusive<i8> {
        let months = self.all_months();
        match self.until {
            Some(until) if self.has_begun() => *months.start()..=until.month(),
            _ => months,
        }
    }

    /// Counted days, for the store.
    pub fn days(&self) -> DayRange {
        let [first, last] = [self.first(), self.last()].map(|day| {
            let [month, day_of_month] =
                [day.month(), day.day()].map(|part| u32::from(part.unsigned_abs()));
            u32::from(day.year().unsigned_abs()) * 10_000 + month * 100 + day_of_month
        });
        DayRange { first, last }
    }

    fn all_months(&self) -> RangeInclusive<i8> {
        match self.part {
            YearPart::Whole => 1..=12,
            YearPart::Quarter(quarter) => quarter * 3 - 2..=quarter * 3,
            YearPart::Month(month) => month..=month,
        }
    }

    /// Returns the arguments of messages that name the period: `$calendar` and its `$quarter` or
    /// `$month`, and `$span`, which tells how it is compared.
    pub(crate) fn words(&self, language: Language) -> [WordArg<'static>; 5] {
        let (part, quarter) = match self.part {
            YearPart::Whole => ("year", String::new()),
            YearPart::Quarter(quarter) => ("quarter", quarter.to_string()),
            YearPart::Month(_) => ("month", String::new()),
        };
        let span = match (self.until, self.part) {
            (Some(_), _) => "days",
            (None, YearPart::Whole) => "year",
            (None, _) => "part",
        };
        [
            ("year", self.year.to_string().into()),
            ("calendar", part.into()),
            ("quarter", quarter.into()),
            ("month", language.month(*self.all_months().start()).into()),
            ("span", span.into()),
        ]
    }
}

impl fmt::Display for ReportPeriod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let year = self.year;
        match self.part {
            YearPart::Whole => write!(f, "{year}"),
            YearPart::Quarter(quarter) => write!(f, "{year}-Q{quarter}"),
            YearPart::Month(month) => write!(f, "{year}-{month:02}"),
        }
    }
}

impl Serialize for ReportPeriod {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl FromStr for ReportPeriod {
    type Err = UnknownPeriod;

    fn from_str(text: &str) -> Result<Self, UnknownPeriod> {
        let (year, part) = text
            .split_once('-')
            .map_or((text, None), |(year, part)| (year, Some(part)));
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let year: i16 = Some(year)
            .filter(|year| digits(year))
            .and_then(|year| year.parse().ok())
            .filter(|year| YEARS.contains(year))
            .ok_or(UnknownPeriod)?;
        let part = match part {
            None => YearPart::Whole,
            Some(part) => match part.strip_prefix(['Q', 'q']) {
                Some(quarter) => YearPart::Quarter(number(quarter, 1, 4)?),
                None => YearPart::Month(number(part, 2, 12)?),
            },
        };
        Ok(Self {
            part,
            ..Self::of_year(year)
        })
    }
}

/// Parses a number of so many digits, from 1 to `max`.
fn number(text: &str, digits: usize, max: i8) -> Result<i8, UnknownPeriod> {
    let is_number = text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit());
    let number = text
        .parse()
        .ok()
        .filter(|number| (1..=max).contains(number));
    number.filter(|_| is_number).ok_or(UnknownPeriod)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn period(text: &str) -> ReportPeriod {
        text.parse().unwrap()
    }

    fn day(text: &str) -> Date {
        text.parse().unwrap()
    }

    #[test]
    fn a_period_has_the_days_of_its_name() {
        for (text, first, last) in [
            ("2026", 20_260_101, 20_261_231),
            ("2026-Q1", 20_260_101, 20_260_331),
            ("2026-Q4", 20_261_001, 20_261_231),
            ("2024-02", 20_240_201, 20_240_229),
        ] {
            assert_eq!(period(text).days(), DayRange { first, last });
            assert_eq!(period(text).to_string(), text);
        }
        assert_eq!(period("2017").days(), DayRange::of_year(2017));
        for text in [
            "",
            "26",
            "2026-0",
            "2026-1",
            "2026-13",
            "2026-Q5",
            "2026-Q",
            "+2026",
            "2026-+1",
            "9999",
            "1969",
            "2026-01-01",
        ] {
            assert_eq!(text.parse::<ReportPeriod>(), Err(UnknownPeriod), "{text}");
        }
    }

    #[test]
    fn a_period_that_is_not_over_has_the_days_that_passed() {
        let year = period("2028").until(day("2028-02-29"));
        assert_eq!(year.counted_until(), Some(day("2028-02-29")));
        assert_eq!(year.months(), 1..=2);
        let before = year.in_year(2027);
        assert_eq!(
            [before.first(), before.last()],
            [day("2027-01-01"), day("2027-02-28")]
        );
        let over = period("2028-02").until(day("2028-02-29"));
        assert_eq!(over.counted_until(), None);
    }

    #[test]
    fn a_period_that_has_not_begun_has_no_day_in_any_year() {
        for (text, day_before) in [
            ("2029", "2027-12-31"),
            ("2029-Q1", "2027-12-31"),
            ("2029-Q4", "2028-09-30"),
            ("2031-02", "2028-01-31"),
        ] {
            let period = period(text).until(day("2028-11-29"));
            let compared = period.in_year(2028);
            assert_eq!(
                [period.has_begun(), compared.has_begun()],
                [false; 2],
                "{text}"
            );
            assert_eq!(compared.last(), day(day_before), "{text}");
        }
    }
}
