//! One table of all sizes, with the exponents.

use std::fmt;

use crate::run::Value;

/// A measured figure of one size.
pub struct Figure {
    pub name: String,
    pub value: Value,
    /// True if the exponent of its growth is of interest.
    pub is_fitted: bool,
}

/// All figures of one size, in the same order for every size.
pub struct Column {
    pub enti: usize,
    /// Combinations of ente, service and kind with uses in the year.
    pub cells: f64,
    pub figures: Vec<Figure>,
}

/// Columns in the order of their sizes.
pub struct Table(pub Vec<Column>);

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "| |")?;
        for column in &self.0 {
            write!(f, " {} |", column.enti)?;
        }
        write!(f, " exponent |\n|---|")?;
        for _ in 0..=self.0.len() {
            write!(f, "---|")?;
        }
        write!(f, "\n| cells (ente, service and kind) with uses |")?;
        for column in &self.0 {
            write!(f, " {:.0} |", column.cells)?;
        }
        writeln!(f, " |")?;
        let rows = self.0.first().map_or(0, |column| column.figures.len());
        for row in 0..rows {
            let Figure {
                name, is_fitted, ..
            } = &self.0[0].figures[row];
            write!(f, "| {name} |")?;
            for column in &self.0 {
                write!(f, " {} |", column.figures[row].value)?;
            }
            match is_fitted.then(|| self.exponent(row)).flatten() {
                Some(exponent) => writeln!(f, " {exponent:.2} |")?,
                None => writeln!(f, " |")?,
            }
        }
        Ok(())
    }
}

impl Table {
    /// Slope of the logarithm of a row against that of the cells, by least squares; `None` with
    /// fewer than two measured sizes.
    fn exponent(&self, row: usize) -> Option<f64> {
        let points: Vec<(f64, f64)> = self
            .0
            .iter()
            .filter_map(|column| match column.figures[row].value {
                Value::Measured(value) => Some((column.cells.ln(), value.ln())),
                _ => None,
            })
            .collect();
        let count = points.len() as f64;
        let (x, y) = points
            .iter()
            .fold((0.0, 0.0), |(x, y), point| (x + point.0, y + point.1));
        let (x, y) = (x / count, y / count);
        let (mut above, mut below) = (0.0, 0.0);
        for point in &points {
            above += (point.0 - x) * (point.1 - y);
            below += (point.0 - x) * (point.0 - x);
        }
        (points.len() > 1 && below > 0.0).then(|| above / below)
    }
}
