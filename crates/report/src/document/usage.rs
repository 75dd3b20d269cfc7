//! Service uses: totals, by category, rising and falling, by ente.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use super::counts::{Slice, UseCounts};
use super::{
    Block, Cell, Chart, ChartKind, ChartValue, Charted, Column, Cut, Head, Section, SectionWriter,
    Series, Table,
};
use crate::count::{Count, CountCells as _};
use crate::ratio::BASE_MIN;
use crate::tables::{CategoryMove, CategoryRow};

impl<'r> SectionWriter<'r> {
    fn all_uses(self) -> UseCounts {
        self.uses(self.scope(), &self.report.totals.kinds)
    }

    fn all_before(self) -> Option<Count> {
        let own = self.report.totals.compared_service_uses;
        self.uses_before(self.scope(), own)
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
        // A single bar shows no more than its row.
        let chart = (table.rows.len() > 1).then(|| self.categories_chart().into());
        let blocks = chart.into_iter().chain([table.into()]);
        self.section("categories", blocks.collect())
    }

    /// Returns the categories of the report; of one ente only those with uses in either year.
    fn shown_categories(self) -> impl Iterator<Item = &'r CategoryRow> + Clone + 'r {
        let is_whole = self.report.ente.is_none();
        let rows = self.report.categories.iter();
        rows.filter(move |row| {
            let counts = [
                Some(self.uses_in_category(row).all),
                self.before_in_category(row),
            ];
            let mut counts = counts.into_iter().flatten();
            is_whole || counts.any(|count| count != Count::Shown(0))
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
        let of = Slice {
            category: Some(&row.name.category),
            ..self.scope()
        };
        self.uses(of, &row.kinds)
    }

    fn before_in_category(self, row: &CategoryRow) -> Option<Count> {
        let of = Slice {
            category: Some(&row.name.category),
            ..self.scope()
        };
        self.uses_before(of, row.compared_service_uses)
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
            let values = before.into_iter();
            let values = values.map(|count| count.map_or(ChartValue::Missing, Count::value));
            series.push(Series {
                name: year.to_string(),
                values: values.collect(),
            });
        }
        Chart::new(
            "categories-chart",
            self.say("categories-chart"),
            ChartKind::Bars,
            rows.map(|row| row.name.shown(self.language)).collect(),
            series,
        )
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
        let chart = self.changes_chart().map(Block::Chart);
        let mut blocks: Vec<Block> = chart.into_iter().chain(tables).collect();
        if let [Block::Chart(_), tables @ ..] = &mut blocks[..] {
            for table in tables {
                if let Block::Table(table) = table {
                    table.charted = Charted::OnPaper;
                }
            }
        }
        self.section("moves", blocks)
    }

    /// Draws the change of each category, the greatest first, then those with hidden counts in the
    /// order of the report; `None` with fewer than three changes.
    fn changes_chart(self) -> Option<Chart> {
        let changes = self.report.categories.iter().map(|row| {
            let now = self.uses_in_category(row).all;
            let before = self.before_in_category(row)?;
            Some((row, now.difference_from(before)))
        });
        let mut changes: Vec<CategoryChange<'_>> = changes
            .flatten()
            .filter(|(_, change)| *change != Some(0))
            .map(|(row, change)| CategoryChange { row, change })
            .collect();
        changes.sort_by_key(|one| Reverse(one.change.map(i64::unsigned_abs)));
        let labels = changes.iter().map(|one| self.changed_category(one.row));
        let values = changes.iter().map(|one| match one.change {
            Some(change) => ChartValue::Shown(change as f64),
            None => ChartValue::Hidden,
        });
        let is_drawn = changes.iter().filter(|one| one.change.is_some()).count() > 2;
        is_drawn.then(|| {
            Chart::new(
                "moves-chart",
                self.say("moves-chart"),
                ChartKind::Changes,
                labels.collect(),
                vec![Series {
                    name: self.report.year.to_string(),
                    values: values.collect(),
                }],
            )
        })
    }

    /// Returns the name of a category with its change in percent, if it has one.
    fn changed_category(self, row: &CategoryRow) -> String {
        let name = row.name.shown(self.language);
        let now = self.uses_in_category(row).all;
        let before = self.before_in_category(row);
        match before.map(|before| now.change_from(before)) {
            Some(change @ Cell::Change(_)) => {
                format!("{name} ({})", change.show(self.language))
            }
            _ => name,
        }
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

    /// Writes the uses of each category by month, for paper as small charts; no blocks in the
    /// public edition, whose months have no categories.
    pub(super) fn category_months(self) -> Section {
        let mut rows: Vec<&CategoryRow> = self.report.categories.iter().collect();
        rows.retain(|row| row.by_month.len() > 2 && row.kinds.service_uses >= BASE_MIN);
        if rows.is_empty() || self.public.is_some() {
            return self.section("category-months", Vec::new());
        }
        let cells = rows.iter().map(|row| {
            let uses = row.by_month.iter().map(|uses| Cell::Sparse(*uses));
            std::iter::once(self.category(&row.name))
                .chain(uses)
                .collect()
        });
        let mut table = self.table(
            "category-months",
            &[Head::Words("category")],
            cells.collect(),
        );
        let months = self.report.period.months();
        table.columns.extend(months.map(|month| {
            let name = self.language.month(month);
            let short: String = name.chars().take(3).collect();
            Column::number(format!("month-{month:02}"), name).or(short)
        }));
        table.matrix = true;
        table.charted = Charted::OnPaper;
        rows.sort_by_key(|row| Reverse(row.kinds.service_uses));
        let charts = rows.iter().take(SMALL_CHARTS).map(|row| {
            let values = row.by_month.iter();
            let values = values.map(|uses| ChartValue::Shown(*uses as f64));
            Chart::new(
                "category-months-chart",
                row.name.shown(self.language),
                ChartKind::Lines,
                self.counted_months(),
                vec![Series {
                    name: self.report.year.to_string(),
                    values: values.collect(),
                }],
            )
        });
        let words = [("shown", rows.len().min(SMALL_CHARTS).into())];
        let text = Block::Text(self.say_with("category-months.scales", &words));
        let blocks = vec![text, Block::Charts(charts.collect()), table.into()];
        self.section("category-months", blocks)
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

/// Largest number of categories whose months are drawn.
const SMALL_CHARTS: usize = 9;

/// A category with its change from the compared year, unless that is hidden.
struct CategoryChange<'r> {
    row: &'r CategoryRow,
    change: Option<i64>,
}

fn share_row(name: Cell, count: Count, all: Count, compared: &[Cell]) -> Vec<Cell> {
    let mut row = vec![name, count.into(), count.share_of(all)];
    row.extend_from_slice(compared);
    row
}
