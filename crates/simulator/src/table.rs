//! Integer tables with given sums, close to given proportions.
//!
//! Iterative proportional fitting finds the real-valued table with those sums. A maximum flow then
//! rounds it so that every sum is exact, which rounding each cell separately cannot achieve.

use std::collections::VecDeque;

/// Rounds of proportional fitting. They suffice for tables of a few dozen rows; the flow makes the
/// rest exact.
const FITTING_ROUNDS: usize = 300;

/// A table by row and column.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct FigureGrid<T> {
    rows: usize,
    columns: usize,
    cells: Vec<T>,
}

impl<T: Copy + Default> FigureGrid<T> {
    pub(crate) fn new(rows: usize, columns: usize) -> Self {
        Self {
            rows,
            columns,
            cells: vec![T::default(); rows * columns],
        }
    }

    pub(crate) fn at(&self, row: usize, column: usize) -> T {
        self.cells[row * self.columns + column]
    }

    pub(crate) fn at_mut(&mut self, row: usize, column: usize) -> &mut T {
        &mut self.cells[row * self.columns + column]
    }

    pub(crate) fn row(&self, row: usize) -> &[T] {
        &self.cells[row * self.columns..(row + 1) * self.columns]
    }

    pub(crate) fn column(&self, column: usize) -> impl Iterator<Item = T> {
        (0..self.rows).map(move |row| self.at(row, column))
    }
}

/// Required sum of a column.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum ColumnSum {
    /// Exactly this sum.
    Exactly(u64),
    /// This sum, if the rows allow.
    Preferably(u64),
    /// Any sum.
    Free,
}

impl ColumnSum {
    fn wanted(self) -> Option<u64> {
        match self {
            Self::Exactly(sum) | Self::Preferably(sum) => Some(sum),
            Self::Free => None,
        }
    }
}

/// Fills a table with the row sums `rows` and the column sums `columns`, close to the proportions
/// of `prior`. Cells without a proportion stay empty. The error is the first row that does not fit.
pub(crate) fn fill(
    prior: &FigureGrid<f64>,
    rows: &[u64],
    columns: &[ColumnSum],
) -> Result<FigureGrid<u64>, usize> {
    let fitted = fit(prior, rows, columns);
    let mut flow = Flow::start(prior, &fitted, rows, columns);
    // First as close to the fitted table as integers allow, columns with a sum first. An augmenting
    // path never reduces the sum of a column.
    flow.limit = Limit::RoundedUp;
    flow.augment(&|column| columns[column].wanted().unwrap_or(0));
    flow.augment(&|column| {
        let wanted = columns[column].wanted();
        wanted.unwrap_or_else(|| fitted.column(column).sum::<f64>().ceil() as u64)
    });
    // Then in any allowed cell.
    flow.limit = Limit::None;
    flow.augment(&|column| columns[column].wanted().unwrap_or(0));
    flow.augment(&|column| columns[column].wanted().unwrap_or(u64::MAX));
    flow.augment(&|column| match columns[column] {
        ColumnSum::Exactly(sum) => sum,
        ColumnSum::Preferably(_) | ColumnSum::Free => u64::MAX,
    });
    match flow.left.iter().position(|left| *left > 0) {
        Some(row) => Err(row),
        None => Ok(flow.cells),
    }
}

/// Iterative proportional fitting, rows last.
fn fit(prior: &FigureGrid<f64>, rows: &[u64], columns: &[ColumnSum]) -> FigureGrid<f64> {
    let mut table = prior.clone();
    for _ in 0..FITTING_ROUNDS {
        for (column, sum) in columns.iter().enumerate() {
            let found: f64 = table.column(column).sum();
            if let Some(wanted) = sum.wanted()
                && found > 0.0
            {
                let factor = wanted as f64 / found;
                for row in 0..rows.len() {
                    *table.at_mut(row, column) *= factor;
                }
            }
        }
        let mut moved: f64 = 0.0;
        for (row, wanted) in rows.iter().enumerate() {
            let found: f64 = table.row(row).iter().sum();
            if found > 0.0 {
                let factor = *wanted as f64 / found;
                moved = moved.max((factor - 1.0).abs());
                for column in 0..columns.len() {
                    *table.at_mut(row, column) *= factor;
                }
            }
        }
        if moved < 1e-12 {
            break;
        }
    }
    table
}

