//! Every table of a small shape.

use super::K;
use crate::{CountTable, Draws, TableDimension, Threshold};

const NAMES: [&str; 3] = ["a", "b", "c"];

/// Most cells of a table, margins included.
pub const CELLS_MAX: usize = 12;
/// Mark of a hidden cell. Counts are far smaller.
pub const HIDDEN: u8 = u8::MAX;

/// Counts of a table with its margins, or a publication of them. Unused places hold 0.
pub type Cells = [u8; CELLS_MAX];

/// Shape of the tables, and the range that is searched.
#[derive(Clone, Copy)]
pub struct Shape {
    pub rows: usize,
    pub columns: usize,
    /// Largest count of an inner cell.
    pub most: u64,
    /// Largest sum.
    pub total: u64,
}

impl Shape {
    /// Returns the row and column of every cell; `None` stands for the total.
    pub fn cells(self) -> impl Iterator<Item = (Option<usize>, Option<usize>)> {
        let all = |most: usize| (0..most).map(Some).chain([None]);
        all(self.rows).flat_map(move |row| all(self.columns).map(move |column| (row, column)))
    }

    pub fn names(self) -> Vec<String> {
        let name = |at: Option<usize>| at.map_or("*", |at| NAMES[at]);
        self.cells()
            .map(|(row, column)| [row, column].map(name).join("|"))
            .collect()
    }

    /// Returns every table of the range with its margins.
    pub fn tables(self) -> Vec<Cells> {
        let mut tables = vec![Vec::new()];
        for _ in 0..self.rows * self.columns {
            let longer = |table: &Vec<u64>| -> Vec<Vec<u64>> {
                let left = self.total - table.iter().sum::<u64>();
                let next = 0..=self.most.min(left);
                next.map(|count| [&table[..], &[count]].concat()).collect()
            };
            tables = tables.iter().flat_map(longer).collect();
        }
        tables
            .iter()
            .map(|inner| self.with_margins(inner))
            .collect()
    }

    pub fn table(self, counts: &Cells) -> CountTable<2> {
        let mut table = CountTable::new(["row", "column"].map(TableDimension::flat));
        for (count, cell) in counts.iter().zip(self.cells()) {
            if let (Some(row), Some(column)) = cell {
                table.add([NAMES[row], NAMES[column]], u64::from(*count));
            }
        }
        table
    }

    pub fn published(self, counts: &Cells, draws: &dyn Draws) -> Cells {
        let public = self.table(counts).suppress(Threshold { k: K }, draws, &[]);
        let public = public.expect("it can be protected");
        let mut cells = [0; CELLS_MAX];
        for (cell, (row, column)) in cells.iter_mut().zip(self.cells()) {
            let shown = public.cell([row, column].map(|at| at.map(|at| NAMES[at])));
            let shown = shown
                .shown()
                .map(|count| u8::try_from(count).expect("a small sum"));
            *cell = shown.unwrap_or(HIDDEN);
        }
        cells
    }

    fn with_margins(self, inner: &[u64]) -> Cells {
        let mut cells = [0; CELLS_MAX];
        for (cell, (row, column)) in cells.iter_mut().zip(self.cells()) {
            let is_of = |at: &usize| {
                row.is_none_or(|row| at / self.columns == row)
                    && column.is_none_or(|column| at % self.columns == column)
            };
            let sum = (0..inner.len())
                .filter(is_of)
                .map(|at| inner[at])
                .sum::<u64>();
            *cell = u8::try_from(sum).expect("a small sum");
        }
        cells
    }
}
