//! Content of a register, with all references resolved and all dates checked.

use std::ops::Range;
use std::sync::Arc;

use affluenza_classify::hours::{MonthDay, OpeningHours, Zone};
use affluenza_event::Kind;
use jiff::civil::Date;
use serde::Deserialize;
use strum::{Display, IntoStaticStr, VariantArray};

use crate::names;

/// Period of validity: includes the first day, excludes the end day.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Validity {
    /// First day; `None` if unlimited.
    pub from: Option<Date>,
    /// First day after the period; `None` if unlimited.
    pub to: Option<Date>,
}

impl Validity {
    /// True if the period includes `day`.
    pub fn contains(&self, day: Date) -> bool {
        self.from.is_none_or(|from| from <= day) && self.to.is_none_or(|to| day < to)
    }

    /// Returns the common days of two periods, or `None` without any.
    pub fn intersection(&self, other: &Self) -> Option<Self> {
        let both = Self {
            from: self.from.max(other.from),
            to: match (self.to, other.to) {
                (Some(a), Some(b)) => Some(a.min(b)),
                (a, b) => a.or(b),
            },
        };
        match (both.from, both.to) {
            (Some(from), Some(to)) if to <= from => None,
            _ => Some(both),
        }
    }
}

/// Kind of public body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[derive(Display, IntoStaticStr)]
#[strum(serialize_all = "kebab-case")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum EnteKind {
    /// A municipality.
    Comune,
    /// A union of municipalities.
    Unione,
    /// A metropolitan city.
    CittaMetropolitana,
}

/// Kind of portal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[derive(Display, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "kebab-case")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum PortalKind {
    /// The civic network: the public site of the ente.
    Civic = 1,
    /// The area of online services.
    Services = 2,
    /// An app for phones.
    App = 3,
}

/// Number of inhabitants in a given year.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Population {
    /// Number of inhabitants.
    pub inhabitants: u32,
    /// Year of the count.
    pub year: i16,
    /// Source of the count, such as Istat.
    pub source: Option<String>,
}

/// A public body.
#[derive(Debug, Clone)]
pub struct Ente {
    pub(crate) index: u32,
    pub(crate) code: String,
    pub(crate) name: String,
    pub(crate) kind: EnteKind,
    pub(crate) istat: Option<String>,
    pub(crate) belfiore: Option<String>,
    pub(crate) zone: Zone,
    pub(crate) population: Option<Population>,
    /// Codes of its members, sorted.
    pub(crate) members: Vec<String>,
    pub(crate) aliases: Vec<String>,
    pub(crate) validity: Validity,
    pub(crate) successor: Option<String>,
    pub(crate) patron: Option<MonthDay>,
    pub(crate) desk: Option<OpeningHours>,
    /// Range of its portals in the register's list.
    pub(crate) portals: Range<usize>,
}

impl Ente {
    /// IPA code.
    pub fn code(&self) -> &str {
        &self.code
    }

    /// Position in the order of codes, from 0. It is stable within one register and serves as an
    /// array index.
    pub fn index(&self) -> usize {
        self.index as usize
    }

    /// Common name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Name for a file: the words of the common name in lower case without accents, then the code, as
    /// in `rignano-sull-arno_c_h286`.
    pub fn file_stem(&self) -> String {
        let words = self.name.split(|letter: char| !letter.is_alphanumeric());
        let words = words.map(names::key).filter(|word| !word.is_empty());
        let words: Vec<String> = words.collect();
        format!("{}_{}", words.join("-"), self.code)
    }

    /// Kind of public body.
    pub fn kind(&self) -> EnteKind {
        self.kind
    }

    /// Istat code of the municipality, digits with leading zeros.
    pub fn istat(&self) -> Option<&str> {
        self.istat.as_deref()
    }

    /// Belfiore (cadastral) code of the municipality.
    pub fn belfiore(&self) -> Option<&str> {
        self.belfiore.as_deref()
    }

    /// Time zone of local hours; defaults to Europe/Rome.
    pub fn zone(&self) -> &Zone {
        &self.zone
    }

    /// Number of inhabitants, if known. That of an ente with members is their sum, which is known if
    /// those of all members are.
    pub fn population(&self) -> Option<&Population> {
        self.population.as_ref()
    }

    /// Codes of the municipalities that are members of a union or metropolitan city, sorted; empty
    /// if they are not given.
    pub fn members(&self) -> &[String] {
        &self.members
    }

    /// Other names and codes that identify the ente.
    pub fn aliases(&self) -> &[String] {
        &self.aliases
    }

    /// Period in which the ente exists.
    pub fn validity(&self) -> Validity {
        self.validity
    }

    /// Code of the ente that replaced this one.
    pub fn successor(&self) -> Option<&str> {
        self.successor.as_deref()
    }

