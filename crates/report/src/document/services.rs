//! Services: the largest changes, their status, and the most used.

use super::{Block, Cell, Column, Section, Writer, section, table};
use crate::tables::{Status, Variation};

impl Writer<'_> {
    fn status(self, status: Option<Status>) -> Cell {
        let (it, en) = match status {
            None => return Cell::Empty,
            Some(Status::New) => ("NUOVO", "NEW"),
            Some(Status::Retired) => ("RITIRATO", "RETIRED"),
            Some(Status::Unused) => ("INUTILIZZATO", "UNUSED"),
            Some(Status::Broken) => ("GUASTO", "BROKEN"),
        };
        Cell::Text(self.say(it, en))
    }

    /// Writes the services that changed most, by category.
    pub(super) fn variations(self) -> Section {
        let report = self.report;
        let mut columns = vec![
            Column::text(self.say("Categoria", "Category")),
            Column::text(self.say("Servizio", "Service")),
            Column::number(report.year.to_string()),
        ];
        columns.extend(self.compared_columns());
        columns.insert(
            columns.len() - 1,
            Column::number(self.say("Differenza", "Difference")).or(self.say("Diff.", "Diff.")),
        );
        columns.push(Column::text(self.say("Stato", "Status")));
        let mut rows = Vec::new();
        for category in &report.variations {
            for (place, row) in category.services.iter().enumerate() {
                // The category's name is written once, above its services.
                let name = match place {
                    0 => Cell::Text(self.category(&category.name)),
                    _ => Cell::Empty,
                };
                rows.push(vec![
                    name,
                    Cell::Text(self.varied(row)),
                    Cell::Count(row.service_uses),
                    Cell::count(row.compared_service_uses),
                    row.change.map_or(Cell::Undefined, Cell::Difference),
                    Cell::change(row.change_percent),
                    self.status(row.status),
                ]);
            }
        }
        let title = self.say(
            "Principali variazioni per categoria",
            "Main variations by category",
        );
        let caption = self.say(
            "Servizi con le variazioni maggiori, per categoria (numero di usi)",
            "Services that changed most, by category (number of uses)",
        );
        if rows.is_empty() {
            return section("variations", title, Vec::new());
        }
        let table = table("variations", caption, columns, rows);
        section("variations", title, vec![table.into()])
    }

    /// Writes new, retired, unused and broken services.
    pub(super) fn statuses(self) -> Section {
        let report = self.report;
        let title = self.say(
            "Servizi nuovi, ritirati, inutilizzati e guasti",
            "New, retired, unused and broken services",
        );
        if report.service_status.is_empty() {
            return section("service-status", title, Vec::new());
        }
        let columns = vec![
            Column::text(self.say("Stato", "Status")),
            Column::text(self.say("Servizio", "Service")),
            Column::text(self.say("Categoria", "Category")),
            Column::number(self.say("Usi", "Uses")),
            Column::number(self.say("Non riusciti", "Failed")),
        ];
        let row = |row: &Variation| {
            vec![
                self.status(row.status),
                Cell::Text(self.varied(row)),
                Cell::Text(self.category(&row.category)),
                Cell::Count(row.service_uses),
                Cell::Sparse(row.failed),
            ]
        };
        let rows = report.service_status.iter().map(row).collect();
        let caption = self.say(
            "Che cosa ne è stato nell’anno (numero di usi e di tentativi non riusciti)",
            "What became of them in the year (number of uses and of failed attempts)",
        );
        let table = table("service-status", caption, columns, rows);
        section("service-status", title, vec![table.into()])
    }

    /// Writes the most used services.
    pub(super) fn top_services(self) -> Section {
        let title = self.say("Servizi più usati", "Services used most");
        if self.report.top_services.is_empty() {
            return section("top-services", title, Vec::new());
        }
        let columns = vec![
            Column::number(""),
            Column::text(self.say("Servizio", "Service")),
            Column::number(self.say("Usi", "Uses")),
            Column::number(self.say("Quota", "Share")),
            Column::number(self.say("Enti", "Enti")),
        ];
        let rows = self.report.top_services.iter().map(|row| {
            vec![
                Cell::Count(row.rank as u64),
                Cell::Text(self.service(row)),
                Cell::Count(row.service_uses),
                Cell::share(row.share_percent),
                Cell::Count(row.enti),
            ]
        });
        let caption = self.say(
            "Servizi più usati (numero di usi)",
            "Services used most (number of uses)",
        );
        let table = table("top-services", caption, columns, rows.collect());
        section("top-services", title, vec![Block::Table(table)])
    }
}
