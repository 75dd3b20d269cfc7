//! Distributes a table by ente over services.
//!
//! Uses of single services are printed for a few services only, as the change between two years.
//! The plan meets these if the figures allow; the other services share the rest by rank.

use std::collections::BTreeMap;

use affluenza_event::Kind;
use sha2::{Digest, Sha256};

use super::offers::{Offers, length};
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
    services: Vec<(usize, f64)>,
}

impl EnteRow {
    fn may_use(&self, service: usize) -> bool {
        self.services.iter().any(|(it, _)| *it == service)
    }

    /// Moves `count` uses to the cell of `service`.
    fn give(&mut self, service: usize, count: u64, uses: &mut CategoryUses) {
        self.uses -= count;
        let (ente, kind) = (self.ente, self.kind);
        let key = CellKey {
            ente,
            service,
            kind,
        };
        *uses.entry(key).or_default() += count;
    }

    /// Moves all uses to those of the services that are not in `fixed`.
    fn give_all(&mut self, fixed: &BTreeMap<usize, u64>, uses: &mut CategoryUses) {
        let services: Vec<(usize, f64)> = self
            .services
            .iter()
            .filter(|(service, _)| !fixed.contains_key(service))
            .copied()
            .collect();
        let weights: Vec<f64> = services.iter().map(|(_, weight)| *weight).collect();
        for ((service, _), count) in services.into_iter().zip(apportion(self.uses, &weights)) {
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
            if *of != category || *uses == 0 {
                continue;
            }
            let services = self.choose(*ente, *kind, &by_rank, offers);
            if services.is_empty() {
                let found = self.register.categories().nth(category);
                return Err(SimulationError::NoService {
                    category: found.map_or("", |it| it.code()).to_owned(),
                    uses: *uses,
                    year,
                });
            }
            rows.push(EnteRow {
                ente: *ente,
                kind: *kind,
                uses: *uses,
                services,
            });
        }
        let mut fixed = self.fixed(year, category, &rows);
        let mut uses = CategoryUses::new();
        // Rows that may only use services with a fixed sum reduce that sum.
        for row in &mut rows {
            if row.services.iter().all(|(it, _)| fixed.contains_key(it)) {
                row.give_all(&BTreeMap::new(), &mut uses);
            }
        }
        for (key, count) in &uses {
            let sum = fixed.entry(key.service).or_default();
            *sum = sum.saturating_sub(*count);
        }
        for (service, sum) in &fixed {
            let mut users: Vec<&mut EnteRow> = rows
                .iter_mut()
                .filter(|row| row.may_use(*service))
                .collect();
            let left: Vec<u64> = users.iter().map(|row| row.uses).collect();
            let counts = apportion_whole((*sum).min(left.iter().sum()), &left);
            for (row, count) in users.iter_mut().zip(counts) {
                row.give(*service, count, &mut uses);
            }
        }
        for row in &mut rows {
            row.give_all(&fixed, &mut uses);
        }
        Ok(uses)
    }

    /// Returns the sums of services that must be large or small enough for a printed change. A
    /// larger sum is needed in the year with more uses only.
    fn fixed(&self, year: i16, category: usize, rows: &[EnteRow]) -> BTreeMap<usize, u64> {
        let mut fixed = BTreeMap::new();
        for ((of, service), change) in &self.years[&year].changes {
            if *of != category {
                continue;
            }
            let sum = match (change.status, change.change) {
                (VariationStatus::New, Some(change)) => change.unsigned_abs(),
                // The sum is made up, so it ranks below the printed changes.
                (VariationStatus::New, None) => match self.least_change(year, category) {
                    Some(least) => least / 2,
                    None => continue,
                },
                (VariationStatus::Retired, Some(change)) => change.unsigned_abs() / RETIRED_REST,
                (VariationStatus::Going, Some(change)) if change > 0 => {
                    exceeding(change.unsigned_abs(), *service, rows)
                }
                _ => continue,
            };
            fixed.insert(*service, sum);
        }
        let next = self.years.get(&(year + 1));
        for ((of, service), change) in next.iter().flat_map(|next| &next.changes) {
            let size = change.change.unwrap_or(0).unsigned_abs();
            if *of != category || change.change.unwrap_or(0) >= 0 {
                continue;
            }
            fixed
                .entry(*service)
                .or_insert_with(|| match change.status {
                    VariationStatus::Retired => size + size / RETIRED_REST,
                    _ => exceeding(size, *service, rows),
                });
        }
        fixed
    }

    /// Returns the services of the category in a neutral order that is stable when services are
    /// added: by a hash of their code.
    fn by_rank(&self, offers: &Offers) -> Vec<usize> {
        let mut ranked: Vec<([u8; 32], usize)> = self
            .register
            .services()
            .filter(|service| offers.services.contains_key(&service.index()))
            .map(|service| (Sha256::digest(service.code()).into(), service.index()))
            .collect();
        ranked.sort_unstable();
        ranked.into_iter().map(|(_, service)| service).collect()
    }

    /// Returns the possible services of an ente's uses of a kind with their weights. In order of
    /// preference: services offered for that kind, services offered, the first two services of
    /// that kind that exist, the first two services that exist.
    fn choose(
        &self,
        ente: usize,
        kind: Kind,
        by_rank: &[usize],
        offers: &Offers,
    ) -> Vec<(usize, f64)> {
        let nature_of = |service: usize| self.register.services().nth(service);
        let offered = |service: &usize| offers.deployed.get(&(ente, *service));
        let all = || by_rank.iter().copied();
        let choices: [Vec<usize>; 4] = [
            all()
                .filter(|it| offered(it).is_some_and(|it| it.nature == kind))
                .collect(),
            all().filter(|it| offered(it).is_some()).collect(),
            all()
                .filter(|it| nature_of(*it).is_some_and(|it| it.nature() == kind))
                .take(2)
                .collect(),
            all().take(2).collect(),
        ];
        let choice = choices.into_iter().find(|choice| !choice.is_empty());
        // Zipf: the second service has half the uses of the first, the third a third.
        let ranked = choice.into_iter().flatten().zip(1u32..);
        ranked
            .map(|(service, rank)| {
                let days = length(offers.days(ente, service));
                (service, days / f64::from(rank))
            })
            .collect()
    }
}

/// Returns twice `size`, or less if the rows have fewer uses for the service. A service with more
/// uses than `size` has some in both years.
fn exceeding(size: u64, service: usize, rows: &[EnteRow]) -> u64 {
    let users = rows.iter().filter(|row| row.may_use(service));
    let most: u64 = users.map(|row| row.uses).sum();
    size + size.min(most.saturating_sub(size) / 2)
}
