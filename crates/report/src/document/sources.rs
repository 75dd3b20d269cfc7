//! Figures of other sources. A kind that no source gave is shown as not available, never as zero.

use super::{
    Block, Cell, Chart, ChartKind, Column, Cut, Head, Section, SectionWriter, Series, Table,
};
use crate::count::{Count, CountCells as _};
use crate::ratio::{change_percent, share_percent};
use crate::sources::{Alerts, Availability, Credentials, FigureSet, Figures, Portfolio, Tickets};
use crate::text::harmless;

/// Kinds of figures, each of them a section.
const KINDS: [&str; 5] = [
    "identity-credentials",
    "help-desk",
    "probe-alerts",
    "availability",
    "portfolio",
];

impl SectionWriter<'_> {
    /// Writes a section for each kind of other figures, for reports of all enti only.
    pub(super) fn sources(self) -> Vec<Section> {
        if self.report.ente.is_some() {
            return Vec::new();
        }
        let sets = &self.report.sources;
        let sections = KINDS.map(|kind| {
            let set = sets.iter().find(|set| set.figures.kind() == kind);
            let blocks = set.and_then(|set| self.source(set));
            let blocks = blocks.unwrap_or_else(|| vec![Block::Text(self.say("not-available"))]);
            self.section(kind, blocks)
        });
        sections.into()
    }

    /// Writes the figures of a set; `None` if it has none of the year.
    fn source(self, set: &FigureSet) -> Option<Vec<Block>> {
        let mut blocks = match &set.figures {
            Figures::IdentityCredentials(rows) => self.credentials(rows)?,
            Figures::HelpDesk(rows) => vec![self.tickets(rows)?.into()],
            Figures::ProbeAlerts(rows) => self.alerts(rows)?,
            Figures::Availability(rows) => vec![self.availability(rows)?.into()],
            Figures::Portfolio(rows) => vec![self.portfolio(rows)?.into()],
        };
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
        blocks.push(Block::Text(self.say_with(id, &words)));
        Some(blocks)
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
        let table = self.table("credentials", &heads, cells.collect());
        let values = rows.iter().map(|row| Count::Shown(row.activated).value());
        let chart = Chart {
            id: "credentials-chart",
            title: self.say("credentials-chart"),
            description: self.say("credentials-chart.alt"),
            kind: ChartKind::Columns,
            labels: rows.iter().map(|row| row.year.to_string()).collect(),
            series: vec![Series {
                name: self.say("column-activated"),
                values: values.collect(),
            }],
            percent: false,
        };
        Some(vec![chart.into(), table.into()])
    }

    fn alerts(self, rows: &[Alerts]) -> Option<Vec<Block>> {
        let year = self.report.year;
        let now = alerts_of_year(rows, year)?;
        let before = alerts_of_year(rows, year - 1);
        let months = (1..=12).map(|month| {
            let [before, now] = [year - 1, year].map(|year| alerts_of_month(rows, year, month));
            alerts_row(Cell::Text(self.month(month)), before, now)
        });
        let heads = [Head::Words("month"), Head::Year, Head::Figures("change")];
        let mut table = self.table("alerts", &heads, months.collect());
        // The year before, even if the report is compared with another.
        let column = Column::number((year - 1).to_string());
        table.columns.insert(1, column);
        table.sums = vec![alerts_row(self.total(), before, Some(now))];
        let series = [Some(year), before.map(|_| year - 1)].into_iter().flatten();
        let series = series.map(|year| Series {
            name: year.to_string(),
            values: (1..=12)
                .map(|month| alerts_of_month(rows, year, month))
                .map(|count| count.map(|count| count as f64))
                .collect(),
        });
        let chart = Chart {
            id: "alerts-chart",
            title: self.say("alerts-chart"),
            description: self.say("alerts-chart.alt"),
            kind: ChartKind::Lines,
            labels: self.months_of_year(),
            series: series.collect(),
            percent: false,
        };
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

    fn portfolio(self, rows: &[Portfolio]) -> Option<Table> {
        let rows = rows.iter().filter(|row| row.year == self.report.year);
        let rows: Vec<&Portfolio> = rows.collect();
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
        let mut table = self.table("portfolio-enti", &heads, cells.collect());
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

/// Sums the alerts of a year, if the source has any month of it.
fn alerts_of_year(rows: &[Alerts], year: i16) -> Option<u64> {
    let mut months = rows.iter().filter(|row| row.year == year).peekable();
    months.peek()?;
    Some(months.map(|row| row.alerts).sum())
}
