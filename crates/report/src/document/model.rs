//! The parts of a printed report, independent of its format.

use std::borrow::Cow;
use std::sync::Arc;

use affluenza_words::Language;
use schemars::JsonSchema;
use serde::Serialize;
use strum::IntoStaticStr;

use super::cell::{Cell, CodedName};
use super::chart::Chart;
use super::cut::Cut;
use super::prose::Paragraph;
use crate::face::{CentreFace, Logo};
use crate::period::ReportPeriod;

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
    pub(crate) fn describe(&mut self, language: Language) {
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
