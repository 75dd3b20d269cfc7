//! Periods of local days, and the periods they are compared with.

use std::fmt;
use std::ops::RangeInclusive;

use affluenza_classify::hours::days_since_1970;
use affluenza_disclosure::edition::ClosedPeriod;
use affluenza_store::usage::Days;
use jiff::Span;
use jiff::civil::{Date, date};

/// A range of local days, first and last included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Period {
    first: Date,
    last: Date,
}

/// First and last day that ClickHouse's `Date` holds.
const STORED: RangeInclusive<Date> = date(1970, 1, 1)..=date(2149, 6, 6);

impl Period {
    /// Parses `2017`, `2017-Q1`, `2017-03`, `2017-03-26` or `FROM..TO` of any of them.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        const FORM: &str = "use a year (2017), a quarter (2017-Q1), a month (2017-03), a day (2017-03-26) or FROM..TO, from 1970 to 2149";
        let period = match text.split_once("..") {
            Some((from, to)) => Self {
                first: span(from).ok_or(FORM)?.0,
                last: span(to).ok_or(FORM)?.1,
            },
            None => {
                let (first, last) = span(text).ok_or(FORM)?;
                Self { first, last }
            }
        };
        if period.first > period.last {
            return Err("the period ends before it begins");
        }
        if !STORED.contains(&period.first) || !STORED.contains(&period.last) {
            return Err(FORM);
        }
        Ok(period)
    }

    /// Returns a whole year.
    pub fn year(year: i16) -> Option<Self> {
        Self::parse(&format!("{year:04}")).ok()
    }

    /// Returns the same dates a year before. 29 February becomes 28 February at the end of a
    /// period, and 1 March at its start. A period that ends with a month still ends with that
    /// month.
    pub fn year_before(self) -> Option<Self> {
        let (first_year, last_year) = (self.first.year() - 1, self.last.year() - 1);
        let first = Date::new(first_year, self.first.month(), self.first.day())
            .or_else(|_| Date::new(first_year, 3, 1))
            .ok()?;
        let last = if self.last == self.last.last_of_month() {
            Date::new(last_year, self.last.month(), 1)
                .ok()?
                .last_of_month()
        } else {
            Date::new(last_year, self.last.month(), self.last.day()).ok()?
        };
        // 29 February alone would become 1 March to 28 February.
        let first = first.min(last);
        STORED.contains(&first).then_some(Self { first, last })
    }

    /// Returns the period of as many days, or as many whole months, just before.
    pub fn before(self) -> Option<Self> {
        let length = if self.is_whole_months() {
            let years = i32::from(self.last.year() - self.first.year());
            let months = i32::from(self.last.month() - self.first.month());
            Span::new().months(years * 12 + months + 1)
        } else {
            Span::new().days(self.days())
        };
        let first = self.first.checked_sub(length).ok()?;
        let last = self.first.yesterday().ok()?;
        STORED.contains(&first).then_some(Self { first, last })
    }

    /// Returns the part of the period up to a day.
    pub fn until(self, day: Date) -> Self {
        let last = self.last.min(day).max(self.first);
        Self { last, ..self }
    }

    /// Returns the part of the period up to the same day as `day` of another period, if both have as
    /// many months; otherwise the whole period.
    pub fn until_same_day(self, other: Self, day: Date) -> Self {
        let months = other.months_since(self);
        let same = day.checked_sub(Span::new().months(months));
        match same {
            Ok(same) if months_between(self.last, other.last) == months => self.until(same),
            _ => self,
        }
    }

    /// Returns the first days of the period, at most so many.
    pub fn of_length(self, days: i32) -> Self {
        let day = self.first.checked_add(Span::new().days(days - 1));
        self.until(day.unwrap_or(self.last))
    }

    /// Returns the number of months from the start of `other` to the start of this period.
    pub fn months_since(self, other: Self) -> i32 {
        months_between(other.first, self.first)
    }

    /// Number of days.
    pub fn days(self) -> i32 {
        days_since_1970(self.last) - days_since_1970(self.first) + 1
    }

    /// First day.
    pub fn first(self) -> Date {
        self.first
    }

    /// Last day, included.
    pub fn last(self) -> Date {
        self.last
    }

    /// Returns the year, if the period is a whole year.
    pub fn whole_year(self) -> Option<i16> {
        let year = self.first.year();
        (Self::year(year) == Some(self)).then_some(year)
    }

    /// Returns what must be closed for public figures of the period: its year, or its months; `None`
    /// if it is not made of whole months.
    pub fn closed(self) -> Option<Vec<ClosedPeriod>> {
        if let Some(year) = self.whole_year() {
            return Some(vec![ClosedPeriod::from(year)]);
        }
        let mut months = Vec::new();
        let mut first = self.first;
        while self.is_whole_months() && first <= self.last {
            months.push(ClosedPeriod::month(
                first.year(),
                first.month().unsigned_abs(),
            ));
            first = first.last_of_month().tomorrow().ok()?;
        }
        (!months.is_empty()).then_some(months)
    }

    fn is_whole_months(self) -> bool {
        self.first.day() == 1 && self.last == self.last.last_of_month()
    }

    /// Converts the period for a query.
    pub fn selected(self) -> Days {
        Days {
            first: days_since_1970(self.first),
            last: days_since_1970(self.last),
            whole_months: self.is_whole_months(),
        }
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.whole_year().is_some() {
            return write!(f, "{:04}", self.first.year());
        }
        write!(f, "{}..{}", self.first, self.last)
    }
}

