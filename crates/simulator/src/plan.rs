//! Annual plan: the figures, broken down to uses by ente, service and kind.
//!
//! A year with a table by ente is planned first. Each of its rows is distributed over services in
//! `services.rs`. `derive.rs` then plans a year without such a table from the nearest year that has
//! one. The result depends on neither seed nor scale, so all streams of a year agree, and years
//! agree about changes between them.

mod derive;
mod offers;
mod resolve;
mod services;

use std::collections::BTreeMap;

use affluenza_event::Kind;
use affluenza_register::{Register, Validity};

use crate::apportion::{apportion_whole, times};
use crate::error::SimulationError;
use crate::figures::TargetFigures;
use offers::Offers;
use resolve::ResolvedYear;

/// Uses of one service at one ente, of one kind.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct PlanCell {
    /// Index of the ente in the register.
    pub ente: usize,
    /// Index of the service in the register.
    pub service: usize,
    pub kind: Kind,
    pub uses: u64,
    /// Periods of the year with uses; never empty.
    pub days: Vec<Validity>,
}

/// Ente, service and kind of a cell, the first two by their index in the register.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct CellKey {
    ente: usize,
    service: usize,
    kind: Kind,
}

/// Uses in one category of one year.
type CategoryUses = BTreeMap<CellKey, u64>;

/// Computes the uses of the year of `figures`, sorted by ente, service and kind.
pub(crate) fn cells(
    figures: &TargetFigures,
    register: &Register,
) -> Result<Vec<PlanCell>, SimulationError> {
    let plan = Plan {
        register,
        years: resolve::years(figures, register)?,
    };
    let mut cells = Vec::new();
    for category in 0..register.categories().len() {
        let offers = Offers::new(register, category, figures.year());
        for (key, uses) in plan.uses(figures.year(), category)? {
            let CellKey {
                ente,
                service,
                kind,
            } = key;
            let days = offers.days(ente, service).to_vec();
            cells.push(PlanCell {
                ente,
                service,
                kind,
                uses,
                days,
            });
        }
    }
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

/// Figures and register from which years are planned.
struct Plan<'r> {
    register: &'r Register,
    years: BTreeMap<i16, ResolvedYear>,
}

impl Plan<'_> {
    /// Computes the uses of `year` in one category.
    fn uses(&self, year: i16, category: usize) -> Result<CategoryUses, SimulationError> {
        let figures = &self.years[&year];
        let Some(printed) = figures.categories.get(&category) else {
            return Ok(CategoryUses::new());
        };
        let offers = Offers::new(self.register, category, year);
        let mut uses = if figures.by_ente.is_some() {
            self.services(year, category, &offers)?
        } else {
            self.derived(year, printed, category, &offers)?
        };
        uses.retain(|_, count| *count > 0);
        let found: u64 = uses.values().sum();
        if found < printed.uses {
            return Err(SimulationError::NoEnte {
                category: printed.category.clone(),
                uses: printed.uses,
                year,
            });
        }
        Ok(uses)
    }
}
