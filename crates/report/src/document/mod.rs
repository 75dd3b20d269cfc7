//! Turns figures into a [`Document`]: headings, tables, charts and texts in one language. Every
//! printed form is made from it, so all forms show the same.

mod access;
mod brief;
mod centre;
mod chart;
mod counts;
mod cover;
mod cut;
mod findings;
mod hours;
mod matrix;
mod method;
mod model;
mod notes;
mod peers;
mod prose;
mod published;
mod quality;
mod services;
mod sources;
mod usage;

use affluenza_register::Register;
use affluenza_store::usage::Dimension;

pub use centre::{Centre, Edition};
pub use chart::{Chart, ChartKind, ChartValue, Series};
pub use counts::PublicEdition;
pub use cut::Cut;
pub(crate) use cut::ENTI_MAX;
pub use model::{
    Block, Cell, Charted, CodedName, Column, Document, EditionState, FindingLine, GivenNumber,
    MainFigure, NameKind, Section, Table,
};
pub use prose::{Paragraph, TextRun};

use crate::Report;
use crate::count::{Count, CountCells as _};
use crate::names::ServiceName;
use crate::ratio::BASE_MIN;
use crate::tables::CategoryName;
use crate::text::harmless;
use affluenza_words::{Language, WordArg, WordArgs};

/// Sections of the public edition. It leaves out identities, countries, visitors, failed attempts,
/// changes by restatements, and remarks that contain counts.
const PUBLISHED: [&str; 24] = [
    "summary",
    "totals",
    "categories",
    "moves",
    "usage",
    "usage-map",
    "usage-by-kind",
    "variations",
    "service-changes",
    "top-services",
    "portals",
    "devices",
    "months",
    "bands",
    "hours",
    "offered",
    "identity-credentials",
    "help-desk",
    "probe-alerts",
    "availability",
    "active-services",
    "quality",
    "method",
    "protection",
];

/// Beginning of the ids of imported tables, which are published as they are.
const TABLE_PREFIX: &str = "figures-";

/// Sections of internal editions only, besides those of dimensions.
const INTERNAL: [&str; 10] = [
    "category-months",
    "peers",
    "peer-offers",
    "next-steps",
    "civic-networks",
    "contributions",
    "service-status",
    "accesses",
    "places",
    "restatements",
];

/// True for the id of a section that a report can have.
fn is_section(id: &str) -> bool {
    let dimensions = Dimension::detailed().into_iter();
    let mut dimensions = dimensions.filter(|dimension| dimension.shares_of().is_some());
    PUBLISHED.contains(&id)
        || INTERNAL.contains(&id)
        || id.starts_with(TABLE_PREFIX)
        || dimensions.any(|dimension| dimension.plural() == Some(id))
}

/// Least users in an hour of the day for a chart of one ente's hours.
const USERS_MIN: f64 = 0.5;

/// Writes the sections of a report in a language.
#[derive(Clone, Copy)]
struct SectionWriter<'r> {
    report: &'r Report,
    language: Language,
    /// Protected tables and the register of names, for the public edition.
    public: Option<(PublicEdition<'r>, &'r Register)>,
}

/// A heading, or headings that depend on the report. Ids are of messages `column-ID`.
#[derive(Clone, Copy)]
enum Head {
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

impl Document {
    /// Creates the document of a report, for internal use.
    pub fn new(report: &Report, language: Language) -> Self {
        let writer = SectionWriter {
            report,
            language,
            public: None,
        };
        writer.document()
    }

    /// Creates the document of the public edition.
    pub fn public(
        report: &Report,
        edition: PublicEdition<'_>,
        register: &Register,
        language: Language,
    ) -> Self {
        let writer = SectionWriter {
            report,
            language,
            public: Some((edition, register)),
        };
        writer.document()
    }

    /// Formats the document as text for a terminal of `width` columns, without colours.
    pub fn to_text(&self, width: usize) -> String {
        crate::text::page(self, width)
    }
}

impl SectionWriter<'_> {
    fn document(self) -> Document {
        let is_of_ente = self.report.ente.is_some();
        let mut brief = match is_of_ente {
            true => self.brief(),
            false => Vec::new(),
        };
        // The published tables of an ente fit the short report.
        let mut sections = match self.public {
            Some(_) if is_of_ente => std::mem::take(&mut brief),
            _ => self.sections(),
        };
        for block in sections
            .iter_mut()
            .chain(&mut brief)
            .flat_map(|section| &mut section.blocks)
        {
            block.describe(self.language);
        }
        Document {
            sections,
            brief,
            ..self.cover()
        }
    }

    /// Writes all chapters and annexes.
    fn sections(self) -> Vec<Section> {
        let mut sections = self.chapters();
        let chapters = sections.len();
        sections.extend(self.annexes());
        for section in sections.iter_mut().skip(chapters) {
            section.annex = Some(0);
        }
        if self.public.is_some() {
            sections.retain(|section| {
                PUBLISHED.contains(&&*section.id) || section.id.starts_with(TABLE_PREFIX)
            });
        }
        if self.report.ente.is_some() {
            sections.retain(|section| self.is_of_ente(section));
        }
        for section in &mut sections {
            section.blocks.retain(|block| !block.is_empty());
        }
        sections.retain(|section| !section.blocks.is_empty());
        let annexes = sections
            .iter_mut()
            .filter_map(|section| section.annex.as_mut());
        for (number, annex) in (1..).zip(annexes) {
            *annex = number;
        }
        self.add_findings(&mut sections);
        sections
    }

