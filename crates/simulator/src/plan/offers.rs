//! Services offered in a year.

use std::collections::BTreeMap;

use affluenza_event::Kind;
use affluenza_register::{Register, Service, Validity};
use jiff::civil::date;

/// Services and deployments of a year in one category.
pub(crate) struct Offers {
    /// Periods in which each service exists and belongs to the category. Services without such a
    /// period are absent.
    pub services: BTreeMap<usize, Vec<Validity>>,
    /// Deployments by ente and service.
    pub deployed: BTreeMap<(usize, usize), OfferedService>,
}

/// A service that an ente offers.
pub(crate) struct OfferedService {
    pub nature: Kind,
    pub days: Vec<Validity>,
}

impl Offers {
    pub(crate) fn new(register: &Register, category: usize, year: i16) -> Self {
        let year = Validity {
            from: Some(date(year, 1, 1)),
            to: Some(date(year + 1, 1, 1)),
        };
        let services: BTreeMap<usize, Vec<Validity>> = register
            .services()
            .map(|service| (service.index(), days_in(service, category, year)))
            .filter(|(_, days)| !days.is_empty())
            .collect();
        let mut deployed: BTreeMap<(usize, usize), OfferedService> = BTreeMap::new();
        for deployment in register.deployments() {
            let service = deployment.service.index();
            let days = services.get(&service).map_or(&[][..], Vec::as_slice);
            let days = days
                .iter()
                .filter_map(|days| days.intersection(&deployment.validity));
            for days in days {
                let key = (deployment.ente.index(), service);
                let offered = deployed.entry(key).or_insert_with(|| OfferedService {
                    nature: deployment.nature,
                    days: Vec::new(),
                });
                offered.days.push(days);
            }
        }
        Self { services, deployed }
    }

    /// True if the ente offers a service of the category.
    pub(crate) fn has_any(&self, ente: usize) -> bool {
        self.of(ente).next().is_some()
    }

    /// Services that an ente offers.
    pub(crate) fn of(&self, ente: usize) -> impl Iterator<Item = (usize, &OfferedService)> {
        let offered = self.deployed.range((ente, 0)..=(ente, usize::MAX));
        offered.map(|((_, service), offered)| (*service, offered))
    }

    /// Periods in which the ente offers the service; if it does not, those of the service.
    pub(crate) fn days(&self, ente: usize, service: usize) -> &[Validity] {
        let offered = self.deployed.get(&(ente, service)).map(|it| &it.days);
        offered
            .or_else(|| self.services.get(&service))
            .map_or(&[], Vec::as_slice)
    }
}

/// Returns the periods in which `service` exists and belongs to the category.
fn days_in(service: &Service, category: usize, year: Validity) -> Vec<Validity> {
    let exists = service.validity().intersection(&year);
    service
        .categories()
        .filter(|(_, of)| of.index() == category)
        .filter_map(|(days, _)| days.intersection(&exists?))
        .collect()
}

/// Number of days.
pub(crate) fn length(days: &[Validity]) -> f64 {
    days.iter()
        .filter_map(|days| Some(f64::from((days.to? - days.from?).get_days())))
        .sum()
}
