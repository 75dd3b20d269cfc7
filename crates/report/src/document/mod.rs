//! Turns figures into a [`Document`]: headings, tables, charts and texts in one language. Every
//! printed form is made from it, so all forms show the same.

mod access;
mod cover;
mod hours;
mod matrix;
mod method;
mod model;
mod notes;
mod public;
mod quality;
mod services;
mod sources;
mod usage;

pub use model::{Block, Cell, Chart, ChartKind, Column, Document, Fact, Section, Series, Table};
pub use public::PublicEdition;

use crate::tables::{CategoryName, ServiceRow, Variation};
use crate::text::harmless;
use crate::{Language, Report};

/// Writes the sections of a report in a language.
#[derive(Clone, Copy)]
struct Writer<'r> {
    report: &'r Report,
    language: Language,
}

impl Document {
    /// Creates the document of a report.
    pub fn new(report: &Report, language: Language) -> Self {
        let writer = Writer { report, language };
        let mut sections = vec![writer.summary()];
        if !report.is_empty() {
            sections.push(writer.totals());
            sections.push(writer.categories());
            sections.push(writer.moves());
            sections.push(writer.usage());
            sections.push(writer.usage_by_kind());
            sections.push(writer.variations());
            sections.push(writer.statuses());
            sections.push(writer.top_services());
            sections.push(writer.accesses());
            sections.push(writer.devices());
            sections.push(writer.logins());
            sections.push(writer.places());
            sections.push(writer.bands());
            sections.push(writer.hours());
        }
        sections.push(writer.offered());
        sections.extend(writer.sources(sources::Names::Told));
        sections.push(writer.quality());
        sections.push(writer.restatements());
        sections.push(writer.method());
        sections.retain(|section| !section.blocks.is_empty());
        Self {
            sections,
            ..writer.cover(sources::Names::Told)
        }
    }

    /// Formats the document as text for a terminal of `width` columns, without colours.
    pub fn to_text(&self, width: usize) -> String {
        crate::text::page(self, width)
    }
}

impl Writer<'_> {
    /// Returns the text in the writer's language.
    fn say(self, italian: &str, english: &str) -> String {
        match self.language {
            Language::Italian => italian.to_owned(),
            Language::English => english.to_owned(),
        }
    }

    fn category(self, name: &CategoryName) -> String {
        self.language.category(name)
    }

    fn service(self, row: &ServiceRow) -> String {
        harmless(match self.language {
            Language::Italian => &row.service_name_it,
            Language::English => &row.service_name_en,
        })
    }

    fn varied(self, row: &Variation) -> String {
        harmless(match self.language {
            Language::Italian => &row.service_name_it,
            Language::English => &row.service_name_en,
        })
    }

    fn total(self) -> String {
        self.say("Totale", "Total")
    }

    fn device(self, class: &str) -> String {
        match class {
            "desktop" => "Desktop".to_owned(),
            "smartphone" => "Smartphone".to_owned(),
            "tablet" => "Tablet".to_owned(),
            "bot" => "Bot".to_owned(),
            _ => self.say("Altri", "Other"),
        }
    }

    fn month(self, month: u8) -> String {
        self.language
            .month(i8::try_from(month).unwrap_or(0))
            .to_owned()
    }

    /// Returns the columns of the compared year; none without one.
    fn compared_columns(self) -> Vec<Column> {
        let columns = self.report.compared_year.map(|year| {
            let change = Column::number(self.say("Variazione", "Change"));
            [
                Column::number(year.to_string()),
                change.or(self.say("Var.", "Change")),
            ]
        });
        columns.into_iter().flatten().collect()
    }

    /// Returns the cells of the compared year; none without one.
    fn compared_cells(self, before: Option<u64>, change: Option<f64>) -> Vec<Cell> {
        match self.report.compared_year {
            Some(_) => vec![Cell::count(before), Cell::change(change)],
            None => Vec::new(),
        }
    }

    /// Returns means, all with one decimal if all are below ten, otherwise whole.
    fn means(self, means: impl Iterator<Item = Option<f64>> + Clone) -> Vec<Cell> {
        let decimals = u8::from(means.clone().flatten().all(|mean| mean < 9.95));
        means
            .map(|mean| mean.map_or(Cell::Undefined, |mean| Cell::Mean(mean, decimals)))
            .collect()
    }
}

/// Returns a section of these blocks.
fn section(id: &'static str, title: String, blocks: Vec<Block>) -> Section {
    Section { id, title, blocks }
}

/// Returns a table without sums.
fn table(id: &'static str, caption: String, columns: Vec<Column>, rows: Vec<Vec<Cell>>) -> Table {
    Table {
        id,
        caption,
        columns,
        rows,
        sums: Vec::new(),
        matrix: false,
        charted: false,
    }
}

impl From<Table> for Block {
    fn from(table: Table) -> Self {
        Self::Table(table)
    }
}

impl From<Chart> for Block {
    fn from(chart: Chart) -> Self {
        Self::Chart(chart)
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}
