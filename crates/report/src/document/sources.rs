//! Figures of other sources. A kind that no source gave is shown as not available, never as zero.

use std::collections::BTreeMap;

use super::{
    Block, Cell, Chart, ChartKind, Charted, Column, Cut, GivenNumber, Head, Section, SectionWriter,
    Series, TABLE_PREFIX, Table,
};
use crate::count::{Count, CountCells as _};
use crate::ratio::{change_percent, share_percent};
use crate::sources::{
    ActiveServices, Alerts, Availability, CellForm, Credentials, FigureCell, FigureSet,
    FigureTable, Figures, TableColumn, Tickets, Translations, translated,
};
use crate::text::harmless;

/// Kinds of figures, each of them a section. Tables stand among them by their order, the first kind
/// being at ten.
const KINDS: [&str; 5] = [
    "availability",
    "active-services",
    "identity-credentials",
    "help-desk",
    "probe-alerts",
];

/// True for the id of a section with imported figures.
pub(super) fn is_imported(id: &str) -> bool {
    KINDS.contains(&id) || id.starts_with(TABLE_PREFIX)
}

impl SectionWriter<'_> {
    /// Writes a section for each kind and each table of other figures, for yearly reports of all
    /// enti only. A table with the name of a kind replaces a kind without figures. A year without data
    /// lists none of those that are missing, too.
    pub(super) fn sources(self) -> Vec<Section> {
        if self.report.ente.is_some() || !self.report.period.is_year() {
            return Vec::new();
        }
        let tables = self.report.sources.iter().filter_map(|set| {
            let Figures::Table(table) = &set.figures else {
                return None;
            };
            let blocks = vec![Block::Table(self.figures_table(table))];
            let notes = table.form.notes.iter();
            let notes = notes.map(|note| harmless(translated(note, self.language)));
            let notes = Block::Notes(notes.collect());
            let blocks = blocks.into_iter().chain([notes, self.provenance(set)]);
            let section = Section {
                id: format!("{TABLE_PREFIX}{}", table.form.name).into(),
                title: harmless(translated(&table.form.title, self.language)),
                statement: None,
                annex: None,
                blocks: blocks.collect(),
            };
            (table.year == self.report.year).then_some((table.form.order, section))
        });
        let mut sections: Vec<(u16, Section)> = tables.collect();
        for (order, kind) in (1..).zip(KINDS) {
            let blocks = self.kind(kind);
            let replaced = format!("{TABLE_PREFIX}{kind}");
            let is_replaced = sections.iter().any(|(_, table)| table.id == replaced);
            if blocks.is_empty() && (is_replaced || self.report.is_empty()) {
                continue;
            }
            let blocks = match blocks.is_empty() {
                true => vec![Block::Text(self.say("not-available"))],
                false => blocks,
            };
            sections.push((10 * order, self.section(kind, blocks)));
        }
        sections.sort_by(|(a, one), (b, other)| (a, &one.id).cmp(&(b, &other.id)));
        sections.into_iter().map(|(_, section)| section).collect()
    }

    /// Writes the figures of a kind, from every set that has some; no blocks without any of the
    /// year.
    fn kind(self, kind: &str) -> Vec<Block> {
        let sets = self.report.sources.iter();
        let sets = sets.filter(|set| set.figures.kind() == kind);
        let printed = match kind {
            "identity-credentials" => i16::MIN..=self.report.year,
            "probe-alerts" => self.report.year.saturating_sub(1)..=self.report.year,
            _ => self.report.year..=self.report.year,
        };
        let sets = sets.filter(|set| {
            let mut years = set.figures.years().into_iter();
            years.any(|year| printed.contains(&year))
        });
        let sets: Vec<&FigureSet> = sets.collect();
        let (mut credentials, mut tickets, mut alerts) = (Vec::new(), Vec::new(), Vec::new());
        let (mut availability, mut services) = (Vec::new(), Vec::new());
        for set in &sets {
            match &set.figures {
                Figures::IdentityCredentials(rows) => credentials.extend_from_slice(rows),
                Figures::HelpDesk(rows) => tickets.extend_from_slice(rows),
                Figures::ProbeAlerts(rows) => alerts.extend_from_slice(rows),
                Figures::Availability(rows) => availability.extend_from_slice(rows),
                Figures::ActiveServices(rows) => services.extend_from_slice(rows),
                Figures::Table(_) => {}
            }
        }
        let single = |table: Option<Table>| table.map(|table| vec![Block::Table(table)]);
        let blocks = match kind {
            "identity-credentials" => self.credentials(&credentials),
            "help-desk" => single(self.tickets(&tickets)),
            "probe-alerts" => self.alerts(&alerts),
            "availability" => single(self.availability(&availability)),
            _ => single(self.active_services(&services)),
        };
        let Some(mut blocks) = blocks else {
            return Vec::new();
        };
        blocks.extend(sets.into_iter().map(|set| self.provenance(set)));
        blocks
    }

    /// Writes source, date and licence of figures.
    fn provenance(self, set: &FigureSet) -> Block {
        let from = &set.provenance;
        // Importers are members of staff, whom the public edition does not name.
        let id = match self.public {
            None => "source-named",
            Some(_) => "source-unnamed",
        };
        let words = [
            ("source", harmless(&from.source).into()),
            ("date", self.language.date(from.date).into()),
            ("by", harmless(&from.imported_by).into()),
            ("licence", harmless(&from.licence).into()),
        ];
        Block::Text(self.say_with(id, &words))
    }

    /// Writes a table of any content, with the sums that it asks for.
    fn figures_table(self, table: &FigureTable) -> Table {
        let form = &table.form;
        let columns = form.columns.iter().map(|column| {
            let head = harmless(translated(&column.title, self.language));
            let id = harmless(&column.name);
            match column.form {
                CellForm::Text | CellForm::Ente | CellForm::State => Column::text(id, head),
                _ => Column::number(id, head),
            }
        });
        let rows = table.cells.iter().map(|row| {
            let cells = row.iter().zip(&form.columns);
            let cells = cells.map(|(cell, column)| self.figure(cell, column, &form.states));
            cells.collect()
        });
        let has_total = form.columns.iter().any(|column| column.total);
        let sums = form
            .columns
            .iter()
            .enumerate()
            .map(|(place, column)| match column.total {
                true => Cell::Count(table.sum(place)),
                false if place == 0 => self.total(),
                false => Cell::Empty,
            });
        Table {
            id: format!("{TABLE_PREFIX}{}-table", form.name).into(),
            caption: harmless(translated(&form.title, self.language)),
            columns: columns.collect(),
            rows: rows.collect(),
            sums: has_total.then(|| sums.collect()).into_iter().collect(),
            matrix: false,
            charted: Charted::Never,
            cut: Cut::First,
        }
    }

    fn figure(
        self,
        cell: &FigureCell,
        column: &TableColumn,
        states: &BTreeMap<String, Translations>,
    ) -> Cell {
        let text = |texts: &Translations| Cell::Text(harmless(translated(texts, self.language)));
        match cell {
            FigureCell::Empty => match column.form {
                CellForm::Count | CellForm::Decimal | CellForm::Percent => Cell::Unavailable,
                _ => Cell::Empty,
            },
            FigureCell::Text(texts) => text(texts),
            FigureCell::Ente(name) => Cell::Text(harmless(name)),
            FigureCell::Count(count) => Cell::Count(*count),
            FigureCell::Number { digits, unit } => Cell::Given(GivenNumber {
                digits: digits.clone(),
                unit: unit.clone(),
            }),
            FigureCell::State(code) => states.get(code).map_or(Cell::Undefined, text),
        }
    }

    fn credentials(self, rows: &[Credentials]) -> Option<Vec<Block>> {
        let rows = rows.iter().filter(|row| row.year <= self.report.year);
        let mut rows: Vec<&Credentials> = rows.collect();
        rows.sort_by_key(|row| row.year);
        if rows.last()?.year != self.report.year {
            return None;
        }
        let heads = [
            Head::Words("year"),
            Head::Figures("activated"),
            Head::Figures("change"),
            Head::Figures("of-which-cns"),
            Head::Figures("cns-share"),
        ];
        let cells = rows.iter().map(|row| {
            let before = rows.iter().find(|before| before.year == row.year - 1);
            let before = before.map(|before| before.activated);
            vec![
                Cell::Text(row.year.to_string()),
                Cell::Count(row.activated),
                Cell::change(change_percent(row.activated, before)),
                known(row.of_which_cns),
                row.of_which_cns.map_or(Cell::Unavailable, |cns| {
                    Cell::share(share_percent(cns, row.activated))
                }),
            ]
        });
        let mut table = self.table("credentials", &heads, cells.collect());
        let all = rows.iter().map(|row| row.activated).sum();
        let cns = rows.iter().filter_map(|row| row.of_which_cns).sum();
        table.sums = vec![vec![
            Cell::Text(self.say("credentials.total")),
            Cell::Count(all),
            Cell::Empty,
            Cell::Count(cns),
            Cell::share(share_percent(cns, all)),
        ]];
        let values = rows.iter().map(|row| Count::Shown(row.activated).value());
        let chart = Chart::new(
            "credentials-chart",
            self.say("credentials-chart"),
            ChartKind::Columns,
            rows.iter().map(|row| row.year.to_string()).collect(),
            vec![Series {
                name: self.say("column-activated"),
                values: values.collect(),
            }],
        );
        Some(vec![chart.into(), table.into()])
    }

    fn alerts(self, rows: &[Alerts]) -> Option<Vec<Block>> {
        let year = self.report.year;
        let last = rows.iter().filter(|row| row.year == year);
        // Later months of the year before are not compared.
        let months = 1..=last.map(|row| row.month).max()?;
        let counts = [year - 1, year].map(|year| {
            let months = months.clone();
            let counts = months.map(|month| alerts_of_month(rows, year, month));
            counts.collect::<Vec<Option<u64>>>()
        });
        let [before, now] = [0, 1].map(|year| {
            let known = counts[year].iter().flatten();
            known.copied().reduce(|sum, count| sum + count)
        });
        let is_complete = counts.iter().flatten().all(Option::is_some);
        let lines = months.map(|month| {
            let [before, now] = [year - 1, year].map(|year| alerts_of_month(rows, year, month));
            alerts_row(Cell::Text(self.month(month)), before, now)
        });
        let heads = [Head::Words("month"), Head::Year, Head::Figures("change")];
        let mut table = self.table("alerts", &heads, lines.collect());
        // The year before, even if the report is compared with another.
        let column = Column::number("compared-year", (year - 1).to_string());
        table.columns.insert(1, column);
        let mut sums = alerts_row(self.total(), before.filter(|_| is_complete), now);
        sums[1] = known(before);
        table.sums = vec![sums];
        let series = [Some(year), before.map(|_| year - 1)].into_iter().flatten();
        let series = series.map(|year| Series {
            name: year.to_string(),
            values: (1..=12)
                .map(|month| alerts_of_month(rows, year, month))
                .map(|count| count.map(|count| count as f64).into())
                .collect(),
        });
        let chart = Chart::new(
            "alerts-chart",
            self.say("alerts-chart"),
            ChartKind::Lines,
            (1..=12).map(|month| self.month(month)).collect(),
            series.collect(),
        );
        Some(vec![chart.into(), table.into()])
    }

    fn tickets(self, rows: &[Tickets]) -> Option<Table> {
        let rows = rows.iter().filter(|row| row.year == self.report.year);
        let rows: Vec<&Tickets> = rows.collect();
        rows.first()?;
        let heads = [
            Head::Words("month"),
            Head::Figures("opened"),
            Head::Figures("solved"),
        ];
        let cells = rows.iter().map(|row| {
            vec![
                Cell::Text(self.month(row.month)),
                Cell::Count(row.opened),
                known(row.solved),
            ]
        });
        let mut table = self.table("help-desk-requests", &heads, cells.collect());
        table.sums = vec![vec![
            self.total(),
            Cell::Count(rows.iter().map(|row| row.opened).sum()),
            known(rows.iter().map(|row| row.solved).sum()),
        ]];
        Some(table)
    }

    fn availability(self, rows: &[Availability]) -> Option<Table> {
        let rows = rows.iter().filter(|row| row.year == self.report.year);
        let rows: Vec<&Availability> = rows.collect();
        rows.first()?;
        let heads = [
            Head::Words("month"),
            Head::Figures("available"),
            Head::Figures("agreed"),
        ];
        let cells = rows.iter().map(|row| {
            let agreed = row.agreed_percent.map(Cell::Measured);
            vec![
                Cell::Text(self.month(row.month)),
                Cell::Measured(row.available_percent),
                agreed.unwrap_or(Cell::Unavailable),
            ]
        });
        Some(self.table("availability-months", &heads, cells.collect()))
    }

    fn active_services(self, rows: &[ActiveServices]) -> Option<Table> {
        let rows = rows.iter().filter(|row| row.year == self.report.year);
        let rows: Vec<&ActiveServices> = rows.collect();
        rows.first()?;
        let heads = [
            Head::Words("ente"),
            Head::Figures("services"),
            Head::Figures("of-which-payments"),
            Head::Figures("of-which-bookings"),
        ];
        let cells = rows.iter().map(|row| {
            vec![
                Cell::Text(harmless(&row.ente)),
                Cell::Count(row.total),
                Cell::Sparse(row.of_which_payments),
                Cell::Sparse(row.of_which_bookings),
            ]
        });
        let mut table = self.table("active-services-enti", &heads, cells.collect());
        table.cut = Cut::Ranked(1);
        table.sums = vec![vec![
            self.total(),
            Cell::Count(rows.iter().map(|row| row.total).sum()),
            Cell::Sparse(rows.iter().map(|row| row.of_which_payments).sum()),
            Cell::Sparse(rows.iter().map(|row| row.of_which_bookings).sum()),
        ]];
        Some(table)
    }
}

fn known(count: Option<u64>) -> Cell {
    count.map_or(Cell::Unavailable, Cell::Count)
}

fn alerts_row(name: Cell, before: Option<u64>, now: Option<u64>) -> Vec<Cell> {
    let change = now.map_or(Cell::Undefined, |now| {
        Cell::change(change_percent(now, before))
    });
    vec![name, known(before), known(now), change]
}

/// Returns the alerts of a month, if the source has them.
fn alerts_of_month(rows: &[Alerts], year: i16, month: u8) -> Option<u64> {
    let mut found = rows
        .iter()
        .filter(|row| (row.year, row.month) == (year, month));
    found.next().map(|row| row.alerts)
}
