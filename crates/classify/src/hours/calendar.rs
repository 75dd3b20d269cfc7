//! National holidays of Italy, and the patron saint's day.

use std::fmt;
use std::str::FromStr;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use strum::Display;

use super::days_since_1970;

/// A public holiday. Sundays are not listed, except Easter.
///
/// Sources:
///
/// - law 260/1949: the list;
/// - law 54/1977: days removed from 8 March 1977, after that year's Epiphany;
/// - presidential decree 792/1985: Epiphany restored;
/// - law 336/2000: 2 June restored from 2001;
/// - decree-law 5/2011: 17 March, in 2011 only;
/// - law 151/2025: 4 October, from 2026.
///
/// The list is valid for every year from 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Display)]
#[strum(serialize_all = "kebab-case")]
#[non_exhaustive]
pub enum Holiday {
    /// 1 January.
    NewYear,
    /// 6 January; not a holiday from 1978 to 1985.
    Epiphany,
    /// Easter Sunday.
    Easter,
    /// The day after Easter.
    EasterMonday,
    /// 25 April.
    Liberation,
    /// 1 May.
    Labour,
    /// 2 June. From 1977 to 2000 it moved to the first Sunday of June, which does not count as a
    /// holiday here.
    Republic,
    /// 15 August.
    Assumption,
    /// 4 October, from 2026. Until 1976 it was a lesser feast, which does not count here.
    SaintFrancis,
    /// 1 November.
    AllSaints,
    /// 8 December.
    ImmaculateConception,
    /// 25 December.
    Christmas,
    /// 26 December.
    SaintStephen,
    /// 17 March 2011 only, for 150 years of Italian unity.
    Unity150,
    /// The feast of the town's patron saint.
    PatronSaint,
    /// 19 March, until 1976.
    SaintJoseph,
    /// The Thursday 39 days after Easter, until 1976.
    Ascension,
    /// The Thursday 60 days after Easter, until 1976.
    CorpusDomini,
    /// 29 June, until 1976.
    SaintsPeterAndPaul,
    /// 4 November, until 1976. Since then it is the first Sunday of November, which does not count
    /// as a holiday here.
    NationalUnity,
}

impl Holiday {
    /// Returns the national holiday on `date`, if any, for years from 1970.
    #[must_use]
    pub fn national(date: Date) -> Option<Self> {
        let year = date.year();
        let until_1976 = year <= 1976;
        let fixed = match (date.month(), date.day()) {
            (1, 1) => Some(Self::NewYear),
            (1, 6) if year <= 1977 || year >= 1986 => Some(Self::Epiphany),
            (3, 17) if year == 2011 => Some(Self::Unity150),
            (3, 19) if until_1976 => Some(Self::SaintJoseph),
            (4, 25) => Some(Self::Liberation),
            (5, 1) => Some(Self::Labour),
            (6, 2) if until_1976 || year >= 2001 => Some(Self::Republic),
            (6, 29) if until_1976 => Some(Self::SaintsPeterAndPaul),
            (8, 15) => Some(Self::Assumption),
            (10, 4) if year >= 2026 => Some(Self::SaintFrancis),
            (11, 1) => Some(Self::AllSaints),
            (11, 4) if until_1976 => Some(Self::NationalUnity),
            (12, 8) => Some(Self::ImmaculateConception),
            (12, 25) => Some(Self::Christmas),
            (12, 26) => Some(Self::SaintStephen),
            _ => None,
        };
        fixed.or_else(
            || match days_since_1970(date) - days_since_1970(easter(year)) {
                0 => Some(Self::Easter),
                1 => Some(Self::EasterMonday),
                39 if until_1976 => Some(Self::Ascension),
                60 if until_1976 => Some(Self::CorpusDomini),
                _ => None,
            },
        )
    }
}

/// Easter Sunday of the Western churches, by the algorithm of Meeus, Jones and Butcher.
fn easter(year: i16) -> Date {
    let year = i32::from(year);
    let (golden, century, of_century) = (
        year.rem_euclid(19),
        year.div_euclid(100),
        year.rem_euclid(100),
    );
    let correction = (century + 8) / 25;
    let moon_shift = (century - correction + 1) / 3;
    let epact = (19 * golden + century - century / 4 - moon_shift + 15).rem_euclid(30);
    let weekday =
        (32 + 2 * (century % 4) + 2 * (of_century / 4) - epact - of_century % 4).rem_euclid(7);
    let late = (golden + 11 * epact + 22 * weekday) / 451;
    let day_from_march = epact + weekday - 7 * late + 22;
    let (month, day) = if day_from_march > 31 {
        (4, day_from_march - 31)
    } else {
        (3, day_from_march)
    };
    Date::new(year as i16, month, day as i8).expect("Easter is a day of March or April")
}

/// The reason why a text is not a day of the year.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MonthDayError {
    /// The text is not `MM-DD`.
    #[error("{0:?} is not a date of the form MM-DD")]
    Malformed(String),
    /// The calendar has no such day.
    #[error("no year has the day {month:02}-{day:02}")]
    NoSuchDay {
        /// The requested month.
        month: u8,
        /// The requested day.
        day: u8,
    },
}

/// A day of the year without a year, such as `12-07`, the patron saint's day of Milan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct MonthDay {
    month: u8,
    day: u8,
}

