//! A table on its sheet: columns for codes, totals as formulas, and the charts of its cells.

use affluenza_words::Language;

use super::{
    BookCell, BookChart, BookSheet, BookValue, CellRole, TableRange, WIDTH_MAX, WIDTH_MIN,
};
use crate::document::{Cell, Chart, ChartKind, Table};

/// A column of a sheet: one of the table, or the codes of its names.
#[derive(Clone, Copy)]
enum SheetColumn {
    Cells(usize),
    Codes(usize),
}

/// A table with columns for the codes of its names.
pub(super) struct Coded<'t> {
    table: &'t Table,
    columns: Vec<SheetColumn>,
    heads: Vec<String>,
}

impl<'t> Coded<'t> {
    pub fn new(table: &'t Table, language: Language) -> Self {
        let (mut columns, mut heads) = (Vec::new(), Vec::new());
        for (place, column) in table.columns.iter().enumerate() {
            columns.push(SheetColumn::Cells(place));
            heads.push(match &*column.head {
                // The other forms show ranks without a heading.
                "" => language.say("book-rank", &[]),
                head => head.to_owned(),
            });
            let mut names = table.rows.iter().filter_map(|row| match &row[place] {
                Cell::Named(named) => Some(named.kind),
                _ => None,
            });
            if let Some(kind) = names.next() {
                columns.push(SheetColumn::Codes(place));
                let kind: &str = kind.into();
                heads.push(language.say(&format!("code-{kind}"), &[]));
            }
        }
        Self {
            table,
            columns,
            heads,
        }
    }

    fn cell(row: &[Cell], column: SheetColumn, role: CellRole, language: Language) -> BookCell {
        match column {
            SheetColumn::Cells(place) => BookCell::of(&row[place], role, language),
            SheetColumn::Codes(place) => match &row[place] {
                Cell::Named(named) => BookCell::text(&named.code, role),
                _ => BookCell::new(BookValue::Empty, role),
            },
        }
    }

    fn is_text(&self, column: SheetColumn) -> bool {
        match column {
            SheetColumn::Cells(place) => self.table.columns[place].text,
            SheetColumn::Codes(..) => true,
        }
    }

    pub fn widths(&self, language: Language) -> Vec<usize> {
        let columns = self.columns.iter().zip(&self.heads);
        let widths = columns.map(|(column, head)| {
            let rows = self.table.rows.iter().chain(&self.table.sums);
            let texts = rows.map(|row| match *column {
                SheetColumn::Cells(place) => row[place].show(language).chars().count(),
                SheetColumn::Codes(place) => match &row[place] {
                    Cell::Named(named) => named.code.chars().count(),
                    _ => 0,
                },
            });
            let words = head.split([' ', '\n']).map(|word| word.chars().count() + 3);
            let widest = texts.max().unwrap_or(0).max(words.max().unwrap_or(0));
            (widest + 2).clamp(WIDTH_MIN, WIDTH_MAX)
        });
        widths.collect()
    }

    /// Adds caption, headings, rows and totals to a sheet.
    pub fn push(&self, sheet: &mut BookSheet, language: Language) {
        sheet.push_text(&self.table.caption, CellRole::Caption);
        let head = sheet.rows.len();
        let heads = self.columns.iter().zip(&self.heads);
        let heads = heads.map(|(column, head)| BookCell {
            right: !self.is_text(*column),
            ..BookCell::text(&head.replace('\n', " "), CellRole::Head)
        });
        sheet.push(heads.collect());
        for row in &self.table.rows {
            let cells = self.columns.iter();
            let cells = cells.map(|column| Self::cell(row, *column, CellRole::Body, language));
            sheet.push(cells.collect());
        }
        let last = sheet.rows.len() - 1;
        for row in &self.table.sums {
            let cells = self.columns.iter().map(|column| {
                let cell = Self::cell(row, *column, CellRole::Total, language);
                match *column {
                    SheetColumn::Cells(place) => self.summed(cell, place, [head + 1, last]),
                    SheetColumn::Codes(..) => cell,
                }
            });
            sheet.push(cells.collect());
        }
        sheet.range = Some(TableRange {
            head,
            last,
            columns: self.columns.len(),
        });
    }

    /// Replaces a total by a formula, if it is the sum of the cells above it.
    fn summed(&self, cell: BookCell, place: usize, rows: [usize; 2]) -> BookCell {
        let BookValue::Number(total, form) = &cell.value else {
            return cell;
        };
        let cells = self.table.rows.iter().map(|row| &row[place]);
        let counts = cells.map(|cell| match cell {
            Cell::Count(count) | Cell::Sparse(count) => Some(*count as f64),
            Cell::Difference(count) => Some(*count as f64),
            Cell::Empty => Some(0.0),
            _ => None,
        });
        match counts.sum::<Option<f64>>() {
            Some(sum) if sum == *total && !form.is_percent => BookCell {
                value: BookValue::Sum(rows, *total, form.clone()),
                ..cell
            },
            _ => cell,
        }
    }

    /// Returns a chart whose values are columns of the table; `None` for any other chart.
    pub fn chart(&self, chart: &Chart) -> Option<BookChart> {
        let rows = &self.table.rows;
        let is_labelled = chart.labels.len() == rows.len()
            && rows
                .iter()
                .zip(&chart.labels)
                .all(|(row, label)| row[0].text() == Some(label));
        if !is_labelled {
            return None;
        }
        let series = chart.series.iter().map(|series| {
            let column = self.columns.iter().position(|column| match *column {
                SheetColumn::Cells(place) => rows
                    .iter()
                    .zip(&series.values)
                    .all(|(row, value)| row[place].number() == value.shown()),
                SheetColumn::Codes(..) => false,
            });
            Some((series.name.clone(), column?))
        });
        let mut values = chart.series.iter().flat_map(|series| &series.values);
        let kind = match chart.kind {
            // A line would fall to zero at a cell with a text.
            ChartKind::Lines if values.any(|value| value.shown().is_none()) => ChartKind::Columns,
            kind => kind,
        };
        // Title, caption and headings are above the rows.
        let first = 3;
        Some(BookChart {
            kind,
            title: chart.title.clone(),
            description: chart.description.clone(),
            rows: [first, first + rows.len() - 1],
            series: series.collect::<Option<_>>()?,
            is_percent: chart.percent,
        })
    }
}
