//! Shortens a document of many enti for print.
//!
//! A short document is computed from the cells of the whole one, which the workbook shows. So it
//! reveals nothing more, and a sum over a hidden cell is hidden.

use std::borrow::Cow;

use affluenza_words::Language;

use super::{Block, Cell, Column, Document, Table};

/// Largest number of enti in a document that print shows whole.
pub(crate) const ENTI_MAX: usize = 50;
/// Largest number of rows of a table, of either end of a ranking, and of notes.
const ROWS_MAX: usize = 100;
const LARGEST: usize = 20;
const SMALLEST: usize = 10;
const NOTES_MAX: usize = 50;
/// Largest number of categories in a matrix. Total, payments and bookings follow them.
const CATEGORIES_MAX: usize = 24;
const MATRIX_ENDS: usize = 3;

/// Rows of a table that print shows if the document has many enti.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Cut {
    /// The first rows.
    #[default]
    First,
    /// The largest and the smallest by the figures of this column, and the sum of the others.
    Ranked(usize),
}

impl Document {
    /// Returns the document for print: the short report of one ente, and otherwise the whole
    /// document, shortened if it has many enti.
    pub(crate) fn printed(&self) -> Cow<'_, Self> {
        if !self.brief.is_empty() {
            let mut short = self.clone();
            short.sections = std::mem::take(&mut short.brief);
            return Cow::Owned(short);
        }
        if self.enti <= ENTI_MAX {
            return Cow::Borrowed(self);
        }
        let mut short = self.clone();
        let sections = short.sections.iter_mut();
        for block in sections.flat_map(|section| &mut section.blocks) {
            match block {
                Block::Table(table) => shorten(table, self.language),
                Block::Notes(notes) if notes.len() > NOTES_MAX => {
                    let more = notes.len() - NOTES_MAX;
                    notes.truncate(NOTES_MAX);
                    notes.push(self.language.say("cut-notes", &[("count", more.into())]));
                }
                _ => {}
            }
        }
        Cow::Owned(short)
    }
}

fn shorten(table: &mut Table, language: Language) {
    if table.matrix && table.columns.len() > 1 + CATEGORIES_MAX + MATRIX_ENDS {
        fold_columns(table, language);
    }
    let rows = table.rows.len();
    let ranked = match table.cut {
        Cut::First if rows > ROWS_MAX => {
            table.rows.truncate(ROWS_MAX);
            let words = [
                ("caption", table.caption.as_str().into()),
                ("shown", ROWS_MAX.into()),
                ("rows", rows.into()),
            ];
            table.caption = language.say("cut-first", &words);
            return;
        }
        Cut::Ranked(column) if rows > ENTI_MAX => column,
        _ => return,
    };
    // Hidden figures have no rank, so that the order does not reveal them.
    let (mut shown, mut others): (Vec<Vec<Cell>>, Vec<Vec<Cell>>) = std::mem::take(&mut table.rows)
        .into_iter()
        .partition(|row| {
            let number = row[ranked].number();
            number.is_some_and(|number| number != 0.0)
        });
    shown.sort_by(|a, b| {
        let [a, b] = [a, b].map(|row| row[ranked].number().unwrap_or_default());
        b.total_cmp(&a)
    });
    if shown.len() > LARGEST + SMALLEST {
        let middle = LARGEST..shown.len() - SMALLEST;
        others.extend(shown.drain(middle));
    }
    let words = [("rows", others.len().into())];
    let name = Cell::Text(language.say("cut-others", &words));
    let sums = (1..table.columns.len()).map(|place| sum(others.iter().map(|row| &row[place])));
    table.rows = shown;
    table.rows.push(std::iter::once(name).chain(sums).collect());
    let words = [
        ("caption", table.caption.as_str().into()),
        ("column", table.columns[ranked].head.as_str().into()),
        ("largest", LARGEST.into()),
        ("smallest", SMALLEST.into()),
        ("rows", rows.into()),
    ];
    table.caption = language.say("cut-ranked", &words);
}

