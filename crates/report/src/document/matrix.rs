//! Tables of enti by category.

use super::counts::{EnteCounts, Slice, UseCounts};
use super::{
    Block, Cell, Chart, CodedName, Column, Cut, ENTI_MAX, Head, NameKind, Section, SectionWriter,
    Table,
};
use crate::count::{Count, CountCells as _};
use crate::tables::{CategoryName, CrossRow, CrossTable};
use crate::text::{first_words, harmless};

/// Largest number of enti in the heat map.
const MAPPED: usize = 30;
/// Number of columns after the categories: total, payments and bookings.
const ENDS: usize = 3;

/// Counts of a row: by category, and at its end all, payments and bookings.
struct MatrixCounts {
    by_category: Vec<Count>,
    ends: [Count; 3],
}

impl SectionWriter<'_> {
    /// Writes service uses by ente and category.
    pub(super) fn usage(self) -> Section {
        let table = match self.public {
            None => self.matrix("usage", &self.report.usage),
            Some(_) => Some(self.published_matrix()),
        };
        let mut blocks: Vec<Block> = table.into_iter().map(Block::Table).collect();
        blocks.extend(self.changed_enti().map(Block::Table));
        if self.public.is_none() {
            blocks.extend(self.without(["usage.without", "enti-without-uses"], &self.report.usage));
        }
        self.section("usage", blocks)
    }

    /// Draws service uses by ente and category: all enti, or the largest by their shown uses.
    pub(super) fn usage_map(self) -> Section {
        let table = match self.public {
            None => self.matrix("usage", &self.report.usage),
            Some(_) => Some(self.published_matrix()),
        };
        let Some(mut table) = table else {
            return self.section("usage-map", Vec::new());
        };
        let total = table.columns.len() - ENDS;
        let enti = table.rows.len();
        if enti > MAPPED {
            table.rows.retain(|row| row[total].number().is_some());
            table.rows.sort_by_cached_key(|row| {
                std::cmp::Reverse(row[total].number().map(|uses| uses as u64))
            });
            table.rows.truncate(MAPPED);
        }
        let words = [("shown", table.rows.len().into()), ("enti", enti.into())];
        let title = self.say_with("usage-map-chart", &words);
        let chart = Chart::heat("usage-map-chart", title, &table, 1..total);
        let is_drawn = table.rows.len() > 2;
        let chart = is_drawn.then_some(Block::Chart(chart));
        self.section("usage-map", chart.into_iter().collect())
    }

    /// Writes services offered by ente and category; those of one ente by name, with their uses.
    pub(super) fn offered(self) -> Section {
        if self.report.ente.is_some() {
            let table = self.offered_services().into();
            return self.section("offered", vec![table]);
        }
        let offered = &self.report.offered;
        let table = self.matrix("offered", offered).map(Block::Table);
        let without = self.without(["offered.without", "enti-without-services"], offered);
        self.section("offered", table.into_iter().chain(without).collect())
    }

    /// Returns the names of the enti without any count; `None` if every ente has one.
    /// Many names stand in a table, because a cell of a workbook cannot hold them.
    fn without(self, [text, table]: [&'static str; 2], cross: &CrossTable) -> Option<Block> {
        let names = cross.enti_without.iter();
        if names.len() > ENTI_MAX {
            let rows = names.map(|name| vec![Cell::from(name)]);
            let heads = [Head::Words("ente")];
            return Some(self.table(table, &heads, rows.collect()).into());
        }
        let names: Vec<String> = names.map(|ente| harmless(&ente.ente_name)).collect();
        let words = [("names", names.join(", ").into())];
        (!names.is_empty()).then(|| Block::Text(self.say_with(text, &words)))
    }

    /// Writes the change of uses by ente; `None` with few enti, whose matrix is printed whole.
    fn changed_enti(self) -> Option<Table> {
        let heads = [
            Head::Words("ente"),
            Head::Year,
            Head::Before,
            Head::Figures("difference"),
            Head::Change,
        ];
        let counts = match self.public {
            None => {
                let changes = self.report.ente_changes.iter();
                let counts = changes.map(|row| EnteCounts {
                    name: row.name.clone(),
                    now: Count::Shown(row.service_uses),
                    before: Count::Shown(row.compared_service_uses),
                });
                counts.collect()
            }
            Some((edition, register)) => edition.changed_enti(register),
        };
        if !self.has_many_enti() || counts.is_empty() {
            return None;
        }
        let rows = counts.into_iter().map(|row| {
            let difference = row.now.difference_from(row.before);
            vec![
                Cell::from(&row.name),
                row.now.into(),
                row.before.into(),
                difference.map_or(Cell::Suppressed, Cell::Difference),
                row.now.change_from(row.before),
            ]
        });
        let mut table = self.table("ente-changes", &heads, rows.collect());
        table.cut = Cut::Ranked(3);
        Some(table)
    }

    /// Writes the counts of the report; `None` if all are zero.
    fn matrix(self, id: &'static str, cross: &CrossTable) -> Option<Table> {
        let known = cross.enti.iter().filter(|row| row.name.registered);
        let mut rows: Vec<Vec<Cell>> = known
            .map(|row| matrix_row(Cell::from(&row.name), MatrixCounts::sum(cross, &[row])))
            .collect();
        // Anyone can send events under an unknown code, so print shows only the number of unknown
        // enti. JSON lists them.
        let strangers = cross.enti.iter().filter(|row| !row.name.registered);
        let strangers: Vec<&CrossRow> = strangers.collect();
        if !strangers.is_empty() {
            let words = [("enti", strangers.len().into())];
            let name = Cell::Text(self.say_with("unregistered-enti", &words));
            rows.push(matrix_row(name, MatrixCounts::sum(cross, &strangers)));
        }
        let every: Vec<&CrossRow> = cross.enti.iter().collect();
        let sum = MatrixCounts::sum(cross, &every);
        (cross.total > 0).then(|| self.matrix_table(id, &cross.categories, rows, sum))
    }

    /// Writes the uses that are published, an ente a row in the order of names.
    fn published_matrix(self) -> Table {
        let enti = self
            .public
            .map(|(edition, register)| edition.enti(register));
        let enti = enti.into_iter().flatten();
        let rows =
            enti.map(|name| matrix_row(Cell::from(&name), self.published_counts(Some(&name.ente))));
        let categories = &self.report.usage.categories;
        let sum = self.published_counts(None);
        self.matrix_table("usage", categories, rows.collect(), sum)
    }

    fn published_counts(self, ente: Option<&str>) -> MatrixCounts {
        let own = &self.report.totals.kinds;
        let categories = self.report.usage.categories.iter();
        let in_category = categories.map(|name| {
            let category = Some(&*name.category);
            self.uses(Slice { ente, category }, own).all
        });
        let category = None;
        let UseCounts { kinds, all } = self.uses(Slice { ente, category }, own);
        MatrixCounts {
            by_category: in_category.collect(),
            ends: [all, kinds[1], kinds[2]],
        }
    }

    fn matrix_table(
        self,
        id: &'static str,
        categories: &[CategoryName],
        rows: Vec<Vec<Cell>>,
        sum: MatrixCounts,
    ) -> Table {
        let heads = [
            Head::Words("ente"),
            Head::Figures("total"),
            Head::Figures("of-which-payments"),
            Head::Figures("of-which-bookings"),
        ];
        let mut table = self.table(id, &heads, rows);
        table.columns.splice(1..1, self.headings(categories));
        table.matrix = true;
        table.cut = Cut::Ranked(1 + categories.len());
        table.sums = vec![matrix_row(self.total(), sum)];
        table
    }

    /// Returns columns with short headings for categories. A short heading that is not unique is
    /// replaced by the code.
    fn headings(self, categories: &[CategoryName]) -> Vec<Column> {
        let names = categories.iter().map(|name| name.shown(self.language));
        let names: Vec<String> = names.collect();
        let short: Vec<String> = names.iter().map(|name| first_words(name)).collect();
        let heads = names.into_iter().zip(&short).zip(categories);
        heads
            .map(|((name, head), category)| {
                let alike = short.iter().filter(|other| *other == head);
                let code = harmless(&category.category);
                let column = Column::number(code.clone(), name.clone()).or(match alike.count() {
                    1 => head.clone(),
                    _ => code.clone(),
                });
                let kind = NameKind::Category;
                Column {
                    named: Some(CodedName { kind, code, name }),
                    ..column
                }
            })
            .collect()
    }
}

