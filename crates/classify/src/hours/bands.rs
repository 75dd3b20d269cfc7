//! Bands of the day: named parts of the 24 local hours.

use std::ops::Range;

use serde::{Deserialize, Serialize};
use strum::{FromRepr, IntoStaticStr, VariantArray};

/// A part of the local day. The discriminants are the stored form; 0 is never used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[derive(FromRepr, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "lowercase")]
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
    /// Returns the local hours of the band.
    #[must_use]
    pub const fn hours(self) -> Range<u8> {
        match self {
            Self::Night => 0..8,
            Self::Office => 8..18,
            Self::Evening => 18..24,
        }
    }

    /// Returns the band of a local hour, 0 to 23; greater hours count as 23.
    #[inline]
    #[must_use]
    pub const fn of(hour: u8) -> Self {
        match hour {
            0..8 => Self::Night,
            8..18 => Self::Office,
            _ => Self::Evening,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_hour_is_in_the_band_that_covers_it() {
        for band in Band::VARIANTS {
            for hour in band.hours() {
                assert_eq!(Band::of(hour), *band, "{hour}");
            }
        }
        let hours: usize = Band::VARIANTS.iter().map(|band| band.hours().len()).sum();
        assert_eq!((hours, Band::of(24)), (24, Band::Evening));
    }

    #[test]
    fn stored_numbers_are_read_back() {
        for band in Band::VARIANTS {
            assert_eq!(Band::from_repr(*band as u8), Some(*band));
        }
        assert_eq!(Band::from_repr(0), None);
    }
}
