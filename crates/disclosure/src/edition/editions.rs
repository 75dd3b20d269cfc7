//! The public editions of closed years.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::Unprotected;
use tokio::sync::watch;

use crate::edition::PublicYear;

/// Reason why a closed year has no public edition.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoEdition {
    /// The year is not closed.
    #[error(
        "{0} is not closed: there is a public edition of closed years only (`affluenza close-year {0}`)"
    )]
    Open(i16),
    /// The chain of seals is broken, or cannot be read.
    #[error("closed years cannot be published: {0}")]
    Broken(String),
    /// The decision does not fit the figures.
    #[error("{year} cannot be published as it was decided with seal {seal}: {cause}")]
    Unprotected {
        /// Requested year.
        year: i16,
        /// Number of the seal that holds the decision.
        seal: u32,
        /// Contradiction that was found.
        cause: Unprotected,
    },
    /// The year was closed with a lower threshold than the configured one.
    #[error(
        "{year} was closed (seal {seal}) with counts below {decided} hidden, and serve.small_count is {wanted}: close it once more with `affluenza close-year {year} --restate REASON`, which has no effect while only a few events of it have come late"
    )]
    Threshold {
        /// Requested year.
        year: i16,
        /// Number of the seal that holds the decision.
        seal: u32,
        /// Threshold when the year was closed: counts below it are hidden.
        decided: u64,
        /// Configured threshold, `serve.small_count`.
        wanted: u64,
    },
}

/// A year that is closed.
#[derive(Clone)]
pub struct ClosedYear {
    /// Number of the seal that its edition was decided with.
    pub seal: u32,
    /// Time of closing, RFC 3339.
    pub closed_at: String,
    /// Public edition, or the reason why it is missing.
    pub edition: Result<Arc<PublicYear>, NoEdition>,
}

/// The closed years, each with its newest edition.
pub type ClosedYears = BTreeMap<i16, ClosedYear>;

/// The closed years, or the reason why none may be published.
pub type Closed = Result<ClosedYears, String>;

/// A published year.
#[derive(Clone)]
pub struct Year {
    /// Tables of the year.
    pub public: Arc<PublicYear>,
    /// Time of closing, RFC 3339.
    pub closed_at: String,
}

/// Source of the public figures.
pub struct Editions {
    small_count: u64,
    closed: watch::Receiver<Arc<Closed>>,
}

impl Editions {
    /// Creates the source. Years that were closed with a lower threshold than `small_count` are
    /// refused.
    pub fn new(small_count: u64, closed: watch::Receiver<Arc<Closed>>) -> Self {
        Self {
            small_count,
            closed,
        }
    }

    /// Returns a closed year with all its tables.
    ///
    /// # Errors
    /// The year has no public edition.
    pub fn year(&self, year: i16) -> Result<Year, NoEdition> {
        let closed = self.closed.borrow().clone();
        let closed = closed
            .as_ref()
            .as_ref()
            .map_err(|cause| NoEdition::Broken(cause.clone()))?
            .get(&year)
            .ok_or(NoEdition::Open(year))?;
        let public = closed.edition.clone()?;
        if public.small_count() < self.small_count {
            return Err(NoEdition::Threshold {
                year,
                seal: closed.seal,
                decided: public.small_count(),
                wanted: self.small_count,
            });
        }
        Ok(Year {
            public,
            closed_at: closed.closed_at.clone(),
        })
    }

    /// Returns the years that can be published, in order.
    ///
    /// # Errors
    /// The chain of seals is broken.
    pub fn years(&self) -> Result<Vec<i16>, NoEdition> {
        let years: Vec<i16> = match &**self.closed.borrow() {
            Ok(closed) => closed.keys().copied().collect(),
            Err(cause) => return Err(NoEdition::Broken(cause.clone())),
        };
        Ok(years
            .into_iter()
            .filter(|year| self.year(*year).is_ok())
            .collect())
    }

    /// Seal that the edition of a year was decided with, and the time of closing. It changes whenever
    /// the edition does, also if a year is closed again with the same number after a restore.
    pub fn version(&self, year: i16) -> Option<String> {
        let closed = self.closed.borrow();
        let closed = closed.as_ref().as_ref().ok()?;
        let closed = closed.get(&year);
        closed.map(|year| format!("{} {}", year.seal, year.closed_at))
    }
}
