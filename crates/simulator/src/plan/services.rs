//! Distributes a table by ente over services.
//!
//! Uses of single services are printed for a few services only, as the change between two years.
//! The plan meets these if the figures allow; the other services share the rest by rank.

use std::collections::BTreeMap;

use affluenza_event::Kind;
use affluenza_register::Service;
use sha2::{Digest, Sha256};

use super::offers::Offers;
use super::{CategoryUses, CellKey, Plan};
use crate::apportion::{apportion, apportion_whole};
use crate::error::SimulationError;
use crate::figures::VariationStatus;

/// Uses of a retired service in its last full year, per use in the year of its end.
const RETIRED_REST: u64 = 500;

/// Uses of an ente of one kind, and the services that may have them.
struct EnteRow {
    ente: usize,
    kind: Kind,
    uses: u64,
    /// Services with their weights.
    services: BTreeMap<usize, f64>,
}

impl EnteRow {
    /// Moves `count` uses to the cell of `service`.
    fn give(&mut self, service: usize, count: u64, uses: &mut CategoryUses) {
        self.uses -= count;
        let key = CellKey::new(self.ente, service, self.kind);
        *uses.entry(key).or_default() += count;
    }

    /// Moves all uses to cells, in proportion to the weights of their services.
    fn give_all(&mut self, uses: &mut CategoryUses) {
        let services = std::mem::take(&mut self.services);
        let weights: Vec<f64> = services.values().copied().collect();
        for (service, count) in services.into_keys().zip(apportion(self.uses, &weights)) {
            self.give(service, count, uses);
        }
    }
}

impl Plan<'_> {
    /// Distributes the uses of a year with a table by ente over the services of one category.
    pub(super) fn services(
        &self,
        year: i16,
        category: usize,
        offers: &Offers,
    ) -> Result<CategoryUses, SimulationError> {
        let by_rank = self.by_rank(offers);
        let mut rows = Vec::new();
        for ((of, ente, kind), uses) in self.years[&year].by_ente.iter().flatten() {
            if *of == category && *uses > 0 {
                let (ente, kind, uses) = (*ente, *kind, *uses);
                let services = choose(ente, kind, &by_rank, offers);
                if services.is_empty() {
                    let category = self.years[&year].categories[&category].category.clone();
                    return Err(SimulationError::NoService {
                        category,
                        uses,
                        year,
                    });
                }
                rows.push(EnteRow {
                    ente,
                    kind,
                    uses,
                    services,
                });
            }
        }
        let mut sums = self.required(year, category, &rows);
        let mut uses = CategoryUses::new();
        // Rows that may only use services with a required sum reduce that sum.
        for row in &mut rows {
            if row.services.keys().all(|it| sums.contains_key(it)) {
                row.give_all(&mut uses);
            }
        }
        for (key, count) in &uses {
            let sum = sums.entry(key.service).or_default();
            *sum = sum.saturating_sub(*count);
        }
        for (service, sum) in sums {
            let users = rows.iter_mut().filter_map(|row| {
                row.services.remove(&service)?;
                Some(row)
            });
            let mut users: Vec<&mut EnteRow> = users.collect();
            let left: Vec<u64> = users.iter().map(|row| row.uses).collect();
            let counts = apportion_whole(sum.min(left.iter().sum()), &left);
            for (row, count) in users.iter_mut().zip(counts) {
                row.give(service, count, &mut uses);
            }
        }
        for row in &mut rows {
            row.give_all(&mut uses);
        }
        Ok(uses)
    }

    /// Returns the sums of services that a printed change requires: one since the year before, or
    /// one until the year after.
    fn required(&self, year: i16, category: usize, rows: &[EnteRow]) -> BTreeMap<usize, u64> {
        let mut sums = BTreeMap::new();
        for later in [year, year + 1] {
            for (service, printed) in self.printed(later, category) {
                let rise = printed.change.unwrap_or(0);
                let rise = if later == year { rise } else { -rise };
                let size = rise.unsigned_abs();
                let sum = match printed.status {
                    // A made-up sum ranks below the printed changes.
                    Some(VariationStatus::New) if printed.change.is_none() && later == year => {
                        self.least_change(year, category).unwrap_or(0) / 2
                    }
                    Some(VariationStatus::New) if rise > 0 => size,
                    Some(VariationStatus::Retired) if rise < 0 => size / RETIRED_REST,
                    Some(VariationStatus::Retired) if rise > 0 => size + size / RETIRED_REST,
                    None if rise > 0 => exceeding(size, service, rows),
                    _ => continue,
                };
                sums.entry(service).or_insert(sum);
            }
        }
        sums
    }

    /// Returns the services of the category in a neutral order that is stable when services are
    /// added: by a hash of their code.
    fn by_rank(&self, offers: &Offers) -> Vec<&Service> {
        let services = self.register.services();
        let mut services: Vec<&Service> = services
            .filter(|service| offers.services.contains_key(&service.index()))
            .collect();
        services.sort_by_cached_key(|service| <[u8; 32]>::from(Sha256::digest(service.code())));
        services
    }
}

/// Returns the possible services of an ente's uses of a kind with their weights. In order of
/// preference: services offered for that kind, services offered, the first two services of that
/// kind that exist, the first two services that exist.
fn choose(ente: usize, kind: Kind, by_rank: &[&Service], offers: &Offers) -> BTreeMap<usize, f64> {
    let (mut possible, mut of_kind) = (Vec::new(), Vec::new());
    let offers_any = offers.of(ente).next().is_some();
    for service in by_rank {
        let offered = offers.deployed.get(&(ente, service.index()));
        if offers_any && offered.is_none() {
            continue;
        }
        possible.push(service.index());
        if offered.map_or(service.nature(), |it| it.nature) == kind {
            of_kind.push(service.index());
        }
    }
    let mut chosen = if of_kind.is_empty() {
        possible
    } else {
        of_kind
    };
    if !offers_any {
        chosen.truncate(2);
    }
    // Zipf: the second service has half the uses of the first, the third a third.
    let ranked = chosen.into_iter().zip(1u32..);
    ranked
        .map(|(service, rank)| (service, offers.length(ente, service) / f64::from(rank)))
        .collect()
}

/// Returns twice `size`, or less if the rows have fewer uses for the service. With more uses than
/// the size of its change, a service has some in both years.
fn exceeding(size: u64, service: usize, rows: &[EnteRow]) -> u64 {
    let users = rows
        .iter()
        .filter(|row| row.services.contains_key(&service));
    let most: u64 = users.map(|row| row.uses).sum();
    size + size.min(most.saturating_sub(size) / 2)
}
