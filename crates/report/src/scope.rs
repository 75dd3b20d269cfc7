//! Extracts the figures of one ente from those of all.

use std::collections::BTreeMap;

use affluenza_register::{Deployment, Register};
use affluenza_store::figures::{
    BandUse, CountryUse, Detail, DeviceUse, HourUse, ServiceUse, ValueUse, YearFigures,
};
use affluenza_store::usage::Dimension;

use crate::names;

/// Returns the deployments of an ente, or of all.
pub(crate) fn deployments<'r>(
    register: &'r Register,
    ente: Option<&str>,
) -> impl Iterator<Item = Deployment<'r>> {
    let (one, all) = match ente {
        Some(code) => (register.ente(code), None),
        None => (None, Some(register.deployments())),
    };
    let of_one = one.map(|ente| register.deployments_of(ente));
    of_one
        .into_iter()
        .flatten()
        .chain(all.into_iter().flatten())
}

/// Figures of a year, divided by ente in one pass.
#[derive(Debug, Clone)]
pub struct FiguresByEnte {
    /// Rows by registered code.
    parts: BTreeMap<String, YearFigures>,
    /// Figures of an ente without rows.
    empty: YearFigures,
}

impl FiguresByEnte {
    /// Divides the figures of all enti.
    pub fn new(figures: &YearFigures, register: &Register) -> Self {
        let YearFigures { usage, detail, .. } = figures;
        let mut empty = YearFigures {
            months_in_doubt: figures.months_in_doubt.clone(),
            ..YearFigures::default()
        };
        empty.detail.rules.clone_from(&detail.rules);
        let mut parts = BTreeMap::new();
        let mut part = |name: &str, add: &mut dyn FnMut(&mut YearFigures)| {
            let code = names::ente_code(register, name);
            if !parts.contains_key(code) {
                parts.insert(code.to_owned(), empty.clone());
            }
            parts.get_mut(code).map(add);
        };
        for row in usage {
            part(&row.ente, &mut |own| own.usage.push(row.clone()));
        }
        for row in &detail.services {
            part(&row.ente, &mut |own| own.detail.services.push(row.clone()));
        }
        for row in &detail.months {
            part(&row.ente, &mut |own| own.detail.months.push(row.clone()));
        }
        for row in &detail.visitors {
            part(&row.ente, &mut |own| own.detail.visitors.push(row.clone()));
        }
        for row in &detail.portal_visitors {
            part(&row.ente, &mut |own| {
                own.detail.portal_visitors.push(row.clone());
            });
        }
        for row in &detail.hours {
            part(&row.ente, &mut |own| own.detail.hours.push(row.clone()));
        }
        for row in &detail.silences {
            part(&row.ente, &mut |own| own.detail.silences.push(row.clone()));
        }
        let mut values: BTreeMap<&str, BTreeMap<Dimension, Vec<ValueUse>>> = BTreeMap::new();
        for dimension in Dimension::detailed() {
            for row in detail.breakdowns.rows(dimension) {
                let code = names::ente_code(register, &row.ente);
                let own = values.entry(code).or_default();
                own.entry(dimension).or_default().push(row.clone());
            }
        }
        for (code, mut lists) in values {
            part(code, &mut |own| {
                own.detail.breakdowns = std::mem::take(&mut lists).into_iter().collect();
            });
        }
        Self { parts, empty }
    }

    /// Returns the rows of the ente with this registered code. They lack the sums over its rows,
    /// which [`Report::build`](crate::Report::build) computes.
    pub fn of(&self, code: &str) -> &YearFigures {
        self.parts.get(code).unwrap_or(&self.empty)
    }
}

