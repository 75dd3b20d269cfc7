//! The report of one ente for paper, screen and terminal: two pages, or one for an ente without
//! uses. Workbook, CSV and JSON of the internal edition have all its tables.

use super::counts::Slice;
use super::{
    Block, Cell, Chart, ChartKind, ChartValue, Charted, Head, Section, SectionWriter, Series, Table,
};
use crate::count::Count;
use crate::findings::YearFinding;
use crate::ratio::BASE_MIN;
use crate::tables::Variation;

/// Largest number of services in each of the short lists.
const TOP: usize = 5;
const CHANGED: usize = 6;
const NEIGHBOURS: usize = 5;
/// Largest number of notices, and of offered services that are named.
const NOTICES: usize = 2;
const NAMED: usize = 15;

impl SectionWriter<'_> {
    /// Writes the short report of the only ente.
    pub(super) fn brief(self) -> Vec<Section> {
        let has_uses = self.uses(self.scope(), &self.report.totals.kinds).all != Count::Shown(0);
        let mut sections = match (self.public, has_uses) {
            (None, true) => vec![
                self.own_figures(),
                self.peers(),
                self.five_services(),
                self.greatest_changes(),
                self.habits(),
                self.neighbours(),
                self.next_steps(),
            ],
            (None, false) => vec![self.all_figures(), self.offer(), self.next_steps()],
            // An ente with few uses gets one page.
            (Some(_), true) => vec![
                self.all_figures(),
                self.short_categories(),
                self.neighbours(),
                self.next_steps(),
            ],
            (Some(_), false) => vec![
                self.own_figures(),
                self.offer(),
                self.neighbours(),
                self.next_steps(),
            ],
        };
        sections.push(self.rest());
        for section in &mut sections {
            section.blocks.retain(|block| !block.is_empty());
        }
        sections.retain(|section| !section.blocks.is_empty());
        self.add_findings(&mut sections);
        // The finding about the first ten is not about this list of five.
        let mut findings = self.report.findings.iter();
        if findings.any(|finding| matches!(finding, YearFinding::TopServices { .. })) {
            let top = sections.iter_mut().filter(|one| one.id == "top-services");
            top.for_each(|section| section.statement = None);
        }
        sections
    }

    /// Returns the part of the figures that the report is about.
    pub(super) fn scope(&self) -> Slice<'_> {
        Slice {
            ente: self.report.ente.as_ref().map(|ente| &*ente.ente),
            category: None,
        }
    }

    /// True if nothing was recorded. Neither visits of an ente nor their absence are published.
    pub(super) fn is_empty(self) -> bool {
        let may_tell = self.public.is_none() || self.report.ente.is_none();
        may_tell && self.report.is_empty()
    }

    fn own_figures(self) -> Section {
        let mut facts = Vec::new();
        if !self.is_empty() {
            facts.extend(self.facts_of_uses());
            if self.public.is_none() {
                facts.extend(self.facts_of_visits().into_iter().take(1));
            }
        }
        facts.push(self.fact_of_offer());
        self.section("summary", vec![Block::Facts(facts)])
    }

    /// Writes the figures of the ente and of the others, which fill half a page with their headings.
    fn all_figures(self) -> Section {
        let mut section = self.own_figures();
        for block in self.peers().blocks {
            match (block, section.blocks.first_mut()) {
                (Block::Facts(more), Some(Block::Facts(facts))) => facts.extend(more),
                (block, _) => section.blocks.push(block),
            }
        }
        section
    }

    /// Writes the categories with the table first, which fills the first page better than a high chart.
    fn short_categories(self) -> Section {
        let mut section = self.categories();
        section.blocks.reverse();
        section
    }

    /// Writes the services used most, and how many others are offered.
    fn five_services(self) -> Section {
        let heads = [
            Head::Words("service"),
            Head::Words("category"),
            Head::Figures("uses"),
            Head::Figures("share"),
        ];
        let rows = self.report.top_services.iter().take(TOP).map(|row| {
            vec![
                self.service(&row.name),
                self.category(&row.category),
                Cell::Count(row.service_uses),
                Cell::share(row.share_percent),
            ]
        });
        let table = self.table("top-services", &heads, rows.collect());
        let offered = self.report.offered_services.iter();
        let unused = offered.clone().filter(|row| row.service_uses == 0);
        let [offered, unused] = [offered.count(), unused.count()];
        let used = match offered {
            0 => "none".into(),
            offered => (offered - unused).into(),
        };
        let words = [("offered", offered.into()), ("used", used)];
        let mut text = self.say_with("brief-offer", &words);
        let listed = self.report.top_services.iter().take(TOP);
        let others = listed.filter(|row| !self.is_offered(&row.name)).count();
        if others > 0 {
            text.push(' ');
            text += &self.say_with("brief-offer.others", &[("services", others.into())]);
        }
        self.section("top-services", vec![Block::Text(text), table.into()])
    }

    /// Draws the services that changed most. The heading names the cause of the change.
    fn greatest_changes(self) -> Section {
        let changes = self.report.service_changes.iter();
        let mut changes: Vec<&Variation> = changes.filter(|row| row.change.is_some()).collect();
        changes.sort_by_key(|row| {
            let change = row.change.unwrap_or(0);
            (std::cmp::Reverse(change.unsigned_abs()), &row.name.service)
        });
        changes.truncate(CHANGED);
        let heads = [
            Head::Words("service"),
            Head::Figures("difference"),
            Head::Year,
            Head::Before,
        ];
        let rows = changes.into_iter().map(|row| {
            vec![
                self.service(&row.name),
                row.change.map_or(Cell::Undefined, Cell::Difference),
                Cell::Count(row.service_uses),
                Cell::count(row.compared_service_uses),
            ]
        });
        let mut table = self.table("brief-changes", &heads, rows.collect());
        let chart = drawn("changes-chart", ChartKind::Changes, &mut table);
        let blocks = vec![chart.into(), table.into()];
        Section {
            title: self.say("variations.sheet"),
            ..self.section("variations", blocks)
        }
    }

    /// Draws visits by hour and by device; no blocks for few visits.
    fn habits(self) -> Section {
        let report = self.report;
        if report.devices.accesses < BASE_MIN {
            return self.section("devices", Vec::new());
        }
        let hours = report.hours.hours_of_day.iter();
        let hours = Chart::new(
            "hours-chart",
            self.say("hours.caption-public"),
            ChartKind::Columns,
            hours
                .clone()
                .map(|row| format!("{:02}", row.local_hour))
                .collect(),
            vec![Series {
                name: self.say("column-visits"),
                values: hours
                    .map(|row| ChartValue::Shown(row.accesses as f64))
                    .collect(),
            }],
        );
        let tables = self.devices().blocks.into_iter();
        let mut tables = tables.filter_map(|block| match block {
            Block::Table(table) => Some(table),
            _ => None,
        });
        let Some(mut table) = tables.next() else {
            return self.section("devices", Vec::new());
        };
        table.rows.retain(|row| row[1].number() != Some(0.0));
        let devices = drawn("devices-chart", ChartKind::Bars, &mut table);
        let blocks = vec![Block::Charts(vec![hours, devices]), table.into()];
        Section {
            title: self.say("brief-habits"),
            ..self.section("devices", blocks)
        }
    }

    /// Names what an ente without uses offers.
    fn offer(self) -> Section {
        let offered = self.report.offered_services.iter();
        let names = offered.map(|row| row.name.shown(self.language));
        let names = self.named(names.collect(), NAMED);
        self.section("offered", vec![Block::Text(names)])
    }

    /// Writes the services that most neighbours offer.
    fn neighbours(self) -> Section {
        let mut section = self.peer_offers();
        for block in &mut section.blocks {
            if let Block::Table(table) = block {
                self.shorten(table);
            }
        }
        section
    }

    fn shorten(self, table: &mut Table) {
        let rows = table.rows.len();
        if rows > NEIGHBOURS {
            table.rows.truncate(NEIGHBOURS);
            let words = [
                ("caption", table.caption.as_str().into()),
                ("shown", NEIGHBOURS.into()),
                ("rows", rows.into()),
            ];
            table.caption = self.language.say("cut-first", &words);
        }
    }

    /// Writes the first notices, or how people are protected, and where everything else is.
    fn rest(self) -> Section {
        let notices = self.report.warnings.iter();
        let shown = notices.clone().take(NOTICES);
        let shown: Vec<String> = shown.map(|notice| self.notice(notice)).collect();
        let words = [("more", (notices.len() - shown.len()).into())];
        let mut blocks = match self.public {
            Some((edition, _)) => self.protection(&edition).blocks,
            None => vec![Block::Notes(shown)],
        };
        blocks.push(Block::Text(match self.public {
            Some(_) => self.say("brief-rest.public"),
            None => self.say_with("brief-rest.internal", &words),
        }));
        self.section("brief-rest", blocks)
    }
}

