//! Settles months in doubt: compares hour rows with facts and corrects them.
//!
//! Hour rows do not name their block. So a month is compared while none of its blocks is in flight.
//! The ledger's end is read first, then hour rows and facts, and then the last offsets of the
//! month's facts. If these do not exceed the ledger's end, every block had its hour rows before,
//! and a difference is a fault ([`invariants::is_settled`]).
//!
//! During constant ingestion, consumers hold the month back for some seconds. The hold makes the
//! comparison possible, but its correctness does not depend on it. A consumer that misses the hold
//! only makes the comparison fail.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use affluenza_kafka::NextOffset;
use affluenza_store::doubts::{Doubt, RebuildState};
use affluenza_store::hour_rows::{AggregateDifference, Correction};
use affluenza_store::{Ledger, Store};
use tokio::sync::{Mutex, watch};

use crate::{PipelineError, Progress, invariants};

/// Maximum time that consumers hold a month back after the last request.
pub(crate) const HOLD: Duration = Duration::from_secs(20);
/// Time after which every consumer that writes blocks has seen a hold.
pub(crate) const HOLD_SEEN: Duration = Duration::from_secs(2);
/// Maximum number of comparisons of a month in one run.
const PASSES_MAX: usize = 40;
/// Pause before a month with a block in flight is compared again.
const PAUSE: Duration = Duration::from_millis(500);
/// One task of a process compares or restores at a time: a second comparison would repeat the work,
/// and would correct hour rows to facts that are being restored.
pub(crate) static COMPARING: Mutex<()> = Mutex::const_new(());

/// Consumers that may write the months in doubt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Consumers {
    /// Consumers may run. They hold a month back while it is compared.
    Running,
    /// No consumer runs yet. A block in flight stays so until its consumer starts: waiting for it
    /// would only delay that start.
    NotStarted,
}

impl Consumers {
    fn passes_max(self) -> usize {
        match self {
            Self::Running => PASSES_MAX,
            // The second pass confirms the corrections of the first.
            Self::NotStarted => 2,
        }
    }
}

/// Result of settling doubts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SettledDoubts {
    /// Months that agree with their facts now.
    pub months: BTreeSet<u32>,
    /// Cells of the hour rows corrected.
    pub cells: u64,
    /// Months that stay in doubt: a block is in flight, or hour rows still differ.
    pub left: BTreeSet<u32>,
}

/// Result of comparing one month.
enum Compared {
    /// Hour rows and facts agree for all blocks before these offsets, by partition.
    Agrees(BTreeMap<u32, u64>),
    Corrected(u64),
    InFlight,
}

/// Blocks that this process holds back, as requested in the database.
#[derive(Debug)]
pub(crate) struct Holds(watch::Sender<HeldMonths>);

#[derive(Debug, Default)]
struct HeldMonths {
    months: BTreeSet<u32>,
    /// While a rebuild exchanges its tables, every block is held back.
    rebuild: RebuildState,
    until: Option<Instant>,
}

impl Default for Holds {
    fn default() -> Self {
        Self(watch::Sender::new(HeldMonths::default()))
    }
}

impl Holds {
    fn set(&self, months: BTreeSet<u32>, rebuild: RebuildState) {
        self.0.send_replace(HeldMonths {
            months,
            rebuild,
            until: Some(Instant::now() + HOLD),
        });
    }

    /// Waits until a block with events of `months` may begin, for [`HOLD`] at most.
    pub(crate) async fn wait(&self, months: &BTreeSet<u32>) {
        let mut held = self.0.subscribe();
        let free = held.wait_for(|held| {
            held.until.is_none_or(|until| until <= Instant::now())
                || !held.rebuild.is_held && held.months.is_disjoint(months)
        });
        // A hold that is not renewed expires, as its requester may have ended.
        let _ = tokio::time::timeout(HOLD, free).await;
    }
}

impl Progress {
    /// True while a rebuild is unfinished. It may ask for a pause at any time.
    pub fn is_before_pause(&self) -> bool {
        self.0.holds.0.borrow().rebuild.is_unfinished
    }

    /// Reads which months are in doubt and which are held back. Returns the former.
    ///
    /// # Errors
    /// Returns an error if ClickHouse does not answer.
    pub async fn refresh_doubtful_months(
        &self,
        ledger: &Ledger,
    ) -> Result<BTreeSet<u32>, PipelineError> {
        let months = ledger.months_in_doubt().await?;
        let held = months.iter().filter(|month| month.is_held);
        let held = held.map(|month| month.month).collect();
        self.0.holds.set(held, ledger.rebuild_state().await?);
        Ok(months.into_iter().map(|month| month.month).collect())
    }
}

