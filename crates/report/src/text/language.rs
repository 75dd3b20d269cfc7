//! The languages of the text.

use std::fmt;
use std::str::FromStr;

use jiff::civil::Date;

use super::measure::harmless;
use crate::tables::CategoryName;

/// Language of the text, with its formats of numbers and dates.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Language {
    /// Italian, `it`.
    #[default]
    Italian,
    /// English, `en`.
    English,
}

const MESI: [&str; 12] = [
    "gennaio",
    "febbraio",
    "marzo",
    "aprile",
    "maggio",
    "giugno",
    "luglio",
    "agosto",
    "settembre",
    "ottobre",
    "novembre",
    "dicembre",
];
const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// Unknown language.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown language {name:?}: use it or en")]
pub struct UnknownLanguage {
    /// Name as given.
    pub name: String,
}

impl Language {
    /// Every language.
    pub const ALL: &'static [Self] = &[Self::Italian, Self::English];

    /// Returns the ISO 639-1 code.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Italian => "it",
            Self::English => "en",
        }
    }
}

impl Language {
    /// Returns the category's name in this language.
    pub(crate) fn category(self, name: &CategoryName) -> String {
        harmless(match self {
            Self::Italian => &name.category_name_it,
            Self::English => &name.category_name_en,
        })
    }

    /// Returns the name of a month, 1 to 12.
    pub(crate) fn month(self, month: i8) -> &'static str {
        let months = match self {
            Self::Italian => &MESI,
            Self::English => &MONTHS,
        };
        let place = usize::try_from(month).unwrap_or(1).saturating_sub(1);
        months.get(place).copied().unwrap_or("")
    }

    /// Formats a date: `31 dicembre 2017`.
    pub(crate) fn date(self, date: Date) -> String {
        format!(
            "{} {} {}",
            date.day(),
            self.month(date.month()),
            date.year()
        )
    }

    /// Formats the date at the start of a time such as `2017-12-31T10:00:00Z`. Returns the part
    /// before `T` if it is not a date.
    pub(crate) fn day(self, time: &str) -> String {
        let day = time.split('T').next().unwrap_or_default();
        day.parse()
            .map_or_else(|_| day.to_owned(), |day| self.date(day))
    }

    /// Returns the heading of hours.
    pub(crate) const fn hour(self) -> &'static str {
        match self {
            Self::Italian => "Ora",
            Self::English => "Hour",
        }
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Language {
    type Err = UnknownLanguage;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.iter().copied().find(|l| l.as_str() == name);
        found.ok_or_else(|| UnknownLanguage {
            name: name.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_read_back_and_others_refused() {
        for language in Language::ALL {
            assert_eq!(language.as_str().parse(), Ok(*language));
        }
        let refused = "de".parse::<Language>().unwrap_err();
        assert_eq!(refused.to_string(), "unknown language \"de\": use it or en");
    }
}
