//! The parts of a printed report, independent of its format.

use std::borrow::Cow;
use std::sync::Arc;

use affluenza_words::Language;
use schemars::JsonSchema;
use serde::Serialize;
use strum::IntoStaticStr;

use super::chart::Chart;
use super::cut::Cut;
use super::prose::Paragraph;
use crate::face::{CentreFace, Logo};
use crate::period::ReportPeriod;
use crate::tables::EnteName;
use crate::text::harmless;

/// A report, laid out as sections in one language.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    /// Language of all texts.
    pub language: Language,
    /// Title, such as `Utilizzo dei servizi online – Anno 2017`.
    pub title: String,
    /// Subject: one ente, or the number of enti.
    pub subject: String,
    /// Days of the report.
    pub period: ReportPeriod,
    /// True for the report of one ente.
    pub is_of_ente: bool,
    /// Number of enti. Print shows tables of many enti in part.
    pub enti: usize,
    /// Remarks on edition, comparison and counted use, one line each.
    pub edition: Vec<String>,
    /// State of the figures.
    pub state: EditionState,
    /// Hash of the seal that the figures come from; `None` for present figures.
    pub seal_hash: Option<String>,
    /// Time when the figures were sealed, RFC 3339; `None` for present figures.
    pub sealed_at: Option<String>,
    /// Centre that publishes the report.
    pub centre: CentreFace,
    /// Sections in reading order.
    pub sections: Vec<Section>,
    /// Sections of the short report that print shows instead; empty if it shows all.
    pub brief: Vec<Section>,
}

/// State of the figures of an edition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum EditionState {
    /// Present figures of a year that is not closed.
    Provisional,
    /// Present figures of a part of a closed year.
    PartOfClosed,
    /// Present figures of a closed year, instead of those of its seal.
    Reclassified,
    /// Figures of the first seal of the year.
    Closed,
    /// Figures of a later seal of the year.
    Restated,
}

/// A part of a report under a heading.
#[derive(Debug, Clone, PartialEq)]
pub struct Section {
    /// Short name, the same in every language: `categories`.
    pub id: Cow<'static, str>,
    /// Name, the same for every year.
    pub title: String,
    /// Finding that the tables of the section prove.
    pub statement: Option<String>,
    /// Number of the annex; `None` for a chapter.
    pub annex: Option<usize>,
    /// Content below the heading.
    pub blocks: Vec<Block>,
}

impl Section {
    /// Returns the name with the number of the annex.
    pub fn heading(&self, language: Language) -> String {
        let title = self.title.as_str();
        match self.annex {
            None => title.to_owned(),
            Some(number) => {
                let words = [("number", number.into()), ("title", title.into())];
                language.say("annex", &words)
            }
        }
    }
}

/// A piece of a section.
#[derive(Debug, Clone, PartialEq)]
pub enum Block {
    /// A paragraph.
    Text(String),
    /// Text of the centre.
    Prose(Vec<Paragraph>),
    /// Logos in a row.
    Logos(Vec<Arc<Logo>>),
    /// Remarks, one paragraph each.
    Notes(Vec<String>),
    /// Findings, one sentence each.
    Findings(Vec<FindingLine>),
    /// Main figures.
    Facts(Vec<MainFigure>),
    /// A table.
    Table(Table),
    /// A chart. The table with its figures follows it.
    Chart(Chart),
    /// Small charts side by side.
    Charts(Vec<Chart>),
}

/// A finding in print.
#[derive(Debug, Clone, PartialEq)]
pub struct FindingLine {
    /// Main figure.
    pub figure: Cell,
    /// Findings of the year.
    pub sentence: String,
    /// Id of the section whose table proves it, if the document has it.
    pub section: Option<Cow<'static, str>>,
    /// Reference to that section; empty without one.
    pub reference: String,
}

impl Block {
    /// True if the block shows nothing.
    pub(super) fn is_empty(&self) -> bool {
        match self {
            Self::Text(text) => text.is_empty(),
            Self::Prose(paragraphs) => paragraphs.is_empty(),
            Self::Logos(logos) => logos.is_empty(),
            Self::Notes(notes) => notes.is_empty(),
            Self::Findings(findings) => findings.is_empty(),
            Self::Facts(facts) => facts.is_empty(),
            Self::Table(table) => table.rows.is_empty(),
            Self::Chart(chart) => chart.is_empty(),
            Self::Charts(charts) => charts.is_empty(),
        }
    }

    /// Describes the charts for readers who cannot see them.
    pub(super) fn describe(&mut self, language: Language) {
        let charts = match self {
            Self::Chart(chart) => std::slice::from_mut(chart),
            Self::Charts(charts) => charts,
            _ => return,
        };
        for chart in charts {
            chart.description = chart.describe(language);
        }
    }
}

/// A main figure.
#[derive(Debug, Clone, PartialEq)]
pub struct MainFigure {
    /// Label with the unit.
    pub label: String,
    /// Value.
    pub value: Cell,
    /// Additional remark; may be empty.
    pub detail: String,
}

/// A table. Every row has as many cells as there are columns.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    /// Unique name: `usage-by-ente`.
    pub id: Cow<'static, str>,
    /// Caption with the unit.
    pub caption: String,
    /// Columns from left to right.
    pub columns: Vec<Column>,
    /// Rows of the body.
    pub rows: Vec<Vec<Cell>>,
    /// Rows of sums below the body.
    pub sums: Vec<Vec<Cell>>,
    /// True if all columns but the names are of one kind, so that they may be split into groups.
    pub matrix: bool,
    /// Forms that show a chart instead of this table.
    pub charted: Charted,
    /// Rows that print shows if the document has many enti.
    pub cut: Cut,
}

/// Forms that show a chart instead of a table.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Charted {
    /// None.
    #[default]
    Never,
    /// PDF, and HTML until the reader opens the table.
    OnPaper,
    /// These, and a terminal.
    Everywhere,
}

/// A column of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Short name, the same in every language; the code of a category in a matrix.
    pub id: String,
    /// Heading.
    pub head: String,
    /// Heading for narrow layouts.
    pub short: String,
    /// True for text, false for numbers.
    pub text: bool,
    /// Category whose figures the column has; `None` for any other column.
    pub named: Option<CodedName>,
}

impl Column {
    /// Creates a column of text.
    pub fn text(id: impl Into<String>, head: impl Into<String>) -> Self {
        let head = head.into();
        Self {
            id: id.into(),
            short: head.clone(),
            head,
            text: true,
            named: None,
        }
    }

    /// Creates a column of numbers.
    pub fn number(id: impl Into<String>, head: impl Into<String>) -> Self {
        Self {
            text: false,
            ..Self::text(id, head)
        }
    }

    /// Sets the heading for narrow layouts.
    #[must_use]
    pub fn or(self, short: impl Into<String>) -> Self {
        Self {
            short: short.into(),
            ..self
        }
    }
}

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
