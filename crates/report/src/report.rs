//! The report of a year.

use std::collections::BTreeSet;

use affluenza_classify::hours::Zone;
use affluenza_register::Register;
use affluenza_store::figures::{Counted, YearFigures};
use jiff::civil::Date;
use serde::Serialize;

use crate::document::{Document, ENTI_MAX};
use crate::findings::{FindingCounts, YearFinding, first_sentences};
use crate::moved::{self, Moved};
use crate::notice::{self, AcceptedLoss, Notice};
use crate::period::ReportPeriod;
use crate::scope;
use crate::seal::{SealNote, SealedYear};
use crate::sources::{self, FigureSet, ImplausibleFigure};
use crate::tables::{
    self, Accesses, BreakdownTables, CategoryCounts, CategoryRow, CategoryVariations, CellRow,
    Contribution, CrossTable, Devices, EnteChange, EnteName, EnteUses, Hours, MonthRow, Moves,
    OfferedService, Peers, Places, Portals, ServiceRow, Totals, Variation, Variations,
};
use affluenza_words::Language;

/// Parameters of a report, with the sources of its names and hours.
#[derive(Debug, Clone, Copy)]
pub struct ReportRequest<'q> {
    /// Counted days.
    pub period: ReportPeriod,
    /// Counted use: of people, or of people and bots.
    pub counted: Counted,
    /// Registered code of the only ente in the report; `None` for all.
    pub ente: Option<&'q str>,
    /// Names, categories and deployments.
    pub register: &'q Register,
    /// Time zones of the portals in the report.
    pub zones: &'q [Zone],
}

/// The usage tables of a year, or of a part of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// Calendar year.
    pub year: i16,
    /// Days of the report: `2017`, `2017-Q1` or `2017-03`.
    pub period: ReportPeriod,
    /// Last counted day of a period that is not over; `None` if all its days are counted.
    pub data_until: Option<Date>,
    /// Compared year, if any: of the same days.
    pub compared_year: Option<i16>,
    /// The only ente in the report; `None` for all.
    pub ente: Option<EnteName>,
    /// Counted use: of people, or of people and bots.
    pub counted: Counted,
    /// Seal that the figures come from; `None` for current figures.
    pub seal: Option<SealNote>,
    /// True for a closed year, or part of it, with the present figures instead of those of the seal.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub of_closed_year: bool,
    /// Every seal of the year, the first one first. All but the first are restatements.
    pub restatements: Vec<SealNote>,
    /// Figures that the restatements changed.
    pub moved: Vec<Moved>,
    /// Last counted day, on which offered services are counted.
    pub offered_on: Date,
    /// Version of the register that names and offered services come from.
    pub register_version: String,
    /// Findings of the year, the most important first.
    pub findings: Vec<YearFinding>,
    /// Total service uses.
    pub totals: Totals,
    /// Service uses by category.
    pub categories: Vec<CategoryRow>,
    /// Categories that rose and fell.
    pub moves: Moves,
    /// Service uses by ente and category.
    pub usage: CrossTable,
    /// Change of service uses by registered ente, in the order of names; empty with few enti or
    /// without data of the compared year.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ente_changes: Vec<EnteChange>,
    /// Service uses by ente, category and kind.
    pub usage_by_kind: Vec<CellRow>,
    /// Services that changed most, by category.
    pub variations: Vec<CategoryVariations>,
    /// Services with other uses than in the compared year, by category, the greatest change first.
    pub service_changes: Vec<Variation>,
    /// Largest changes of a service in an ente; empty for one ente.
    pub contributions: Vec<Contribution>,
    /// Services that are new, retired, unused or broken.
    pub service_status: Vec<Variation>,
    /// Most used services.
    pub top_services: Vec<ServiceRow>,
    /// Accesses and visitors by ente.
    pub accesses: Accesses,
    /// Use by kind of portal.
    pub portals: Portals,
    /// Accesses by class of device.
    pub devices: Devices,
    /// Accesses by month.
    pub months: Vec<MonthRow>,
    /// Use by kind of login, and by every other dimension with a table.
    #[serde(flatten)]
    pub breakdowns: BreakdownTables,
    /// Accesses from Italy and abroad.
    pub places: Places,
    /// Users by hour.
    pub hours: Hours,
    /// Services offered by ente and category.
    pub offered: CrossTable,
    /// Number of different services offered by any ente.
    pub services_offered: usize,
    /// Services offered by the only ente, with their uses; empty for all enti.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub offered_services: Vec<OfferedService>,
    /// The only ente among others; `None` for all enti.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peers: Option<Peers>,
    /// Figures of other sources. Each year of a kind or table is in one set; a missing kind is not
    /// available.
    pub sources: Vec<FigureSet>,
    /// Doubts about the figures of other sources.
    pub doubts: Vec<ImplausibleFigure>,
    /// Cautions to read before trusting the figures.
    pub warnings: Vec<Notice>,
}

