use std::fmt;
use std::str::FromStr;

/// A period that can be closed: a calendar year, or one of its months.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClosedPeriod {
    /// Calendar year.
    pub year: i16,
    /// Month, 1 to 12; `None` for the whole year.
    pub month: Option<u8>,
}

/// The text is not a period that can be closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("give a year (2017) or a month (2017-03)")]
pub struct NotClosable;

impl ClosedPeriod {
    /// Creates the period of a month.
    pub fn month(year: i16, month: u8) -> Self {
        let month = Some(month);
        Self { year, month }
    }

    /// Returns the months of the period, in order.
    pub fn months(self) -> impl Iterator<Item = u8> + Clone {
        (1..=12).filter(move |month| self.month.is_none_or(|only| only == *month))
    }
}

impl From<i16> for ClosedPeriod {
    fn from(year: i16) -> Self {
        Self { year, month: None }
    }
}

impl fmt::Display for ClosedPeriod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.month {
            Some(month) => f.write_str(&month_label(self.year, month)),
            None => self.year.fmt(f),
        }
    }
}

impl FromStr for ClosedPeriod {
    type Err = NotClosable;

    fn from_str(text: &str) -> Result<Self, NotClosable> {
        let (year, month) = match text.split_once('-') {
            Some((year, month)) if month.len() == 2 => {
                let month = month.parse().ok().filter(|month| (1..=12).contains(month));
                (year, Some(month.ok_or(NotClosable)?))
            }
            Some(_) => return Err(NotClosable),
            None => (text, None),
        };
        let year = year.parse().map_err(|_| NotClosable)?;
        Ok(Self { year, month })
    }
}

/// Returns the label of a month: `2017-03`.
pub(crate) fn month_label(year: i16, month: u8) -> String {
    format!("{year:04}-{month:02}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn years_and_months_are_read_as_they_are_written() {
        for text in ["2017", "2017-03", "2017-12"] {
            assert_eq!(text.parse::<ClosedPeriod>().unwrap().to_string(), text);
        }
        for text in [
            "",
            "2017-13",
            "2017-3",
            "2017-00",
            "2017-03-01",
            "-2017",
            "x",
        ] {
            assert_eq!(text.parse::<ClosedPeriod>(), Err(NotClosable), "{text}");
        }
        let year = ClosedPeriod::from(2017);
        assert_eq!(year.months().count(), 12);
        assert_eq!(Vec::from_iter(ClosedPeriod::month(2017, 3).months()), [3]);
        assert!(year < ClosedPeriod::month(2017, 1));
    }
}
