//! Accesses and visitors by ente and by month.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use affluenza_classify::device::Device;
use affluenza_register::Register;
use affluenza_store::figures::{Counted, Detail};
use serde::Serialize;

use super::EnteName;
use crate::names;
use crate::period::ReportPeriod;
use crate::ratio::share_percent;

/// Accesses and visitors of an ente.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AccessRow {
    /// Code and name of the ente.
    #[serde(flatten)]
    pub name: EnteName,
    /// Accesses to pages and areas.
    pub accesses: u64,
    /// Distinct visitors of each day, summed over the days.
    pub visitors_days: u64,
    /// Completed service uses.
    pub service_uses: u64,
    /// Inhabitants, by the register; `None` if not registered.
    pub residents: Option<u32>,
    /// Year of the number of inhabitants.
    pub residents_year: Option<i16>,
    /// Source of the number of inhabitants.
    pub residents_source: Option<String>,
    /// Accesses in the year for each inhabitant; `None` if their number is unknown.
    pub accesses_per_resident: Option<f64>,
    /// Service uses in the year for 1,000 inhabitants; `None` if their number is unknown.
    pub uses_per_1000_residents: Option<f64>,
}

/// Accesses and visitors by ente.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Accesses {
    /// Enti, the greatest number of accesses first, then by name.
    pub enti: Vec<AccessRow>,
    /// Accesses of all enti.
    pub accesses: u64,
    /// Distinct visitors of each day and ente, summed over days and enti.
    pub visitors_days: u64,
    /// Service uses of all enti.
    pub service_uses: u64,
    /// Residents of the listed enti, each municipality once; `None` if one of them is unknown.
    pub residents: Option<u64>,
}

/// A month of the year.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MonthRow {
    /// Month, 1 to 12.
    pub month: u8,
    /// Accesses of people.
    pub accesses: u64,
    /// Accesses by smartphone or tablet.
    pub mobile_accesses: u64,
    /// Share of accesses by smartphone or tablet, in percent; `None` without accesses.
    pub mobile_share_percent: Option<f64>,
    /// Mobile share in the same month of the compared year, in percent; `None` without data of it.
    pub compared_mobile_share_percent: Option<f64>,
    /// Distinct visitors of each day and ente, summed over days and enti.
    pub visitors_days: u64,
    /// Completed service uses of people.
    pub service_uses: u64,
}

impl Accesses {
    pub(crate) fn build(register: &Register, counted: Counted, detail: &Detail) -> Self {
        let mut sums: BTreeMap<&str, [u64; 3]> = BTreeMap::new();
        for row in detail.months.iter().filter(|row| row.is_counted(counted)) {
            let sum = sums
                .entry(names::ente_code(register, &row.ente))
                .or_default();
            sum[0] += row.accesses;
            sum[2] += row.service_uses;
        }
        for row in &detail.visitors {
            let sum = sums
                .entry(names::ente_code(register, &row.ente))
                .or_default();
            sum[1] += row.visitors_days;
        }
        let mut enti: Vec<AccessRow> = sums
            .iter()
            .filter(|(_, counts)| **counts != [0; 3])
            .map(|(ente, [accesses, visitors_days, service_uses])| {
                let population = register.ente(ente).and_then(|ente| ente.population());
                let residents = population.map(|population| population.inhabitants);
                let divisor = residents.filter(|residents| *residents > 0);
                AccessRow {
                    name: EnteName::of(register, ente),
                    accesses: *accesses,
                    visitors_days: *visitors_days,
                    service_uses: *service_uses,
                    residents,
                    residents_year: population.map(|population| population.year),
                    residents_source: population.and_then(|population| population.source.clone()),
                    accesses_per_resident: divisor
                        .map(|residents| *accesses as f64 / f64::from(residents)),
                    uses_per_1000_residents: divisor
                        .map(|residents| *service_uses as f64 * 1000.0 / f64::from(residents)),
                }
            })
            .collect();
        enti.sort_by_key(|row| (Reverse(row.accesses), row.name.ente_name.clone()));
        let [accesses, visitors_days, service_uses] =
            [0, 1, 2].map(|place| sums.values().map(|counts| counts[place]).sum());
        let listed = enti.iter().map(|row| register.ente(&row.name.ente));
        let listed: Option<Vec<_>> = listed.collect();
        Self {
            residents: listed.and_then(|listed| register.residents(listed.into_iter())),
            enti,
            accesses,
            visitors_days,
            service_uses,
        }
    }
}

/// Returns the counted months, with the mobile shares of the compared year.
pub(crate) fn months(
    period: ReportPeriod,
    detail: &Detail,
    before: Option<&Detail>,
) -> Vec<MonthRow> {
    let months = period.months().map(i8::unsigned_abs);
    months
        .map(|month| {
            let [accesses, mobile_accesses, service_uses] = of_month(detail, month);
            let visitors = detail.visitors.iter().filter(|row| row.month == month);
            let compared = before.and_then(|before| {
                let [accesses, mobile, _] = of_month(before, month);
                share_percent(mobile, accesses)
            });
            MonthRow {
                month,
                accesses,
                mobile_accesses,
                mobile_share_percent: share_percent(mobile_accesses, accesses),
                compared_mobile_share_percent: compared,
                visitors_days: visitors.map(|row| row.visitors_days).sum(),
                service_uses,
            }
        })
        .collect()
}

/// Returns accesses of people, accesses by smartphone or tablet, and service uses of people.
fn of_month(detail: &Detail, month: u8) -> [u64; 3] {
    let rows = detail.months.iter();
    let people = rows.filter(|row| row.month == month && row.is_of_people());
    people.fold([0; 3], |[all, mobile, uses], row| {
        let is_mobile = matches!(row.device.parse(), Ok(Device::Smartphone | Device::Tablet));
        let own = if is_mobile { row.accesses } else { 0 };
        [all + row.accesses, mobile + own, uses + row.service_uses]
    })
}