/// Draws the first figures of a table, which the chart replaces on paper.
fn drawn(id: &'static str, kind: ChartKind, table: &mut Table) -> Chart {
    table.charted = Charted::OnPaper;
    let labels = table.rows.iter();
    let labels = labels.map(|row| row[0].text().unwrap_or_default().to_owned());
    let values = table.rows.iter().map(|row| ChartValue::from(&row[1]));
    let series = vec![Series {
        name: table.columns[1].head.clone(),
        values: values.collect(),
    }];
    Chart::new(id, table.caption.clone(), kind, labels.collect(), series)
}

#[cfg(test)]
mod tests {
    use affluenza_classify::hours::Zone;
    use affluenza_register::{Ente, Register};
    use affluenza_store::figures::{Counted, MonthUse, YearFigures};
    use affluenza_words::Language;

    use crate::document::{Centre, Document};
    use crate::face::CentreFace;
    use crate::fixture::{cell, service, tried};
    use crate::print::pages;
    use crate::tables::EnteUses;
    use crate::{Report, ReportPeriod, ReportRequest};

    const EXAMPLE: &str = include_str!("../../../../deploy/register.toml");

    /// Uses of every service of an ente, and visits; those of the services grow by their place.
    fn figures(register: &Register, ente: &Ente, factor: u64) -> YearFigures {
        let mut figures = YearFigures::default();
        for (place, offer) in (1..).zip(register.deployments_of(ente)) {
            let category = offer.service.category_on("2017-12-31".parse().unwrap());
            let of = [category.code(), "plain"];
            let uses = factor * place * place;
            let used = tried(
                ente.code(),
                offer.service.code(),
                of,
                [uses, 0, 0],
                "2017-12-30",
            );
            figures.detail.services.push(used);
            figures
                .usage
                .push(cell(ente.code(), category.code(), "plain", uses));
        }
        figures.detail.months = ["desktop", "smartphone", "tablet", "other", "unknown"]
            .map(|device| MonthUse {
                ente: ente.code().to_owned(),
                month: 3,
                device: device.to_owned(),
                portal_kind: "services".to_owned(),
                accesses: 1_234,
                service_uses: 0,
            })
            .into();
        figures
    }