/// Compares every month in doubt with its facts, corrects its hour rows, and settles the doubt.
pub async fn reconcile_doubtful_months(
    store: &Store,
    stream: &str,
) -> Result<SettledDoubts, PipelineError> {
    settle(store, stream, Consumers::Running).await
}

pub(crate) async fn settle(
    store: &Store,
    stream: &str,
    consumers: Consumers,
) -> Result<SettledDoubts, PipelineError> {
    let _comparing = COMPARING.lock().await;
    let mut done = SettledDoubts::default();
    for pass in 0..consumers.passes_max() {
        let mut doubts = store.ledger().doubts().await?;
        let boundary = store.facts().boundary().await?;
        if pass > 0 && consumers == Consumers::Running && !doubts.is_empty() {
            store.ledger().hold_months(&doubts, HOLD.as_secs()).await?;
            tokio::time::sleep(if pass == 1 { HOLD_SEEN } else { PAUSE }).await;
            doubts = store.ledger().doubts().await?;
        }
        done.left = doubts.iter().map(|doubt| doubt.month).collect();
        if done.left.is_empty() {
            break;
        }
        for month in done.left.clone() {
            // Facts of the month may have expired, so that a comparison is impossible.
            let compared = if month < boundary.month {
                tracing::error!(
                    month,
                    "hour rows of a month with expired facts cannot be compared any more"
                );
                Compared::Agrees(store.ledger().settled_ends(stream).await?)
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
                    store.ledger().reconcile_doubtful_months(&settled).await?;
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

/// True if the ledger has the block of a doubt. A former log has no block in flight.
fn is_within(doubt: &Doubt, stream: &str, ends: &BTreeMap<u32, u64>) -> bool {
    let end = ends.get(&doubt.kafka_partition).copied().unwrap_or(0);
    doubt.stream.is_empty() || doubt.stream != stream || doubt.next_offset <= end
}

/// Compares a month and corrects it, unless one of its blocks is in flight.
async fn compare(store: &Store, stream: &str, month: u32) -> Result<Compared, PipelineError> {
    // The order of these steps is what makes a settled comparison correct.
    let ends = store.ledger().settled_ends(stream).await?;
    let differing = store.usage().aggregate_differences(month).await?;
    let correction = match &differing[..] {
        [] => None,
        hours => store.usage().correction_of(month, hours).await?,
    };
    if !is_settled(store, stream, month, &ends).await? {
        return Ok(Compared::InFlight);
    }
    match correction {
        None => Ok(Compared::Agrees(ends)),
        Some(correction) => correct(store, &differing, correction).await,
    }
}

/// True if no block of a month was being written while it was compared. `ends` are the ends of the
/// ledger before the comparison.
pub(crate) async fn is_settled(
    store: &Store,
    stream: &str,
    month: u32,
    ends: &BTreeMap<u32, u64>,
) -> Result<bool, PipelineError> {
    let reach = store.facts().reach(stream, month).await?;
    Ok(reach.iter().all(|(partition, reach)| {
        let end = ends.get(partition).copied().unwrap_or(0);
        invariants::is_settled(next(end), next(*reach))
    }))
}

async fn correct(
    store: &Store,
    differing: &[AggregateDifference],
    correction: Correction,
) -> Result<Compared, PipelineError> {
    let (month, cells) = (correction.month, correction.cells);
    // Added rows cannot correct a surplus of users: the sketch of distinct visitors only grows.
    let swollen = differing.iter().filter(|hour| {
        hour.users_missing < 0
            && (
                hour.events_missing,
                hour.accesses_missing,
                hour.service_uses_missing,
            ) == (0, 0, 0)
    });
    let swollen: Vec<AggregateDifference> = swollen.cloned().collect();
    if swollen.is_empty() {
        store.usage().correct_hours(correction).await?;
        // A repair may have restored facts since the comparison, so the month is compared again.
        store.ledger().doubt_months(&[month].into(), None).await?;
        tracing::warn!(month, cells, "hour rows corrected from the facts");
    } else {
        store.usage().clear_hours(&swollen).await?;
        tracing::warn!(
            month,
            hours = swollen.len(),
            "hour rows with more visitors than their facts removed, rebuilding them"
        );
    }
    Ok(Compared::Corrected(cells))
}

fn next(offset: u64) -> NextOffset {
    NextOffset(i64::try_from(offset).unwrap_or(i64::MAX))
}
