//! Service uses: totals, by category, rising and falling, by ente.

use super::{Cell, Chart, ChartKind, Column, Section, Series, Writer, section, table};
use crate::ratio::share_percent;
use crate::tables::{Kinds, Move};
use crate::text::harmless;

impl Writer<'_> {
    /// Writes service uses by kind.
    pub(super) fn totals(self) -> Section {
        let totals = &self.report.totals;
        let all = totals.kinds.service_uses;
        let mut columns = vec![
            Column::text(self.say("Tipo", "Kind")),
            Column::number(self.report.year.to_string()),
            Column::number(self.say("Quota", "Share")),
        ];
        columns.extend(self.compared_columns());
        let row = |name: String, count: u64| {
            let share = Cell::share(share_percent(count, all));
            let mut row = vec![Cell::Text(name), Cell::Count(count), share];
            row.resize(columns.len(), Cell::Empty);
            row
        };
        let kinds = totals.kinds;
        let mut rows = vec![
            row(self.say("Semplici", "Plain"), kinds.plain),
            row(self.say("Pagamenti", "Payments"), kinds.payments),
            row(self.say("Prenotazioni", "Bookings"), kinds.bookings),
        ];
        if kinds.unknown_kind > 0 {
            let name = self.say("Di tipo ignoto", "Of unknown kind");
            rows.push(row(name, kinds.unknown_kind));
        }
        let mut sum = row(self.total(), all);
        sum.truncate(3);
        sum.extend(self.compared_cells(totals.compared_service_uses, totals.growth_percent));
        let title = self.say("Usi dei servizi", "Service uses");
        let caption = self.say(
            "Usi dei servizi (numero di usi)",
            "Service uses (number of uses)",
        );
        let mut table = table("totals", caption, columns, rows);
        table.sums = vec![sum];
        section("totals", title, vec![table.into()])
    }

    fn kind_columns(self) -> [Column; 4] {
        [
            Column::number(self.say("Semplici", "Plain")).or(self.say("Sempl.", "Plain")),
            Column::number(self.say("Pagamenti", "Payments")).or(self.say("Pagam.", "Paym.")),
            Column::number(self.say("Prenotazioni", "Bookings")).or(self.say("Prenot.", "Book.")),
            Column::number(self.total()),
        ]
    }

    /// Writes service uses by category, kind and year, with their shares.
    pub(super) fn categories(self) -> Section {
        let report = self.report;
        let mut columns = vec![Column::text(self.say("Categoria", "Category"))];
        columns.extend(self.kind_columns());
        columns.push(Column::number(self.say("Quota", "Share")));
        columns.extend(self.compared_columns());
        let cells = |name: String, kinds: &Kinds, share, before, change| {
            let mut row = vec![Cell::Text(name)];
            row.extend(counts(kinds));
            row.push(Cell::share(share));
            row.extend(self.compared_cells(before, change));
            row
        };
        let rows = report.categories.iter().map(|row| {
            cells(
                self.category(&row.name),
                &row.kinds,
                row.share_percent,
                row.compared_service_uses,
                row.change_percent,
            )
        });
        let totals = &report.totals;
        let all = totals.kinds.service_uses;
        let sum = cells(
            self.total(),
            &totals.kinds,
            share_percent(all, all),
            totals.compared_service_uses,
            totals.growth_percent,
        );
        let title = self.say("Usi per categoria", "Uses by category");
        let caption = self.say(
            "Usi per categoria (numero di usi)",
            "Uses by category (number of uses)",
        );
        let mut table = table("categories", caption, columns, rows.collect());
        table.sums = vec![sum];
        section(
            "categories",
            title,
            vec![self.categories_chart().into(), table.into()],
        )
    }

    fn categories_chart(self) -> Chart {
        let report = self.report;
        let rows = || report.categories.iter();
        let mut series = vec![Series {
            name: report.year.to_string(),
            values: rows()
                .map(|row| Some(row.kinds.service_uses as f64))
                .collect(),
        }];
        let before = |row: &crate::tables::CategoryRow| row.compared_service_uses;
        if let Some(year) = report.compared_year
            && rows().any(|row| before(row).is_some())
        {
            series.push(Series {
                name: year.to_string(),
                values: rows()
                    .map(|row| before(row).map(|uses| uses as f64))
                    .collect(),
            });
        }
        Chart {
            id: "categories-chart",
            title: self.say(
                "Usi per categoria (numero di usi)",
                "Uses by category (number of uses)",
            ),
            description: self.say(
                "Barre degli usi di ciascuna categoria; le cifre sono nella tabella che segue.",
                "Bars of the uses of each category; the figures are in the table that follows.",
            ),
            kind: ChartKind::Bars,
            labels: rows().map(|row| self.category(&row.name)).collect(),
            series,
            percent: false,
        }
    }

    /// Writes rising and falling categories; no blocks without a compared year.
    pub(super) fn moves(self) -> Section {
        let moves = &self.report.moves;
        let list = |id, caption: String, moves: &[Move]| {
            let columns = vec![
                Column::text(self.say("Categoria", "Category")),
                Column::number(self.say("Differenza", "Difference")),
                Column::number(self.say("Variazione", "Change")),
            ];
            let rows = moves.iter().map(|row| {
                vec![
                    Cell::Text(self.category(&row.name)),
                    Cell::Difference(row.change),
                    Cell::change(row.change_percent),
                ]
            });
            table(id, caption, columns, rows.collect())
        };
        let year = self.report.compared_year.unwrap_or(self.report.year);
        let rising = self.say(
            &format!("Categorie in aumento sul {year} (numero di usi)"),
            &format!("Categories that rose on {year} (number of uses)"),
        );
        let falling = self.say(
            &format!("Categorie in calo sul {year} (numero di usi)"),
            &format!("Categories that fell on {year} (number of uses)"),
        );
        let mut blocks = Vec::new();
        if !moves.rising.is_empty() {
            blocks.push(list("rising", rising, &moves.rising).into());
        }
        if !moves.falling.is_empty() {
            blocks.push(list("falling", falling, &moves.falling).into());
        }
        let title = self.say(
            "Categorie in aumento e in calo",
            "Rising and falling categories",
        );
        section("moves", title, blocks)
    }

    /// Writes service uses by ente, category and kind.
    pub(super) fn usage_by_kind(self) -> Section {
        let mut columns = vec![
            Column::text(self.say("Ente", "Ente")),
            Column::text(self.say("Categoria", "Category")),
        ];
        columns.extend(self.kind_columns());
        let known = self.report.usage_by_kind.iter().filter(|row| {
            let enti = &self.report.usage.enti;
            enti.iter()
                .any(|ente| ente.name.ente == row.ente && ente.name.registered)
        });
        let mut rows: Vec<Vec<Cell>> = Vec::new();
        for row in known {
            let mut cells = vec![
                Cell::Text(harmless(&row.ente_name)),
                Cell::Text(self.category(&row.category)),
            ];
            cells.extend(counts(&row.kinds));
            rows.push(cells);
        }
        let caption = self.say(
            "Usi per ente, categoria e tipo (numero di usi)",
            "Uses by ente, category and kind (number of uses)",
        );
        let title = self.say(
            "Usi per ente, categoria e tipo",
            "Uses by ente, category and kind",
        );
        let table = table("usage-by-kind", caption, columns, rows);
        section("usage-by-kind", title, vec![table.into()])
    }
}

fn counts(kinds: &Kinds) -> [Cell; 4] {
    let Kinds {
        plain,
        payments,
        bookings,
        service_uses,
        ..
    } = *kinds;
    [
        Cell::Sparse(plain),
        Cell::Sparse(payments),
        Cell::Sparse(bookings),
        Cell::Count(service_uses),
    ]
}