impl Report {
    /// Builds the report of a period, compared with the same days of another year if their figures
    /// are given. Figures
    /// without any data are no base: changes are then `None`, and a notice gives the reason.
    pub fn build(
        question: &ReportRequest<'_>,
        figures: &YearFigures,
        compared: Option<(i16, &YearFigures)>,
    ) -> Self {
        let Some(ente) = question.ente else {
            return Self::of_scope(question, figures, compared);
        };
        let register = question.register;
        let own = scope::of_ente(figures, register, ente);
        let before =
            compared.map(|(year, figures)| (year, scope::of_ente(figures, register, ente)));
        let before = before.as_ref().map(|(year, figures)| (*year, figures));
        Self::of_scope(question, &own, before)
    }

    fn of_scope(
        question: &ReportRequest<'_>,
        figures: &YearFigures,
        compared: Option<(i16, &YearFigures)>,
    ) -> Self {
        let ReportRequest {
            period,
            counted,
            ente,
            register,
            zones,
        } = *question;
        // A year without data has no change.
        let before = compared.map(|(_, before)| before);
        let before = before.filter(|before| has_uses(before) && !figures.is_empty());
        let before_cells = before.map(|figures| &*figures.usage);
        let offered_on = period.last();

        let totals = Totals::build(&figures.usage, before_cells);
        let usage = CrossTable::usage(register, offered_on, ente, &figures.usage);
        let devices = Devices::build(&figures.devices);
        let offered = CrossTable::offered(register, offered_on, ente);
        let deployments = scope::deployments(register, ente);
        let services_offered: BTreeSet<&str> = deployments
            .filter(|deployment| deployment.validity.contains(offered_on))
            .map(|deployment| deployment.service.code())
            .collect();
        debug_assert_eq!(usage.total, totals.kinds.service_uses, "enti add up");
        let mut categories = CategoryRow::build(register, &figures.usage, before_cells);
        let by_month = &figures.detail.category_months;
        CategoryRow::add_months(&mut categories, register, period, by_month);
        let variations = Variations {
            register,
            ente,
            period,
            now: figures,
            before,
        };
        let variations = variations.build();
        let service_changes = tables::changes(&categories, &variations);
        let detail = &figures.detail;
        let offered_services = ente.map(|ente| {
            let is_compared = before.is_some();
            OfferedService::all(register, ente, offered_on, &variations, is_compared)
        });
        let contributions = before.filter(|_| ente.is_none()).map(|before| {
            Contribution::largest(register, &detail.services, &before.detail.services)
        });

        let mut report = Self {
            year: period.year(),
            period,
            data_until: period.counted_until(),
            compared_year: compared.map(|(year, _)| year),
            ente: ente.map(|code| EnteName::of(register, code)),
            counted,
            seal: None,
            of_closed_year: false,
            restatements: Vec::new(),
            moved: Vec::new(),
            offered_on,
            register_version: register.version().to_owned(),
            findings: Vec::new(),
            moves: Moves::build(categories.iter().map(CategoryCounts::of)),
            ente_changes: Vec::new(),
            usage_by_kind: usage.cells(register, &figures.usage),
            variations: tables::main_variations(&service_changes, totals.kinds.service_uses),
            service_changes,
            contributions: contributions.unwrap_or_default(),
            service_status: tables::with_status(&variations),
            top_services: ServiceRow::top(register, offered_on, &figures.services),
            accesses: Accesses::build(register, counted, detail),
            portals: Portals::build(register, counted, detail),
            months: tables::months(period, detail, before.map(|figures| &figures.detail)),
            breakdowns: BreakdownTables::build(detail),
            places: Places::build(&figures.countries),
            hours: Hours::build(period, zones, &figures.bands, &figures.hours, &detail.week),
            totals,
            categories,
            usage,
            devices,
            offered,
            services_offered: services_offered.len(),
            offered_services: offered_services.unwrap_or_default(),
            peers: None,
            sources: Vec::new(),
            doubts: Vec::new(),
            warnings: Vec::new(),
        };
        if let Some(before) = before_cells
            && report.enti() > ENTI_MAX
        {
            report.ente_changes = EnteChange::all(register, &figures.usage, before);
        }
        report.warnings = report.notices(question, figures, compared);
        // Without data, nothing is known, also not that a service was unused.
        if !figures.is_empty() {
            let counts = FindingCounts::of(&report, question, figures, before, &variations);
            report.findings = counts.findings();
        }
        report
    }

