//! Tables of enti by category.

use std::collections::BTreeMap;

use super::{Block, Cell, Column, Section, Table, Writer, section, table};
use crate::tables::{CategoryName, CrossRow, CrossTable, EnteName};
use crate::text::{first_words, harmless};

impl Writer<'_> {
    /// Writes service uses by ente and category.
    pub(super) fn usage(self) -> Section {
        let title = self.say("Usi per ente e categoria", "Uses by ente and category");
        let caption = self.say(
            "Usi per ente e categoria (numero di usi)",
            "Uses by ente and category (number of uses)",
        );
        let without = self.say("Enti senza usi:", "Enti without uses:");
        let blocks = self.matrix("usage", caption, &self.report.usage, &without);
        section("usage", title, blocks)
    }

    /// Writes services offered by ente and category.
    pub(super) fn offered(self) -> Section {
        let day = self.language.date(self.report.offered_on);
        let title = self.say(
            &format!("Servizi offerti al {day}"),
            &format!("Services offered on {day}"),
        );
        let caption = self.say(
            &format!("Servizi offerti al {day} (numero di servizi)"),
            &format!("Services offered on {day} (number of services)"),
        );
        let without = self.say("Enti senza servizi:", "Enti without services:");
        let blocks = self.matrix("offered", caption, &self.report.offered, &without);
        section("offered", title, blocks)
    }

    fn matrix(
        self,
        id: &'static str,
        caption: String,
        cross: &CrossTable,
        without: &str,
    ) -> Vec<Block> {
        let mut blocks = Vec::new();
        if cross.total > 0 {
            blocks.push(self.cross(id, caption, cross).into());
        }
        if !cross.enti_without.is_empty() {
            let name = |ente: &EnteName| harmless(&ente.ente_name);
            let names: Vec<String> = cross.enti_without.iter().map(name).collect();
            blocks.push(Block::Text(format!("{without} {}.", names.join(", "))));
        }
        blocks
    }

    fn cross(self, id: &'static str, caption: String, cross: &CrossTable) -> Table {
        let mut columns = vec![Column::text(self.say("Ente", "Ente"))];
        columns.extend(self.headings(&cross.categories));
        columns.push(Column::number(self.total()));
        columns.extend(self.part_columns());
        let cells = |name: String,
                     counts: &BTreeMap<String, u64>,
                     [total, payments, bookings]: [u64; 3]| {
            let codes = cross.categories.iter().map(|category| &category.category);
            let counts = codes.map(|code| Cell::Sparse(counts.get(code).copied().unwrap_or(0)));
            let mut row = vec![Cell::Text(name)];
            row.extend(counts);
            row.extend([
                Cell::Count(total),
                Cell::Sparse(payments),
                Cell::Sparse(bookings),
            ]);
            row
        };
        let known = cross.enti.iter().filter(|row| row.name.registered);
        let mut rows: Vec<Vec<Cell>> = known
            .map(|row| cells(harmless(&row.name.ente_name), &row.by_category, sums(row)))
            .collect();
        // Anyone can send events under an unknown code, so print shows only the number of unknown
        // enti. JSON lists them.
        let strangers: Vec<_> = cross
            .enti
            .iter()
            .filter(|row| !row.name.registered)
            .collect();
        if !strangers.is_empty() {
            let mut counts: BTreeMap<String, u64> = BTreeMap::new();
            let mut all = [0; 3];
            for row in &strangers {
                for (category, count) in &row.by_category {
                    *counts.entry(category.clone()).or_default() += count;
                }
                for (sum, count) in all.iter_mut().zip(sums(row)) {
                    *sum += count;
                }
            }
            let name = self.say("Enti non registrati", "Unregistered enti");
            rows.push(cells(format!("{name} ({})", strangers.len()), &counts, all));
        }
        let all = [
            cross.total,
            cross.of_which_payments,
            cross.of_which_bookings,
        ];
        let mut table = table(id, caption, columns, rows);
        table.matrix = true;
        table.sums = vec![cells(self.total(), &cross.by_category, all)];
        table
    }

    /// Returns the columns of payments and bookings, which are parts of a total.
    pub(super) fn part_columns(self) -> [Column; 2] {
        let payments = Column::number(self.say("di cui pagamenti", "of which payments"));
        let bookings = Column::number(self.say("di cui prenotazioni", "of which bookings"));
        [
            payments.or(self.say("di cui\npagam.", "of which\npaym.")),
            bookings.or(self.say("di cui\nprenot.", "of which\nbook.")),
        ]
    }

    /// Returns columns with short headings for categories. A short heading that is not unique is
    /// replaced by the code.
    pub(super) fn headings(self, categories: &[CategoryName]) -> Vec<Column> {
        let names: Vec<String> = categories.iter().map(|name| self.category(name)).collect();
        let short: Vec<String> = names.iter().map(|name| first_words(name)).collect();
        let alone = |head: &String| short.iter().filter(|other| *other == head).count() == 1;
        let heads = names.into_iter().zip(&short).zip(categories);
        heads
            .map(|((name, head), category)| {
                Column::number(name).or(match alone(head) {
                    true => head.clone(),
                    false => harmless(&category.category),
                })
            })
            .collect()
    }
}

fn sums(row: &CrossRow) -> [u64; 3] {
    [row.total, row.of_which_payments, row.of_which_bookings]
}

#[cfg(test)]
mod tests {
    use super::super::Writer;
    use super::*;
    use crate::Language;

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
        let writer = Writer {
            report: &crate::tests::report(),
            language: Language::Italian,
        };
        let short: Vec<String> = writer
            .headings(&names)
            .into_iter()
            .map(|c| c.short)
            .collect();
        assert_eq!(short, ["a", "b", "Sport"]);
    }
}
