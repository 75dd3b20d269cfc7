//! Figures of other sources. A kind that no source gave is shown as not available, never as zero.

use super::{
    Block, Cell, Chart, ChartKind, Column, Section, Series, Table, Writer, section, table,
};
use crate::ratio::change_percent;
use crate::sources::{Alerts, Availability, Credentials, FigureSet, Figures, Portfolio, Tickets};
use crate::text::harmless;

/// Choice between naming staff members and withholding their names.
#[derive(Clone, Copy)]
pub(super) enum Names {
    /// Named, in internal reports.
    Told,
    /// Withheld, in public reports.
    Withheld,
}

impl Writer<'_> {
    /// Writes a section for each kind of other figures, for reports of all enti only. `names`
    /// decides whether the importers are named.
    pub(super) fn sources(self, names: Names) -> Vec<Section> {
        if self.report.ente.is_some() {
            return Vec::new();
        }
        let titles = [
            (
                "identity-credentials",
                self.say("Credenziali di identità digitale", "Identity credentials"),
            ),
            ("help-desk", self.say("Assistenza agli utenti", "Help desk")),
            (
                "probe-alerts",
                self.say("Allarmi delle sonde", "Alerts of the probes"),
            ),
            (
                "availability",
                self.say("Disponibilità dei servizi", "Availability of the services"),
            ),
            (
                "portfolio",
                self.say(
                    "Portafoglio dei servizi secondo la fonte",
                    "Portfolio by the source",
                ),
            ),
        ];
        let sets = &self.report.sources;
        let section_of = |(kind, title): (&'static str, String)| {
            let set = sets.iter().find(|set| set.figures.kind() == kind);
            let blocks = set.and_then(|set| self.source(set, names));
            let missing = || vec![Block::Text(self.say("Non disponibile.", "Not available."))];
            section(kind, title, blocks.unwrap_or_else(missing))
        };
        titles.into_iter().map(section_of).collect()
    }

    /// Writes the figures of a set; `None` if it has none of the year.
    fn source(self, set: &FigureSet, names: Names) -> Option<Vec<Block>> {
        let mut blocks = match &set.figures {
            Figures::IdentityCredentials(rows) => self.credentials(rows)?,
            Figures::HelpDesk(rows) => vec![self.tickets(rows)?.into()],
            Figures::ProbeAlerts(rows) => self.alerts(rows)?,
            Figures::Availability(rows) => vec![self.availability(rows)?.into()],
            Figures::Portfolio(rows) => vec![self.portfolio(rows)?.into()],
        };
        let from = &set.provenance;
        let [source, by, licence] =
            [&from.source, &from.imported_by, &from.licence].map(|text| harmless(text));
        let day = self.language.date(from.date);
        let by = match names {
            Names::Told => self.say(
                &format!(" Importato da {by}."),
                &format!(" Imported by {by}."),
            ),
            Names::Withheld => String::new(),
        };
        blocks.push(Block::Text(self.say(
            &format!("Fonte: {source}, {day}.{by} Licenza: {licence}."),
            &format!("Source: {source}, {day}.{by} Licence: {licence}."),
        )));
        Some(blocks)
    }

    fn credentials(self, rows: &[Credentials]) -> Option<Vec<Block>> {
        let mut rows: Vec<&Credentials> = rows
            .iter()
            .filter(|row| row.year <= self.report.year)
            .collect();
        rows.sort_by_key(|row| row.year);
        if rows.last()?.year != self.report.year {
            return None;
        }
        let columns = vec![
            Column::text(self.say("Anno", "Year")),
            Column::number(self.say("Attivate", "Activated")),
            Column::number(self.say("Variazione", "Change")),
            Column::number(self.say("di cui CNS", "of which CNS")),
            Column::number(self.say("Quota CNS", "Share of CNS")),
        ];
        let cells = rows.iter().enumerate().map(|(place, row)| {
            let before = place.checked_sub(1).and_then(|place| rows.get(place));
            let before = before
                .filter(|before| before.year == row.year - 1)
                .map(|row| row.activated);
            let share = row
                .of_which_cns
                .map(|cns| crate::ratio::share_percent(cns, row.activated));
            vec![
                Cell::Text(row.year.to_string()),
                Cell::Count(row.activated),
                Cell::change(change_percent(row.activated, before)),
                row.of_which_cns.map_or(Cell::Unavailable, Cell::Count),
                share.map_or(Cell::Unavailable, Cell::share),
            ]
        });
        let caption = self.say(
            "Credenziali attivate per anno (numero)",
            "Credentials activated by year (number)",
        );
        let chart = Chart {
            id: "credentials-chart",
            title: caption.clone(),
            description: self.say(
                "Colonne delle credenziali attivate in ciascun anno; le cifre sono nella tabella che segue.",
                "Columns of the credentials activated in each year; the figures are in the table that follows.",
            ),
            kind: ChartKind::Columns,
            labels: rows.iter().map(|row| row.year.to_string()).collect(),
            series: vec![Series {
                name: self.say("Attivate", "Activated"),
                values: rows.iter().map(|row| Some(row.activated as f64)).collect(),
            }],
            percent: false,
        };
        let table = table("credentials", caption, columns, cells.collect());
        Some(vec![chart.into(), table.into()])
    }

    fn alerts(self, rows: &[Alerts]) -> Option<Vec<Block>> {
        let year = self.report.year;
        let of = |year: i16, month: u8| {
            let mut found = rows
                .iter()
                .filter(|row| (row.year, row.month) == (year, month));
            found.next().map(|row| row.alerts)
        };
        let sum = |year: i16| {
            let mut months = rows.iter().filter(|row| row.year == year).peekable();
            months.peek()?;
            Some(months.map(|row| row.alerts).sum::<u64>())
        };
        let now = sum(year)?;
        let known = |count: Option<u64>| count.map_or(Cell::Unavailable, Cell::Count);
        let row = |name: String, before: Option<u64>, now: Option<u64>| {
            let change = now.map_or(Cell::Undefined, |now| {
                Cell::change(change_percent(now, before))
            });
            vec![Cell::Text(name), known(before), known(now), change]
        };
        let columns = vec![
            Column::text(self.say("Mese", "Month")),
            Column::number((year - 1).to_string()),
            Column::number(year.to_string()),
            Column::number(self.say("Variazione", "Change")),
        ];
        let months =
            (1..=12).map(|month| row(self.month(month), of(year - 1, month), of(year, month)));
        let caption = self.say("Allarmi per mese (numero)", "Alerts by month (number)");
        let mut table = table("alerts", caption.clone(), columns, months.collect());
        table.sums = vec![row(self.total(), sum(year - 1), Some(now))];
        let series = [year, year - 1]
            .into_iter()
            .filter(|year| sum(*year).is_some());
        let chart = Chart {
            id: "alerts-chart",
            title: caption,
            description: self.say(
                "Linea degli allarmi mese per mese; le cifre sono nella tabella che segue.",
                "Line of the alerts month by month; the figures are in the table that follows.",
            ),
            kind: ChartKind::Lines,
            labels: (1..=12).map(|month| self.month(month)).collect(),
            series: series
                .map(|year| Series {
                    name: year.to_string(),
                    values: (1..=12)
                        .map(|month| of(year, month).map(|count| count as f64))
                        .collect(),
                })
                .collect(),
            percent: false,
        };
        Some(vec![chart.into(), table.into()])
    }

    fn tickets(self, rows: &[Tickets]) -> Option<Table> {
        let rows: Vec<&Tickets> = rows
            .iter()
            .filter(|row| row.year == self.report.year)
            .collect();
        rows.first()?;
        let columns = vec![
            Column::text(self.say("Mese", "Month")),
            Column::number(self.say("Richieste aperte", "Requests opened")),
            Column::number(self.say("Richieste risolte", "Requests solved")),
        ];
        let known = |count: Option<u64>| count.map_or(Cell::Unavailable, Cell::Count);
        let cells = rows.iter().map(|row| {
            vec![
                Cell::Text(self.month(row.month)),
                Cell::Count(row.opened),
                known(row.solved),
            ]
        });
        let caption = self.say("Richieste per mese (numero)", "Requests by month (number)");
        let mut table = table("help-desk-requests", caption, columns, cells.collect());
        table.sums = vec![vec![
            Cell::Text(self.total()),
            Cell::Count(rows.iter().map(|row| row.opened).sum()),
            known(rows.iter().map(|row| row.solved).sum()),
        ]];
        Some(table)
    }

    fn availability(self, rows: &[Availability]) -> Option<Table> {
        let rows: Vec<&Availability> = rows
            .iter()
            .filter(|row| row.year == self.report.year)
            .collect();
        rows.first()?;
        let columns = vec![
            Column::text(self.say("Mese", "Month")),
            Column::number(self.say("Disponibilità (%)", "Available (%)")),
            Column::number(self.say("Concordata (%)", "Agreed (%)")),
        ];
        let cells = rows.iter().map(|row| {
            vec![
                Cell::Text(self.month(row.month)),
                Cell::Mean(row.available_percent, 2),
                row.agreed_percent
                    .map_or(Cell::Unavailable, |percent| Cell::Mean(percent, 2)),
            ]
        });
        let caption = self.say(
            "Disponibilità per mese (% del tempo)",
            "Availability by month (% of the time)",
        );
        Some(table(
            "availability-months",
            caption,
            columns,
            cells.collect(),
        ))
    }

    fn portfolio(self, rows: &[Portfolio]) -> Option<Table> {
        let rows: Vec<&Portfolio> = rows
            .iter()
            .filter(|row| row.year == self.report.year)
            .collect();
        rows.first()?;
        let columns = vec![
            Column::text(self.say("Ente", "Ente")),
            Column::number(self.say("Servizi", "Services")),
            Column::number(self.say("di cui pagamenti", "of which payments")),
            Column::number(self.say("di cui prenotazioni", "of which bookings")),
        ];
        let cells = rows.iter().map(|row| {
            vec![
                Cell::Text(harmless(&row.ente)),
                Cell::Count(row.total),
                Cell::Sparse(row.of_which_payments),
                Cell::Sparse(row.of_which_bookings),
            ]
        });
        let caption = self.say(
            "Servizi per ente, come li conta la fonte (numero di servizi)",
            "Services by ente, as the source counts them (number of services)",
        );
        let sum = |count: fn(&Portfolio) -> u64| rows.iter().map(|row| count(row)).sum();
        let mut table = table("portfolio-enti", caption, columns, cells.collect());
        table.sums = vec![vec![
            Cell::Text(self.total()),
            Cell::Count(sum(|row| row.total)),
            Cell::Sparse(sum(|row| row.of_which_payments)),
            Cell::Sparse(sum(|row| row.of_which_bookings)),
        ]];
        Some(table)
    }
}
