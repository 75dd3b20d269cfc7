//! Plans a year without a table by ente.
//!
//! Its services have the uses of the nearest year with such a table, plus the printed changes. The
//! rest of the printed total is made up. It is divided among the other services, each below the
//! printed changes, so that a list of the largest changes begins like the printed list.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use affluenza_event::Kind;

use super::offers::Offers;
use super::{CategoryUses, CellKey, Plan};
use crate::apportion::apportion_whole;
use crate::error::SimulationError;
use crate::figures::CategoryFigures;

/// Uses by service.
type ServiceUses = BTreeMap<usize, u64>;

impl Plan<'_> {
    /// Computes the uses of a category from the nearest year with a table by ente, else from the
    /// deployments. A later year wins a tie.
    pub(super) fn derived(
        &self,
        year: i16,
        printed: &CategoryFigures,
        category: usize,
        offers: &Offers,
    ) -> Result<CategoryUses, SimulationError> {
        let models = self.years.iter().filter(|(_, it)| it.by_ente.is_some());
        let model = models
            .map(|(other, _)| *other)
            .min_by_key(|other| (other.abs_diff(year), Reverse(*other)));
        let mut uses = CategoryUses::new();
        if let Some(model) = model {
            let like = self.uses(model, category)?;
            let mut sums = ServiceUses::new();
            for (key, count) in &like {
                *sums.entry(key.service).or_default() += count;
            }
            sums.retain(|service, _| offers.services.contains_key(service));
            let changes = self.changes(year, model, category);
            let limit = self.least_change(year.max(model), category);
            let limit = limit.filter(|_| year.abs_diff(model) == 1);
            if let Some(changed) = with_changes(printed.uses, &sums, &changes, limit) {
                sums = changed;
            }
            for (service, sum) in sums {
                divide(service, sum, &like, offers, &mut uses);
            }
        }
        if uses.is_empty() {
            uses.extend(offers.deployed.iter().map(|((ente, service), offered)| {
                let (ente, service, kind) = (*ente, *service, offered.nature);
                let key = CellKey {
                    ente,
                    service,
                    kind,
                };
                (key, 1)
            }));
        }
        Ok(with_kinds(printed, &uses))
    }

    /// Returns the printed changes by service from the year `model` to `year`.
    fn changes(&self, year: i16, model: i16, category: usize) -> BTreeMap<usize, i64> {
        if year.abs_diff(model) != 1 {
            return BTreeMap::new();
        }
        let sign = if year > model { 1 } else { -1 };
        let printed = &self.years[&year.max(model)].changes;
        printed
            .iter()
            .filter(|((of, _), _)| *of == category)
            .filter_map(|((_, service), change)| Some((*service, sign * change.change?)))
            .collect()
    }

    /// Returns the smallest printed change of a category in `year`, else that of all categories.
    pub(super) fn least_change(&self, year: i16, category: usize) -> Option<u64> {
        let changes = &self.years[&year].changes;
        let sizes = |is_in: &dyn Fn(usize) -> bool| {
            changes
                .iter()
                .filter(|((of, _), _)| is_in(*of))
                .filter_map(|(_, change)| Some(change.change?.unsigned_abs()))
                .min()
        };
        sizes(&|of| of == category).or_else(|| sizes(&|_| true))
    }
}

/// Adds changes to the uses of the other year: the printed ones, then made-up ones below `limit`
/// that lead to `total`. If the limit is too small for that, the other services share the rest in
/// proportion to their uses. Returns `None` if the printed changes do not fit the total.
fn with_changes(
    total: u64,
    sums: &ServiceUses,
    changes: &BTreeMap<usize, i64>,
    limit: Option<u64>,
) -> Option<ServiceUses> {
    let mut changed = ServiceUses::new();
    for (service, change) in changes {
        let sum = sums.get(service).copied().unwrap_or(0);
        changed.insert(*service, sum.saturating_add_signed(*change));
    }
    let rest = total.checked_sub(changed.values().sum())?;
    let others: Vec<usize> = sums
        .keys()
        .filter(|service| !changes.contains_key(service))
        .copied()
        .collect();
    let old: Vec<u64> = others.iter().map(|service| sums[service]).collect();
    let old_sum: u64 = old.iter().sum();
    if old_sum == 0 && rest > 0 {
        return None;
    }
    let limit = limit.map_or(u64::MAX, |limit| limit.saturating_sub(1));
    let limits: Vec<u64> = old.iter().map(|uses| limit.min(*uses)).collect();
    let difference = rest.abs_diff(old_sum);
    let new: Vec<u64> = if difference <= limits.iter().sum() {
        let made_up = apportion_whole(difference, &limits);
        let pairs = old.iter().zip(made_up);
        pairs
            .map(|(old, change)| {
                if rest > old_sum {
                    old + change
                } else {
                    old - change
                }
            })
            .collect()
    } else {
        apportion_whole(rest, &old)
    };
    changed.extend(others.into_iter().zip(new));
    Some(changed)
}

/// Divides the uses of a service as in the other year, else among the enti that offer it. An ente
/// uses services that it offers, if it offers any in the category.
fn divide(service: usize, sum: u64, like: &CategoryUses, offers: &Offers, uses: &mut CategoryUses) {
    let mut shares: Vec<(CellKey, u64)> = like
        .iter()
        .filter(|(key, _)| key.service == service)
        .filter(|(key, _)| {
            offers.deployed.contains_key(&(key.ente, service)) || !offers.has_any(key.ente)
        })
        .map(|(key, count)| (*key, *count))
        .collect();
    if shares.is_empty() {
        let deployed = offers.deployed.iter().filter(|((_, of), _)| *of == service);
        shares.extend(deployed.map(|((ente, _), offered)| {
            let (ente, kind) = (*ente, offered.nature);
            let key = CellKey {
                ente,
                service,
                kind,
            };
            (key, 1)
        }));
    }
    let weights: Vec<u64> = shares.iter().map(|(_, weight)| *weight).collect();
    let counts = apportion_whole(sum, &weights);
    let counted = shares.into_iter().zip(counts);
    uses.extend(
        counted
            .filter(|(_, count)| *count > 0)
            .map(|((key, _), count)| (key, count)),
    );
}

/// Scales uses to the printed total of the category, for each kind separately if kinds are printed.
fn with_kinds(printed: &CategoryFigures, uses: &CategoryUses) -> CategoryUses {
    if (printed.payments, printed.bookings) == (None, None) {
        return with_total(printed.uses, uses.iter().map(|(key, count)| (*key, *count)));
    }
    let (payments, bookings) = (printed.payments.unwrap_or(0), printed.bookings.unwrap_or(0));
    let mut of_kinds = CategoryUses::new();
    for (kind, total) in [
        (Kind::Plain, printed.uses - payments - bookings),
        (Kind::Payment, payments),
        (Kind::Booking, bookings),
    ] {
        // Without uses of this kind, all uses serve as proportions.
        let is_used = uses.keys().any(|key| key.kind == kind);
        let weights = uses
            .iter()
            .filter(|(key, _)| !is_used || key.kind == kind)
            .map(|(key, count)| (CellKey { kind, ..*key }, *count));
        of_kinds.extend(with_total(total, weights));
    }
    of_kinds
}

fn with_total(total: u64, uses: impl Iterator<Item = (CellKey, u64)>) -> CategoryUses {
    let (keys, weights): (Vec<CellKey>, Vec<u64>) = uses.unzip();
    let mut scaled = CategoryUses::new();
    for (key, count) in keys.into_iter().zip(apportion_whole(total, &weights)) {
        *scaled.entry(key).or_default() += count;
    }
    scaled
}
