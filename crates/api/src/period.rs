//! Periods of local days, and the periods they are compared with.

use std::fmt;

use affluenza_classify::hours::LocalDate;
use affluenza_store::usage::Days;

/// A range of local days, first and last included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Period {
    first: LocalDate,
    last: LocalDate,
}

/// Last day that ClickHouse's `Date` holds, in days since 1970.
const DAYS_MAX: i32 = 65_535;

impl Period {
    /// Parses `2017`, `2017-03`, `2017-03-26` or `FROM..TO` of any of them.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        const FORM: &str = "use a year (2017), a month (2017-03), a day (2017-03-26) or FROM..TO, from 1970 to 2149";
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
        if period.first.days() > period.last.days() {
            return Err("the period ends before it begins");
        }
        if period.first.days() < 0 || period.last.days() > DAYS_MAX {
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
        let first = LocalDate::new(first_year, self.first.month(), self.first.day())
            .or_else(|_| LocalDate::new(first_year, 3, 1))
            .ok()?;
        let ends_month = self.last.plus_days(1).day() == 1;
        let last = if ends_month {
            end_of_month(last_year, self.last.month())?
        } else {
            LocalDate::new(last_year, self.last.month(), self.last.day()).ok()?
        };
        // 29 February alone would become 1 March to 28 February.
        let first = if first.days() > last.days() {
            last
        } else {
            first
        };
        (first.days() >= 0).then_some(Self { first, last })
    }

    /// Returns the period of as many days, or as many whole months, just before.
    pub fn before(self) -> Option<Self> {
        let last = self.first.plus_days(-1);
        let first = if self.is_whole_months() {
            let months = i32::from(self.last.year() - self.first.year()) * 12
                + i32::from(self.last.month())
                - i32::from(self.first.month())
                + 1;
            let place =
                i32::from(self.first.year()) * 12 + i32::from(self.first.month()) - 1 - months;
            let year = i16::try_from(place.div_euclid(12)).ok()?;
            let month = u8::try_from(place.rem_euclid(12) + 1).ok()?;
            LocalDate::new(year, month, 1).ok()?
        } else {
            self.first.plus_days(-self.days())
        };
        (first.days() >= 0).then_some(Self { first, last })
    }

    /// Number of days.
    pub fn days(self) -> i32 {
        self.last.days() - self.first.days() + 1
    }

    /// First day.
    pub fn first(self) -> LocalDate {
        self.first
    }

    /// Last day, included.
    pub fn last(self) -> LocalDate {
        self.last
    }

    /// Returns the year, if the period is a whole year.
    pub fn whole_year(self) -> Option<i16> {
        let year = self.first.year();
        (Self::year(year) == Some(self)).then_some(year)
    }

    fn is_whole_months(self) -> bool {
        self.first.day() == 1 && self.last.plus_days(1).day() == 1
    }

    /// Converts the period for a query.
    pub fn selected(self) -> Days {
        Days {
            first: self.first.days(),
            last: self.last.days(),
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

fn end_of_month(year: i16, month: u8) -> Option<LocalDate> {
    let (next_year, next_month) = if month == 12 {
        (year.checked_add(1)?, 1)
    } else {
        (year, month + 1)
    };
    Some(LocalDate::new(next_year, next_month, 1).ok()?.plus_days(-1))
}

/// Parses a number of exactly so many digits.
fn number(part: &str, digits: usize) -> Option<i16> {
    let is_plain = part.len() == digits && part.bytes().all(|byte| byte.is_ascii_digit());
    is_plain.then(|| part.parse().ok())?
}

/// Returns the first and the last day of a year, a month or a day.
fn span(text: &str) -> Option<(LocalDate, LocalDate)> {
    if !text.is_ascii() || text.len() > 10 {
        return None;
    }
    let mut parts = text.split('-');
    let year = number(parts.next()?, 4)?;
    let Some(month) = parts.next() else {
        return Some((
            LocalDate::new(year, 1, 1).ok()?,
            LocalDate::new(year, 12, 31).ok()?,
        ));
    };
    let month = u8::try_from(number(month, 2)?).ok()?;
    let first = LocalDate::new(year, month, 1).ok()?;
    let Some(day) = parts.next() else {
        return Some((first, end_of_month(year, month)?));
    };
    let day = LocalDate::new(year, month, u8::try_from(number(day, 2)?).ok()?).ok()?;
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
    fn whole_months_follow_whole_months() {
        let before = |text: &str| period(text).before().unwrap().to_string();
        assert_eq!(before("2017-03"), "2017-02-01..2017-02-28");
        assert_eq!(before("2017"), "2016");
        assert_eq!(before("2017-01..2017-03"), "2016-10-01..2016-12-31");
        assert_eq!(before("2017-03-26"), "2017-03-25..2017-03-25");
        assert_eq!(before("2017-03-02..2017-03-03"), "2017-02-28..2017-03-01");
    }
}