/// Upper limit of a cell.
#[derive(Clone, Copy)]
enum Limit {
    RoundedUp,
    None,
}

/// A flow from rows through cells to columns.
struct Flow<'f> {
    allowed: &'f FigureGrid<f64>,
    fitted: &'f FigureGrid<f64>,
    limit: Limit,
    cells: FigureGrid<u64>,
    /// Amount that each row has left to place.
    left: Vec<u64>,
    /// Current sum of each column.
    got: Vec<u64>,
}

impl<'f> Flow<'f> {
    /// Starts with the fitted table rounded down, limited so that no sum is exceeded.
    fn start(
        allowed: &'f FigureGrid<f64>,
        fitted: &'f FigureGrid<f64>,
        rows: &[u64],
        columns: &[ColumnSum],
    ) -> Self {
        let mut cells = FigureGrid::new(rows.len(), columns.len());
        let mut left = rows.to_vec();
        let mut got = vec![0; columns.len()];
        for (column, sum) in columns.iter().enumerate() {
            let mut room = sum.wanted().unwrap_or(u64::MAX);
            for (row, left) in left.iter_mut().enumerate() {
                let share = fitted.at(row, column).floor() as u64;
                let share = share.min(room).min(*left);
                *cells.at_mut(row, column) = share;
                room -= share;
                *left -= share;
                got[column] += share;
            }
        }
        Self {
            allowed,
            fitted,
            limit: Limit::RoundedUp,
            cells,
            left,
            got,
        }
    }

    fn room(&self, row: usize, column: usize) -> u64 {
        if self.allowed.at(row, column) <= 0.0 {
            return 0;
        }
        let most = match self.limit {
            Limit::None => u64::MAX,
            Limit::RoundedUp => self.fitted.at(row, column).ceil() as u64,
        };
        most.saturating_sub(self.cells.at(row, column))
    }

    /// Sends as much flow as possible from rows to columns below their `wanted` sum, along shortest
    /// paths. Placed amounts are moved if that makes room.
    fn augment(&mut self, wanted: &dyn Fn(usize) -> u64) {
        while let Some(path) = self.path(wanted) {
            let Some(((first, _), (_, last))) = path.first().zip(path.last()) else {
                return;
            };
            let mut amount = self.left[*first].min(wanted(*last) - self.got[*last]);
            for (step, (row, column)) in path.iter().enumerate() {
                amount = amount.min(self.room(*row, *column));
                if let Some((next, _)) = path.get(step + 1) {
                    amount = amount.min(self.cells.at(*next, *column));
                }
            }
            self.left[*first] -= amount;
            self.got[*last] += amount;
            for (step, (row, column)) in path.iter().enumerate() {
                *self.cells.at_mut(*row, *column) += amount;
                if let Some((next, _)) = path.get(step + 1) {
                    *self.cells.at_mut(*next, *column) -= amount;
                }
            }
        }
    }

    /// Finds a shortest augmenting path, as the cells to increase. Between two of them, the row of
    /// the second cell takes back its amount from the column of the first.
    fn path(&self, wanted: &dyn Fn(usize) -> u64) -> Option<Vec<(usize, usize)>> {
        let (rows, columns) = (self.left.len(), self.got.len());
        // Predecessor row of each column, and predecessor column of each row.
        let mut from_row: Vec<Option<usize>> = vec![None; columns];
        let mut from_column: Vec<Option<usize>> = vec![None; rows];
        let mut seen: Vec<bool> = self.left.iter().map(|left| *left > 0).collect();
        let mut queue: VecDeque<usize> = (0..rows).filter(|row| seen[*row]).collect();
        while let Some(row) = queue.pop_front() {
            for column in 0..columns {
                if from_row[column].is_some() || self.room(row, column) == 0 {
                    continue;
                }
                from_row[column] = Some(row);
                if self.got[column] < wanted(column) {
                    return Some(trace(column, &from_row, &from_column));
                }
                for other in 0..rows {
                    if !seen[other] && self.cells.at(other, column) > 0 {
                        seen[other] = true;
                        from_column[other] = Some(column);
                        queue.push_back(other);
                    }
                }
            }
        }
        None
    }
}

