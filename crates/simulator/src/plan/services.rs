//! Distributes uses by category over services.
//!
//! Uses of single services are printed for a few services only, as the change between two years.
//! The plan meets these if the figures allow; the other services share the rest by rank.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use affluenza_event::Kind;
use affluenza_register::Register;
use sha2::{Digest, Sha256};

use super::PlanCell;
use super::base::{self, Uses};
use super::offers::{Offers, length};
use crate::error::{FiguresError, SimulationError};
use crate::figures::{TargetFigures, VariationRow, VariationStatus, file};
use crate::table::{ColumnSum, FigureGrid, fill};

/// Uses of a retired service in its last full year, per use in the year of its end.
const RETIRED_REST: u64 = 500;

/// Adds the uses of one category in the year of `figures`.
pub(crate) fn cells_of(
    figures: &TargetFigures,
    register: &Register,
    category: usize,
    cells: &mut Vec<PlanCell>,
) -> Result<(), SimulationError> {
    let year = figures.year();
    let this = CategoryYear::new(figures, register, year, category)?;
    if this.uses.is_empty() {
        return Ok(());
    }
    let targets = targets(figures, register, &this, category)?;
    let table = this.table(&targets)?;
    for (row, (ente, kind)) in this.uses.keys().enumerate() {
        for (column, service) in this.services.iter().enumerate() {
            let uses = table.at(row, column);
            if uses > 0 {
                cells.push(PlanCell {
                    ente: *ente,
                    service: *service,
                    kind: *kind,
                    uses,
                    days: match this.offers.deployed.get(&(*ente, *service)) {
                        Some((_, days)) => days.clone(),
                        None => this.offers.services[service].clone(),
                    },
                });
            }
        }
    }
    Ok(())
}

/// Target number of uses by service index.
type Targets = BTreeMap<usize, u64>;

/// Derives targets from the printed changes. The year of `figures` may be the later or the earlier
/// of the two compared years.
fn targets(
    figures: &TargetFigures,
    register: &Register,
    this: &CategoryYear<'_>,
    category: usize,
) -> Result<Targets, SimulationError> {
    let (after, before) = pair(figures, register, this.year, category)?;
    if !after.is_empty() {
        return Ok(after);
    }
    let (after, next_before) = pair(figures, register, this.year + 1, category)?;
    Ok(if after.is_empty() {
        before
    } else {
        next_before
    })
}

/// Derives targets from the changes printed for `year`: for that year and for the previous one.
fn pair(
    figures: &TargetFigures,
    register: &Register,
    year: i16,
    category: usize,
) -> Result<(Targets, Targets), SimulationError> {
    let changes = changes(figures, register, year, category)?;
    let (mut after, mut before) = (Targets::new(), Targets::new());
    if changes.is_empty() {
        return Ok((after, before));
    }
    let later = CategoryYear::new(figures, register, year, category)?;
    let earlier = CategoryYear::new(figures, register, year - 1, category)?;
    let natural = later.table(&Targets::new())?;
    for (service, change) in changes {
        let size = change.change.unsigned_abs();
        let free: u64 = later
            .services
            .iter()
            .position(|it| *it == service)
            .map_or(0, |column| natural.column(column).sum());
        let uses = match (change.status, change.change > 0) {
            (VariationStatus::New, _) => size,
            (VariationStatus::Retired, _) => (size / RETIRED_REST).min(later.most(service)),
            // The service existed in the previous year, so not all of its uses are growth.
            (VariationStatus::Going, true) if free <= size + size / 10 => {
                size + later.most(service).saturating_sub(size) / 2
            }
            (VariationStatus::Going, true) => free,
            (VariationStatus::Going, false) => {
                free.min(earlier.most(service).saturating_sub(size) / 2)
            }
        };
        after.insert(service, uses);
        let had = if change.change > 0 {
            uses.saturating_sub(size)
        } else {
            uses + size
        };
        before.insert(service, had);
    }
    Ok((after, before))
}

struct ServiceChange {
    change: i64,
    status: VariationStatus,
}

/// Returns the legible changes printed for `year`, by service index.
fn changes(
    figures: &TargetFigures,
    register: &Register,
    year: i16,
    category: usize,
) -> Result<BTreeMap<usize, ServiceChange>, SimulationError> {
    let mut changes = BTreeMap::new();
    let rows: &[VariationRow] = figures.of(year).map_or(&[], |tables| &tables.variations);
    let name = file::variations(year);
    for row in rows {
        let service = register.service(&row.service).ok_or_else(|| {
            FiguresError::new(
                &name,
                Some(row.line),
                format!("service {:?} is not in the register", row.service),
                "add it or an alias for it to the register, or remove the line",
            )
        })?;
        let of = register.category(&row.category).ok_or_else(|| {
            FiguresError::new(
                &name,
                Some(row.line),
                format!("category {:?} is not in the register", row.category),
                "correct it, or remove the line",
            )
        })?;
        if of.index() == category
            && let Some(change) = row.change
        {
            let status = row.status;
            changes.insert(service.index(), ServiceChange { change, status });
        }
    }
    Ok(changes)
}

