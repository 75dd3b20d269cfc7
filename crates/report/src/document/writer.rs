//! Parts of all sections: messages, columns, and cells of names and counts.

use affluenza_words::{WordArg, WordArgs};

use super::{
    Block, Cell, Charted, CodedName, Column, Cut, NameKind, Section, SectionWriter, Table, cut,
};
use crate::count::{Count, CountCells as _};
use crate::names::ServiceName;
use crate::tables::CategoryName;
use crate::text::harmless;

/// A heading, or headings that depend on the report. Ids are of messages `column-ID`.
#[derive(Clone, Copy)]
pub(super) enum Head {
    /// A column of texts.
    Words(&'static str),
    /// A column of numbers.
    Figures(&'static str),
    /// Plain uses, payments and bookings.
    Kinds,
    /// The year of the report.
    Year,
    /// The compared year, if any.
    Before,
    /// The change from the compared year, if any.
    Change,
}

impl SectionWriter<'_> {
    /// True if print shows tables of enti in part.
    pub(super) fn has_many_enti(self) -> bool {
        self.report.enti() > cut::ENTI_MAX
    }

    /// True if portals sent accesses in the year. Otherwise their number is unknown, not zero.
    pub(super) fn has_visits(self) -> bool {
        let devices = &self.report.devices;
        let own = devices.accesses + devices.bot_accesses;
        self.visits(None, None, own) != Count::Shown(0)
    }

    /// Returns a number of visits, unless none were received in the year.
    pub(super) fn visits_cell(self, visits: Count) -> Cell {
        match self.has_visits() {
            true => visits.into(),
            false => Cell::Unavailable,
        }
    }

    /// Returns a message.
    pub(super) fn say(self, id: &str) -> String {
        self.say_with(id, &[])
    }

    /// Returns a message with arguments, besides those of every message.
    pub(super) fn say_with(self, id: &str, words: &WordArgs<'_>) -> String {
        self.language.say(id, &self.words(words))
    }

    /// Returns the arguments of every message, and these.
    pub(super) fn words<'w>(self, words: &WordArgs<'w>) -> Vec<WordArg<'w>> {
        let report = self.report;
        let compared = report.compared_year.unwrap_or(report.year);
        let mut all = vec![
            ("compared", compared.to_string().into()),
            ("day", self.language.date(report.offered_on).into()),
        ];
        all.extend(report.period.words(self.language));
        all.extend(words.iter().cloned());
        all
    }

    /// Returns the message of the public edition, if this is one and it has its own.
    pub(super) fn say_of_edition(self, id: &str) -> String {
        let own = self.public.and_then(|_| {
            let id = format!("{id}-public");
            self.language.message(&id, &self.words(&[]))
        });
        own.unwrap_or_else(|| self.say(id))
    }

    /// Returns a section of these blocks, under the message of its id.
    pub(super) fn section(self, id: &'static str, blocks: Vec<Block>) -> Section {
        let title = self.say(id);
        Section {
            id: id.into(),
            title,
            statement: None,
            annex: None,
            blocks,
        }
    }

    /// Returns a table without sums. Its caption is the attribute `caption` of the message of its
    /// id.
    pub(super) fn table(self, id: &'static str, heads: &[Head], rows: Vec<Vec<Cell>>) -> Table {
        Table {
            id: id.into(),
            caption: self.say_of_edition(&format!("{id}.caption")),
            columns: heads.iter().flat_map(|head| self.columns(*head)).collect(),
            rows,
            sums: Vec::new(),
            matrix: false,
            charted: Charted::Never,
            cut: Cut::First,
        }
    }

    pub(super) fn columns(self, head: Head) -> Vec<Column> {
        let compared = self.report.compared_year;
        match head {
            Head::Words(id) => vec![Column {
                text: true,
                ..self.figures(id, &format!("column-{id}"))
            }],
            Head::Figures(id) => vec![self.figures(id, &format!("column-{id}"))],
            Head::Kinds => ["plain", "payments", "bookings"]
                .map(|id| self.figures(id, &format!("kind-{id}")))
                .into(),
            Head::Year => vec![Column::number("year", self.report.year.to_string())],
            Head::Before => compared
                .map(|year| Column::number("compared-year", year.to_string()))
                .into_iter()
                .collect(),
            Head::Change => compared
                .map(|_| self.figures("change", "column-change"))
                .into_iter()
                .collect(),
        }
    }

    /// Returns a column of numbers, with the short heading of the message, if any.
    pub(super) fn figures(self, id: &str, message: &str) -> Column {
        let column = Column::number(id, self.say(message));
        match self.language.message(&format!("{message}.short"), &[]) {
            Some(short) => column.or(short),
            None => column,
        }
    }

    pub(super) fn category(self, name: &CategoryName) -> Cell {
        Cell::Named(CodedName {
            kind: NameKind::Category,
            code: harmless(&name.category),
            name: name.shown(self.language),
        })
    }

    pub(super) fn service(self, name: &ServiceName) -> Cell {
        Cell::Named(CodedName {
            kind: NameKind::Service,
            code: harmless(&name.service),
            name: name.shown(self.language),
        })
    }

    pub(super) fn total(self) -> Cell {
        Cell::Text(self.say("total"))
    }

    pub(super) fn device(self, class: &str) -> String {
        let class = match class {
            "desktop" | "smartphone" | "tablet" | "bot" | "unknown" | "no-agent" => class,
            _ => "other",
        };
        self.say(&format!("device-{class}"))
    }

    pub(super) fn month(self, month: u8) -> String {
        self.language.month(i8::try_from(month).unwrap_or(0))
    }

    pub(super) fn counted_months(self) -> Vec<String> {
        let months = self.report.period.months();
        months.map(|month| self.language.month(month)).collect()
    }

    /// Returns the count of the compared year and the change from it; no cells without a compared
    /// year.
    pub(super) fn compared_cells(self, now: Count, before: Option<Count>) -> Vec<Cell> {
        match (self.report.compared_year, before) {
            (None, _) => Vec::new(),
            (Some(_), None) => vec![Cell::Undefined, Cell::Undefined],
            (Some(_), Some(before)) => vec![before.into(), now.change_from(before)],
        }
    }

    /// Returns means, all with one decimal if all are below ten, otherwise whole.
    pub(super) fn means(self, means: impl Iterator<Item = Option<f64>> + Clone) -> Vec<Cell> {
        let decimals = u8::from(means.clone().flatten().all(|mean| mean < 9.95));
        means
            .map(|mean| mean.map_or(Cell::Undefined, |mean| Cell::Mean(mean, decimals)))
            .collect()
    }
}
