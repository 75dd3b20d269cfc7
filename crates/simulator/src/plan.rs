//! Annual plan: the figures, broken down to uses by ente, service and kind.
//!
//! `services.rs` distributes a table by ente over services. `derive.rs` plans a year without such a
//! table from the nearest year that has one. The plan depends on neither seed nor scale, so all
//! streams of a year agree, and years agree about the changes between them.

mod derive;
mod offers;
mod resolve;
mod services;

use std::collections::BTreeMap;

use affluenza_event::Kind;
use affluenza_register::{Register, Validity};

use crate::apportion::{apportion_whole, times};
use crate::error::SimulationError;
use crate::figures::{TargetFigures, VariationFigures};
use offers::Offers;
use resolve::ResolvedYear;

/// Uses of one service at one ente, of one kind.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct PlanCell {
    pub key: CellKey,
    /// Index of the category in the register.
    pub category: usize,
    pub uses: u64,
    /// Periods of the year with uses; never empty.
    pub days: Vec<Validity>,
}

/// Key of a cell. Ente and service are indexes of the register.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct CellKey {
    pub ente: usize,
    pub service: usize,
    pub kind: Kind,
}

impl CellKey {
    fn new(ente: usize, service: usize, kind: Kind) -> Self {
        Self {
            ente,
            service,
            kind,
        }
    }
}

/// Uses in one category of one year.
type CategoryUses = BTreeMap<CellKey, u64>;

/// Computes the uses of the year of `figures` times `scale`, sorted by key.
pub(crate) fn cells(
    figures: &TargetFigures,
    register: &Register,
    scale: f64,
) -> Result<Vec<PlanCell>, SimulationError> {
    let year = figures.year();
    let years = resolve::years(figures, register)?;
    let plan = Plan { register, years };
    let mut cells = Vec::new();
    for category in 0..register.categories().len() {
        let offers = Offers::new(register, category, year);
        for (key, uses) in plan.uses(year, category)? {
            let days = offers.days(key.ente, key.service).to_vec();
            cells.push(PlanCell {
                key,
                category,
                uses,
                days,
            });
        }
    }
    cells.sort_by_key(|cell| cell.key);
    let uses: Vec<u64> = cells.iter().map(|cell| cell.uses).collect();
    let total = times(uses.iter().sum(), scale);
    for (cell, scaled) in cells.iter_mut().zip(apportion_whole(total, &uses)) {
        cell.uses = scaled;
    }
    cells.retain(|cell| cell.uses > 0);
    Ok(cells)
}

/// Figures and register from which years are planned.
struct Plan<'r> {
    register: &'r Register,
    years: BTreeMap<i16, ResolvedYear>,
}

impl Plan<'_> {
    /// Computes the uses of `year` in one category.
    fn uses(&self, year: i16, category: usize) -> Result<CategoryUses, SimulationError> {
        let Some(printed) = self.years[&year].categories.get(&category) else {
            return Ok(CategoryUses::new());
        };
        let offers = Offers::new(self.register, category, year);
        let mut uses = match self.years[&year].by_ente {
            Some(_) => self.services(year, category, &offers)?,
            None => self.derived(printed, category, &offers)?,
        };
        uses.retain(|_, count| *count > 0);
        if uses.is_empty() && printed.uses > 0 {
            return Err(SimulationError::NoEnte {
                category: printed.category.clone(),
                uses: printed.uses,
                year,
            });
        }
        Ok(uses)
    }

    /// Returns the changes printed for `year`, by service.
    fn printed(
        &self,
        year: i16,
        category: usize,
    ) -> impl Iterator<Item = (usize, &VariationFigures)> {
        let changes = self.years.get(&year).map(|year| &year.changes);
        let of_category = (category, 0)..=(category, usize::MAX);
        let changes = changes.map(|changes| changes.range(of_category));
        let changes = changes.into_iter().flatten();
        changes.map(|((_, service), printed)| (*service, printed))
    }

    /// Returns the smallest change printed for `year` in a category, else in all categories.
    fn least_change(&self, year: i16, category: usize) -> Option<u64> {
        let of_category = self.printed(year, category).map(|(_, printed)| printed);
        least(of_category).or_else(|| least(self.years.get(&year)?.changes.values()))
    }
}

/// Returns the smallest change that is one.
fn least<'c>(changes: impl Iterator<Item = &'c VariationFigures>) -> Option<u64> {
    let sizes = changes.filter_map(|printed| Some(printed.change?.unsigned_abs()));
    sizes.filter(|size| *size > 0).min()
}
