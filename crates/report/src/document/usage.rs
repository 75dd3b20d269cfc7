//! Service uses: totals, by category, rising and falling, by ente.

use std::collections::BTreeSet;

use super::counts::{Slice, UseCounts};
use super::{Block, Cell, Chart, ChartKind, Cut, Head, Section, SectionWriter, Series, Table};
use crate::count::{Count, CountCells as _};
use crate::tables::{CategoryMove, CategoryRow};

impl<'r> SectionWriter<'r> {
    fn all_uses(self) -> UseCounts {
        self.uses(Slice::default(), &self.report.totals.kinds)
    }

    fn all_before(self) -> Option<Count> {
        let own = self.report.totals.compared_service_uses;
        self.uses_before(Slice::default(), own)
    }

    /// Writes service uses by kind.
    pub(super) fn totals(self) -> Section {
        let uses = self.all_uses();
        let heads = [
            Head::Words("kind"),
            Head::Year,
            Head::Figures("share"),
            Head::Before,
            Head::Change,
        ];
        let all = uses.all;
        let empty = self.compared_cells(all, None);
        let empty = vec![Cell::Empty; empty.len()];
        let names = ["kind-plain", "kind-payments", "kind-bookings"];
        let kinds = names.into_iter().zip(uses.kinds);
        let mut rows: Vec<Vec<Cell>> = kinds
            .map(|(id, count)| share_row(Cell::Text(self.say(id)), count, all, &empty))
            .collect();
        let unknown = self.report.totals.kinds.unknown_kind;
        if unknown > 0 && self.public.is_none() {
            let name = Cell::Text(self.say("kind-unknown"));
            rows.push(share_row(name, Count::Shown(unknown), all, &empty));
        }
        let mut table = self.table("totals", &heads, rows);
        let compared = self.compared_cells(all, self.all_before());
        table.sums = vec![share_row(self.total(), all, all, &compared)];
        self.section("totals", vec![table.into()])
    }

    /// Writes service uses by category, kind and year, with their shares.
    pub(super) fn categories(self) -> Section {
        let heads = [
            Head::Words("category"),
            Head::Kinds,
            Head::Figures("total"),
            Head::Figures("share"),
            Head::Before,
            Head::Change,
        ];
        let rows = self.shown_categories().map(|row| {
            let name = self.category(&row.name);
            let uses = self.uses_in_category(row);
            self.category_row(name, uses, self.before_in_category(row))
        });
        let mut table = self.table("categories", &heads, rows.collect());
        let sum = self.category_row(self.total(), self.all_uses(), self.all_before());
        table.sums = vec![sum];
        let chart = self.categories_chart();
        self.section("categories", vec![chart.into(), table.into()])
    }

    /// Returns the categories of the report; of one ente only those with uses in either year.
    fn shown_categories(self) -> impl Iterator<Item = &'r CategoryRow> + Clone {
        let is_whole = self.report.ente.is_none();
        let rows = self.report.categories.iter();
        rows.filter(move |row| {
            let before = row.compared_service_uses.unwrap_or(0);
            is_whole || row.kinds.service_uses + before > 0
        })
    }

    fn category_row(self, name: Cell, uses: UseCounts, before: Option<Count>) -> Vec<Cell> {
        let mut row = vec![name];
        row.extend(uses.cells());
        row.push(uses.all.share_of(self.all_uses().all));
        row.extend(self.compared_cells(uses.all, before));
        row
    }

    fn uses_in_category(self, row: &CategoryRow) -> UseCounts {
        self.uses(Slice::in_category(&row.name), &row.kinds)
    }

    fn before_in_category(self, row: &CategoryRow) -> Option<Count> {
        self.uses_before(Slice::in_category(&row.name), row.compared_service_uses)
    }

    fn categories_chart(self) -> Chart {
        let report = self.report;
        let rows = self.shown_categories();
        let now = rows
            .clone()
            .map(|row| self.uses_in_category(row).all.value());
        let mut series = vec![Series {
            name: report.year.to_string(),
            values: now.collect(),
        }];
        let before = rows.clone().map(|row| self.before_in_category(row));
        let before: Vec<Option<Count>> = before.collect();
        if let Some(year) = report.compared_year
            && before.iter().any(Option::is_some)
        {
            let values = before.into_iter().map(|count| count.and_then(Count::value));
            series.push(Series {
                name: year.to_string(),
                values: values.collect(),
            });
        }
        Chart {
            id: "categories-chart",
            title: self.say("categories-chart"),
            description: self.say("categories-chart.alt"),
            kind: ChartKind::Bars,
            labels: rows.map(|row| row.name.shown(self.language)).collect(),
            series,
            percent: false,
        }
    }

    /// Writes the categories that rose and fell most; no blocks without a compared year.
    pub(super) fn moves(self) -> Section {
        let moves = match self.public {
            None => self.report.moves.clone(),
            Some((edition, _)) => edition.moves(self.report),
        };
        let lists = [("rising", &moves.rising), ("falling", &moves.falling)];
        let lists = lists.into_iter().filter(|(_, moves)| !moves.is_empty());
        let tables = lists.map(|(id, moves)| self.moved_categories(id, moves).into());
        self.section("moves", tables.collect())
    }

    fn moved_categories(self, id: &'static str, moves: &[CategoryMove]) -> Table {
        let heads = [
            Head::Words("category"),
            Head::Figures("difference"),
            Head::Figures("change"),
        ];
        let rows = moves.iter().map(|row| {
            vec![
                self.category(&row.name),
                Cell::Difference(row.change),
                Cell::Change(row.change_percent),
            ]
        });
        self.table(id, &heads, rows.collect())
    }

    /// Writes service uses by ente, category and kind.
    pub(super) fn usage_by_kind(self) -> Section {
        let heads = [
            Head::Words("ente"),
            Head::Words("category"),
            Head::Kinds,
            Head::Figures("total"),
        ];
        let rows = match self.public {
            None => self.own_cells(),
            Some(_) => self.published_cells(),
        };
        let mut table = self.table("usage-by-kind", &heads, rows);
        table.cut = Cut::Ranked(table.columns.len() - 1);
        self.section("usage-by-kind", vec![Block::Table(table)])
    }

    fn own_cells(self) -> Vec<Vec<Cell>> {
        let enti = &self.report.usage.enti;
        let known = enti.iter().filter(|row| row.name.registered);
        let known: BTreeSet<&str> = known.map(|row| &*row.name.ente).collect();
        let rows = self.report.usage_by_kind.iter();
        let known = rows.filter(|row| known.contains(&*row.ente));
        let rows = known.map(|row| {
            let mut cells = vec![
                Cell::ente(&row.ente, &row.ente_name),
                self.category(&row.category),
            ];
            cells.extend(UseCounts::from(&row.kinds).cells());
            cells
        });
        rows.collect()
    }
}

fn share_row(name: Cell, count: Count, all: Count, compared: &[Cell]) -> Vec<Cell> {
    let mut row = vec![name, count.into(), count.share_of(all)];
    row.extend_from_slice(compared);
    row
}
