//! Bands of the day: named parts of the 24 local hours.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A part of the local day. The discriminants are the stored form; 0 is never used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[repr(u8)]
pub enum Band {
    /// 00:00 to 08:00.
    Night = 1,
    /// 08:00 to 18:00.
    Office = 2,
    /// 18:00 to 24:00.
    Evening = 3,
}

impl Band {
    /// All bands, in the order of the day.
    pub const ALL: [Self; 3] = [Self::Night, Self::Office, Self::Evening];

    /// The name used in JSON, SQL and metrics.
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

/// The division of the local day into bands, by whole hours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bands_of_the_focus_report() {
        let bands = Bands::default();
        assert_eq!(Band::ALL.map(|band| bands.hours(band)), [8, 10, 6]);
        for (hour, band) in [
            (0, Band::Night),
            (7, Band::Night),
            (8, Band::Office),
            (17, Band::Office),
            (18, Band::Evening),
            (23, Band::Evening),
            (24, Band::Evening),
        ] {
            assert_eq!(bands.of(hour), band, "{hour}");
        }
    }

    #[test]
    fn stored_numbers_are_read_back() {
        for band in Band::ALL {
            assert_eq!(Band::from_u8(band as u8), Some(band));
        }
        assert_eq!(Band::from_u8(0), None);
    }
}
