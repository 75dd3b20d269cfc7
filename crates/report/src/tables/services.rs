//! The most used services.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use affluenza_register::Register;
use affluenza_store::figures::ServiceUse;
use jiff::civil::Date;
use serde::Serialize;

use super::Variation;
use crate::names::{CategoryName, ServiceName};
use crate::ratio::share_percent;
use crate::scope;

/// Largest number of services in the table.
pub(crate) const TOP: usize = 10;

/// Use of a service.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ServiceRow {
    /// Rank, 1 for the most used.
    pub rank: usize,
    /// Code and names of the service.
    #[serde(flatten)]
    pub name: ServiceName,
    /// Category on the last day of the year.
    #[serde(flatten)]
    pub category: CategoryName,
    /// Completed service uses.
    pub service_uses: u64,
    /// Share of all service uses, in percent.
    pub share_percent: Option<f64>,
    /// Number of enti in which the service was used.
    pub enti: u64,
}

impl ServiceRow {
    /// Returns the most used services, the most used first, then by code.
    pub(crate) fn top(register: &Register, last_day: Date, services: &[ServiceUse]) -> Vec<Self> {
        let total = services.iter().map(|row| row.service_uses).sum();
        let mut rows: Vec<Self> = by_service(services)
            .into_iter()
            .map(|(code, sum)| {
                let known = register.service(code);
                let category = known.map(|service| service.category_on(last_day).code());
                Self {
                    rank: 0,
                    name: ServiceName::of(register, code),
                    category: CategoryName::of(register, category.unwrap_or(sum.category)),
                    service_uses: sum.service_uses,
                    share_percent: share_percent(sum.service_uses, total),
                    enti: sum.enti,
                }
            })
            .collect();
        rows.sort_by_cached_key(|row| (Reverse(row.service_uses), row.name.service.clone()));
        rows.truncate(TOP);
        for (rank, row) in (1..).zip(&mut rows) {
            row.rank = rank;
        }
        rows
    }
}

/// A service that one ente offers on the last day of the year, with its uses there.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct OfferedService {
    /// Code and names of the service.
    #[serde(flatten)]
    pub name: ServiceName,
    /// Category on the last day of the year.
    #[serde(flatten)]
    pub category: CategoryName,
    /// Completed service uses.
    pub service_uses: u64,
    /// Service uses of the compared year; `None` without data of it.
    pub compared_service_uses: Option<u64>,
}

impl OfferedService {
    /// Returns the services of the ente, the most used first, then by name.
    pub(crate) fn all(
        register: &Register,
        ente: &str,
        last_day: Date,
        variations: &[Variation],
        is_compared: bool,
    ) -> Vec<Self> {
        let uses = variations.iter();
        let uses: BTreeMap<&str, &Variation> =
            uses.map(|row| (row.name.service.as_str(), row)).collect();
        let mut offered: BTreeMap<&str, Self> = BTreeMap::new();
        for deployment in scope::deployments(register, Some(ente)) {
            if !deployment.validity.contains(last_day) {
                continue;
            }
            let code = deployment.service.code();
            let used = uses.get(code);
            let category = deployment.service.category_on(last_day).code();
            let before = used.and_then(|row| row.compared_service_uses);
            offered.entry(code).or_insert_with(|| Self {
                name: ServiceName::of(register, code),
                category: CategoryName::of(register, category),
                service_uses: used.map_or(0, |row| row.service_uses),
                compared_service_uses: before.or(is_compared.then_some(0)),
            });
        }
        let mut rows: Vec<Self> = offered.into_values().collect();
        rows.sort_by_cached_key(|row| {
            (Reverse(row.service_uses), row.name.service_name_it.clone())
        });
        rows
    }
}

struct CategorySum<'c> {
    category: &'c str,
    service_uses: u64,
    enti: u64,
}

/// Sums uses by service. A service that changed category within the year has a row for each. Its
/// enti cannot be added, since they may be the same, so the greater number is kept.
fn by_service(services: &[ServiceUse]) -> BTreeMap<&str, CategorySum<'_>> {
    let mut sums = BTreeMap::new();
    for row in services.iter().filter(|row| row.service_uses > 0) {
        let sum = sums.entry(&*row.service).or_insert(CategorySum {
            category: &row.category,
            service_uses: 0,
            enti: 0,
        });
        sum.service_uses += row.service_uses;
        sum.enti = sum.enti.max(row.enti);
    }
    sums
}
