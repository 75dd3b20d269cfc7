//! Months in doubt: their hour rows are compared with the facts and corrected, and then the doubt
//! is settled.
//!
//! Hour rows do not name the block that they came from. So a month is compared while nothing of it
//! is in flight: the ledger's end is read first, then hour rows and facts, and then how far the
//! month's facts reach. If they reach no farther than that end, every block in them had its hour
//! rows before, and what differs is a fault ([`invariants::is_settled`]). Where events come in all
//! the time, consumers hold the month back for some seconds. The hold makes the comparison
//! possible and not right: a consumer that does not see it only makes it fail.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use affluenza_bus::NextOffset;
use affluenza_store::Store;
use affluenza_store::doubts::Doubt;
use affluenza_store::hour_rows::{AggregateDifference, Correction};
use tokio::sync::watch;

use crate::{PipelineError, Progress, invariants};

/// For how long consumers hold a month back at most, after the last time that it was asked for.
pub(crate) const HOLD: Duration = Duration::from_secs(20);
/// How soon every consumer has seen that a month is held, and between two looks.
pub(crate) const HOLD_SEEN: Duration = Duration::from_secs(2);
/// Most comparisons of a month in one run.
const PASSES_MAX: usize = 40;
/// Between two comparisons of a month that something is in flight of.
const PAUSE: Duration = Duration::from_millis(500);

/// What settling did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settled {
    /// Months that agree with their facts now.
    pub months: BTreeSet<u32>,
    /// Cells of the hour rows corrected.
    pub cells: u64,
    /// Months that stay in doubt: something of them is in flight, or they still differ.
    pub left: BTreeSet<u32>,
}

/// What a comparison of one month came to.
enum Compared {
    /// Hour rows and facts agree, of all blocks before these ends.
    Agrees(BTreeMap<u32, u64>),
    Corrected(u64),
    InFlight,
}

/// The months that this process holds back, as the database says.
#[derive(Debug)]
pub(crate) struct Holds(watch::Sender<Held>);

#[derive(Debug, Default)]
struct Held {
    months: BTreeSet<u32>,
    until: Option<Instant>,
}

impl Default for Holds {
    fn default() -> Self {
        Self(watch::Sender::new(Held::default()))
    }
}

impl Holds {
    fn set(&self, months: BTreeSet<u32>) {
        let until = Some(Instant::now() + HOLD);
        self.0.send_replace(Held { months, until });
    }

    /// Waits until none of `months` is held, at most as long as a hold lasts.
    pub(crate) async fn wait(&self, months: &BTreeSet<u32>) {
        let mut held = self.0.subscribe();
        let is_free = |held: &Held| {
            held.until.is_none_or(|until| until <= Instant::now())
                || held.months.is_disjoint(months)
        };
        // A hold that is not renewed ends by itself: its holder may be gone.
        let _ = tokio::time::timeout(HOLD, held.wait_for(is_free)).await;
    }
}

impl Progress {
    /// Looks which months are in doubt and held back. Returns those in doubt.
    ///
    /// # Errors
    /// ClickHouse does not answer.
    pub async fn look_at_doubts(&self, store: &Store) -> Result<BTreeSet<u32>, PipelineError> {
        let months = store.months_in_doubt().await?;
        let held = months.iter().filter(|month| month.is_held);
        self.0.holds.set(held.map(|month| month.month).collect());
        Ok(months.into_iter().map(|month| month.month).collect())
    }
}

/// Compares every month in doubt with its facts, corrects its hour rows, and settles the doubt.
pub async fn settle_doubts(store: &Store, stream: &str) -> Result<Settled, PipelineError> {
    let mut done = Settled::default();
    for pass in 0..PASSES_MAX {
        let mut doubts = store.doubts().await?;
        let boundary = store.boundary().await?;
        if pass > 0 && !doubts.is_empty() {
            store.hold_months(&doubts, HOLD.as_secs()).await?;
            tokio::time::sleep(if pass == 1 { HOLD_SEEN } else { PAUSE }).await;
            doubts = store.doubts().await?;
        }
        done.left = doubts.iter().map(|doubt| doubt.month).collect();
        if done.left.is_empty() {
            break;
        }
        for month in done.left.clone() {
            // Facts of it may have expired, so that nothing can be compared any more.
            let compared = if month < boundary.month {
                tracing::error!(
                    month,
                    "hour rows of a month whose facts expire cannot be compared any more"
                );
                Compared::Agrees(store.settled_ends(stream).await?)
            } else {
                compare(store, stream, month).await?
            };
            match compared {
                Compared::Corrected(cells) => done.cells += cells,
                Compared::InFlight => {}
                Compared::Agrees(ends) => {
                    let settled: Vec<Doubt> = doubts
                        .iter()
                        .filter(|doubt| doubt.month == month && is_within(doubt, stream, &ends))
                        .cloned()
                        .collect();
                    store.settle_doubts(&settled).await?;
                    done.months.insert(month);
                }
            }
        }
    }
    for month in &done.left {
        done.months.remove(month);
    }
    Ok(done)
}

/// True once the ledger has the block that a doubt is about. Of an earlier log nothing is in flight.
fn is_within(doubt: &Doubt, stream: &str, ends: &BTreeMap<u32, u64>) -> bool {
    let end = ends.get(&doubt.kafka_partition).copied().unwrap_or(0);
    doubt.stream.is_empty() || doubt.stream != stream || doubt.next_offset <= end
}

/// Compares a month and corrects it, unless something of it is in flight.
async fn compare(store: &Store, stream: &str, month: u32) -> Result<Compared, PipelineError> {
    // The order of these steps is the proof.
    let ends = store.settled_ends(stream).await?;
    let differing = store.aggregate_differences(month).await?;
    let correction = match &differing[..] {
        [] => None,
        hours => store.correction_of(month, hours).await?,
    };
    let reach = store.facts_reach(stream, month).await?;
    let is_settled = reach.iter().all(|(partition, reach)| {
        let end = ends.get(partition).copied().unwrap_or(0);
        invariants::is_settled(next(end), next(*reach))
    });
    if !is_settled {
        return Ok(Compared::InFlight);
    }
    match correction {
        None => Ok(Compared::Agrees(ends)),
        Some(correction) => correct(store, &differing, correction).await,
    }
}

async fn correct(
    store: &Store,
    differing: &[AggregateDifference],
    correction: Correction,
) -> Result<Compared, PipelineError> {
    let (month, cells) = (correction.month, correction.cells);
    // Only users are too many: nothing that is added makes them fewer.
    let is_swollen = |hour: &&AggregateDifference| {
        hour.users_missing < 0
            && (
                hour.events_missing,
                hour.accesses_missing,
                hour.service_uses_missing,
            ) == (0, 0, 0)
    };
    let swollen: Vec<AggregateDifference> = differing.iter().filter(is_swollen).cloned().collect();
    if swollen.is_empty() {
        store.correct_hours(correction).await?;
        tracing::warn!(month, cells, "hour rows corrected from the facts");
    } else {
        store.clear_hours(&swollen).await?;
        tracing::warn!(
            month,
            hours = swollen.len(),
            "hour rows with more visitors than their facts taken out, to be made again"
        );
    }
    Ok(Compared::Corrected(cells))
}

fn next(offset: u64) -> NextOffset {
    NextOffset(i64::try_from(offset).unwrap_or(i64::MAX))
}
