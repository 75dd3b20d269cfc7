//! The most used services.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use affluenza_register::Register;
use affluenza_store::figures::ServiceUse;
use jiff::civil::Date;
use serde::Serialize;

use crate::names::CategoryName;
use crate::ratio::share_percent;

/// Largest number of services in the table.
const TOP: usize = 10;

/// Use of a service.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ServiceRow {
    /// Rank, 1 for the most used.
    pub rank: usize,
    /// Code in the register, or a code that is not registered.
    pub service: String,
    /// Italian name; the code if there is no name.
    pub service_name_it: String,
    /// English name; the Italian one or the code if there is no English name.
    pub service_name_en: String,
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
                let name_it = known.map_or(code, |service| service.name_it());
                let name_en = known.and_then(|service| service.name_en());
                let category = known.map(|service| service.category_on(last_day).code());
                Self {
                    rank: 0,
                    service: known.map_or(code, |service| service.code()).to_owned(),
                    service_name_it: name_it.to_owned(),
                    service_name_en: name_en.unwrap_or(name_it).to_owned(),
                    category: CategoryName::of(register, category.unwrap_or(sum.category)),
                    service_uses: sum.service_uses,
                    share_percent: share_percent(sum.service_uses, total),
                    enti: sum.enti,
                }
            })
            .collect();
        rows.sort_by_cached_key(|row| (Reverse(row.service_uses), row.service.clone()));
        rows.truncate(TOP);
        for (rank, row) in (1..).zip(&mut rows) {
            row.rank = rank;
        }
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