/// Returns the figures of the ente with this registered code.
pub fn of_ente(figures: &YearFigures, register: &Register, code: &str) -> YearFigures {
    let whole = &figures.detail;
    let detail = Detail {
        services: filtered(&whole.services, |row| is_ente(register, &row.ente, code)),
        months: filtered(&whole.months, |row| is_ente(register, &row.ente, code)),
        visitors: filtered(&whole.visitors, |row| is_ente(register, &row.ente, code)),
        portal_visitors: filtered(&whole.portal_visitors, |row| {
            is_ente(register, &row.ente, code)
        }),
        hours: filtered(&whole.hours, |row| is_ente(register, &row.ente, code)),
        breakdowns: whole
            .breakdowns
            .filtered(|row| is_ente(register, &row.ente, code)),
        days: Vec::new(),
        silences: filtered(&whole.silences, |row| is_ente(register, &row.ente, code)),
        rules: whole.rules.clone(),
        week: Vec::new(),
        category_months: Vec::new(),
    };
    YearFigures {
        usage: filtered(&figures.usage, |row| is_ente(register, &row.ente, code)),
        services: services(&detail),
        devices: devices(&detail),
        bands: bands(&detail),
        hours: hours(&detail),
        countries: countries(&detail),
        detail,
        months_in_doubt: figures.months_in_doubt.clone(),
    }
}

/// True if a name is that of the ente with this code.
fn is_ente(register: &Register, name: &str, code: &str) -> bool {
    names::ente_code(register, name) == code
}

fn filtered<T: Clone>(rows: &[T], keep: impl Fn(&T) -> bool) -> Vec<T> {
    rows.iter().filter(|row| keep(row)).cloned().collect()
}

/// Sums the rows with the same key. Keys are in order.
fn sums<K: Ord, const N: usize>(
    rows: impl Iterator<Item = (K, [u64; N])>,
) -> BTreeMap<K, [u64; N]> {
    let mut sums = BTreeMap::new();
    for (key, counts) in rows {
        let sum = sums.entry(key).or_insert([0; N]);
        for (sum, count) in sum.iter_mut().zip(counts) {
            *sum += count;
        }
    }
    sums
}

fn services(detail: &Detail) -> Vec<ServiceUse> {
    let rows = detail.services.iter();
    let by_service = sums(rows.map(|row| ((&row.service, &row.category), [row.service_uses])));
    let mut services: Vec<ServiceUse> = by_service
        .into_iter()
        .filter(|(_, [service_uses])| *service_uses > 0)
        .map(|((service, category), [service_uses])| ServiceUse {
            service: service.clone(),
            category: category.clone(),
            service_uses,
            enti: 1,
        })
        .collect();
    services.sort_by_key(|row| std::cmp::Reverse(row.service_uses));
    services
}

fn devices(detail: &Detail) -> Vec<DeviceUse> {
    let rows = detail.months.iter();
    let by_device = sums(rows.map(|row| (&row.device, [row.accesses, row.service_uses])));
    by_device
        .into_iter()
        .map(|(device, [accesses, service_uses])| DeviceUse {
            device: device.clone(),
            accesses,
            service_uses,
        })
        .collect()
}

fn bands(detail: &Detail) -> Vec<BandUse> {
    let rows = detail.hours.iter();
    let by_band = sums(rows.map(|row| (&row.band, [row.users_hours, row.accesses])));
    by_band
        .into_iter()
        .map(|(band, [users_hours, accesses])| BandUse {
            band: band.clone(),
            users_hours,
            accesses,
        })
        .collect()
}

fn hours(detail: &Detail) -> Vec<HourUse> {
    let rows = detail.hours.iter();
    let by_hour = sums(rows.map(|row| (row.local_hour, [row.users_hours, row.accesses])));
    by_hour
        .into_iter()
        .map(|(local_hour, [users_hours, accesses])| HourUse {
            local_hour,
            users_hours,
            accesses,
        })
        .collect()
}

fn countries(detail: &Detail) -> Vec<CountryUse> {
    let rows = detail.breakdowns.rows(Dimension::Country).iter();
    let by_country = sums(rows.map(|row| (&row.value, [row.accesses, row.service_uses])));
    by_country
        .into_iter()
        .map(|(country, [accesses, service_uses])| CountryUse {
            country: country.clone(),
            accesses,
            service_uses,
        })
        .collect()
}
