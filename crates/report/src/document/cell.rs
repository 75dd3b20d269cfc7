//! Cells of a table, and what they show in a language.

use affluenza_words::Language;
use schemars::JsonSchema;
use serde::Serialize;
use strum::IntoStaticStr;

use crate::tables::EnteName;
use crate::text::harmless;

/// Content of a table cell.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// Empty: the column does not apply to the row.
    Empty,
    /// Text.
    Text(String),
    /// A name in the register, with its code.
    Named(CodedName),
    /// A count.
    Count(u64),
    /// A count in a mostly empty table. Zero is shown as a dash.
    Sparse(u64),
    /// A year or another number that is not grouped.
    Plain(i64),
    /// A difference of counts, with its sign.
    Difference(i64),
    /// A share in percent.
    Share(f64),
    /// A change in percent, with its sign.
    Change(f64),
    /// A mean or ratio, with this number of decimals.
    Mean(f64, u8),
    /// A percentage from another source, with the decimals that the source gives.
    Measured(f64),
    /// A number from another source, in its form and with its unit.
    Given(GivenNumber),
    /// Not defined, such as a change or share on a base of zero.
    Undefined,
    /// Not available: no source gave the figure.
    Unavailable,
    /// Suppressed: the figure would reveal too much about too few people.
    Suppressed,
}

impl Cell {
    /// Returns an ente, of events that may name any.
    pub(super) fn ente(code: &str, name: &str) -> Self {
        Self::Named(CodedName {
            kind: NameKind::Ente,
            code: harmless(code),
            name: harmless(name),
        })
    }

    /// Returns a share, or [`Self::Undefined`] without one.
    pub fn share(percent: Option<f64>) -> Self {
        percent.map_or(Self::Undefined, Self::Share)
    }

    /// Returns a change, or [`Self::Undefined`] without one.
    pub fn change(percent: Option<f64>) -> Self {
        percent.map_or(Self::Undefined, Self::Change)
    }

    /// Returns a count, or [`Self::Undefined`] without one.
    pub fn count(count: Option<u64>) -> Self {
        count.map_or(Self::Undefined, Self::Count)
    }

    /// Returns the figure as a number, unless the cell has none.
    pub fn number(&self) -> Option<f64> {
        match *self {
            Self::Count(count) | Self::Sparse(count) => Some(count as f64),
            Self::Plain(number) | Self::Difference(number) => Some(number as f64),
            Self::Share(number)
            | Self::Change(number)
            | Self::Mean(number, _)
            | Self::Measured(number) => Some(number),
            Self::Given(ref given) => given.digits.parse().ok(),
            _ => None,
        }
    }

    /// Returns the text of a cell that has one.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Named(named) => Some(&named.name),
            _ => None,
        }
    }

    /// Formats the cell in a language.
    pub fn show(&self, language: Language) -> String {
        match self {
            Self::Empty => String::new(),
            Self::Text(text) => text.clone(),
            Self::Named(named) => named.name.clone(),
            Self::Count(count) => language.count(*count),
            Self::Sparse(0) => "–".to_owned(),
            Self::Sparse(count) => language.count(*count),
            Self::Plain(number) => number.to_string(),
            Self::Difference(difference) => language.difference(*difference),
            Self::Share(percent) => language.share(Some(*percent)),
            Self::Change(percent) => language.change(Some(*percent)),
            Self::Mean(mean, decimals) => language.mean(*mean, *decimals),
            Self::Measured(percent) => language.measured(*percent),
            Self::Given(given) => given.show(language),
            Self::Undefined => language.not_available(),
            Self::Unavailable => language.say("unavailable", &[]),
            Self::Suppressed => "*".to_owned(),
        }
    }
}

/// Kind of a name in the register.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum NameKind {
    /// A public body.
    Ente,
    /// A category of services.
    Category,
    /// A service.
    Service,
}

/// A name and its code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodedName {
    /// Kind of the name.
    pub kind: NameKind,
    /// Code in the register, or a code that is not registered.
    pub code: String,
    /// Name in the language of the document.
    pub name: String,
}

impl From<&EnteName> for Cell {
    fn from(ente: &EnteName) -> Self {
        Self::ente(&ente.ente, &ente.ente_name)
    }
}

/// A number as its source gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GivenNumber {
    /// Sign, digits and decimals, with a decimal point: `+1.496`.
    pub digits: String,
    /// End of the message `unit-…` of the unit; empty without one.
    pub unit: String,
}

impl GivenNumber {
    /// Returns the unit, or that it is a plain number.
    pub fn unit(&self) -> &str {
        match &*self.unit {
            "" => "number",
            unit => unit,
        }
    }

    fn show(&self, language: Language) -> String {
        let unsigned = self.digits.trim_start_matches(['+', '-']);
        let sign = &self.digits[..self.digits.len() - unsigned.len()];
        let number = format!("{sign}{}", language.decimal(unsigned));
        if self.unit.is_empty() {
            return number;
        }
        let count = unsigned.parse::<u64>().unwrap_or(0);
        let words = [("number", number.into()), ("count", count.into())];
        language.say(&format!("unit-{}", self.unit), &words)
    }
}
