//! Turns figures into a [`Document`]: headings, tables, charts and texts in one language. Every
//! printed form is made from it, so all forms show the same.

mod access;
mod brief;
mod cell;
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
mod slides;
mod sources;
mod usage;
mod writer;

use self::writer::Head;
use affluenza_register::Register;
use affluenza_store::usage::Dimension;

pub use cell::{Cell, CodedName, GivenNumber, NameKind};
pub use centre::{Centre, Edition};
pub use chart::{Chart, ChartKind, ChartValue, Series};
pub use counts::PublicEdition;
pub use cut::Cut;
pub(crate) use cut::ENTI_MAX;
pub use model::{
    Block, Charted, Column, Document, EditionState, FindingLine, MainFigure, Section, Table,
};
pub use prose::{Paragraph, TextRun};
pub use published::PublicMonth;

use crate::Report;
use crate::ratio::BASE_MIN;
use affluenza_words::Language;

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
            Some(_) if is_of_ente => brief.clone(),
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

    /// Writes the tables that prove the chapters, and the method. Tables that need wide paper are the
    /// last, so that no page before them is left half empty.
    fn annexes(self) -> Vec<Section> {
        let mut sections = Vec::new();
        if !self.report.is_empty() {
            sections.extend([
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
        sections.extend([self.restatements(), self.method()]);
        if let Some((edition, _)) = self.public {
            sections.push(self.protection(&edition));
        }
        if !self.report.is_empty() {
            sections.push(self.usage());
        }
        if self.report.ente.is_none() {
            sections.push(self.offered());
        }
        sections
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
