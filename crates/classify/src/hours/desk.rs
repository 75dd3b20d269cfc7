//! Opening hours of the front desk of an ente: a weekly table.

use std::fmt;
use std::str::FromStr;

use jiff::civil::Weekday;
use serde::{Deserialize, Serialize};

/// The reason why a text is not a table of opening hours.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OpeningHoursError {
    /// The days are not `mo`, `tu`, … or a range such as `mo-fr`.
    #[error("unknown days {0:?}: use mo, tu, we, th, fr, sa, su, or a range such as mo-fr")]
    UnknownDays(String),
    /// The hours are not `HH:MM-HH:MM`, or the end is not after the start.
    #[error("opening hours {0:?} are not of the form 08:30-12:30")]
    Malformed(String),
    /// Two opening periods of a day overlap.
    #[error("openings of {0:?} overlap")]
    Overlap(Weekday),
}

/// A half-open range of minutes since midnight, `[from, to)`.
type Opening = (u16, u16);

/// The weekly opening hours of a desk, in local time.
///
/// The text form is `mo-fr 08:30-12:30; tu,th 14:30-17:00`: groups of days and half-open ranges of
/// hours. The desk is closed on days that no group names. A day may occur in several groups.
///
/// ```
/// use affluenza_classify::hours::OpeningHours;
/// use jiff::civil::Weekday;
///
/// let desk: OpeningHours = "mo-fr 08:30-12:30; tu,th 14:30-17:00".parse()?;
/// assert_eq!(desk.openings(Weekday::Monday), [(8 * 60 + 30, 12 * 60 + 30)]);
/// assert_eq!(desk.openings(Weekday::Sunday), []);
/// # Ok::<(), affluenza_classify::hours::OpeningHoursError>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct OpeningHours {
    /// Opening periods by day, Monday first; sorted and without overlaps.
    week: [Vec<Opening>; 7],
}

const DAY_NAMES: [&str; 7] = ["mo", "tu", "we", "th", "fr", "sa", "su"];

impl OpeningHours {
    /// Returns the opening periods of a day as minutes since midnight, `[from, to)`, in ascending
    /// order.
    #[must_use]
    pub fn openings(&self, weekday: Weekday) -> &[(u16, u16)] {
        &self.week[weekday.to_monday_zero_offset() as usize]
    }
}

impl FromStr for OpeningHours {
    type Err = OpeningHoursError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut week: [Vec<Opening>; 7] = Default::default();
        for group in text.split(';').map(str::trim).filter(|g| !g.is_empty()) {
            let mut words = group.split_whitespace();
            let days = parse_days(words.next().unwrap_or_default())?;
            let openings = words.map(parse_opening).collect::<Result<Vec<_>, _>>()?;
            if openings.is_empty() {
                return Err(OpeningHoursError::Malformed(group.to_owned()));
            }
            for day in days {
                week[day].extend(&openings);
            }
        }
        for (openings, weekday) in week.iter_mut().zip(Weekday::Monday.cycle_forward()) {
            openings.sort_unstable();
            if openings.windows(2).any(|pair| pair[1].0 < pair[0].1) {
                return Err(OpeningHoursError::Overlap(weekday));
            }
        }
        Ok(Self { week })
    }
}

/// Parses `mo`, `mo-fr`, `tu,th` or a mixture into indices of the week, Monday 0.
fn parse_days(text: &str) -> Result<Vec<usize>, OpeningHoursError> {
    let entries = text.split(',').map(|entry| match entry.split_once('-') {
        None => parse_day(entry).map(|day| day..=day),
        Some((first, last)) => {
            let (first, last) = (parse_day(first)?, parse_day(last)?);
            (first < last).then_some(first..=last)
        }
    });
    let entries: Option<Vec<_>> = entries.collect();
    let entries = entries.ok_or_else(|| OpeningHoursError::UnknownDays(text.to_owned()))?;
    Ok(entries.into_iter().flatten().collect())
}

fn parse_day(name: &str) -> Option<usize> {
    let mut names = DAY_NAMES.iter();
    names.position(|known| known.eq_ignore_ascii_case(name))
}

fn parse_opening(text: &str) -> Result<Opening, OpeningHoursError> {
    let parts = text.split_once('-');
    parts
        .and_then(|(from, to)| Some((parse_minute(from)?, parse_minute(to)?)))
        .filter(|(from, to)| from < to)
        .ok_or_else(|| OpeningHoursError::Malformed(text.to_owned()))
}

/// Parses `HH:MM`, up to 24:00, into minutes since midnight.
fn parse_minute(text: &str) -> Option<u16> {
    let (hour, minute) = text.split_once(':')?;
    if hour.len() != 2 || minute.len() != 2 {
        return None;
    }
    let (hour, minute): (u16, u16) = (hour.parse().ok()?, minute.parse().ok()?);
    let total = hour * 60 + minute;
    (minute < 60 && total <= 24 * 60).then_some(total)
}

impl fmt::Display for OpeningHours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut first = true;
        for (day, openings) in DAY_NAMES.iter().zip(&self.week) {
            if openings.is_empty() {
                continue;
            }
            f.write_str(if first { "" } else { "; " })?;
            f.write_str(day)?;
            first = false;
            for (from, to) in openings {
                write!(
                    f,
                    " {:02}:{:02}-{:02}:{:02}",
                    from / 60,
                    from % 60,
                    to / 60,
                    to % 60
                )?;
            }
        }
        Ok(())
    }
}

impl TryFrom<String> for OpeningHours {
    type Error = OpeningHoursError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<OpeningHours> for String {
    fn from(hours: OpeningHours) -> Self {
        hours.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_read_and_written() {
        let desk: OpeningHours = "Mo-Fr 08:30-12:30; tu,th 14:30-17:00".parse().unwrap();
        assert_eq!(
            desk.to_string(),
            "mo 08:30-12:30; tu 08:30-12:30 14:30-17:00; we 08:30-12:30; \
             th 08:30-12:30 14:30-17:00; fr 08:30-12:30"
        );
        assert_eq!(desk.to_string().parse(), Ok(desk.clone()));
        assert_eq!(desk.openings(Weekday::Tuesday), [(510, 750), (870, 1_020)]);
    }

    #[test]
    fn what_is_no_table_is_refused() {
        let refused = |text: &str| text.parse::<OpeningHours>().unwrap_err();
        assert!(matches!(
            refused("lu 08:00-12:00"),
            OpeningHoursError::UnknownDays(_)
        ));
        assert!(matches!(
            refused("fr-mo 08:00-12:00"),
            OpeningHoursError::UnknownDays(_)
        ));
        for text in [
            "mo",
            "mo 8-12",
            "mo 12:00-08:00",
            "mo 08:00-24:01",
            "mo 08:60-09:00",
            "mo 08:00",
        ] {
            assert!(
                matches!(refused(text), OpeningHoursError::Malformed(_)),
                "{text}"
            );
        }
        assert_eq!(
            refused("mo-we 08:00-12:00; tu 11:00-13:00"),
            OpeningHoursError::Overlap(Weekday::Tuesday)
        );
        assert_eq!("".parse(), Ok(OpeningHours::default()));
    }
}
