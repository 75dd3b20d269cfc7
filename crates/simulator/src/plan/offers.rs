//! Services offered in a year.

use std::collections::BTreeMap;

use affluenza_event::Kind;
use affluenza_register::{Register, Validity};
use jiff::civil::date;

/// Services and deployments of a year in one category.
pub(crate) struct Offers {
    /// Periods in which each service exists and belongs to the category. Services without such a
    /// period are absent.
    pub services: BTreeMap<usize, Vec<Validity>>,
    /// Deployments by ente and service.
    pub deployed: BTreeMap<(usize, usize), PlannedOffer>,
}

/// A service that an ente offers.
pub(crate) struct PlannedOffer {
    pub nature: Kind,
    days: Vec<Validity>,
}

impl Offers {
    pub(crate) fn new(register: &Register, category: usize, year: i16) -> Self {
        let year = Validity {
            from: Some(date(year, 1, 1)),
            to: Some(date(year + 1, 1, 1)),
        };
        let mut services: BTreeMap<usize, Vec<Validity>> = BTreeMap::new();
        for service in register.services() {
            let exists = service.validity().intersection(&year);
            let periods = service
                .categories()
                .filter(|(_, of)| of.index() == category);
            for days in periods.filter_map(|(days, _)| days.intersection(&exists?)) {
                services.entry(service.index()).or_default().push(days);
            }
        }
        let mut deployed: BTreeMap<(usize, usize), PlannedOffer> = BTreeMap::new();
        for deployment in register.deployments() {
            let (ente, service) = (deployment.ente.index(), deployment.service.index());
            let days = services.get(&service).into_iter().flatten();
            for days in days.filter_map(|days| days.intersection(&deployment.validity)) {
                let offered = deployed.entry((ente, service)).or_insert(PlannedOffer {
                    nature: deployment.nature,
                    days: Vec::new(),
                });
                offered.days.push(days);
            }
        }
        Self { services, deployed }
    }

    /// Services that an ente offers.
    pub(crate) fn of(&self, ente: usize) -> impl Iterator<Item = (usize, &PlannedOffer)> {
        let offered = self.deployed.range((ente, 0)..=(ente, usize::MAX));
        offered.map(|((_, service), offered)| (*service, offered))
    }

    /// Periods in which the ente offers the service; if it does not, those of the service.
    pub(crate) fn days(&self, ente: usize, service: usize) -> &[Validity] {
        match self.deployed.get(&(ente, service)) {
            Some(offered) => &offered.days,
            None => self.services.get(&service).map_or(&[], Vec::as_slice),
        }
    }

    /// Number of these days.
    pub(crate) fn length(&self, ente: usize, service: usize) -> f64 {
        let days = self.days(ente, service).iter();
        days.filter_map(|days| Some(f64::from((days.to? - days.from?).get_days())))
            .sum()
    }
}