/// One category in one year.
struct CategoryYear<'r> {
    year: i16,
    register: &'r Register,
    category: usize,
    uses: Uses,
    offers: Offers,
    /// Service indexes, those with more uses first.
    services: Vec<usize>,
}

impl<'r> CategoryYear<'r> {
    fn new(
        figures: &TargetFigures,
        register: &'r Register,
        year: i16,
        category: usize,
    ) -> Result<Self, SimulationError> {
        let uses = base::uses(figures, register, year, category)?;
        let offers = Offers::new(register, category, year);
        let mut grown: BTreeMap<usize, i64> = BTreeMap::new();
        for of in figures.years.keys() {
            for (service, change) in changes(figures, register, *of, category)? {
                if change.status == VariationStatus::Going {
                    let most = grown.entry(service).or_default();
                    *most = change.change.max(*most);
                }
            }
        }
        let mut services: Vec<usize> = offers.services.keys().copied().collect();
        // Services with the largest growth come first, because they have many uses. The others
        // follow by a hash of their code: a neutral order that is stable when services are added.
        services.sort_by_cached_key(|service| {
            let found = register.services().nth(*service);
            let code = found.map_or("", |it| it.code());
            let digest: [u8; 32] = Sha256::digest(code.as_bytes()).into();
            (Reverse(grown.get(service).copied().unwrap_or(0)), digest)
        });
        Ok(Self {
            year,
            register,
            category,
            uses,
            offers,
            services,
        })
    }

    /// Computes the table of uses by ente and kind, and by service. It meets `targets` if possible.
    fn table(&self, targets: &Targets) -> Result<FigureGrid<u64>, SimulationError> {
        let rows: Vec<u64> = self.uses.values().copied().collect();
        let columns: Vec<ColumnSum> = self
            .services
            .iter()
            .map(|service| match targets.get(service) {
                Some(uses) => ColumnSum::Preferably(*uses),
                None => ColumnSum::Free,
            })
            .collect();
        let mut prior = FigureGrid::new(rows.len(), columns.len());
        for (row, (ente, kind)) in self.uses.keys().enumerate() {
            for (column, weight) in self.weights(*ente, *kind) {
                *prior.at_mut(row, column) = weight;
            }
        }
        fill(&prior, &rows, &columns).map_err(|row| {
            let category = self.register.categories().nth(self.category);
            SimulationError::NoService {
                category: category.map_or("", |it| it.code()).to_owned(),
                uses: rows[row],
                year: self.year,
            }
        })
    }

    /// Returns the possible services of an ente's uses of a kind, as columns with proportions. In
    /// order of preference: services offered for that kind, services offered, the first two
    /// services of that kind that exist, the first two services that exist.
    fn weights(&self, ente: usize, kind: Kind) -> Vec<(usize, f64)> {
        [
            self.offered(ente, Some(kind)),
            self.offered(ente, None),
            self.elsewhere(Some(kind)),
            self.elsewhere(None),
        ]
        .into_iter()
        .find(|found| !found.is_empty())
        .unwrap_or_default()
    }

    /// Returns the services of one kind or all kinds that an ente offers.
    fn offered(&self, ente: usize, kind: Option<Kind>) -> Vec<(usize, f64)> {
        let mut rank = 0.0;
        let mut found = Vec::new();
        for (column, service) in self.services.iter().enumerate() {
            if let Some((nature, days)) = self.offers.deployed.get(&(ente, *service))
                && kind.is_none_or(|kind| *nature == kind)
            {
                // Zipf: the second service has half the uses of the first, the third a third.
                rank += 1.0;
                found.push((column, length(days) as f64 / rank));
            }
        }
        found
    }

    /// Returns the first two services of one kind or all kinds.
    fn elsewhere(&self, kind: Option<Kind>) -> Vec<(usize, f64)> {
        self.services
            .iter()
            .enumerate()
            .filter(|(_, service)| {
                let service = self.register.services().nth(**service);
                kind.is_none_or(|kind| service.is_some_and(|it| it.nature() == kind))
            })
            .take(2)
            .map(|(column, service)| (column, length(&self.offers.services[service]) as f64))
            .collect()
    }

    /// Maximum number of uses of a service: the sum of all rows that may use it.
    fn most(&self, service: usize) -> u64 {
        self.uses
            .iter()
            .filter(|((ente, kind), _)| {
                self.weights(*ente, *kind)
                    .iter()
                    .any(|(column, _)| self.services[*column] == service)
            })
            .map(|(_, uses)| uses)
            .sum()
    }
}