/// Sums the last categories of a matrix in one column.
fn fold_columns(table: &mut Table, language: Language) {
    let folded = 1 + CATEGORIES_MAX..table.columns.len() - MATRIX_ENDS;
    let words = [("categories", folded.len().into())];
    let column = Column::number("other-categories", language.say("cut-categories", &words));
    table.columns.splice(folded.clone(), [column]);
    for row in table.rows.iter_mut().chain(&mut table.sums) {
        let others = sum(row[folded.clone()].iter());
        row.splice(folded.clone(), [others]);
    }
    if let Cut::Ranked(ranked) = &mut table.cut {
        *ranked -= folded.len() - 1;
    }
}

/// Sums cells: hidden if any is hidden, and empty if not all are counts of one form.
fn sum<'c>(cells: impl Iterator<Item = &'c Cell>) -> Cell {
    let summed = cells.fold(None, |sum, cell| {
        Some(match (sum, cell) {
            (Some(Cell::Suppressed), _) | (_, Cell::Suppressed) => Cell::Suppressed,
            (None, Cell::Count(_) | Cell::Sparse(_) | Cell::Difference(_)) => cell.clone(),
            (Some(Cell::Count(sum)), Cell::Count(count)) => Cell::Count(sum + count),
            (Some(Cell::Sparse(sum)), Cell::Sparse(count)) => Cell::Sparse(sum + count),
            (Some(Cell::Difference(sum)), Cell::Difference(more)) => Cell::Difference(sum + more),
            _ => Cell::Empty,
        })
    });
    summed.unwrap_or(Cell::Empty)
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use affluenza_classify::hours::Zone;
    use affluenza_register::Register;
    use affluenza_store::figures::{Counted, UsageCell, YearFigures};

    use super::*;
    use crate::document::Charted;
    use crate::fixture::{cell, tried};
    use crate::print::{Separators, csv, html, pages, xlsx};
    use crate::{Report, ReportPeriod, ReportRequest};

    const CATEGORIES: usize = 12;
    /// Largest number of pages of any report.
    const PAGES_MAX: usize = 60;

    fn register(enti: usize) -> Register {
        let mut text = String::from("category = [\n");
        for n in 0..CATEGORIES {
            let _ = writeln!(
                text,
                "{{ code = \"cat{n}\", name_it = \"C{n}\", name_en = \"C{n}\" }},"
            );
        }
        text += "]\nente = [\n";
        for n in 0..2 * enti {
            let _ = writeln!(
                text,
                "{{ code = \"e{n}\", name = \"Comune {n:05}\", kind = \"comune\" }},"
            );
        }
        text += "]\nservice = [\n";
        for n in 0..CATEGORIES {
            let _ = writeln!(
                text,
                "{{ code = \"s{n}\", name_it = \"S{n}\", name_en = \"S{n}\", category = \"cat{n}\" }},"
            );
        }
        text += "]\n";
        for n in 0..enti {
            let _ = writeln!(text, "[deployments.e{n}]\ns{} = {{}}", n % CATEGORIES);
        }
        Register::parse(&text).unwrap()
    }

    /// Every ente has uses in every category, the more the higher its number.
    fn figures(enti: usize, factor: u64) -> YearFigures {
        let mut figures = YearFigures::default();
        for ente in 0..enti {
            for category in 0..CATEGORIES {
                let uses = (ente as u64 + 1) * factor;
                let (ente, category) = (format!("e{ente}"), format!("cat{category}"));
                let service = category.replace("cat", "s");
                let of = [&*category, "plain"];
                let used = tried(&ente, &service, of, [uses, 0, 0], "2017-12-30");
                figures.detail.services.push(used);
                let uses: UsageCell = cell(&ente, &category, "plain", uses);
                figures.usage.push(uses);
            }
        }
        figures
    }

    fn document(enti: usize, language: Language) -> Document {
        let (register, now, before) = (register(enti), figures(enti, 3), figures(enti, 2));
        let question = ReportRequest {
            period: ReportPeriod::of_year(2017),
            counted: Counted::People,
            ente: None,
            register: &register,
            zones: &[Zone::default()],
        };
        let report = Report::build(&question, &now, Some((2016, &before)));
        Document::new(&report, language)
    }

    fn tables(document: &Document) -> impl Iterator<Item = &Table> {
        let blocks = document.sections.iter().flat_map(|section| &section.blocks);
        blocks.filter_map(|block| match block {
            Block::Table(table) => Some(table),
            _ => None,
        })
    }

    #[test]
    fn any_number_of_enti_fits_sixty_pages() {
        for (enti, language) in [
            (51, Language::IT),
            (300, Language::EN),
            (8_000, Language::IT),
        ] {
            let document = document(enti, language);
            let pages = pages(&document);
            assert!((1..=PAGES_MAX).contains(&pages), "{enti}: {pages}");
            assert!(html(&document).unwrap().len() < 400_000);
            assert!(document.to_text(120).lines().count() < 2_000);
        }
    }

    #[test]
    fn workbook_and_csv_have_every_ente() {
        let document = document(300, Language::IT);
        let rows = csv(&document, Separators::Comma).unwrap();
        for ente in 0..300 {
            assert!(rows.contains(&format!("Comune {ente:05}")), "{ente}");
        }
        xlsx(&document).unwrap();
    }

    #[test]
    fn rows_of_a_short_table_add_up_to_its_sums() {
        let document = document(300, Language::EN);
        let short = document.printed();
        let mut ranked = 0;
        for table in tables(&short).filter(|table| table.cut != Cut::First) {
            for (place, total) in table.sums.iter().flat_map(|row| row.iter().enumerate()) {
                let Some(total) = total.number() else {
                    continue;
                };
                let rows = table.rows.iter().filter_map(|row| row[place].number());
                assert!(
                    (rows.sum::<f64>() - total).abs() < 0.5,
                    "{} {place}",
                    table.id
                );
                ranked += 1;
            }
            assert!(table.rows.len() <= ENTI_MAX, "{}", table.id);
        }
        assert!(ranked > CATEGORIES);
    }

    #[test]
    fn fifty_enti_are_printed_whole() {
        let document = document(ENTI_MAX / 2, Language::EN);
        assert!(matches!(document.printed(), Cow::Borrowed(_)));
        assert!(tables(&document).all(|table| table.id != "ente-changes"));
    }

    #[test]
    fn a_sum_over_a_hidden_count_is_hidden() {
        let [count, hidden] = [Cell::Count(3), Cell::Suppressed];
        for (cells, summed) in [
            (vec![count.clone(), count.clone()], Cell::Count(6)),
            (vec![count.clone(), hidden.clone()], Cell::Suppressed),
            (vec![hidden.clone(), count.clone()], Cell::Suppressed),
            (
                vec![Cell::Unavailable, hidden, count.clone()],
                Cell::Suppressed,
            ),
            (vec![count.clone(), Cell::Unavailable, count], Cell::Empty),
            (
                vec![Cell::Difference(3), Cell::Difference(-5)],
                Cell::Difference(-2),
            ),
            (vec![Cell::Share(3.0), Cell::Share(5.0)], Cell::Empty),
        ] {
            assert_eq!(sum(cells.iter()), summed);
        }
    }

    #[test]
    fn a_hidden_count_has_no_rank_and_categories_are_folded() {
        let width = CATEGORIES_MAX + 5;
        let mut rows = Vec::new();
        for ente in 0..60_u64 {
            let mut row = vec![Cell::Text(format!("{ente}"))];
            row.extend((0..width).map(|_| Cell::Sparse(ente)));
            let total = if ente == 59 {
                Cell::Suppressed
            } else {
                Cell::Count(ente)
            };
            row.extend([total, Cell::Sparse(0), Cell::Sparse(0)]);
            rows.push(row);
        }
        let mut table = Table {
            id: "usage".into(),
            caption: String::new(),
            columns: vec![Column::number("n", "n"); width + 4],
            rows,
            sums: Vec::new(),
            matrix: true,
            charted: Charted::Never,
            cut: Cut::Ranked(width + 1),
        };
        shorten(&mut table, Language::EN);
        assert_eq!(table.columns.len(), CATEGORIES_MAX + 5);
        assert_eq!(table.rows[0][0], Cell::Text("58".into()));
        assert_eq!(table.rows[0][CATEGORIES_MAX + 1], Cell::Sparse(58 * 5));
        let others = table.rows.last().unwrap();
        assert_eq!(table.rows.len(), LARGEST + SMALLEST + 1);
        assert_eq!(others[0], Cell::Text("Other rows (30)".into()));
        assert_eq!(others[CATEGORIES_MAX + 2], Cell::Suppressed);
    }
}