    /// True if the report of one ente has the section: what all enti share is in the report of all,
    /// and an ente without uses needs one page. Tables of fewer than the least base are left out.
    fn is_of_ente(self, section: &Section) -> bool {
        let report = self.report;
        let has_few = match &*section.id {
            "summary" | "peers" | "next-steps" | "offered" | "peer-offers" => false,
            "usage" | "usage-map" | "usage-by-kind" | "accesses" | "civic-networks" => true,
            "devices" | "portals" => report.devices.accesses < BASE_MIN,
            "bands" => report.hours.off_hours_share_percent.is_none(),
            "hours" => {
                let means = report.hours.hours_of_day.iter();
                let mut means = means.filter_map(|row| row.users_per_hour_mean);
                means.all(|mean| mean < USERS_MIN)
            }
            "months" => {
                report
                    .devices
                    .accesses
                    .max(report.totals.kinds.service_uses)
                    < BASE_MIN
            }
            _ => report.totals.kinds.service_uses == 0,
        };
        !has_few
    }

    /// Writes what a reader needs first.
    fn chapters(self) -> Vec<Section> {
        let mut sections = vec![self.summary()];
        if self.report.ente.is_some() {
            sections.extend([
                self.peers(),
                self.next_steps(),
                self.offered(),
                self.peer_offers(),
            ]);
        }
        if !self.report.is_empty() {
            sections.extend([
                self.totals(),
                self.categories(),
                self.moves(),
                self.variations(),
                self.category_months(),
                self.top_services(),
                self.usage_map(),
                self.portals(),
                self.devices(),
                self.bands(),
                self.hours(),
            ]);
        }
        sections.extend(self.sources());
        sections.push(self.quality());
        sections
    }

    /// Writes the tables that prove the chapters, and the method.
    fn annexes(self) -> Vec<Section> {
        let mut sections = Vec::new();
        if !self.report.is_empty() {
            sections.extend([
                self.usage(),
                self.usage_by_kind(),
                self.service_changes(),
                self.contributions(),
                self.statuses(),
                self.civic_networks(),
                self.accesses(),
                self.months(),
            ]);
            sections.extend(self.breakdowns());
            sections.push(self.places());
        }
        if self.report.ente.is_none() {
            sections.push(self.offered());
        }
        sections.extend([self.restatements(), self.method()]);
        if let Some((edition, _)) = self.public {
            sections.push(self.protection(&edition));
        }
        sections
    }

    /// True if print shows tables of enti in part.
    fn has_many_enti(self) -> bool {
        self.report.enti() > cut::ENTI_MAX
    }

    /// True if portals sent accesses in the year. Otherwise their number is unknown, not zero.
    fn has_visits(self) -> bool {
        let devices = &self.report.devices;
        let own = devices.accesses + devices.bot_accesses;
        self.visits(None, None, own) != Count::Shown(0)
    }

    /// Returns a number of visits, unless none were received in the year.
    fn visits_cell(self, visits: Count) -> Cell {
        match self.has_visits() {
            true => visits.into(),
            false => Cell::Unavailable,
        }
    }

    /// Returns a message.
    fn say(self, id: &str) -> String {
        self.say_with(id, &[])
    }

    /// Returns a message with arguments, besides those of every message.
    fn say_with(self, id: &str, words: &WordArgs<'_>) -> String {
        self.language.say(id, &self.words(words))
    }

    /// Returns the arguments of every message, and these.
    fn words<'w>(self, words: &WordArgs<'w>) -> Vec<WordArg<'w>> {
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
    fn say_of_edition(self, id: &str) -> String {
        let own = self.public.and_then(|_| {
            let id = format!("{id}-public");
            self.language.message(&id, &self.words(&[]))
        });
        own.unwrap_or_else(|| self.say(id))
    }

    /// Returns a section of these blocks, under the message of its id.
    fn section(self, id: &'static str, blocks: Vec<Block>) -> Section {
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
    fn table(self, id: &'static str, heads: &[Head], rows: Vec<Vec<Cell>>) -> Table {
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

    fn columns(self, head: Head) -> Vec<Column> {
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
    fn figures(self, id: &str, message: &str) -> Column {
        let column = Column::number(id, self.say(message));
        match self.language.message(&format!("{message}.short"), &[]) {
            Some(short) => column.or(short),
            None => column,
        }
    }

    fn category(self, name: &CategoryName) -> Cell {
        Cell::Named(CodedName {
            kind: NameKind::Category,
            code: harmless(&name.category),
            name: name.shown(self.language),
        })
    }

    fn service(self, name: &ServiceName) -> Cell {
        Cell::Named(CodedName {
            kind: NameKind::Service,
            code: harmless(&name.service),
            name: name.shown(self.language),
        })
    }

    fn total(self) -> Cell {
        Cell::Text(self.say("total"))
    }

    fn device(self, class: &str) -> String {
        let class = match class {
            "desktop" | "smartphone" | "tablet" | "bot" | "unknown" | "no-agent" => class,
            _ => "other",
        };
        self.say(&format!("device-{class}"))
    }

    fn month(self, month: u8) -> String {
        self.language.month(i8::try_from(month).unwrap_or(0))
    }

    fn counted_months(self) -> Vec<String> {
        let months = self.report.period.months();
        months.map(|month| self.language.month(month)).collect()
    }

    /// Returns the count of the compared year and the change from it; no cells without a compared
    /// year.
    fn compared_cells(self, now: Count, before: Option<Count>) -> Vec<Cell> {
        match (self.report.compared_year, before) {
            (None, _) => Vec::new(),
            (Some(_), None) => vec![Cell::Undefined, Cell::Undefined],
            (Some(_), Some(before)) => vec![before.into(), now.change_from(before)],
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
