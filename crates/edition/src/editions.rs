//! Public years, protected once and kept until their figures change.

use std::collections::BTreeMap;
use std::sync::Arc;

use affluenza_disclosure::Threshold;
use affluenza_store::open::OpenFigures;
use affluenza_store::usage::Days;
use affluenza_store::{Store, StoreError};
use tokio::sync::{Mutex, watch};

use crate::{Contradiction, PublicYear};

/// Most years that are kept.
const YEARS_MAX: usize = 64;
/// How often figures are read until they do not contradict each other.
const READINGS_MAX: usize = 5;

/// A year that is closed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClosedYear {
    /// Number of its seal.
    pub seal: u32,
    /// When it was closed, RFC 3339.
    pub closed_at: String,
    /// Its figures; none if a version closed it that kept no details.
    pub figures: Option<OpenFigures>,
}

/// The years that are closed.
#[derive(Debug, Clone, Default)]
pub struct ClosedYears {
    /// As the newest seal of each says.
    pub years: BTreeMap<i16, ClosedYear>,
    /// How many seals there were.
    pub seals: u64,
}

/// What is known of closed years, or why nothing of them may be said.
pub type Closed = Result<ClosedYears, String>;

/// Why a year cannot be published.
#[derive(Debug, thiserror::Error)]
pub enum NoEdition {
    /// ClickHouse.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Events come in all the time.
    #[error(transparent)]
    Changing(#[from] Contradiction),
    /// Another year was closed while figures of an open one were read: it may be this one.
    #[error("{0} may just have been closed: try again")]
    Closing(i16),
    /// Some of its figures may be wrong until they were compared.
    #[error(
        "figures of {months} may be too low or too high, and are being compared with the events: try again in a minute"
    )]
    InDoubt {
        /// Which months.
        months: String,
    },
    /// The chain of seals does not hold.
    #[error("closed years cannot be published: {0}")]
    Broken(String),
    /// It was closed without what the tables are made of.
    #[error(
        "{year} was closed (seal {seal}) by a version that kept too little to publish it: close it anew with --restate"
    )]
    TooLittle {
        /// Which year.
        year: i16,
        /// Its seal.
        seal: u32,
    },
}

impl NoEdition {
    /// Whether trying again may help.
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Store(error) => error.is_passing(),
            Self::Changing(_) | Self::Closing(_) | Self::InDoubt { .. } => true,
            Self::Broken(_) | Self::TooLittle { .. } => false,
        }
    }
}

/// A year as it is published.
#[derive(Clone)]
pub struct Year {
    /// Its tables.
    pub public: Arc<PublicYear>,
    /// When it was closed, RFC 3339; none while it is not.
    pub closed_at: Option<String>,
}

struct Held {
    /// What the figures were made of.
    mark: String,
    year: Year,
}

/// Where public figures come from. Whether a year is over is for the caller to know.
pub struct Editions {
    store: Store,
    threshold: Threshold,
    closed: watch::Receiver<Arc<Closed>>,
    held: Mutex<BTreeMap<i16, Held>>,
}

impl Editions {
    /// Public years in which counts below `small_count` are hidden.
    pub fn new(store: Store, small_count: u64, closed: watch::Receiver<Arc<Closed>>) -> Self {
        Self {
            store,
            threshold: Threshold {
                k: small_count,
                ..Threshold::default()
            },
            closed,
            held: Mutex::new(BTreeMap::new()),
        }
    }

    /// A year with all its tables, made now or kept from before. Those who ask at the same time wait
    /// for one answer.
    ///
    /// # Errors
    /// ClickHouse does not answer, or the year cannot be published.
    pub async fn year(&self, year: i16) -> Result<Year, NoEdition> {
        let closed = self.closed.borrow().clone();
        let (closed, seals) = match &*closed {
            Ok(closed) => (closed.years.get(&year), closed.seals),
            Err(cause) => return Err(NoEdition::Broken(cause.clone())),
        };
        let mut held = self.held.lock().await;
        let mark = match closed {
            Some(closed) => format!("seal {}", closed.seal),
            None => {
                self.check_doubts(year).await?;
                self.store.year_mark(days(year)).await?
            }
        };
        if let Some(kept) = held.get(&year).filter(|kept| kept.mark == mark) {
            return Ok(kept.year.clone());
        }
        let public = match closed {
            Some(ClosedYear { seal, figures, .. }) => {
                let figures = figures
                    .as_ref()
                    .ok_or(NoEdition::TooLittle { year, seal: *seal })?;
                PublicYear::of(year, figures, self.threshold)?
            }
            None => {
                let present = self.present(year).await?;
                // A doubt may have come up while they were read.
                self.check_doubts(year).await?;
                // What came after it was closed is in no edition, not even until that is known here.
                if self.store.seal_count().await? != seals {
                    return Err(NoEdition::Closing(year));
                }
                present
            }
        };
        let made = Year {
            public: Arc::new(public),
            closed_at: closed.map(|closed| closed.closed_at.clone()),
        };
        if held.len() >= YEARS_MAX {
            held.pop_first();
        }
        let year_made = made.clone();
        held.insert(
            year,
            Held {
                mark,
                year: year_made,
            },
        );
        Ok(made)
    }

    /// Fails while figures of a year that is not closed may be wrong.
    async fn check_doubts(&self, year: i16) -> Result<(), NoEdition> {
        let Days { first, last, .. } = days(year);
        let mut doubtful = self.store.months_in_doubt().await?;
        doubtful.retain(|doubt| doubt.touches(first, last));
        if doubtful.is_empty() {
            return Ok(());
        }
        let months: Vec<String> = doubtful.iter().map(ToString::to_string).collect();
        Err(NoEdition::InDoubt {
            months: months.join(", "),
        })
    }

    /// The years of which there are figures, closed or not, up to `last`.
    ///
    /// # Errors
    /// ClickHouse does not answer, or the chain of seals does not hold.
    pub async fn years(&self, last: i16) -> Result<Vec<i16>, NoEdition> {
        let mut years = self.store.years().await?;
        match &**self.closed.borrow() {
            Ok(closed) => years.extend(closed.years.keys()),
            Err(cause) => return Err(NoEdition::Broken(cause.clone())),
        }
        years.retain(|year| *year <= last);
        years.sort_unstable();
        years.dedup();
        Ok(years)
    }

    /// A year that is not closed, by the present figures.
    async fn present(&self, year: i16) -> Result<PublicYear, NoEdition> {
        let mut last = Contradiction(year);
        for _ in 0..READINGS_MAX {
            let figures = self.store.open_figures(days(year)).await?;
            match PublicYear::of(year, &figures, self.threshold) {
                Ok(public) => return Ok(public),
                Err(contradiction) => last = contradiction,
            }
        }
        Err(last.into())
    }
}

/// A whole year, in days since 1970.
fn days(year: i16) -> Days {
    let first = |year: i32| {
        let before = year - 1;
        let leap_days = before.div_euclid(4) - before.div_euclid(100) + before.div_euclid(400);
        // Days from the first of January of the year 1 to that of 1970.
        before * 365 + leap_days - 719_162
    };
    let year = i32::from(year);
    Days {
        first: first(year),
        last: first(year + 1) - 1,
        whole_months: true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn years_begin_and_end_on_their_days() {
        for (year, first, last) in [
            (1970, 0, 364),
            (1971, 365, 729),
            (1972, 730, 1095),
            (2017, 17_167, 17_531),
            (2000, 10_957, 11_322),
        ] {
            let days = days(year);
            assert_eq!((days.first, days.last), (first, last), "{year}");
        }
    }
}