impl MatrixCounts {
    /// Sums rows of a table.
    fn sum(cross: &CrossTable, rows: &[&CrossRow]) -> Self {
        let codes = cross.categories.iter().map(|category| &category.category);
        let in_category = codes.map(|code| {
            let counts = rows.iter().filter_map(|row| row.by_category.get(code));
            Count::Shown(counts.sum())
        });
        let ends = [
            rows.iter().map(|row| row.total).sum(),
            rows.iter().map(|row| row.of_which_payments).sum(),
            rows.iter().map(|row| row.of_which_bookings).sum(),
        ];
        Self {
            by_category: in_category.collect(),
            ends: ends.map(Count::Shown),
        }
    }
}

fn matrix_row(name: Cell, counts: MatrixCounts) -> Vec<Cell> {
    let [all, payments, bookings] = counts.ends;
    let mut row = vec![name];
    row.extend(counts.by_category.into_iter().map(Count::sparse));
    row.extend([all.into(), payments.sparse(), bookings.sparse()]);
    row
}

#[cfg(test)]
mod tests {
    use super::super::SectionWriter;
    use super::*;
    use affluenza_words::Language;

    #[test]
    fn categories_of_the_same_first_word_keep_their_codes() {
        let name = |code: &str, name: &str| CategoryName {
            category: code.to_owned(),
            category_name_it: name.to_owned(),
            category_name_en: name.to_owned(),
            registered: true,
        };
        let names = [
            name("a", "Casa e terra"),
            name("b", "Casa, patrimonio"),
            name("c", "Sport"),
        ];
        let writer = SectionWriter {
            report: &crate::tests::report(),
            language: Language::IT,
            public: None,
        };
        let short: Vec<String> = writer
            .headings(&names)
            .into_iter()
            .map(|c| c.short)
            .collect();
        assert_eq!(short, ["a", "b", "Sport"]);
    }
}
