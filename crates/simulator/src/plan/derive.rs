//! Plans a year without a table by ente.
//!
//! Its services have the uses of the nearest year with such a table, plus the printed changes. The
//! rest of the printed total is invented. It is divided among the other services, each below the
//! printed changes, so that a list of the largest changes begins like the printed list.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

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
        printed: &CategoryFigures,
        category: usize,
        offers: &Offers,
    ) -> Result<CategoryUses, SimulationError> {
        let year = printed.year;
        let models = self.years.iter().filter(|(_, it)| it.by_ente.is_some());
        let model = models
            .map(|(other, _)| *other)
            .min_by_key(|other| (other.abs_diff(year), Reverse(*other)));
        let (mut uses, mut fixed) = (CategoryUses::new(), BTreeSet::new());
        if let Some(model) = model {
            let like = self.uses(model, category)?;
            let mut sums = ServiceUses::new();
            for (key, count) in &like {
                if offers.services.contains_key(&key.service) {
                    *sums.entry(key.service).or_default() += count;
                }
            }
            if year.abs_diff(model) == 1 {
                let later = year.max(model);
                let sign = if year == later { 1 } else { -1 };
                let changes = self.printed(later, category);
                let changes: BTreeMap<usize, i64> = changes
                    .filter(|(service, _)| offers.services.contains_key(service))
                    .filter_map(|(service, printed)| Some((service, sign * printed.change?)))
                    .collect();
                let limit = self.least_change(later, category).unwrap_or(u64::MAX) - 1;
                if let Some(changed) = with_changes(printed.uses, &sums, &changes, limit) {
                    sums = changed;
                    fixed.extend(changes.into_keys());
                }
            }
            for (service, sum) in sums {
                uses.extend(divide(service, sum, &like, offers));
            }
        }
        if uses.values().sum::<u64>() == 0 {
            let deployed = offers.deployed.iter();
            uses.extend(deployed.map(|((ente, service), offered)| {
                (CellKey::new(*ente, *service, offered.nature), 1)
            }));
        }
        let kinds = kinds_of(printed);
        Ok(with_kinds(&kinds, &uses, &fixed)
            .or_else(|| with_kinds(&kinds, &uses, &BTreeSet::new()))
            .unwrap_or_default())
    }
}

/// Adds changes to the uses of the other year: the printed ones, then made-up ones up to `limit`
/// that lead to `total`. If the limit is too small for that, the other services share the rest in
/// proportion to their uses. Returns `None` if the printed changes do not fit the total.
fn with_changes(
    total: u64,
    sums: &ServiceUses,
    changes: &BTreeMap<usize, i64>,
    limit: u64,
) -> Option<ServiceUses> {
    let (mut others, mut changed) = (sums.clone(), ServiceUses::new());
    for (service, change) in changes {
        let sum = others.remove(service).unwrap_or(0);
        changed.insert(*service, sum.saturating_add_signed(*change));
    }
    let rest = total.checked_sub(changed.values().sum())?;
    let others_sum: u64 = others.values().sum();
    let difference = rest.abs_diff(others_sum);
    let limits: Vec<u64> = others.values().map(|uses| limit.min(*uses)).collect();
    if difference <= limits.iter().sum() {
        for (uses, change) in others
            .values_mut()
            .zip(apportion_whole(difference, &limits))
        {
            *uses = if rest > others_sum {
                *uses + change
            } else {
                *uses - change
            };
        }
    } else {
        let weights: Vec<u64> = others.values().copied().collect();
        for (uses, share) in others.values_mut().zip(apportion_whole(rest, &weights)) {
            *uses = share;
        }
    }
    changed.extend(others);
    (changed.values().sum::<u64>() == total).then_some(changed)
}

/// Divides the uses of a service as in the other year, else among the enti that offer it. An ente
/// uses services that it offers, if it offers any in the category.
fn divide(service: usize, sum: u64, like: &CategoryUses, offers: &Offers) -> CategoryUses {
    let mut shares = like.clone();
    shares.retain(|key, _| {
        let is_offered = offers.deployed.contains_key(&(key.ente, service));
        key.service == service && (is_offered || offers.of(key.ente).next().is_none())
    });
    if shares.is_empty() {
        let deployed = offers.deployed.iter().filter(|((_, of), _)| *of == service);
        shares.extend(
            deployed.map(|((ente, _), offered)| (CellKey::new(*ente, service, offered.nature), 1)),
        );
    }
    with_total(sum, shares)
}

/// Returns the printed total of each kind, or one total if kinds are not printed.
fn kinds_of(printed: &CategoryFigures) -> Vec<(Option<Kind>, u64)> {
    if (printed.payments, printed.bookings) == (None, None) {
        return vec![(None, printed.uses)];
    }
    let [payments, bookings] = [printed.payments, printed.bookings].map(Option::unwrap_or_default);
    vec![
        (Some(Kind::Plain), printed.uses - payments - bookings),
        (Some(Kind::Payment), payments),
        (Some(Kind::Booking), bookings),
    ]
}

/// Scales uses to the printed totals, except those of `fixed` services. Returns `None` if the
/// totals cannot be met so.
fn with_kinds(
    kinds: &[(Option<Kind>, u64)],
    uses: &CategoryUses,
    fixed: &BTreeSet<usize>,
) -> Option<CategoryUses> {
    let (mut scaled, others): (CategoryUses, CategoryUses) = uses
        .iter()
        .partition(|(key, _)| fixed.contains(&key.service));
    for (kind, total) in kinds {
        let is_of_kind = |key: &CellKey| kind.is_none_or(|kind| key.kind == kind);
        let of_fixed = scaled
            .iter()
            .filter(|(key, _)| fixed.contains(&key.service));
        let of_fixed = of_fixed.filter(|(key, _)| is_of_kind(key));
        let rest = total.checked_sub(of_fixed.map(|(_, count)| *count).sum())?;
        // Without uses of this kind, all uses serve as proportions.
        let is_used = others
            .iter()
            .any(|(key, count)| is_of_kind(key) && *count > 0);
        let mut weights = CategoryUses::new();
        for (key, count) in others.iter().filter(|(key, _)| !is_used || is_of_kind(key)) {
            let kind = kind.unwrap_or(key.kind);
            *weights.entry(CellKey { kind, ..*key }).or_default() += count;
        }
        if rest > 0 && weights.values().sum::<u64>() == 0 {
            return None;
        }
        scaled.extend(with_total(rest, weights));
    }
    Some(scaled)
}

/// Scales uses to a total.
fn with_total(total: u64, mut uses: CategoryUses) -> CategoryUses {
    let weights: Vec<u64> = uses.values().copied().collect();
    for (uses, count) in uses.values_mut().zip(apportion_whole(total, &weights)) {
        *uses = count;
    }
    uses
}
