//! Figures that portals do not emit: identity credentials, help desk, alerts of probes,
//! availability, and the source's count of offered services. A CSV file holds the figures; a TOML
//! file describes their kind and provenance. This module reads and checks both.

mod check;
mod read;

pub use check::{ImplausibleFigure, check, check_growth, check_usage};
pub use read::{SourceError, read_set};

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Provenance of figures.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provenance {
    /// Person or organisation that the figures come from.
    pub source: String,
    /// Date of the source.
    pub date: Date,
    /// Person who imported the figures.
    pub imported_by: String,
    /// Licence of the figures.
    pub licence: String,
}

/// Figures of one kind from one source.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FigureSet {
    /// Provenance of the figures.
    #[serde(flatten)]
    pub provenance: Provenance,
    /// Rows of the set.
    #[serde(flatten)]
    pub figures: Figures,
}

/// Rows of figures, by kind.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "rows", rename_all = "kebab-case")]
pub enum Figures {
    /// Activated digital identities.
    IdentityCredentials(Vec<Credentials>),
    /// Requests to the help desk.
    HelpDesk(Vec<Tickets>),
    /// Alerts of the probes that watch the services.
    ProbeAlerts(Vec<Alerts>),
    /// Availability of the services.
    Availability(Vec<Availability>),
    /// Offered services, as the source counts them.
    Portfolio(Vec<Portfolio>),
}

/// Digital identities activated in a year.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credentials {
    /// Calendar year.
    pub year: i16,
    /// Activated identities.
    pub activated: u64,
    /// Identities on a national services card (CNS); `None` if the source has no figure.
    pub of_which_cns: Option<u64>,
}

/// Requests to the help desk in a month.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tickets {
    /// Calendar year.
    pub year: i16,
    /// Month, 1 to 12.
    pub month: u8,
    /// Opened requests.
    pub opened: u64,
    /// Solved requests; `None` if the source has no figure.
    pub solved: Option<u64>,
}

/// Alerts of probes in a month.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alerts {
    /// Calendar year.
    pub year: i16,
    /// Month, 1 to 12.
    pub month: u8,
    /// Number of alerts.
    pub alerts: u64,
}

/// Availability in a month.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Availability {
    /// Calendar year.
    pub year: i16,
    /// Month, 1 to 12.
    pub month: u8,
    /// Share of the time in which services could be reached, in percent.
    pub available_percent: f64,
    /// Agreed share, in percent; `None` if the source has no figure.
    pub agreed_percent: Option<f64>,
}

/// Services that an ente offers, as the source counts them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Portfolio {
    /// Year at whose end the services were counted.
    pub year: i16,
    /// Name of the ente, as the source writes it.
    pub ente: String,
    /// Services by code of category.
    pub by_category: BTreeMap<String, u64>,
    /// Services that are payments.
    pub of_which_payments: u64,
    /// Services that are bookings.
    pub of_which_bookings: u64,
    /// Total, as printed by the source.
    pub total: u64,
}

impl Figures {
    /// Returns the name of the kind, such as `identity-credentials`.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::IdentityCredentials(_) => "identity-credentials",
            Self::HelpDesk(_) => "help-desk",
            Self::ProbeAlerts(_) => "probe-alerts",
            Self::Availability(_) => "availability",
            Self::Portfolio(_) => "portfolio",
        }
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        match self {
            Self::IdentityCredentials(rows) => rows.len(),
            Self::HelpDesk(rows) => rows.len(),
            Self::ProbeAlerts(rows) => rows.len(),
            Self::Availability(rows) => rows.len(),
            Self::Portfolio(rows) => rows.len(),
        }
    }

    /// True if there are no rows.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl FigureSet {
    /// Formats the set as it is stored.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("figures have text keys only")
    }

    /// Parses a set as it was stored.
    ///
    /// # Errors
    /// The text is not such a set.
    pub fn from_json(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }

    /// Returns the SHA-256 of the set: the same figures from the same source have the same hash.
    pub fn hash(&self) -> String {
        let digest = Sha256::digest(self.to_json());
        hex::encode(digest)
    }
}