impl fmt::Display for MonthDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}-{:02}", self.month, self.day)
    }
}

impl FromStr for MonthDay {
    type Err = MonthDayError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const A_LEAP_YEAR: i16 = 2000;
        let parts = text.split_once('-');
        let (month, day): (u8, u8) = parts
            .and_then(|(month, day)| Some((month.parse().ok()?, day.parse().ok()?)))
            .ok_or_else(|| MonthDayError::Malformed(text.to_owned()))?;
        // A number above 127 becomes negative, which no calendar has.
        Date::new(A_LEAP_YEAR, month.cast_signed(), day.cast_signed())
            .map(|_| Self { month, day })
            .map_err(|_| MonthDayError::NoSuchDay { month, day })
    }
}

impl TryFrom<String> for MonthDay {
    type Error = MonthDayError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<MonthDay> for String {
    fn from(day: MonthDay) -> Self {
        day.to_string()
    }
}

/// The calendar of an ente: the national holidays and its patron saint's day.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Calendar {
    /// The patron saint's day of the ente's seat, if known.
    pub patron: Option<MonthDay>,
}

impl Calendar {
    /// Returns the holiday on `date`. A national holiday takes precedence over the patron saint's
    /// day.
    #[must_use]
    pub fn holiday(&self, date: Date) -> Option<Holiday> {
        Holiday::national(date).or_else(|| {
            let patron = self.patron?;
            let day = (date.month().unsigned_abs(), date.day().unsigned_abs());
            let is_patron = day == (patron.month, patron.day);
            is_patron.then_some(Holiday::PatronSaint)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(text: &str) -> Date {
        text.parse().unwrap()
    }

    #[test]
    fn easter_of_known_years() {
        // From the tables of the United States Naval Observatory.
        for sunday in [
            "1996-04-07",
            "1999-04-04",
            "2000-04-23",
            "2005-03-27",
            "2008-03-23",
            "2011-04-24",
            "2016-03-27",
            "2017-04-16",
            "2019-04-21",
            "2024-03-31",
            "2025-04-20",
            "2026-04-05",
            "2038-04-25",
            "2076-04-19",
            "2285-03-22",
        ] {
            let sunday = date(sunday);
            assert_eq!(easter(sunday.year()), sunday);
            // In 2011 and 2038 a fixed holiday falls on one of the two days.
            assert!(Holiday::national(sunday).is_some());
            assert!(Holiday::national(sunday.tomorrow().unwrap()).is_some());
        }
    }

    #[test]
    fn holidays_begin_and_end_as_the_laws_say() {
        let national = |text: &str| Holiday::national(date(text));
        assert_eq!(national("2000-06-02"), None);
        assert_eq!(national("2001-06-02"), Some(Holiday::Republic));
        assert_eq!(national("2011-03-17"), Some(Holiday::Unity150));
        assert_eq!(national("2012-03-17"), None);
        assert_eq!(national("2025-10-04"), None);
        assert_eq!(national("2026-10-04"), Some(Holiday::SaintFrancis));
        assert_eq!(national("1977-01-06"), Some(Holiday::Epiphany));
        assert_eq!(national("1978-01-06"), None);
        assert_eq!(national("1985-01-06"), None);
        assert_eq!(national("1986-01-06"), Some(Holiday::Epiphany));
        assert_eq!(national("2017-11-04"), None);
        for (day, holiday) in [
            ("03-19", Holiday::SaintJoseph),
            ("06-02", Holiday::Republic),
            ("06-29", Holiday::SaintsPeterAndPaul),
            ("11-04", Holiday::NationalUnity),
        ] {
            assert_eq!(national(&format!("1976-{day}")), Some(holiday), "{day}");
            assert_eq!(national(&format!("1977-{day}")), None, "{day}");
        }
        // Easter was 18 April 1976 and 10 April 1977.
        assert_eq!(national("1976-05-27"), Some(Holiday::Ascension));
        assert_eq!(national("1976-06-17"), Some(Holiday::CorpusDomini));
        assert_eq!(national("1977-05-19"), None);
        assert_eq!(national("1977-06-09"), None);
    }

    #[test]
    fn a_national_holiday_comes_before_the_patron_saint() {
        let milan = Calendar {
            patron: Some("12-07".parse().unwrap()),
        };
        assert_eq!(
            milan.holiday(date("2017-12-07")),
            Some(Holiday::PatronSaint)
        );
        assert_eq!(
            milan.holiday(date("2017-12-08")),
            Some(Holiday::ImmaculateConception)
        );
    }

    #[test]
    fn a_day_of_the_year_is_one_of_a_leap_year() {
        let refused = |text: &str| text.parse::<MonthDay>().unwrap_err().to_string();
        assert_eq!(refused("02-30"), "no year has the day 02-30");
        assert_eq!(refused("0207"), "\"0207\" is not a date of the form MM-DD");
        assert_eq!("02-29".parse::<MonthDay>().unwrap().to_string(), "02-29");
        assert_eq!(
            Holiday::SaintsPeterAndPaul.to_string(),
            "saints-peter-and-paul"
        );
        assert_eq!(Holiday::Unity150.to_string(), "unity150");
    }
}
