//! What a register holds. Every reference has been resolved, every date checked.

use std::ops::Range;
use std::sync::Arc;

use affluenza_classify::hours::{MonthDay, OpeningHours};
use affluenza_event::Kind;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::Deserialize;

/// The days on which something holds: from one day on, up to but not including another.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Validity {
    /// First day; `None` for "as far back as anyone asks".
    pub from: Option<Date>,
    /// First day on which it no longer holds; `None` for "until further notice".
    pub to: Option<Date>,
}

impl Validity {
    /// Whether `day` is one of the days.
    pub fn contains(&self, day: Date) -> bool {
        self.from.is_none_or(|from| from <= day) && self.to.is_none_or(|to| day < to)
    }

    /// The days of both, `None` when they share none.
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

/// What kind of body an ente is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum EnteKind {
    /// A municipality.
    Comune,
    /// A union of municipalities.
    Unione,
    /// A metropolitan city.
    CittaMetropolitana,
}

impl EnteKind {
    /// The name used in the file, in SQL and in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Comune => "comune",
            Self::Unione => "unione",
            Self::CittaMetropolitana => "citta-metropolitana",
        }
    }
}

/// Inhabitants, and the year they were counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Population {
    /// How many.
    pub inhabitants: u32,
    /// Year of the count.
    pub year: i16,
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
    pub(crate) zone: TimeZone,
    pub(crate) population: Option<Population>,
    pub(crate) aliases: Vec<String>,
    pub(crate) validity: Validity,
    pub(crate) successor: Option<String>,
    pub(crate) patron: Option<MonthDay>,
    pub(crate) desk: Option<OpeningHours>,
    /// Where its portals stand in the register's list.
    pub(crate) portals: Range<usize>,
}

impl Ente {
    /// IPA code.
    pub fn code(&self) -> &str {
        &self.code
    }

    /// Place in the order of codes, from 0: stable within one register, for use as an array
    /// index.
    pub fn index(&self) -> usize {
        self.index as usize
    }

    /// Name as people know it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What kind of body it is.
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

    /// Time zone of its local hours; Europe/Rome unless given.
    pub fn zone(&self) -> &TimeZone {
        &self.zone
    }

    /// Inhabitants, when given.
    pub fn population(&self) -> Option<Population> {
        self.population
    }

    /// Other names under which it is found.
    pub fn aliases(&self) -> &[String] {
        &self.aliases
    }

    /// The days on which it exists.
    pub fn validity(&self) -> Validity {
        self.validity
    }

    /// Code of the ente that took over when it ended.
    pub fn successor(&self) -> Option<&str> {
        self.successor.as_deref()
    }

    /// Day of its patron saint, a holiday of its own, when given.
    pub fn patron(&self) -> Option<MonthDay> {
        self.patron
    }

    /// When its desk is open, when given.
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
    /// Code.
    pub fn code(&self) -> &str {
        &self.code
    }

    /// Place in the order of codes, from 0.
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
    /// The category of the latest days; nearly always the only one.
    pub(crate) category: Arc<Category>,
    /// Earlier categories, each with the first day on which it no longer held, oldest first.
    pub(crate) earlier: Vec<(Date, Arc<Category>)>,
}

impl Service {
    /// Code.
    pub fn code(&self) -> &str {
        &self.code
    }

    /// Place in the order of codes, from 0.
    pub fn index(&self) -> usize {
        self.index as usize
    }

    /// Italian name.
    pub fn name_it(&self) -> &str {
        &self.name_it
    }

    /// English name, when given.
    pub fn name_en(&self) -> Option<&str> {
        self.name_en.as_deref()
    }

    /// The kind of use that it is made for. Single deployments may differ.
    pub fn nature(&self) -> Kind {
        self.nature
    }

    /// AgID subject matter, when given.
    pub fn subject(&self) -> Option<&str> {
        self.subject.as_deref()
    }

    /// AgID life event, when given.
    pub fn life_event(&self) -> Option<&str> {
        self.life_event.as_deref()
    }

    /// Other names under which it is found.
    pub fn aliases(&self) -> &[String] {
        &self.aliases
    }

    /// The days on which it exists.
    pub fn validity(&self) -> Validity {
        self.validity
    }

    /// Its categories in the order of their days, each with these. They cover every day, and the
    /// validity of the service beside.
    pub fn categories(&self) -> impl Iterator<Item = (Validity, &Category)> {
        let starts = std::iter::once(None).chain(self.earlier.iter().map(|(to, _)| Some(*to)));
        let ends = self.earlier.iter().map(|(to, _)| Some(*to)).chain([None]);
        let categories = self.earlier.iter().map(|(_, category)| category);
        starts
            .zip(ends)
            .zip(categories.chain([&self.category]))
            .map(|((from, to), category)| (Validity { from, to }, &**category))
    }

    /// The category to which it belonged on `day`. Every day has exactly one.
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
    pub(crate) zone: TimeZone,
}

impl Portal {
    /// Code, unique within its ente.
    pub fn code(&self) -> &str {
        &self.code
    }

    /// Name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Code of its ente.
    pub fn ente(&self) -> &str {
        &self.ente
    }

    /// The CloudEvents `source` of its events.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Time zone of its local hours; that of its ente unless given.
    pub fn zone(&self) -> &TimeZone {
        &self.zone
    }
}

/// A service offered by an ente during some days.
#[derive(Debug, Clone, Copy)]
pub struct Deployment<'r> {
    /// Who offers it.
    pub ente: &'r Ente,
    /// What is offered.
    pub service: &'r Service,
    /// The kind of use that it is made for at this ente.
    pub nature: Kind,
    /// The days on which it is offered, and ente and service exist.
    pub validity: Validity,
}