fn trace(
    last: usize,
    from_row: &[Option<usize>],
    from_column: &[Option<usize>],
) -> Vec<(usize, usize)> {
    let mut path = Vec::new();
    let mut column = Some(last);
    while let Some((at, row)) = column.and_then(|at| Some((at, from_row[at]?))) {
        path.push((row, at));
        column = from_column[row];
    }
    path.reverse();
    path
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn grid(rows: &[&[f64]]) -> FigureGrid<f64> {
        FigureGrid {
            rows: rows.len(),
            columns: rows[0].len(),
            cells: rows.concat(),
        }
    }

    #[test]
    fn both_sums_are_exact() {
        use ColumnSum::Exactly;
        let prior = grid(&[&[1.0, 1.0, 1.0], &[1.0, 1.0, 1.0]]);
        let table = fill(&prior, &[5, 5], &[Exactly(3), Exactly(3), Exactly(4)]).unwrap();
        for (column, sum) in [3, 3, 4].into_iter().enumerate() {
            assert_eq!(table.column(column).sum::<u64>(), sum);
        }
        assert_eq!(table.row(0).iter().sum::<u64>(), 5);
    }

    #[test]
    fn forbidden_cells_stay_empty_and_what_does_not_fit_is_named() {
        use ColumnSum::{Exactly, Free, Preferably};
        let prior = grid(&[&[1.0, 0.0], &[1.0, 1.0]]);
        let table = fill(&prior, &[4, 6], &[Exactly(7), Exactly(3)]).unwrap();
        assert_eq!(table.cells, [4, 0, 3, 3]);
        assert_eq!(fill(&prior, &[4, 6], &[Exactly(3), Exactly(7)]), Err(0));
        // A preferred sum yields to the rows.
        let table = fill(&prior, &[4, 6], &[Preferably(3), Free]).unwrap();
        assert_eq!(table.cells, [4, 0, 0, 6]);
        let table = fill(&prior, &[4, 6], &[Preferably(9), Free]).unwrap();
        assert_eq!(table.cells, [4, 0, 5, 1]);
    }

    proptest! {
        /// Any table is feasible again from its sums and its non-empty cells.
        #[test]
        fn feasible_tables_are_found(
            (rows, columns) in (1usize..6, 1usize..6),
            cells in proptest::collection::vec(0u64..50, 36),
            weights in proptest::collection::vec(0.001f64..1.0, 36),
        ) {
            let mut truth = FigureGrid::new(rows, columns);
            let mut prior = FigureGrid::new(rows, columns);
            for row in 0..rows {
                for column in 0..columns {
                    let at = row * columns + column;
                    // A third of the cells is forbidden.
                    let count = if cells[at] < 17 { 0 } else { cells[at] };
                    *truth.at_mut(row, column) = count;
                    *prior.at_mut(row, column) = if count > 0 { weights[at] } else { 0.0 };
                }
            }
            let row_sums: Vec<u64> = (0..rows).map(|row| truth.row(row).iter().sum()).collect();
            let sums: Vec<u64> = (0..columns).map(|column| truth.column(column).sum()).collect();
            let wanted: Vec<_> = sums.iter().map(|sum| ColumnSum::Exactly(*sum)).collect();
            let table = fill(&prior, &row_sums, &wanted).unwrap();
            for (row, sum) in row_sums.iter().enumerate() {
                prop_assert_eq!(table.row(row).iter().sum::<u64>(), *sum);
            }
            for (column, sum) in sums.iter().enumerate() {
                prop_assert_eq!(table.column(column).sum::<u64>(), *sum);
                for row in 0..rows {
                    prop_assert!(prior.at(row, column) > 0.0 || table.at(row, column) == 0);
                }
            }
        }
    }
}
