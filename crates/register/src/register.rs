//! The register and its lookups.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use affluenza_classify::hours::Zone;
use affluenza_event::Kind;
use foldhash::fast::FixedState;
use jiff::civil::Date;

use crate::check::Checker;
use crate::model::{Category, Deployment, Ente, EnteKind, Portal, Service, Validity};
use crate::names;
use crate::problem::RegisterErrors;
use crate::tables::OpenFile;

/// A hash map for codes. The register is trusted, so a fixed seed is safe.
pub(crate) type Map<K, V> = HashMap<K, V, FixedState>;

/// Enti, portals, categories, services and deployments. A lookup by the exact spelling allocates
/// nothing; a lookup by another spelling allocates.
#[derive(Debug, Clone)]
pub struct Register {
    /// Sorted by code.
    pub(crate) enti: Vec<Ente>,
    /// Sorted by code.
    pub(crate) categories: Vec<Arc<Category>>,
    /// Sorted by code.
    pub(crate) services: Vec<Service>,
    /// Sorted by ente, then by code.
    pub(crate) portals: Vec<Portal>,
    /// Sorted by ente, service and date.
    pub(crate) offers: Vec<Offer>,
    pub(crate) offers_of: Map<(u32, u32), std::ops::Range<u32>>,
    pub(crate) ente_names: Names,
    pub(crate) service_names: Names,
    pub(crate) category_names: Names,
    pub(crate) version: String,
}

/// A deployment with the indexes of its ente and service.
#[derive(Debug, Clone)]
pub(crate) struct Offer {
    pub ente: u32,
    pub service: u32,
    pub nature: Kind,
    pub validity: Validity,
}

/// Maps codes, names and aliases to indexes.
#[derive(Debug, Clone, Default)]
pub(crate) struct Names {
    /// Index by exact spelling.
    pub exact: Map<Box<str>, u32>,
    /// Index by comparison key.
    pub by_key: Map<Box<str>, u32>,
}

/// Entries of a table with the index of their names.
pub(crate) struct Named<'t, T> {
    pub entries: &'t [T],
    names: &'t Names,
}

impl<'t, T> Named<'t, T> {
    /// Returns the entry with this exact code or name.
    pub fn find(&self, code: &str) -> Option<&'t T> {
        self.position(code).map(|at| &self.entries[at])
    }

    /// Returns the position of the entry with this exact code or name.
    pub fn position(&self, code: &str) -> Option<usize> {
        self.names.exact.get(code).map(|at| *at as usize)
    }
}

impl Names {
    pub fn of<'t, T>(&'t self, entries: &'t [T]) -> Named<'t, T> {
        let names = self;
        Named { entries, names }
    }

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
    /// Parses a register that names no further files, or has their texts in `[contents]`. Returns
    /// all problems of the text.
    pub fn parse(text: &str) -> Result<Self, RegisterErrors> {
        Self::read(text, |_| Err("only its text was given".to_owned()))
    }

    /// Parses a register that was sealed, perhaps before it was checked as strictly as now.
    pub fn parse_sealed(text: &str) -> Result<Self, RegisterErrors> {
        let open: OpenFile<'_> = &mut |_| Err("only its text was given".to_owned());
        crate::assemble::assemble(text, open, Checker::of_sealed())
    }

    /// Parses a register of several files, or returns all of its problems. `text` is the first
    /// file. `open` returns the text of a file that it names, or the reason why it cannot be read.
    pub fn read(
        text: &str,
        mut open: impl FnMut(&str) -> Result<String, String>,
    ) -> Result<Self, RegisterErrors> {
        crate::assemble::assemble(text, &mut open, Checker::default())
    }

    /// Finds an ente by IPA code, Istat code, Belfiore code, name or alias. Case, accents, spaces
    /// and punctuation are ignored.
    #[inline]
    pub fn ente(&self, code_or_alias: &str) -> Option<&Ente> {
        self.ente_names
            .find(code_or_alias)
            .map(|place| &self.enti[place])
    }

    /// Finds a service by code, name or alias. Case, accents, spaces and punctuation are ignored.
    #[inline]
    pub fn service(&self, code: &str) -> Option<&Service> {
        self.service_names
            .find(code)
            .map(|place| &self.services[place])
    }

    /// Finds a category by code or name.
    #[inline]
    pub fn category(&self, code: &str) -> Option<&Category> {
        self.category_names
            .find(code)
            .map(|place| &*self.categories[place])
    }

    /// Finds a portal of an ente by its code. `ente` must come from this register.
    #[inline]
    pub fn portal(&self, ente: &Ente, code: &str) -> Option<&Portal> {
        let portals = self.portals_of(ente);
        let found = portals.binary_search_by(|portal| portal.code.as_str().cmp(code));
        found.ok().map(|at| &portals[at])
    }

