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

/// Unknown language.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown language {name:?}: use {}", Language::ALL.map(Language::as_str).join(" or "))]
pub struct UnknownLanguage {
    /// Name as given.
    pub name: String,
}

impl Language {
    /// Every language, in the order of the variants.
    pub const ALL: [Self; 2] = [Self::Italian, Self::English];

    /// Returns the code, the catalogue of messages, and the separators of thousands and decimals.
    const fn parts(self) -> (&'static str, &'static str, [char; 2]) {
        match self {
            Self::Italian => ("it", include_str!("../../words/it.ftl"), ['.', ',']),
            Self::English => ("en", include_str!("../../words/en.ftl"), [',', '.']),
        }
    }

    /// Returns the ISO 639-1 code.
    pub const fn as_str(self) -> &'static str {
        self.parts().0
    }

    /// Returns the messages, in Fluent syntax.
    pub(super) const fn words(self) -> &'static str {
        self.parts().1
    }

    /// Returns the separators of thousands and decimals.
    pub(super) const fn separators(self) -> (char, char) {
        let [thousands, decimals] = self.parts().2;
        (thousands, decimals)
    }

    /// Returns the Italian name in Italian, the English one in every other language.
    pub(crate) const fn choose<'n>(self, italian: &'n str, english: &'n str) -> &'n str {
        match matches!(self, Self::Italian) {
            true => italian,
            false => english,
        }
    }

    /// Returns the category's name in this language.
    pub(crate) fn category(self, name: &CategoryName) -> String {
        harmless(self.choose(&name.category_name_it, &name.category_name_en))
    }

    /// Returns the name of a month, 1 to 12.
    pub(crate) fn month(self, month: i8) -> String {
        let name = self.message(&format!("month-{month}"), &[]);
        name.unwrap_or_default()
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
            assert_eq!(language.as_str().parse(), Ok(language));
        }
        let refused = "de".parse::<Language>().unwrap_err();
        assert_eq!(refused.to_string(), "unknown language \"de\": use it or en");
    }
}