    fn document(register: &Register, ente: &Ente, factor: u64, language: Language) -> Document {
        let [now, before] = [factor, 1_000].map(|factor| figures(register, ente, factor));
        document_of(register, ente, [&now, &before], language)
    }

    fn document_of(
        register: &Register,
        ente: &Ente,
        [now, before]: [&YearFigures; 2],
        language: Language,
    ) -> Document {
        let question = ReportRequest {
            period: ReportPeriod::of_year(2017),
            counted: Counted::People,
            ente: Some(ente.code()),
            register,
            zones: &[Zone::default()],
        };
        let report = Report::build(&question, now, Some((2016, before)));
        let report = report.with_peers(&EnteUses::of(now, register), register);
        let face = CentreFace {
            centre: Centre {
                name: "Centro Servizi Tecnologico".to_owned(),
                contact: "supporto@example.it".to_owned(),
                address: "Via di Prova 1, 50100 Firenze".to_owned(),
                licence: "CC BY 4.0".to_owned(),
                ..Centre::default()
            },
            ..CentreFace::default()
        };
        Document::new(&report, language).of_centre(&face)
    }

    #[test]
    fn every_ente_fits_two_pages_and_one_without_uses() {
        let register = Register::parse(EXAMPLE).unwrap();
        for ente in register.enti() {
            for language in [Language::IT, Language::EN] {
                let [used, unused] =
                    [7_321, 0].map(|factor| pages(&document(&register, ente, factor, language)));
                let offers = register.deployments_of(ente).count();
                let most = if offers > 0 { 2 } else { 1 };
                assert!(used <= most, "{}: {used} pages", ente.name());
                assert_eq!(unused, 1, "{}", ente.name());
            }
        }
    }

    #[test]
    fn uses_of_services_that_an_ente_does_not_offer_are_no_contradiction() {
        let register = Register::parse(EXAMPLE).unwrap();
        let marradi = register.ente("Marradi").unwrap();
        let uses = [84, 0, 0];
        let of = ["anagrafe", "plain"];
        let mut now = YearFigures {
            usage: vec![cell(marradi.code(), of[0], of[1], uses[0])],
            services: vec![service("certificati-anagrafici", of[0], uses[0], 1)],
            ..YearFigures::default()
        };
        now.detail.services = vec![tried(
            marradi.code(),
            "certificati-anagrafici",
            of,
            uses,
            "2017-12-30",
        )];
        let document = document_of(&register, marradi, [&now, &now], Language::IT);
        let text = document.to_text(400);
        for said in [
            "2 servizi attivi su 2 non sono stati utilizzati nel periodo; 84 utilizzi riguardano servizi che a fine periodo l’ente non aveva attivi.",
            "L’ente aveva 2 servizi attivi al 31 dicembre 2017, ma nessuno è stato utilizzato nel periodo. Un servizio dell’elenco non era attivo a quella data.",
            "Verificare nel registro un servizio utilizzato ma non attivo a fine periodo: Richiesta certificati",
            "nessuno utilizzato",
        ] {
            assert!(text.contains(said), "{said}: {text}");
        }
    }

    #[test]
    fn print_is_short_and_the_document_has_everything() {
        let register = Register::parse(EXAMPLE).unwrap();
        let firenze = register.ente("Firenze").unwrap();
        let document = document(&register, firenze, 5, Language::EN);
        let printed = document.printed();
        let ids: Vec<&str> = printed.sections.iter().map(|one| &*one.id).collect();
        let expected = [
            "summary",
            "peers",
            "top-services",
            "variations",
            "devices",
            "next-steps",
            "brief-rest",
        ];
        assert!(
            expected
                .iter()
                .all(|id| ids.contains(id) || *id == "next-steps"),
            "{ids:?}"
        );
        assert!(
            document
                .sections
                .iter()
                .any(|one| one.id == "service-changes")
        );
        let text = document.to_text(100);
        assert!(text.contains("internal edition"), "{text}");
    }
}