    fn notices(
        &self,
        question: &ReportRequest<'_>,
        figures: &YearFigures,
        compared: Option<(i16, &YearFigures)>,
    ) -> Vec<Notice> {
        let mut notices = Vec::new();
        if figures.is_empty() {
            let year = self.year;
            notices.push(Notice::NoData { year });
        }
        if let Some((year, before)) = compared
            && !has_uses(before)
        {
            notices.push(Notice::NoDataToCompare { year });
        }
        if has_uses(figures) && self.devices.accesses + self.devices.bot_accesses == 0 {
            let year = self.year;
            notices.push(Notice::NoAccesses { year });
        }
        let doubtful = [Some(figures), compared.map(|(_, before)| before)];
        let months: Vec<String> = doubtful
            .into_iter()
            .flatten()
            .flat_map(|figures| figures.months_in_doubt.iter().cloned())
            .collect();
        if !months.is_empty() {
            notices.push(Notice::MonthsInDoubt { months });
        }
        let accesses = match self.counted {
            Counted::People => self.devices.accesses,
            Counted::All => {
                let Devices {
                    accesses,
                    bot_accesses,
                    no_agent_accesses,
                    ..
                } = &self.devices;
                accesses + bot_accesses + no_agent_accesses
            }
        };
        notices.extend(notice::on_figures(
            figures,
            &self.totals.kinds,
            &self.usage,
            accesses,
        ));
        notices.extend(notice::on_offer(question, figures, self));
        notices.extend(notice::on_time(figures));
        notices
    }

    /// Builds the report of a closed year from its seal, and from the sealed figures of all enti
    /// or of the one in the report.
    pub fn sealed(
        seal: &SealNote,
        sealed: &SealedYear,
        question: &ReportRequest<'_>,
        figures: &YearFigures,
        compared: Option<(i16, &YearFigures)>,
    ) -> Self {
        let report = Self {
            seal: Some(seal.clone()),
            ..Self::build(question, figures, compared)
        };
        report
            .with_sources(&sealed.sources, question.register)
            .with_losses(&sealed.losses)
    }

    /// Adds notices of lost records that may belong to the year.
    #[must_use]
    pub fn with_losses(mut self, losses: &[AcceptedLoss]) -> Self {
        let losses = losses.iter().cloned().map(Notice::RecordsLost);
        self.warnings.extend(losses);
        self
    }

    /// Adds figures of other sources, with the registered names of enti, and the doubts about those
    /// of the year. A report of one ente or of part of a year is not changed.
    #[must_use]
    pub fn with_sources(self, sources: &[FigureSet], register: &Register) -> Self {
        if self.ente.is_some() || !self.period.is_year() {
            return self;
        }
        let mut of_year = sources.to_vec();
        for set in &mut of_year {
            set.figures.retain_years(|year| year == self.year);
        }
        let doubts = of_year.iter().flat_map(|set| sources::check(set, register));
        let mut named = sources.to_vec();
        for set in &mut named {
            set.figures.name_enti(register);
        }
        Self {
            doubts: doubts.collect(),
            sources: named,
            ..self
        }
    }

    /// Compares the only ente with others, given the uses of all. A report of all enti is not
    /// changed.
    #[must_use]
    pub fn with_peers(mut self, uses: &EnteUses, register: &Register) -> Self {
        let ente = self.ente.as_ref();
        let ente = ente.and_then(|ente| register.ente(&ente.ente));
        self.peers = ente.map(|ente| Peers::build(register, ente, self.offered_on, uses));
        self
    }

    /// Adds every closing of the year with its figures, the first one first, and the figures that
    /// each changed.
    #[must_use]
    pub fn with_closings(
        self,
        closings: &[(&SealNote, &YearFigures)],
        question: &ReportRequest<'_>,
    ) -> Self {
        let ReportRequest { ente, register, .. } = *question;
        Self {
            restatements: closings.iter().map(|(note, _)| (*note).clone()).collect(),
            moved: moved::moved(closings, ente, register),
            ..self
        }
    }

    /// Returns the number of enti, with or without use and services.
    pub(crate) fn enti(&self) -> usize {
        let tables = [&self.usage, &self.offered];
        let enti = tables.map(|table| table.enti.len() + table.enti_without.len());
        enti[0].max(enti[1])
    }

    /// True if nothing was recorded in the year.
    pub fn is_empty(&self) -> bool {
        self.warnings
            .iter()
            .any(|notice| matches!(notice, Notice::NoData { .. }))
    }

    /// Returns the first findings as sentences.
    pub fn sentences(&self, language: Language) -> Vec<String> {
        first_sentences(&self.findings, language, self.period)
    }

    /// Formats the report as text for a terminal of `width` columns, without colours.
    pub fn to_text(&self, language: Language, width: usize) -> String {
        Document::new(self, language).to_text(width)
    }
}

fn has_uses(figures: &YearFigures) -> bool {
    figures.usage.iter().any(|cell| cell.service_uses > 0)
}
