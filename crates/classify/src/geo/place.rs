//! Codes of countries and regions, stored without allocation.

use std::fmt;

/// An ISO 3166-1 alpha-2 code such as `IT`, or unknown.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Country([u8; 2]);

impl Country {
    /// No country: no database, no entry, or a local address. Printed as `unknown`.
    pub const UNKNOWN: Self = Self([0; 2]);
    /// Italy.
    pub const ITALY: Self = Self(*b"IT");

    /// Returns the country with this code of two letters, in upper or lower case.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        match code.as_bytes() {
            [a, b] if a.is_ascii_alphabetic() && b.is_ascii_alphabetic() => {
                Some(Self([a.to_ascii_uppercase(), b.to_ascii_uppercase()]))
            }
            _ => None,
        }
    }

    /// The code, such as `IT`; `None` if unknown.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        (*self != Self::UNKNOWN).then(|| self.as_str())
    }

    /// The code, such as `IT`, or `unknown`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self.0 {
            [0, 0] => "unknown",
            _ => std::str::from_utf8(&self.0).expect("two ASCII letters"),
        }
    }

    /// True if the country is known.
    #[must_use]
    pub fn is_known(self) -> bool {
        self != Self::UNKNOWN
    }
}

/// An ISO 3166-2 code such as `IT-25` for Lombardy, or unknown.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Region {
    bytes: [u8; 6],
    length: u8,
}

impl Region {
    /// No region. Printed as `unknown`.
    pub const UNKNOWN: Self = Self {
        bytes: [0; 6],
        length: 0,
    };

    /// Returns the region of `country` with this code: `25` or `IT-25`, in upper or lower case.
    ///
    /// Returns `None` if the text is not a code, such as a name, or names another country.
    #[must_use]
    pub fn from_code(country: Country, code: &str) -> Option<Self> {
        let own = country.code()?;
        let part = match code.split_once('-') {
            Some((prefix, part)) if prefix.eq_ignore_ascii_case(own) => part,
            Some(_) => return None,
            None => code,
        };
        let is_code =
            (1..=3).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric());
        if !is_code {
            return None;
        }
        let mut bytes = [0; 6];
        bytes[..2].copy_from_slice(own.as_bytes());
        bytes[2] = b'-';
        bytes[3..3 + part.len()].copy_from_slice(part.to_ascii_uppercase().as_bytes());
        Some(Self {
            bytes,
            length: 3 + part.len() as u8,
        })
    }

    /// The code, such as `IT-25`; `None` if unknown.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        (*self != Self::UNKNOWN).then(|| self.as_str())
    }

    /// The code, such as `IT-25`, or `unknown`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self.length {
            0 => "unknown",
            length => std::str::from_utf8(&self.bytes[..usize::from(length)])
                .expect("letters, digits and a hyphen"),
        }
    }
}

/// The location of an address: a country and, if the database has it, a region.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Place {
    /// The country; unknown for local addresses and for addresses that the database lacks.
    pub country: Country,
    /// The region; unknown if the country is unknown.
    pub region: Region,
}

impl Place {
    /// Unknown country and region.
    pub const UNKNOWN: Self = Self {
        country: Country::UNKNOWN,
        region: Region::UNKNOWN,
    };
}

impl Default for Place {
    fn default() -> Self {
        Self::UNKNOWN
    }
}

impl fmt::Display for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Country({self})")
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Region({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_normalised_and_names_refused() {
        let italy = Country::from_code("it").unwrap();
        assert_eq!((italy, italy.as_str()), (Country::ITALY, "IT"));
        assert_eq!(Country::from_code("Italy"), None);
        assert_eq!(Country::from_code("1T"), None);
        assert_eq!(Country::from_code("è"), None);
        assert_eq!(Country::UNKNOWN.to_string(), "unknown");
        let region = |code| Region::from_code(italy, code).map(|r| r.to_string());
        assert_eq!(region("25").as_deref(), Some("IT-25"));
        assert_eq!(region("it-25").as_deref(), Some("IT-25"));
        assert_eq!(region("FR-25"), None);
        assert_eq!(region("Lombardy"), None);
        assert_eq!(region(""), None);
        assert_eq!(Region::from_code(Country::UNKNOWN, "25"), None);
        assert_eq!(Region::UNKNOWN.to_string(), "unknown");
    }
}
