//! The languages of the text.

use std::fmt;
use std::str::FromStr;

/// The language of the text: words, and how numbers and dates are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Language {
    /// Italian, `it`.
    #[default]
    Italian,
    /// English, `en`.
    English,
}

/// A language that the report is not written in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown language {name:?}: use it or en")]
pub struct UnknownLanguage {
    /// The name as given.
    pub name: String,
}

impl Language {
    /// Every language.
    pub const ALL: &'static [Self] = &[Self::Italian, Self::English];

    /// The ISO 639-1 code.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Italian => "it",
            Self::English => "en",
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
