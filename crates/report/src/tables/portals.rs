//! Visits by kind of portal, and those of the civic networks for each resident.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use affluenza_register::{PortalKind, Register};
use affluenza_store::figures::{Counted, Detail, DeviceUse, MonthUse};
use affluenza_store::usage::Dimension;
use serde::Serialize;

use super::{Devices, EnteName};
use crate::names;
use crate::ratio::share_percent;

/// Use of the portals of a kind.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PortalKindRow {
    /// `civic`, `services`, `app` or `unknown`.
    pub portal_kind: &'static str,
    /// Accesses to pages and areas.
    pub accesses: u64,
    /// Share of all accesses, in percent; `None` without enough.
    pub share_percent: Option<f64>,
    /// Distinct visitors of each day and ente, summed over days and enti. A visitor of portals of two
    /// kinds counts at both.
    pub visitors_days: u64,
    /// Completed service uses.
    pub service_uses: u64,
    /// People's accesses by class of device.
    pub devices: Devices,
}

/// Visitors of an ente by kind of portal, and accesses to its civic network.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PortalVisitorsRow {
    /// Code and name of the ente.
    #[serde(flatten)]
    pub name: EnteName,
    /// Distinct visitors of each day at the civic network, summed over the days.
    pub civic_visitors_days: u64,
    /// Distinct visitors of each day in the area of services, summed over the days.
    pub services_visitors_days: u64,
    /// Accesses to the civic network.
    pub civic_accesses: u64,
    /// Inhabitants, by the register; `None` if not registered.
    pub residents: Option<u32>,
    /// Accesses to the civic network for each inhabitant; `None` without a civic network, or if the
    /// number of inhabitants is unknown.
    pub civic_accesses_per_resident: Option<f64>,
}

/// Use by kind of portal.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Portals {
    /// Kinds with use, in the order of the register.
    pub kinds: Vec<PortalKindRow>,
    /// Enti with visitors of a civic network or of an area of services, the most accesses to the
    /// civic network for each resident first.
    pub enti: Vec<PortalVisitorsRow>,
    /// Residents of the enti with accesses to a civic network, each municipality once; `None` if
    /// one of them is unknown.
    pub civic_residents: Option<u64>,
}

const CIVIC: &str = kind_name(PortalKind::Civic);
const SERVICES: &str = kind_name(PortalKind::Services);

const fn kind_name(kind: PortalKind) -> &'static str {
    match kind {
        PortalKind::Civic => "civic",
        PortalKind::Services => "services",
        PortalKind::App => "app",
    }
}

impl Portals {
    pub(crate) fn build(register: &Register, counted: Counted, detail: &Detail) -> Self {
        let values = Dimension::PortalKind.values();
        let kinds = values.into_iter().filter_map(|kind| {
            let rows = detail.months.iter();
            let rows: Vec<&MonthUse> = rows.filter(|row| row.portal_kind == kind).collect();
            let visitors = detail.portal_visitors.iter();
            let visitors = visitors.filter(|row| row.portal_kind == kind);
            kind_row(
                kind,
                counted,
                &rows,
                visitors.map(|row| row.visitors_days).sum(),
            )
        });
        let mut kinds: Vec<PortalKindRow> = kinds.collect();
        let all = kinds.iter().map(|row| row.accesses).sum();
        for row in &mut kinds {
            row.share_percent = share_percent(row.accesses, all);
        }
        let enti = visitors_by_ente(register, counted, detail);
        let civic = enti.iter().filter(|row| row.civic_accesses > 0);
        let civic = civic.map(|row| register.ente(&row.name.ente));
        let civic: Option<Vec<_>> = civic.collect();
        Self {
            kinds,
            civic_residents: civic.and_then(|enti| register.residents(enti.into_iter())),
            enti,
        }
    }

    /// Returns the row of the areas of services.
    pub(crate) fn services(&self) -> Option<&PortalKindRow> {
        self.kinds.iter().find(|row| row.portal_kind == SERVICES)
    }

    /// Returns the accesses to all civic networks.
    pub(crate) fn civic_accesses(&self) -> u64 {
        self.enti.iter().map(|row| row.civic_accesses).sum()
    }
}

/// Returns the row of a kind, without its share; `None` without use.
fn kind_row(
    portal_kind: &'static str,
    counted: Counted,
    rows: &[&MonthUse],
    visitors_days: u64,
) -> Option<PortalKindRow> {
    let own = || rows.iter().filter(|row| row.is_counted(counted));
    let accesses = own().map(|row| row.accesses).sum();
    let service_uses = own().map(|row| row.service_uses).sum();
    if accesses + service_uses + visitors_days == 0 {
        return None;
    }
    let devices = rows.iter().map(|row| DeviceUse {
        device: row.device.clone(),
        accesses: row.accesses,
        service_uses: row.service_uses,
    });
    Some(PortalKindRow {
        portal_kind,
        accesses,
        share_percent: None,
        visitors_days,
        service_uses,
        devices: Devices::build(&devices.collect::<Vec<_>>()),
    })
}

#[derive(Default)]
struct EnteSum {
    civic_visitors_days: u64,
    services_visitors_days: u64,
    civic_accesses: u64,
}

fn visitors_by_ente(
    register: &Register,
    counted: Counted,
    detail: &Detail,
) -> Vec<PortalVisitorsRow> {
    let mut sums: BTreeMap<&str, EnteSum> = BTreeMap::new();
    for row in &detail.portal_visitors {
        let sum = sums
            .entry(names::ente_code(register, &row.ente))
            .or_default();
        match &*row.portal_kind {
            CIVIC => sum.civic_visitors_days += row.visitors_days,
            SERVICES => sum.services_visitors_days += row.visitors_days,
            _ => {}
        }
    }
    let months = detail.months.iter();
    for row in months.filter(|row| row.portal_kind == CIVIC && row.is_counted(counted)) {
        let sum = sums
            .entry(names::ente_code(register, &row.ente))
            .or_default();
        sum.civic_accesses += row.accesses;
    }
    let used = sums.into_iter().filter(|(_, sum)| {
        sum.civic_visitors_days + sum.services_visitors_days + sum.civic_accesses > 0
    });
    let mut rows: Vec<PortalVisitorsRow> = used
        .map(|(code, sum)| {
            let population = register.ente(code).and_then(|ente| ente.population());
            let residents = population.map(|population| population.inhabitants);
            let ratio = residents.filter(|residents| *residents > 0 && sum.civic_accesses > 0);
            PortalVisitorsRow {
                name: EnteName::of(register, code),
                civic_visitors_days: sum.civic_visitors_days,
                services_visitors_days: sum.services_visitors_days,
                civic_accesses: sum.civic_accesses,
                residents,
                civic_accesses_per_resident: ratio
                    .map(|residents| sum.civic_accesses as f64 / f64::from(residents)),
            }
        })
        .collect();
    rows.sort_by(|a, b| {
        let ratio = |row: &PortalVisitorsRow| row.civic_accesses_per_resident.unwrap_or(-1.0);
        ratio(b)
            .total_cmp(&ratio(a))
            .then_with(|| Reverse(a.services_visitors_days).cmp(&Reverse(b.services_visitors_days)))
            .then_with(|| a.name.ente_name.cmp(&b.name.ente_name))
    });
    rows
}