    /// True if `ente` offered `service` on `day`. Both must come from this register.
    #[inline]
    pub fn deployed(&self, ente: &Ente, service: &Service, day: Date) -> bool {
        self.offers_at(ente, service)
            .iter()
            .any(|offer| offer.validity.contains(day))
    }

    /// All deployments, past and present, sorted by ente, service and date.
    pub fn deployments(&self) -> impl Iterator<Item = Deployment<'_>> {
        self.offers.iter().map(|offer| self.deployment(offer))
    }

    /// Deployments of an ente, sorted by service and date. `ente` must come from this register.
    pub fn deployments_of(&self, ente: &Ente) -> impl Iterator<Item = Deployment<'_>> {
        let first = self.offers.partition_point(|it| it.ente < ente.index);
        let end = self.offers.partition_point(|it| it.ente <= ente.index);
        let offers = self.offers.get(first..end).unwrap_or_default();
        offers.iter().map(|offer| self.deployment(offer))
    }

    /// Deployments valid on `day`, sorted by ente and service.
    pub fn deployments_on(&self, day: Date) -> impl Iterator<Item = Deployment<'_>> {
        self.deployments()
            .filter(move |deployment| deployment.validity.contains(day))
    }

    /// All enti, sorted by code. The position of an ente is its [`Ente::index`].
    pub fn enti(&self) -> impl ExactSizeIterator<Item = &Ente> {
        self.enti.iter()
    }

    /// Returns the residents of the municipalities among `enti` and among the members of `enti`, each
    /// municipality once, and one with its successor only as the successor. Other bodies have
    /// residents of municipalities, so their own numbers are not added. Returns `None` without
    /// municipalities, or if the residents of one are unknown.
    pub fn residents<'r>(&'r self, enti: impl Iterator<Item = &'r Ente>) -> Option<u64> {
        let mut comuni = BTreeMap::new();
        for ente in enti {
            let own = (ente.kind == EnteKind::Comune).then_some(ente);
            let members = ente.members.iter().filter_map(|code| self.ente(code));
            let found = own.into_iter().chain(members);
            comuni.extend(found.map(|comune| (comune.index, comune)));
        }
        let mut residents = None;
        for comune in comuni.values() {
            let mut later = self.successors_of(comune);
            if later.all(|later| !comuni.contains_key(&later.index)) {
                let own = u64::from(comune.population()?.inhabitants);
                *residents.get_or_insert(0) += own;
            }
        }
        residents
    }

    /// Returns the ente that replaced this one, then the one that replaced that one, and so on.
    fn successors_of<'r>(&'r self, ente: &'r Ente) -> impl Iterator<Item = &'r Ente> {
        std::iter::successors(Some(ente), |ente| self.ente(ente.successor()?)).skip(1)
    }

    /// Returns the unions and metropolitan cities whose members include `ente`.
    pub fn unions_of<'r>(&'r self, ente: &'r Ente) -> impl Iterator<Item = &'r Ente> {
        let enti = self.enti.iter();
        enti.filter(|union| union.members.binary_search(&ente.code).is_ok())
    }

    /// Returns the time zones of the portals that `is_asked` selects, sorted by name and without
    /// duplicates, or Europe/Rome if there is none. For an ente without portals, `is_asked` gets
    /// `None`, and the ente's zone counts.
    pub fn zones(&self, is_asked: impl Fn(&Ente, Option<&Portal>) -> bool) -> Vec<Zone> {
        let mut zones = BTreeMap::new();
        for ente in &self.enti {
            let portals = self.portals_of(ente);
            let asked = portals.iter().filter(|portal| is_asked(ente, Some(portal)));
            zones.extend(asked.map(|portal| (portal.zone().name(), portal.zone())));
            if portals.is_empty() && is_asked(ente, None) {
                zones.insert(ente.zone().name(), ente.zone());
            }
        }
        if zones.is_empty() {
            return vec![Zone::default()];
        }
        zones.into_values().cloned().collect()
    }

    /// All categories, sorted by code.
    pub fn categories(&self) -> impl ExactSizeIterator<Item = &Category> {
        self.categories.iter().map(|category| &**category)
    }

    /// All services, sorted by code.
    pub fn services(&self) -> impl ExactSizeIterator<Item = &Service> {
        self.services.iter()
    }

    /// All portals, sorted by ente and code.
    pub fn portals(&self) -> impl ExactSizeIterator<Item = &Portal> {
        self.portals.iter()
    }

    /// Portals of an ente, sorted by code. `ente` must come from this register.
    pub fn portals_of(&self, ente: &Ente) -> &[Portal] {
        self.portals.get(ente.portals.clone()).unwrap_or_default()
    }

    /// Hash of the content, twelve hexadecimal digits. The order and layout of the text do not
    /// affect it.
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
