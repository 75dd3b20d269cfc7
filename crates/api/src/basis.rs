//! State of the data that an answer is made of: its period, the enti of the client, and the register.
//! The ETag and the key of the cache contain it, so events of other enti and other months change
//! neither.

use std::collections::BTreeMap;
use std::hash::{Hash, Hasher as _};
use std::sync::Arc;

use affluenza_classify::hours::{date_since_1970, days_since_1970};
use affluenza_disclosure::edition::Editions;
use affluenza_store::usage::{Days, Selection, Watermark};
use affluenza_store::{StoreError, Usage};
use jiff::Timestamp;
use quick_cache::sync::Cache;
use tokio::sync::Semaphore;
use xxhash_rust::xxh3::Xxh3;

use crate::asked::Asked;
use crate::compose::Viewer;
use crate::question::Resource;
use crate::state::Snapshot;

/// Number of selections whose events are remembered.
const SELECTIONS_MAX: usize = 1_000;

/// State of the data of an answer. Answers to the same question are equal while it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Basis {
    /// Hash of the figures' state and of the register's version. All pages of an answer have the
    /// same.
    pub figures: u64,
    /// Hash of the days with data.
    coverage: u64,
    /// Minute of an answer about the last minutes.
    minute: i64,
}

/// Numbers of events of the selections that were asked about.
///
/// Events are only added within a generation of the watermark. So figures have changed only if the
/// number of events of their months and enti has. ClickHouse sums it from a projection, once for
/// each selection and watermark; while nothing is written, it is not asked.
pub(crate) struct EventCounts {
    known: Cache<(Watermark, Selection), u64>,
    /// Places of the statements that run at once.
    places: Semaphore,
}

impl EventCounts {
    pub fn new(statements_max: usize) -> Self {
        Self {
            known: Cache::new(SELECTIONS_MAX),
            places: Semaphore::new(statements_max),
        }
    }

    /// Returns the state of the data of an answer. The watermark is older than the number of
    /// events, and that is older than the figures: an answer may hold more than its ETag covers,
    /// never less.
    pub async fn basis(
        &self,
        asked: &Asked<'_>,
        viewer: &Viewer,
        snapshot: &Snapshot,
        usage: &Usage,
    ) -> Result<Basis, StoreError> {
        let resource = asked.question.resource;
        let enti = asked.enti(viewer.scope());
        let mut hasher = Xxh3::new();
        let days = (asked.compared, asked.reached);
        (snapshot.register.version(), days).hash(&mut hasher);
        if !matches!(resource, Resource::Catalogue | Resource::Register) {
            let selection = Selection {
                days: months(asked),
                people: false,
                scope: enti.map(<[String]>::to_vec),
                filters: BTreeMap::new(),
                known: Arc::default(),
            };
            let key = (snapshot.watermark.clone(), selection);
            let read = async {
                // The semaphore is never closed.
                let _place = self.places.acquire().await;
                usage.events(&key.1).await
            };
            let events = self.known.get_or_insert_async(&key, read).await?;
            (&snapshot.watermark.generation, events).hash(&mut hasher);
        }
        Ok(Basis {
            figures: hasher.finish(),
            coverage: match resource {
                Resource::Catalogue | Resource::Live => 0,
                _ => snapshot.coverage.digest(asked.period, enti),
            },
            minute: match resource {
                Resource::Live => Timestamp::now().as_second() / 60,
                _ => 0,
            },
        })
    }
}

impl Basis {
    /// Returns the state of a public answer: the seals of its periods, and the register.
    pub fn of_public(asked: &Asked<'_>, editions: &Editions, snapshot: &Snapshot) -> Self {
        let mut hasher = Xxh3::new();
        snapshot.register.version().hash(&mut hasher);
        for period in asked.closed() {
            // A month may be read from its year.
            let of_year = editions.version(period.year);
            (period, editions.version(period), of_year).hash(&mut hasher);
        }
        Self {
            figures: hasher.finish(),
            coverage: 0,
            minute: 0,
        }
    }
}

/// Returns the whole months from the first to the last day of an answer. A projection has months.
fn months(asked: &Asked<'_>) -> Days {
    let spans = asked
        .periods()
        .map(|period| (period.first(), period.last()));
    let (mut first, mut last) = spans
        .reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))
        .unwrap_or_default();
    if asked.question.resource == Resource::Live {
        // The local days of an instant differ by one from its day in UTC.
        let today = Timestamp::now().as_second() / 86_400;
        let today = i32::try_from(today).unwrap_or_default();
        (first, last) = (date_since_1970(today - 2), date_since_1970(today + 1));
    }
    Days {
        first: days_since_1970(first.first_of_month()),
        last: days_since_1970(last.last_of_month()),
        whole_months: true,
    }
}