    /// Day of the patron saint, a local holiday, if known.
    pub fn patron(&self) -> Option<MonthDay> {
        self.patron
    }

    /// Opening hours of the desk, if known.
    pub fn desk(&self) -> Option<&OpeningHours> {
        self.desk.as_ref()
    }
}

/// A category of services.
#[derive(Debug, Clone)]
pub struct Category {
    pub(crate) index: u32,
    pub(crate) code: String,
    pub(crate) name_it: String,
    pub(crate) name_en: String,
}

impl Category {
    /// Category code.
    pub fn code(&self) -> &str {
        &self.code
    }

    /// Position in the order of codes, from 0.
    pub fn index(&self) -> usize {
        self.index as usize
    }

    /// Italian name.
    pub fn name_it(&self) -> &str {
        &self.name_it
    }

    /// English name.
    pub fn name_en(&self) -> &str {
        &self.name_en
    }
}

/// A service that enti offer on line.
#[derive(Debug, Clone)]
pub struct Service {
    pub(crate) index: u32,
    pub(crate) code: String,
    pub(crate) name_it: String,
    pub(crate) name_en: Option<String>,
    pub(crate) nature: Kind,
    pub(crate) subject: Option<String>,
    pub(crate) life_event: Option<String>,
    pub(crate) aliases: Vec<String>,
    pub(crate) validity: Validity,
    /// Current category; usually the only one.
    pub(crate) category: Arc<Category>,
    /// Earlier categories, oldest first, each with the first day on which it no longer applied.
    pub(crate) earlier: Vec<(Date, Arc<Category>)>,
}

impl Service {
    /// Service code.
    pub fn code(&self) -> &str {
        &self.code
    }

    /// Position in the order of codes, from 0.
    pub fn index(&self) -> usize {
        self.index as usize
    }

    /// Italian name.
    pub fn name_it(&self) -> &str {
        &self.name_it
    }

    /// English name, if any.
    pub fn name_en(&self) -> Option<&str> {
        self.name_en.as_deref()
    }

    /// Intended kind of use. A deployment may override it.
    pub fn nature(&self) -> Kind {
        self.nature
    }

    /// AgID subject matter, if known.
    pub fn subject(&self) -> Option<&str> {
        self.subject.as_deref()
    }

    /// AgID life event, if known.
    pub fn life_event(&self) -> Option<&str> {
        self.life_event.as_deref()
    }

    /// Other names and codes that identify the service.
    pub fn aliases(&self) -> &[String] {
        &self.aliases
    }

    /// Period in which the service exists.
    pub fn validity(&self) -> Validity {
        self.validity
    }

    /// Categories of the service in chronological order, each with its period. They cover every
    /// day, even outside the validity of the service.
    pub fn categories(&self) -> impl Iterator<Item = (Validity, &Category)> {
        let starts = std::iter::once(None).chain(self.earlier.iter().map(|(to, _)| Some(*to)));
        let ends = self.earlier.iter().map(|(to, _)| Some(*to)).chain([None]);
        let categories = self.earlier.iter().map(|(_, category)| category);
        starts
            .zip(ends)
            .zip(categories.chain([&self.category]))
            .map(|((from, to), category)| (Validity { from, to }, &**category))
    }

    /// Category of the service on `day`. Every day has exactly one.
    pub fn category_on(&self, day: Date) -> &Category {
        self.earlier
            .iter()
            .find(|(to, _)| day < *to)
            .map_or(&self.category, |(_, category)| category)
    }
}

/// A portal or app of an ente.
#[derive(Debug, Clone)]
pub struct Portal {
    pub(crate) code: String,
    pub(crate) name: String,
    pub(crate) ente: String,
    pub(crate) source: String,
    pub(crate) kind: Option<PortalKind>,
    pub(crate) zone: Zone,
}

impl Portal {
    /// Portal code, unique within its ente.
    pub fn code(&self) -> &str {
        &self.code
    }

    /// Display name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Code of its ente.
    pub fn ente(&self) -> &str {
        &self.ente
    }

    /// CloudEvents `source` of the portal's events.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Kind of portal, if known.
    pub fn kind(&self) -> Option<PortalKind> {
        self.kind
    }

    /// Time zone of local hours; defaults to the ente's zone.
    pub fn zone(&self) -> &Zone {
        &self.zone
    }
}

/// A service that an ente offers during a period.
#[derive(Debug, Clone, Copy)]
pub struct Deployment<'r> {
    /// Ente that offers the service.
    pub ente: &'r Ente,
    /// Offered service.
    pub service: &'r Service,
    /// Intended kind of use at this ente.
    pub nature: Kind,
    /// Period in which the service is offered, and ente and service exist.
    pub validity: Validity,
}
