//! The public editions of closed years and months.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::Unprotected;
use tokio::sync::watch;

use crate::edition::{ClosedPeriod, PublicYear};

/// Reason why a year or a month has no public edition.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoEdition {
    /// The period is not closed.
    #[error(
        "{0} is not closed: there is a public edition of closed years and months only (`affluenza {cmd} {0}`)",
        cmd = command(*.0)
    )]
    Open(ClosedPeriod),
    /// The chain of seals is broken, or cannot be read.
    #[error("closed years cannot be published: {0}")]
    Broken(String),
    /// The decision does not fit the figures.
    #[error("{period} cannot be published as it was decided with seal {seal}: {cause}")]
    Unprotected {
        /// Requested period.
        period: ClosedPeriod,
        /// Number of the seal that holds the decision.
        seal: u32,
        /// Contradiction that was found.
        cause: Unprotected,
    },
    /// The period was closed with a lower threshold than the configured one.
    #[error(
        "{period} was closed (seal {seal}) with counts below {decided} hidden, and serve.small_count is {wanted}: close it once more with `affluenza {cmd} {period} --restate REASON`, which has no effect while only a few events of it have come late",
        cmd = command(*.period)
    )]
    Threshold {
        /// Requested period.
        period: ClosedPeriod,
        /// Number of the seal that holds the decision.
        seal: u32,
        /// Threshold when the period was closed: counts below it are hidden.
        decided: u64,
        /// Configured threshold, `serve.small_count`.
        wanted: u64,
    },
}

/// Returns the command that closes a period.
fn command(period: ClosedPeriod) -> &'static str {
    match period.month {
        Some(_) => "close-month",
        None => "close-year",
    }
}

/// A year or a month that is closed.
#[derive(Clone)]
pub struct ClosedYear {
    /// Number of the seal that its edition was decided with.
    pub seal: u32,
    /// Time of closing, RFC 3339.
    pub closed_at: String,
    /// Public edition, or the reason why it is missing.
    pub edition: Result<Arc<PublicYear>, NoEdition>,
}

/// The closed years and months, each with its newest edition.
pub type ClosedYears = BTreeMap<ClosedPeriod, ClosedYear>;

/// The closed years and months, or the reason why none may be published.
pub type Closed = Result<ClosedYears, String>;

/// A published year or month.
#[derive(Clone)]
pub struct Year {
    /// Tables of the period. Those of a month may be the tables of its year.
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
    /// Creates the source. Periods that were closed with a lower threshold than `small_count` are
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
        self.edition(ClosedPeriod::from(year))
    }

    /// Returns the tables that have a closed period. A month is read from its year, if that is
    /// closed.
    ///
    /// # Errors
    /// The period has no public edition.
    pub fn of(&self, period: ClosedPeriod) -> Result<Year, NoEdition> {
        match self.year(period.year) {
            Err(NoEdition::Open(_)) => self.edition(period),
            of_year => of_year,
        }
    }

    fn edition(&self, period: ClosedPeriod) -> Result<Year, NoEdition> {
        let closed = self.closed.borrow().clone();
        let closed = closed
            .as_ref()
            .as_ref()
            .map_err(|cause| NoEdition::Broken(cause.clone()))?
            .get(&period)
            .ok_or(NoEdition::Open(period))?;
        let public = closed.edition.clone()?;
        if public.small_count() < self.small_count {
            return Err(NoEdition::Threshold {
                period,
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
        let years = self.published()?.into_iter();
        let years = years.filter(|period| period.month.is_none());
        Ok(years.map(|period| period.year).collect())
    }

    /// Returns the months that can be published, in order, without those of closed years.
    ///
    /// # Errors
    /// The chain of seals is broken.
    pub fn months(&self) -> Result<Vec<ClosedPeriod>, NoEdition> {
        let mut published = self.published()?;
        published.retain(|period| {
            period.month.is_some() && matches!(self.year(period.year), Err(NoEdition::Open(_)))
        });
        Ok(published)
    }

    fn published(&self) -> Result<Vec<ClosedPeriod>, NoEdition> {
        let periods: Vec<ClosedPeriod> = match &**self.closed.borrow() {
            Ok(closed) => closed.keys().copied().collect(),
            Err(cause) => return Err(NoEdition::Broken(cause.clone())),
        };
        let published = periods.into_iter();
        Ok(published
            .filter(|period| self.edition(*period).is_ok())
            .collect())
    }

    /// Seal that the edition of a year or a month was decided with, and the time of closing. It
    /// changes whenever the edition does, also if a period is closed again with the same number after
    /// a restore.
    pub fn version(&self, period: impl Into<ClosedPeriod>) -> Option<String> {
        let closed = self.closed.borrow();
        let closed = closed.as_ref().as_ref().ok()?;
        let closed = closed.get(&period.into());
        closed.map(|period| format!("{} {}", period.seal, period.closed_at))
    }
}
