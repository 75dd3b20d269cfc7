//! The register and its look-ups.

use std::collections::HashMap;
use std::sync::Arc;

use affluenza_event::Kind;
use foldhash::fast::FixedState;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::model::{Category, Deployment, Ente, Portal, Service, Validity};
use crate::names;
use crate::problem::RegisterErrors;

/// A hash map for codes. The register is trusted, so a fixed seed is safe.
pub(crate) type Map<K, V> = HashMap<K, V, FixedState>;

/// Enti, portals, categories, services and deployments. Look-ups by the code as registered
/// allocate nothing; those by another spelling of it do.
#[derive(Debug, Clone)]
pub struct Register {
    /// In the order of codes.
    pub(crate) enti: Vec<Ente>,
    /// In the order of codes.
    pub(crate) categories: Vec<Arc<Category>>,
    /// In the order of codes.
    pub(crate) services: Vec<Service>,
    /// In the order of enti, then of codes.
    pub(crate) portals: Vec<Portal>,
    /// In the order of enti, services, dates.
    pub(crate) offers: Vec<Offer>,
    pub(crate) offers_of: Map<(u32, u32), std::ops::Range<u32>>,
    pub(crate) ente_names: Names,
    pub(crate) service_names: Names,
    pub(crate) category_names: Names,
    pub(crate) version: String,
}

/// A deployment by the places of its ente and service.
#[derive(Debug, Clone)]
pub(crate) struct Offer {
    pub ente: u32,
    pub service: u32,
    pub nature: Kind,
    pub validity: Validity,
}

/// From codes, names and aliases to places.
#[derive(Debug, Clone, Default)]
pub(crate) struct Names {
    /// As written.
    pub exact: Map<Box<str>, u32>,
    /// By comparison key.
    pub by_key: Map<Box<str>, u32>,
}

impl Names {
    #[inline]
    fn find(&self, name: &str) -> Option<usize> {
        let place = match self.exact.get(name) {
            Some(place) => Some(*place),
            None => self.find_by_key(name),
        };
        place.map(|place| place as usize)
    }

    #[cold]
    fn find_by_key(&self, name: &str) -> Option<u32> {
        self.by_key.get(names::key(name).as_str()).copied()
    }
}

impl Register {
    /// Reads a register, or says everything that is wrong with it.
    pub fn parse(text: &str) -> Result<Self, RegisterErrors> {
        crate::assemble::assemble(text)
    }

    /// The ente with this IPA code, Istat or Belfiore code, name or alias, whatever its case,
    /// accents, spaces and punctuation.
    #[inline]
    pub fn ente(&self, code_or_alias: &str) -> Option<&Ente> {
        self.ente_names
            .find(code_or_alias)
            .map(|place| &self.enti[place])
    }

    /// The service with this code, name or alias, whatever its case and punctuation.
    #[inline]
    pub fn service(&self, code: &str) -> Option<&Service> {
        self.service_names
            .find(code)
            .map(|place| &self.services[place])
    }

    /// The category with this code or name.
    #[inline]
    pub fn category(&self, code: &str) -> Option<&Category> {
        self.category_names
            .find(code)
            .map(|place| &*self.categories[place])
    }

    /// The portal of an ente with this code. `ente` comes from this register.
    #[inline]
    pub fn portal(&self, ente: &Ente, code: &str) -> Option<&Portal> {
        self.portals_of(ente)
            .iter()
            .find(|portal| portal.code == code)
    }

    /// Whether `ente` offered `service` on `day`. Both come from this register.
    #[inline]
    pub fn deployed(&self, ente: &Ente, service: &Service, day: Date) -> bool {
        self.offers_at(ente, service)
            .iter()
            .any(|offer| offer.validity.contains(day))
    }

    /// The periods during which `ente` offers `service`, in order. Both come from this register.
    pub fn deployments_of<'r>(
        &'r self,
        ente: &Ente,
        service: &Service,
    ) -> impl Iterator<Item = Deployment<'r>> + use<'r> {
        self.offers_at(ente, service)
            .iter()
            .map(|offer| self.deployment(offer))
    }

    /// Every deployment there is or was, in the order of enti, services and dates.
    pub fn deployments(&self) -> impl Iterator<Item = Deployment<'_>> {
        self.offers.iter().map(|offer| self.deployment(offer))
    }

    /// What was offered on `day`, in the order of enti and services.
    pub fn deployments_on(&self, day: Date) -> impl Iterator<Item = Deployment<'_>> {
        self.deployments()
            .filter(move |deployment| deployment.validity.contains(day))
    }

    /// Every ente, in the order of codes: the place of an ente is its [`Ente::index`].
    pub fn enti(&self) -> impl ExactSizeIterator<Item = &Ente> {
        self.enti.iter()
    }

    /// Names of the time zones in which some portals count their hours, in order and each once. An ente
    /// without portals in the register is asked for once, and has its own zone.
    pub fn zones(&self, is_asked: impl Fn(&Ente, Option<&Portal>) -> bool) -> Vec<&str> {
        let mut zones = Vec::new();
        for ente in &self.enti {
            let portals = self.portals_of(ente);
            let asked = portals.iter().filter(|portal| is_asked(ente, Some(portal)));
            zones.extend(asked.map(Portal::zone));
            if portals.is_empty() && is_asked(ente, None) {
                zones.push(ente.zone());
            }
        }
        let mut names: Vec<&str> = zones.into_iter().filter_map(TimeZone::iana_name).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// Every category, in the order of codes.
    pub fn categories(&self) -> impl ExactSizeIterator<Item = &Category> {
        self.categories.iter().map(|category| &**category)
    }

    /// Every service, in the order of codes.
    pub fn services(&self) -> impl ExactSizeIterator<Item = &Service> {
        self.services.iter()
    }

    /// Every portal, in the order of enti and codes.
    pub fn portals(&self) -> impl ExactSizeIterator<Item = &Portal> {
        self.portals.iter()
    }

    /// The portals of an ente, in the order of codes. `ente` comes from this register.
    pub fn portals_of(&self, ente: &Ente) -> &[Portal] {
        self.portals.get(ente.portals.clone()).unwrap_or_default()
    }

    /// Twelve hexadecimal digits that stand for the content: the same for two texts that say
    /// the same in another order or layout.
    pub fn version(&self) -> &str {
        &self.version
    }

    fn offers_at(&self, ente: &Ente, service: &Service) -> &[Offer] {
        self.offers_of
            .get(&(ente.index, service.index))
            .and_then(|places| self.offers.get(places.start as usize..places.end as usize))
            .unwrap_or_default()
    }

    fn deployment(&self, offer: &Offer) -> Deployment<'_> {
        Deployment {
            ente: &self.enti[offer.ente as usize],
            service: &self.services[offer.service as usize],
            nature: offer.nature,
            validity: offer.validity,
        }
    }
}
