//! The languages, one for each catalogue of the folder.

use std::fmt;
use std::str::FromStr;

use jiff::civil::Date;

use crate::catalogue::{CatalogueSource, grouped};

/// A language with its words and its formats of numbers and dates.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Language(usize);

include!(concat!(env!("OUT_DIR"), "/languages.rs"));

/// Unknown language.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown language {name:?}: use {}", Language::ALL.map(Language::as_str).join(" or "))]
pub struct UnknownLanguage {
    /// Name as given.
    pub name: String,
}

impl Language {
    pub(crate) fn place(self) -> usize {
        self.0
    }

    pub(crate) fn sources() -> &'static [CatalogueSource] {
        &SOURCES
    }

    /// Returns the ISO 639 code.
    pub fn as_str(self) -> &'static str {
        SOURCES[self.0].code
    }

    /// Returns the name of the language in itself: `Italiano`.
    pub fn name(self) -> String {
        self.say("language-name", &[])
    }

    /// Returns the Italian name in Italian, the English one in every other language. Names of the
    /// register exist in these two languages.
    pub fn choose<'n>(self, italian: &'n str, english: &'n str) -> &'n str {
        match self == Self::IT {
            true => italian,
            false => english,
        }
    }

    /// Returns the name of a month, 1 to 12; empty for other numbers.
    pub fn month(self, month: i8) -> String {
        let name = self.message(&format!("month-{month}"), &[]);
        name.unwrap_or_default()
    }

    /// Formats a date: `31 dicembre 2017`.
    pub fn date(self, date: Date) -> String {
        let words = [
            ("day", u64::from(date.day().unsigned_abs()).into()),
            ("month", self.month(date.month()).into()),
            ("year", date.year().to_string().into()),
        ];
        self.say("language-date", &words)
    }

    /// Formats the date at the start of a time such as `2017-12-31T10:00:00Z`. Returns the part
    /// before `T` if it is not a date.
    pub fn day(self, time: &str) -> String {
        let day = time.split('T').next().unwrap_or_default();
        day.parse()
            .map_or_else(|_| day.to_owned(), |day| self.date(day))
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Language {
    type Err = UnknownLanguage;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let mut all = Self::ALL.into_iter();
        all.find(|language| language.as_str() == name)
            .ok_or_else(|| UnknownLanguage {
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
            assert_eq!(language.as_str().parse(), Ok(language));
        }
        let refused = "xx".parse::<Language>().unwrap_err().to_string();
        assert!(refused.starts_with("unknown language \"xx\": use "));
        assert!(
            refused.contains("en or ") && refused.contains("it"),
            "{refused}"
        );
    }

    #[test]
    fn dates_are_written_in_words() {
        let day = Date::constant(2017, 12, 31);
        assert_eq!(Language::IT.date(day), "31 dicembre 2017");
        let first = Date::constant(2017, 1, 1);
        assert_eq!(Language::IT.date(first), "1º gennaio 2017");
        assert_eq!(Language::EN.date(first), "1 January 2017");
        assert_eq!(Language::EN.day("2017-12-31T10:00:00Z"), "31 December 2017");
        assert_eq!(Language::EN.day("never"), "never");
    }
}
