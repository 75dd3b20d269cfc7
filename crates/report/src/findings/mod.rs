//! Findings: sentences that say what happened in a year, by rules with a minimum base.
//!
//! The rules read counts that may be hidden. A finding states shown counts, and figures computed
//! from them, only. It never names an unregistered service or ente: anyone can send such a code.

mod counts;
mod rules;
#[cfg(test)]
mod tests;
mod words;

use serde::Serialize;

use crate::document::Cell;
use crate::names::ServiceName;
use crate::tables::{CategoryMove, EnteName};

pub(crate) use counts::{EnteTotals, FindingCounts, ServiceCounts, ShareCounts};
pub(crate) use words::first_sentences;

/// Largest number of findings on the first page.
pub(crate) const FIRST_PAGE: usize = 5;

/// Something that happened in a year, with its figures.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum YearFinding {
    /// All uses changed, and no single service explains most of it.
    Growth(Growth),
    /// All uses changed, and one service explains at least half of the difference.
    Contribution {
        /// Change of all uses.
        #[serde(flatten)]
        growth: Growth,
        /// Service with that change.
        #[serde(flatten)]
        service: ServiceName,
        /// Ente whose uses of the service changed; `None` for those of all enti.
        #[serde(flatten)]
        ente: Option<EnteName>,
        /// Difference in uses of that service.
        change: i64,
        /// Change of all other uses, in percent.
        rest_change_percent: f64,
    },
    /// One ente has a large share of all uses.
    Concentration {
        /// Ente with the largest share.
        #[serde(flatten)]
        ente: EnteName,
        /// Its share of all uses.
        #[serde(flatten)]
        share: Share,
    },
    /// One service has more than half of the uses of an ente.
    ServiceConcentration {
        /// Most used service of the ente.
        #[serde(flatten)]
        service: ServiceName,
        /// Its share of all uses.
        #[serde(flatten)]
        share: Share,
    },
    /// Enti offer services without a single use.
    EntiWithoutUses {
        /// Enti without uses.
        enti: u64,
        /// Enti that offer services.
        enti_offering: u64,
        /// Services that the enti without uses offer.
        services: u64,
    },
    /// Services of an ente without a single use.
    ServicesWithoutUses {
        /// Services without uses.
        services: u64,
        /// All services that the ente offers.
        services_offered: u64,
        /// Uses of services that the ente does not offer on the last day.
        service_uses_not_offered: u64,
    },
    /// Services that started or stopped in the year.
    StartedAndStopped {
        /// The one with most uses of those that started.
        started: Option<ServiceChange>,
        /// The one with the greatest loss of those that stopped.
        stopped: Option<ServiceChange>,
    },
    /// Share of accesses by smartphone and tablet.
    Mobile(ComparedShare),
    /// Share of users out of office hours.
    OffHours(ComparedShare),
    /// Share of uses with a digital identity, which changed.
    DigitalIdentity(ComparedShare),
    /// Registered categories that rose and fell.
    Categories {
        /// The one that rose most, in percent.
        rising: Option<CategoryMove>,
        /// The one that fell most, in percent.
        falling: Option<CategoryMove>,
    },
    /// Share of the most used services.
    TopServices {
        /// Number of these services.
        services: usize,
        /// Share of these uses among all.
        #[serde(flatten)]
        share: Share,
    },
}

/// Change of all uses.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Growth {
    /// Service uses of the year.
    pub service_uses: u64,
    /// Service uses of the compared year.
    pub compared_service_uses: u64,
    /// Compared year.
    pub compared_year: i16,
    /// Difference in percent of the compared year.
    pub change_percent: f64,
}

/// A part and its share.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Share {
    /// Count of the part.
    pub part: u64,
    /// Count of the whole.
    pub whole: u64,
    /// Part in percent of the whole.
    pub share_percent: f64,
}

/// A share, and the same share in the compared year.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct ComparedShare {
    /// Share in the year.
    #[serde(flatten)]
    pub share: Share,
    /// Compared year.
    pub compared_year: i16,
    /// Share in the compared year, in percent; `None` without enough data of it.
    pub compared_share_percent: Option<f64>,
}

/// A service that started or stopped.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ServiceChange {
    /// Code and names of the service.
    #[serde(flatten)]
    pub name: ServiceName,
    /// Uses of a service that started; uses lost by a service that stopped.
    pub service_uses: u64,
}

impl YearFinding {
    /// Returns the id of the section whose table proves the finding.
    pub fn section(&self) -> &'static str {
        match self {
            Self::Growth(_) => "totals",
            Self::Contribution { ente: Some(_), .. } => "contributions",
            Self::Contribution { .. } => "variations",
            Self::StartedAndStopped { .. } => "service-changes",
            Self::Concentration { .. } | Self::EntiWithoutUses { .. } => "usage",
            Self::ServiceConcentration { .. } | Self::TopServices { .. } => "top-services",
            Self::ServicesWithoutUses { .. } => "offered",
            Self::Mobile(_) => "devices",
            Self::OffHours(_) => "bands",
            Self::DigitalIdentity(_) => "logins",
            Self::Categories { .. } => "moves",
        }
    }

    /// Returns the main figure.
    pub fn figure(&self) -> Cell {
        match self {
            Self::Growth(growth) | Self::Contribution { growth, .. } => {
                Cell::Change(growth.change_percent)
            }
            Self::Concentration { share, .. }
            | Self::ServiceConcentration { share, .. }
            | Self::TopServices { share, .. } => Cell::Share(share.share_percent),
            Self::Mobile(compared) | Self::OffHours(compared) | Self::DigitalIdentity(compared) => {
                Cell::Share(compared.share.share_percent)
            }
            Self::EntiWithoutUses { enti: count, .. }
            | Self::ServicesWithoutUses {
                services: count, ..
            } => Cell::Count(*count),
            Self::StartedAndStopped { started, stopped } => match (stopped, started) {
                (Some(lost), _) => Cell::Difference(-lost.service_uses.cast_signed()),
                (None, Some(new)) => Cell::Difference(new.service_uses.cast_signed()),
                (None, None) => Cell::Empty,
            },
            Self::Categories { rising, falling } => {
                let moved = rising.as_ref().or(falling.as_ref());
                moved.map_or(Cell::Empty, |moved| Cell::Change(moved.change_percent))
            }
        }
    }
}