/// Returns the number of months from the month of a day to that of another.
fn months_between(from: Date, to: Date) -> i32 {
    let months = |day: Date| i32::from(day.year()) * 12 + i32::from(day.month());
    months(to) - months(from)
}

/// Parses a number of exactly so many digits.
fn number(part: &str, digits: usize) -> Option<i16> {
    let is_plain = part.len() == digits && part.bytes().all(|byte| byte.is_ascii_digit());
    is_plain.then(|| part.parse().ok())?
}

/// Returns the first and the last day of a year, a quarter, a month or a day.
fn span(text: &str) -> Option<(Date, Date)> {
    if !text.is_ascii() || text.len() > 10 {
        return None;
    }
    let mut parts = text.split('-');
    let year = number(parts.next()?, 4)?;
    let Some(month) = parts.next() else {
        let first = Date::new(year, 1, 1).ok()?;
        return Some((first, first.last_of_year()));
    };
    if let Some(quarter) = month.strip_prefix(['Q', 'q']) {
        let quarter = number(quarter, 1).filter(|quarter| (1..=4).contains(quarter))?;
        let last = Date::new(year, i8::try_from(quarter * 3).ok()?, 1).ok()?;
        let first = last.checked_sub(Span::new().months(2)).ok()?;
        return parts
            .next()
            .is_none()
            .then_some((first, last.last_of_month()));
    }
    let month = i8::try_from(number(month, 2)?).ok()?;
    let first = Date::new(year, month, 1).ok()?;
    let Some(day) = parts.next() else {
        return Some((first, first.last_of_month()));
    };
    let day = Date::new(year, month, i8::try_from(number(day, 2)?).ok()?).ok()?;
    parts.next().is_none().then_some((day, day))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn period(text: &str) -> Period {
        Period::parse(text).unwrap()
    }

    #[test]
    fn every_form_is_read() {
        assert_eq!(period("2016").days(), 366);
        assert_eq!(period("2016-02").days(), 29);
        assert_eq!(period("2017-03-26").days(), 1);
        assert_eq!(period("2016..2017").days(), 731);
        assert_eq!(
            period("2017-01..2017-02-03").to_string(),
            "2017-01-01..2017-02-03"
        );
        assert_eq!(period("2017-01..2017-12").to_string(), "2017");
        assert_eq!(period("2017-Q1"), period("2017-01..2017-03"));
        assert_eq!(period("2017-q2"), period("2017-04..2017-06"));
        assert_eq!(period("2016-Q4..2017-Q3"), period("2016-10..2017-09"));
        for wrong in [
            "",
            "17",
            "2017-13",
            "2017-02-29",
            "2018..2017",
            "2017-1",
            "1969",
            "2150",
            "2017-03-26-1",
            "2017-Q0",
            "2017-Q5",
            "2017-Q01",
            "2017-Q1-01",
            "２０１７",
            "0000..9999",
            "+017",
        ] {
            assert!(Period::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn leap_days_have_a_place_a_year_before() {
        let before = |text: &str| period(text).year_before().unwrap().to_string();
        assert_eq!(before("2017"), "2016");
        assert_eq!(before("2016-02"), "2015-02-01..2015-02-28");
        assert_eq!(before("2017-02"), "2016-02-01..2016-02-29");
        assert_eq!(before("2016-02-29"), "2015-02-28..2015-02-28");
        assert_eq!(before("2016-02-29..2016-03-05"), "2015-03-01..2015-03-05");
        assert_eq!(before("2016-02-10..2016-02-29"), "2015-02-10..2015-02-28");
        assert_eq!(period("1970").year_before(), None);
    }

    #[test]
    fn a_part_of_a_period_ends_with_a_day() {
        let part = period("2017").until(date(2017, 3, 15));
        assert_eq!(part.to_string(), "2017-01-01..2017-03-15");
        assert_eq!(
            part.year_before().unwrap().to_string(),
            "2016-01-01..2016-03-15"
        );
        assert_eq!(
            period("2017-02").of_length(30).to_string(),
            "2017-02-01..2017-02-28"
        );
        assert_eq!(
            period("2017-02").of_length(3).to_string(),
            "2017-02-01..2017-02-03"
        );
        assert_eq!(period("2017-02").months_since(period("2016-11")), 3);
    }

    #[test]
    fn a_period_of_whole_months_is_public_by_its_months() {
        let closed = |text: &str| {
            let closed = period(text).closed()?.into_iter();
            Some(Vec::from_iter(closed.map(|period| period.to_string())).join(" "))
        };
        assert_eq!(closed("2017").as_deref(), Some("2017"));
        assert_eq!(closed("2017-03").as_deref(), Some("2017-03"));
        let over_the_year = closed("2016-11..2017-01");
        assert_eq!(over_the_year.as_deref(), Some("2016-11 2016-12 2017-01"));
        assert_eq!(closed("2017-03-01"), None);
        assert_eq!(closed("2017-03..2017-04-02"), None);
    }

    #[test]
    fn whole_months_follow_whole_months() {
        let before = |text: &str| period(text).before().unwrap().to_string();
        assert_eq!(before("2017-03"), "2017-02-01..2017-02-28");
        assert_eq!(before("2017"), "2016");
        assert_eq!(before("2017-01..2017-03"), "2016-10-01..2016-12-31");
        assert_eq!(before("2017-03-26"), "2017-03-25..2017-03-25");
        assert_eq!(before("2017-03-02..2017-03-03"), "2017-02-28..2017-03-01");
    }
}
