//! Figures that portals do not emit: identity credentials, help desk, alerts of probes,
//! availability, the source's count of active services, and tables of any content. A CSV file holds
//! the figures; a TOML file describes their kind and provenance. This module reads and checks both.

mod check;
mod read;
mod table;

pub use check::{ImplausibleFigure, check, check_growth, check_usage};
pub use read::{SourceError, read_set};
pub(crate) use table::translated;
pub use table::{CellForm, FigureCell, FigureTable, TableColumn, TableForm, Translations};

use std::collections::{BTreeMap, BTreeSet};

use affluenza_register::Register;
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
    /// Active services, as the source counts them.
    #[serde(alias = "portfolio")]
    ActiveServices(Vec<ActiveServices>),
    /// A table of any content.
    Table(FigureTable),
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

/// Active services of an ente, as the source counts them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActiveServices {
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
            Self::ActiveServices(_) => "active-services",
            Self::Table(_) => "table",
        }
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        match self {
            Self::IdentityCredentials(rows) => rows.len(),
            Self::HelpDesk(rows) => rows.len(),
            Self::ProbeAlerts(rows) => rows.len(),
            Self::Availability(rows) => rows.len(),
            Self::ActiveServices(rows) => rows.len(),
            Self::Table(table) => table.cells.len(),
        }
    }

    /// Returns the name under which a later import replaces the figures of a year: the kind, or the
    /// name of the table.
    pub fn name(&self) -> String {
        match self {
            Self::Table(table) => format!("table {}", table.form.name),
            other => other.kind().to_owned(),
        }
    }

    /// Returns the years of the figures.
    pub fn years(&self) -> BTreeSet<i16> {
        match self {
            Self::IdentityCredentials(rows) => rows.iter().map(|row| row.year).collect(),
            Self::HelpDesk(rows) => rows.iter().map(|row| row.year).collect(),
            Self::ProbeAlerts(rows) => rows.iter().map(|row| row.year).collect(),
            Self::Availability(rows) => rows.iter().map(|row| row.year).collect(),
            Self::ActiveServices(rows) => rows.iter().map(|row| row.year).collect(),
            Self::Table(table) => BTreeSet::from([table.year]),
        }
    }

    /// Replaces the names of registered enti by those of the register.
    pub(crate) fn name_enti(&mut self, register: &Register) {
        let name_one = |name: &mut String| {
            if let Some(ente) = register.ente(name) {
                ente.name().clone_into(name);
            }
        };
        match self {
            Self::ActiveServices(rows) => rows.iter_mut().for_each(|row| name_one(&mut row.ente)),
            Self::Table(table) => table.enti_mut().for_each(name_one),
            _ => {}
        }
    }

    /// Keeps the figures of the years for which `keep` returns true.
    pub fn retain_years(&mut self, keep: impl Fn(i16) -> bool) {
        match self {
            Self::IdentityCredentials(rows) => rows.retain(|row| keep(row.year)),
            Self::HelpDesk(rows) => rows.retain(|row| keep(row.year)),
            Self::ProbeAlerts(rows) => rows.retain(|row| keep(row.year)),
            Self::Availability(rows) => rows.retain(|row| keep(row.year)),
            Self::ActiveServices(rows) => rows.retain(|row| keep(row.year)),
            Self::Table(table) if keep(table.year) => {}
            Self::Table(table) => table.cells.clear(),
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
