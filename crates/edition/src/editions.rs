//! The public editions of closed years.

use std::collections::BTreeMap;
use std::sync::Arc;

use affluenza_disclosure::Unprotected;
use tokio::sync::watch;

use crate::PublicYear;

/// Why there is no public edition of a closed year.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoEdition {
    /// It is not closed.
    #[error(
        "{0} is not closed: there is a public edition of closed years only (`affluenza close-year {0}`)"
    )]
    Open(i16),
    /// The chain of seals does not hold, or cannot be read.
    #[error("closed years cannot be published: {0}")]
    Broken(String),
    /// It was closed without deciding what everybody may see.
    #[error(
        "{year} was closed (seal {seal}) by a version that kept too little to publish it: close it once more with `affluenza close-year {year} --restate REASON`"
    )]
    TooLittle {
        /// Which year.
        year: i16,
        /// Its seal.
        seal: u32,
    },
    /// What was decided does not fit the figures.
    #[error("{year} cannot be published as it was decided with seal {seal}: {cause}")]
    Unprotected {
        /// Which year.
        year: i16,
        /// Its seal.
        seal: u32,
        /// Why.
        cause: Unprotected,
    },
    /// More is to be hidden than was when it was closed.
    #[error(
        "{year} was closed (seal {seal}) with counts below {decided} hidden, and serve.small_count is {wanted}: close it once more with `affluenza close-year {year} --restate REASON`"
    )]
    Threshold {
        /// Which year.
        year: i16,
        /// Its seal.
        seal: u32,
        /// Hidden below, when it was closed.
        decided: u64,
        /// To be hidden below.
        wanted: u64,
    },
}

/// A year that is closed.
#[derive(Clone)]
pub struct ClosedYear {
    /// Number of the seal that its edition was decided with.
    pub seal: u32,
    /// When it was closed, RFC 3339.
    pub closed_at: String,
    /// Its edition.
    pub edition: Result<Arc<PublicYear>, NoEdition>,
}

/// The years that are closed, each with the newest edition.
pub type ClosedYears = BTreeMap<i16, ClosedYear>;

/// What is known of closed years, or why nothing of them may be said.
pub type Closed = Result<ClosedYears, String>;

/// A year as it is published.
#[derive(Clone)]
pub struct Year {
    /// Its tables.
    pub public: Arc<PublicYear>,
    /// When it was closed, RFC 3339.
    pub closed_at: String,
}

/// Where public figures come from.
pub struct Editions {
    small_count: u64,
    closed: watch::Receiver<Arc<Closed>>,
}

impl Editions {
    /// Editions of the closed years, if counts below `small_count` are hidden in them.
    pub fn new(small_count: u64, closed: watch::Receiver<Arc<Closed>>) -> Self {
        Self {
            small_count,
            closed,
        }
    }

    /// A closed year with all its tables.
    ///
    /// # Errors
    /// There is no public edition of it.
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

    /// The years that can be published, in order.
    ///
    /// # Errors
    /// The chain of seals does not hold.
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

    /// Seals that the editions were decided with: others whenever one of them is another.
    pub fn seals(&self) -> Vec<u32> {
        match &**self.closed.borrow() {
            Ok(closed) => closed.values().map(|year| year.seal).collect(),
            Err(_) => Vec::new(),
        }
    }
}
