//! Services offered on each day of a year.

use std::collections::BTreeMap;
use std::ops::Range;

use affluenza_event::Kind;
use affluenza_register::{Register, Service, Validity};
use jiff::civil::{Date, date};

/// Days of the year, as sorted ranges.
pub(crate) type Days = Vec<Range<u16>>;

/// Services and deployments of a year in one category.
pub(crate) struct Offers {
    /// Days on which each service exists and belongs to the category; services without such days
    /// are absent.
    pub services: BTreeMap<usize, Days>,
    /// Kind of use and days of each deployment, by ente and service.
    pub deployed: BTreeMap<(usize, usize), (Kind, Days)>,
}

impl Offers {
    pub(crate) fn new(register: &Register, category: usize, year: i16) -> Self {
        let services: BTreeMap<usize, Days> = register
            .services()
            .map(|service| (service.index(), days_in(service, category, year)))
            .filter(|(_, days)| !days.is_empty())
            .collect();
        let mut deployed: BTreeMap<(usize, usize), (Kind, Days)> = BTreeMap::new();
        for deployment in register.deployments() {
            let service = deployment.service.index();
            let (Some(days), Some(offered)) =
                (services.get(&service), days_of(deployment.validity, year))
            else {
                continue;
            };
            let days: Days = days.iter().filter_map(|it| both(it, &offered)).collect();
            if !days.is_empty() {
                let entry = deployed
                    .entry((deployment.ente.index(), service))
                    .or_insert((deployment.nature, Vec::new()));
                entry.1.extend(days);
            }
        }
        Self { services, deployed }
    }
}

/// Returns the days on which `service` exists and belongs to the category.
fn days_in(service: &Service, category: usize, year: i16) -> Days {
    let Some(exists) = days_of(service.validity(), year) else {
        return Vec::new();
    };
    let mut days: Days = Vec::new();
    for day in exists {
        let on = date(year, 1, 1).saturating_add(jiff::Span::new().days(i64::from(day)));
        if service.category_on(on).index() != category {
            continue;
        }
        match days.last_mut() {
            Some(last) if last.end == day => last.end = day + 1,
            _ => days.push(day..day + 1),
        }
    }
    days
}

/// Returns the days of `year` in the validity; `None` without any.
fn days_of(validity: Validity, year: i16) -> Option<Range<u16>> {
    let new_year = date(year, 1, 1);
    let end = new_year.days_in_year();
    // Clamped to the year, so the casts are safe.
    let [from, to] = [
        validity.from.unwrap_or(new_year),
        validity.to.unwrap_or(Date::MAX),
    ]
    .map(|day| (day - new_year).get_days().clamp(0, end.into()) as u16);
    (from < to).then_some(from..to)
}

fn both(a: &Range<u16>, b: &Range<u16>) -> Option<Range<u16>> {
    let days = a.start.max(b.start)..a.end.min(b.end);
    (!days.is_empty()).then_some(days)
}

/// Number of days.
pub(crate) fn length(days: &Days) -> u64 {
    days.iter().map(|range| range.len() as u64).sum()
}
