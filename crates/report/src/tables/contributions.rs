//! Changes of use by ente and service.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use affluenza_register::Register;
use affluenza_store::figures::EnteServiceUse;
use serde::Serialize;

use super::EnteName;
use super::variations::difference;
use crate::names::ServiceName;
use crate::ratio::change_percent;

/// Largest number of rows in the table.
const SHOWN: usize = 20;

/// Change of the uses of a service in an ente, both registered.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Contribution {
    /// Code and name of the ente.
    #[serde(flatten)]
    pub ente: EnteName,
    /// Code and names of the service.
    #[serde(flatten)]
    pub service: ServiceName,
    /// Completed service uses.
    pub service_uses: u64,
    /// Service uses of the compared year.
    pub compared_service_uses: u64,
    /// Difference in uses.
    pub change: i64,
    /// Difference in percent of the compared year; `None` on a zero base.
    pub change_percent: Option<f64>,
}

impl Contribution {
    /// Returns the largest changes, the greatest first.
    pub(crate) fn largest(
        register: &Register,
        now: &[EnteServiceUse],
        before: &[EnteServiceUse],
    ) -> Vec<Self> {
        let mut sums: BTreeMap<(&str, &str), [u64; 2]> = BTreeMap::new();
        for (year, rows) in [now, before].into_iter().enumerate() {
            for row in rows {
                let known = register.ente(&row.ente).zip(register.service(&row.service));
                if let Some((ente, service)) = known {
                    let key = (ente.code(), service.code());
                    sums.entry(key).or_default()[year] += row.service_uses;
                }
            }
        }
        let mut changed: Vec<_> = sums.into_iter().collect();
        changed.retain(|(_, [now, before])| now != before);
        changed.sort_by_key(|(key, [now, before])| (Reverse(now.abs_diff(*before)), *key));
        changed.truncate(SHOWN);
        let rows = changed
            .into_iter()
            .map(|((ente, service), [now, before])| Self {
                ente: EnteName::of(register, ente),
                service: ServiceName::of(register, service),
                service_uses: now,
                compared_service_uses: before,
                change: difference(now, before),
                change_percent: change_percent(now, Some(before)),
            });
        rows.collect()
    }
}
