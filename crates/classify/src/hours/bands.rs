//! Bands of the day: named parts of the 24 local hours.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A part of the local day. The discriminants are the stored form; 0 is never used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[repr(u8)]
pub enum Band {
    /// 00:00 to 08:00 by default.
    Night = 1,
    /// 08:00 to 18:00 by default.
    Office = 2,
    /// 18:00 to 24:00 by default.
    Evening = 3,
}

impl Band {
    /// All bands, in the order of the default day.
    pub const ALL: [Self; 3] = [Self::Night, Self::Office, Self::Evening];

    /// The name used in JSON, SQL, metrics and configuration.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Night => "night",
            Self::Office => "office",
            Self::Evening => "evening",
        }
    }

    /// Returns the band stored as `value`, if the number is valid.
    #[must_use]
    pub const fn from_u8(value: u8) -> Option<Self> {
        match value {
            1 => Some(Self::Night),
            2 => Some(Self::Office),
            3 => Some(Self::Evening),
            _ => None,
        }
    }
}

impl fmt::Display for Band {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Band {
    type Err = BandsError;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|band| band.as_str() == name)
            .ok_or_else(|| BandsError::UnknownName(name.to_owned()))
    }
}

/// The reason why a text is not a valid division of the day into bands.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BandsError {
    /// The name is not one of the bands.
    #[error("unknown band {0:?}: use night, office or evening")]
    UnknownName(String),
    /// An entry is not of the form `name HH-HH`.
    #[error("band entry {0:?} is not of the form `night 00-08`")]
    Malformed(String),
    /// An hour is above 24, or a band ends before it begins.
    #[error("band entry {0:?} must run from an earlier to a later whole hour, 0 to 24")]
    BadHours(String),
    /// Entries leave a gap, overlap, or are out of order.
    #[error(
        "bands must follow one another: expected one to begin at hour {expected:02}, found {found:02}"
    )]
    NotContiguous {
        /// End of the previous entry, an hour of the day.
        expected: u8,
        /// Start of this entry, an hour of the day.
        found: u8,
    },
    /// The last entry ends before 24.
    #[error("bands end at hour {0:02}, the day at 24")]
    Incomplete(u8),
}

/// A division of the local day into bands, by whole hours.
///
/// The text form is `night 00-08, office 08-18, evening 18-24`, which is the default. The ranges
/// are half-open and sorted, and cover 0 to 24 without gaps or overlaps. A band may occur twice
/// (`night 00-07, office 07-19, evening 19-22, night 22-24`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Bands {
    by_hour: [Band; 24],
}

impl Bands {
    /// Returns the band of a local hour, 0 to 23; greater hours count as 23.
    #[inline]
    #[must_use]
    pub const fn of(&self, hour: u8) -> Band {
        self.by_hour[if hour < 24 { hour as usize } else { 23 }]
    }

    /// Returns the number of hours in `band` on an ordinary day.
    #[must_use]
    pub fn hours(&self, band: Band) -> u8 {
        self.by_hour.iter().map(|b| u8::from(*b == band)).sum()
    }
}

impl Default for Bands {
    fn default() -> Self {
        let mut by_hour = [Band::Night; 24];
        by_hour[8..18].fill(Band::Office);
        by_hour[18..].fill(Band::Evening);
        Self { by_hour }
    }
}

impl FromStr for Bands {
    type Err = BandsError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut by_hour = [Band::Night; 24];
        let mut end = 0_u8;
        for entry in text.split(',') {
            let (band, from, to) = parse_entry(entry.trim())?;
            if from != end {
                return Err(BandsError::NotContiguous {
                    expected: end,
                    found: from,
                });
            }
            by_hour[usize::from(from)..usize::from(to)].fill(band);
            end = to;
        }
        if end != 24 {
            return Err(BandsError::Incomplete(end));
        }
        Ok(Self { by_hour })
    }
}

fn parse_entry(entry: &str) -> Result<(Band, u8, u8), BandsError> {
    let malformed = || BandsError::Malformed(entry.to_owned());
    let (name, hours) = entry.split_once(' ').ok_or_else(malformed)?;
    let (from, to) = hours.trim().split_once('-').ok_or_else(malformed)?;
    let from: u8 = from.trim().parse().map_err(|_| malformed())?;
    let to: u8 = to.trim().parse().map_err(|_| malformed())?;
    if from >= to || to > 24 {
        return Err(BandsError::BadHours(entry.to_owned()));
    }
    Ok((name.parse()?, from, to))
}

impl fmt::Display for Bands {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut hour = 0_u8;
        while hour < 24 {
            let band = self.of(hour);
            let from = hour;
            while hour < 24 && self.of(hour) == band {
                hour += 1;
            }
            let comma = if from == 0 { "" } else { ", " };
            write!(f, "{comma}{band} {from:02}-{hour:02}")?;
        }
        Ok(())
    }
}

impl TryFrom<String> for Bands {
    type Error = BandsError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Bands> for String {
    fn from(bands: Bands) -> Self {
        bands.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_is_the_one_of_the_report() {
        let bands = Bands::default();
        assert_eq!(
            bands.to_string(),
            "night 00-08, office 08-18, evening 18-24"
        );
        assert_eq!(Band::ALL.map(|band| bands.hours(band)), [8, 10, 6]);
        assert_eq!((bands.of(7), bands.of(8)), (Band::Night, Band::Office));
        assert_eq!((bands.of(17), bands.of(18)), (Band::Office, Band::Evening));
    }

    #[test]
    fn a_text_is_read_back_as_written() {
        let text = "night 00-07, office 07-19, evening 19-22, night 22-24";
        let bands: Bands = text.parse().unwrap();
        assert_eq!(bands.to_string(), text);
        assert_eq!(bands.hours(Band::Night), 9);
    }

    #[test]
    fn what_does_not_cover_the_day_is_refused() {
        let refused = |text: &str| text.parse::<Bands>().unwrap_err();
        assert!(matches!(refused("night 00-08"), BandsError::Incomplete(8)));
        assert!(matches!(
            refused("night 00-08, office 09-24"),
            BandsError::NotContiguous {
                expected: 8,
                found: 9
            }
        ));
        assert!(matches!(
            refused("office 08-18, night 00-08, evening 18-24"),
            BandsError::NotContiguous {
                expected: 0,
                found: 8
            }
        ));
        assert!(matches!(refused("night 00-25"), BandsError::BadHours(_)));
        assert!(matches!(refused("night 08-08"), BandsError::BadHours(_)));
        assert!(matches!(refused("dawn 00-24"), BandsError::UnknownName(_)));
        assert!(matches!(
            refused("night 00:00-08:00"),
            BandsError::Malformed(_)
        ));
        assert!(matches!(refused(""), BandsError::Malformed(_)));
    }

    #[test]
    fn stored_numbers_and_names_are_read_back() {
        for band in Band::ALL {
            assert_eq!(Band::from_u8(band as u8), Some(band));
            assert_eq!(band.as_str().parse(), Ok(band));
        }
        assert_eq!(Band::from_u8(0), None);
    }
}
