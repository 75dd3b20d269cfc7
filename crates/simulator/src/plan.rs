//! Annual plan: the figures, broken down to uses by ente, service and kind.

mod base;
mod offers;
mod services;

use std::ops::Range;

use affluenza_event::Kind;
use affluenza_register::Register;

use crate::apportion::apportion_whole;
use crate::error::SimulationError;
use crate::figures::TargetFigures;

/// Uses of one service at one ente, of one kind.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct PlanCell {
    /// Index of the ente in the register.
    pub ente: usize,
    /// Index of the service in the register.
    pub service: usize,
    pub kind: Kind,
    pub uses: u64,
    /// Days of the year with uses, as sorted ranges; never empty.
    pub days: Vec<Range<u16>>,
}

/// Computes the uses of the year of `figures`. The result depends on neither seed nor scale, so all
/// streams of a year agree, and years agree about changes between them.
pub(crate) fn cells(
    figures: &TargetFigures,
    register: &Register,
) -> Result<Vec<PlanCell>, SimulationError> {
    let mut cells = Vec::new();
    for category in 0..register.categories().len() {
        services::cells_of(figures, register, category, &mut cells)?;
    }
    // The order must not depend on the order of the files.
    cells.sort_by_key(|cell| (cell.ente, cell.service, cell.kind));
    Ok(cells)
}

/// Multiplies the uses; their sum is the rounded multiple of the old sum.
pub(crate) fn scale(cells: &mut Vec<PlanCell>, factor: f64) {
    let uses: Vec<u64> = cells.iter().map(|cell| cell.uses).collect();
    let total = times(uses.iter().sum(), factor);
    for (cell, scaled) in cells.iter_mut().zip(apportion_whole(total, &uses)) {
        cell.uses = scaled;
    }
    cells.retain(|cell| cell.uses > 0);
}

/// Returns `count` times `factor`, rounded to the nearest whole number, halves up.
pub(crate) fn times(count: u64, factor: f64) -> u64 {
    (count as f64 * factor + 0.5).floor() as u64
}
