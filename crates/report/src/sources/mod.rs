//! Figures that portals do not emit: identity credentials, help desk, alerts of probes,
//! availability, and the portfolio of services as the source counts it. They come as a CSV file
//! with a TOML file that says what they are and where from; here both are read and checked.

mod check;
mod read;

pub use check::{Doubt, check, check_growth, check_usage};
pub use read::{SourceError, read_set};

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Where figures come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provenance {
    /// Who or what they are from.
    pub source: String,
    /// When the source said so.
    pub date: Date,
    /// Who imported them.
    pub imported_by: String,
    /// Their licence.
    pub licence: String,
}

/// Figures of one kind from one source.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FigureSet {
    /// Where they come from.
    #[serde(flatten)]
    pub provenance: Provenance,
    /// The figures.
    #[serde(flatten)]
    pub figures: Figures,
}

/// The figures themselves.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "rows", rename_all = "kebab-case")]
pub enum Figures {
    /// Digital identities activated.
    IdentityCredentials(Vec<Credentials>),
    /// Requests to the help desk.
    HelpDesk(Vec<Tickets>),
    /// Alerts of the probes that watch the services.
    ProbeAlerts(Vec<Alerts>),
    /// How long services could be reached.
    Availability(Vec<Availability>),
    /// Services offered, as the source counts them.
    Portfolio(Vec<Portfolio>),
}

/// Digital identities activated in a year.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credentials {
    /// The year.
    pub year: i16,
    /// Identities activated.
    pub activated: u64,
    /// Those on a national services card; `None` where the source does not say.
    pub of_which_cns: Option<u64>,
}

/// Requests to the help desk in a month.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tickets {
    /// The year.
    pub year: i16,
    /// 1 to 12.
    pub month: u8,
    /// Requests opened.
    pub opened: u64,
    /// Requests solved; `None` where the source does not say.
    pub solved: Option<u64>,
}

/// Alerts of probes in a month.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alerts {
    /// The year.
    pub year: i16,
    /// 1 to 12.
    pub month: u8,
    /// Alerts.
    pub alerts: u64,
}

/// Availability in a month.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Availability {
    /// The year.
    pub year: i16,
    /// 1 to 12.
    pub month: u8,
    /// Share of the time that services could be reached, in percent.
    pub available_percent: f64,
    /// The share that was agreed; `None` where the source does not say.
    pub agreed_percent: Option<f64>,
}

/// Services that an ente offers, as the source counts them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Portfolio {
    /// The year at whose end they were counted.
    pub year: i16,
    /// The ente, as the source writes it.
    pub ente: String,
    /// Services by code of category.
    pub by_category: BTreeMap<String, u64>,
    /// Those that are payments.
    pub of_which_payments: u64,
    /// Those that are bookings.
    pub of_which_bookings: u64,
    /// All of them, as the source adds them up.
    pub total: u64,
}

impl Figures {
    /// What the figures are of: `identity-credentials`.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::IdentityCredentials(_) => "identity-credentials",
            Self::HelpDesk(_) => "help-desk",
            Self::ProbeAlerts(_) => "probe-alerts",
            Self::Availability(_) => "availability",
            Self::Portfolio(_) => "portfolio",
        }
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        match self {
            Self::IdentityCredentials(rows) => rows.len(),
            Self::HelpDesk(rows) => rows.len(),
            Self::ProbeAlerts(rows) => rows.len(),
            Self::Availability(rows) => rows.len(),
            Self::Portfolio(rows) => rows.len(),
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl FigureSet {
    /// The set as it is stored.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("figures have text keys only")
    }

    /// A set as it was stored.
    ///
    /// # Errors
    /// When it is none.
    pub fn from_json(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }

    /// SHA-256 of the set: the same figures from the same source have the same.
    pub fn hash(&self) -> String {
        let digest = Sha256::digest(self.to_json());
        digest.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}
