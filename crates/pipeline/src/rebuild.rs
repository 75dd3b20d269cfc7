//! Rebuilds facts, hour rows and ledger under the present register and rules, while consumers run.
//!
//! **A rebuild is a replay.** The same consumer reads the log again, with a separate group, into a
//! second database with the same schema:
//!
//! 1. History that the log cannot give again is copied from the present facts, with its codes and
//!    categories derived again.
//! 2. The log is replayed up to the offsets that the consumers have committed.
//! 3. The result is reconciled, and compared with the present facts.
//! 4. The consumers begin no block for some seconds. The replay reads up to their last commit, and
//!    the tables of both databases are exchanged.
//! 5. The present database is reconciled. A consumer that missed the pause has stored blocks in the
//!    tables that were replaced: they are restored from the log.
//!
//! So the pause makes the exchange clean, and its correctness does not depend on it. A rebuild that
//! was interrupted continues at the offsets of its group.

mod begin;
mod codes;
mod copy;
mod error;
mod exchange;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use affluenza_kafka::{Cluster, Config as BusConfig, NextOffset, Partition};
use affluenza_register::Register;
use affluenza_store::accounts::CheckScope;
use affluenza_store::rebuild::{CopiedFacts, Phase, RebuildChange, Run, SecondDatabase};
use affluenza_store::{Settled, Store};
use serde::Serialize;

use crate::offset_metadata::OffsetMetadata;
use crate::reconcile::reconcile;
use crate::replay::{Replay, ReplayTools};
use crate::{Classifier, Config, stream};

pub use error::RebuildError;

/// Maximum number of reconciliations until nothing differs.
const PASSES_MAX: usize = 5;
/// Interval of reading the offsets of the running consumers.
const LOOK: Duration = Duration::from_millis(300);
/// A replay has caught up if it lacks fewer offsets than this, or than consumers stored in the last
/// `CLOSE_LOOKS` intervals.
const CLOSE: u64 = 5_000;
const CLOSE_LOOKS: u64 = 16;
/// Maximum time to wait for blocks that consumers had begun.
const PATIENCE: Duration = Duration::from_secs(10);

/// Parameters of a rebuild.
#[derive(Debug, Clone)]
pub struct RebuildRequest {
    /// True to only list the changes.
    pub dry_run: bool,
    /// True to abandon an unfinished rebuild first.
    pub abandon: bool,
    /// Identifies this process: host, process id and its start.
    pub owner: String,
    /// Returns whether the process of this owner is running; `None` if this host cannot know.
    pub is_alive: fn(&str) -> Option<bool>,
}

/// Connections and tools of a rebuild.
pub struct Tools<'t> {
    /// Connection to ClickHouse.
    pub store: &'t Store,
    /// The database that is filled.
    pub second: &'t SecondDatabase,
    /// Connection settings of Kafka.
    pub bus: &'t BusConfig,
    /// Limits of the replaying consumer.
    pub config: &'t Config,
    /// Register of the classifiers, for facts that are copied.
    pub register: &'t Register,
    /// Returns a classifier under the present register and rules.
    pub classifier: &'t dyn Fn() -> Result<Classifier, RebuildError>,
    /// Called with each step of progress.
    pub watch: &'t mut dyn FnMut(RebuildStep),
}

/// Progress of a rebuild.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RebuildStep {
    /// An interrupted rebuild was resumed.
    Resumed {
        /// Id of the run.
        id: String,
    },
    /// History is being copied.
    Copying,
    /// The log is being replayed.
    Replaying {
        /// Offsets stored so far.
        done: u64,
        /// Offsets that the running consumers have stored.
        total: u64,
    },
    /// The result is being reconciled and compared.
    Comparing,
    /// Consumers pause, and the tables are being exchanged.
    Exchanging,
    /// Differences to the log are being repaired.
    Settling,
}

/// Result of a rebuild.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Rebuilt {
    /// Id of the run.
    pub id: String,
    /// True if nothing was replaced.
    pub dry_run: bool,
    /// True if an interrupted rebuild was resumed.
    pub resumed: bool,
    /// Version of the rules that classified.
    pub rules: String,
    /// Number of facts.
    pub facts: u64,
    /// Facts that were copied, as the log cannot give them again.
    pub copied: Vec<CopiedFacts>,
    /// Number of events that changed, were added or removed.
    pub events_moved: u64,
    /// Changes, the largest first.
    pub changes: Vec<RebuildChange>,
    /// Facts restored from the log after the exchange: of consumers that missed the pause.
    pub facts_restored: u64,
    /// Differences that could not be repaired.
    pub failures: Vec<String>,
    /// Time in which consumers began no block, in seconds.
    pub pause_seconds: f64,
    /// Total duration in seconds.
    pub seconds: f64,
}

/// Runs the rebuild of `request`, or resumes the unfinished one.
pub async fn rebuild(
    tools: &mut Tools<'_>,
    request: &RebuildRequest,
) -> Result<Rebuilt, RebuildError> {
    let began = Instant::now();
    let stream = stream::present(tools.store.ledger(), tools.bus).await?;
    let (run, resumed) = begin::begin(tools, request, &stream).await?;
    let mut work = RunningRebuild {
        bus: replay_bus(tools.bus, &run),
        cluster: Cluster::new(tools.bus)?,
        began,
        tools,
        stream,
        rebuilt: Rebuilt {
            id: String::new(),
            dry_run: run.dry_run,
            resumed,
            rules: String::new(),
            facts: 0,
            copied: Vec::new(),
            events_moved: 0,
            changes: Vec::new(),
            facts_restored: 0,
            failures: Vec::new(),
            pause_seconds: 0.0,
            seconds: 0.0,
        },
        run,
    };
    let done = work.carry_out().await;
    let RunningRebuild {
        run, mut rebuilt, ..
    } = work;
    done.map_err(|cause| RebuildError::Interrupted {
        id: run.id.clone(),
        cause: Box::new(cause),
    })?;
    rebuilt.id = run.id;
    rebuilt.rules = run.rules;
    rebuilt.seconds = began.elapsed().as_secs_f64();
    Ok(rebuilt)
}

/// Returns the connection settings of the replay. Its group is named after the run, so it never has
/// members of another one.
fn replay_bus(bus: &BusConfig, run: &Run) -> BusConfig {
    BusConfig {
        group: format!("{}.rebuild.{}", bus.group, run.id),
        instance: String::new(),
        ..bus.clone()
    }
}

/// A run, and what it works with.
struct RunningRebuild<'w, 't> {
    tools: &'w mut Tools<'t>,
    run: Run,
    /// Connection settings of the replay.
    bus: BusConfig,
    cluster: Cluster,
    stream: String,
    /// Start of this process's work.
    began: Instant,
    rebuilt: Rebuilt,
}

impl RunningRebuild<'_, '_> {
    async fn carry_out(&mut self) -> Result<(), RebuildError> {
        if self.run.phase == Phase::Copying {
            (self.tools.watch)(RebuildStep::Copying);
            self.copy_history().await?;
            self.run.tables = self.tools.second.tables().await?;
            self.enter(Phase::Replaying).await?;
        }
        let second = self.tools.second;
        if self.run.phase == Phase::Exchanging && !second.has_exchanged(&self.run.tables).await? {
            // Consumers have stored blocks since.
            self.enter(Phase::Replaying).await?;
        }
        if self.run.phase == Phase::Replaying {
            let mut replay = self.replay().await?;
            self.compare(&mut replay).await?;
            if self.run.dry_run {
                replay.running.stop().await?;
                return self.end().await;
            }
            self.exchange(replay.running).await?;
        }
        if self.run.phase == Phase::Exchanging {
            self.exchange_again().await?;
        }
        (self.tools.watch)(RebuildStep::Settling);
        self.count(self.tools.store).await?;
        self.settle().await?;
        match self.rebuilt.failures.is_empty() {
            true => self.end().await,
            // The second database holds the replaced tables, and may be needed.
            false => Ok(()),
        }
    }

    async fn enter(&mut self, phase: Phase) -> Result<(), RebuildError> {
        begin::check_ownership(self.tools.store, &self.run).await?;
        self.run.phase = phase;
        Ok(self.tools.store.rebuilds().note(&mut self.run).await?)
    }

    /// Ends the run, and removes the second database and the group of the replay.
    async fn end(&mut self) -> Result<(), RebuildError> {
        self.enter(Phase::Done).await?;
        // The exchange made the precomputed hours stale.
        self.tools.store.usage().keep_hours().await?;
        begin::clear(self.tools, &self.bus).await
    }

    /// Returns a classifier with the rules of the run.
    fn classifier(&self) -> Result<Classifier, RebuildError> {
        let classifier = (self.tools.classifier)()?;
        match classifier.rules() == self.run.rules {
            true => Ok(classifier),
            false => Err(RebuildError::OtherRules {
                id: self.run.id.clone(),
                begun: self.run.rules.clone(),
                now: classifier.rules().to_owned(),
            }),
        }
    }

    /// Starts a replay, and lets it catch up with the running consumers.
    async fn replay(&mut self) -> Result<CaughtUp, RebuildError> {
        let tools = ReplayTools {
            bus: &self.bus,
            store: self.tools.second.store(),
            config: self.tools.config,
            classifier: self.classifier()?,
        };
        let mut running = Replay::start(tools);
        let ends = self.catch_up(&mut running).await?;
        Ok(CaughtUp { running, ends })
    }

    /// Lets the replay follow the running consumers until it is close behind them. Returns their
    /// committed offsets.
    async fn catch_up(
        &mut self,
        running: &mut Replay,
    ) -> Result<BTreeMap<Partition, NextOffset>, RebuildError> {
        let mut before = None;
        loop {
            let ends = self.committed()?;
            let remaining = running.advance(&ends)?;
            let total: u64 = ends.values().map(|end| end.0.unsigned_abs()).sum();
            let done = total.saturating_sub(remaining);
            (self.tools.watch)(RebuildStep::Replaying { done, total });
            let growth = total.saturating_sub(before.replace(total).unwrap_or(total));
            if remaining <= CLOSE.max(growth * CLOSE_LOOKS) {
                return Ok(ends);
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Reconciles the second database at fixed offsets, and compares it with the present facts.
    async fn compare(&mut self, replay: &mut CaughtUp) -> Result<(), RebuildError> {
        let second = self.tools.second;
        while replay.running.advance(&replay.ends)? > 0 {
            tokio::time::sleep(LOOK).await;
        }
        (self.tools.watch)(RebuildStep::Comparing);
        let mut classifier = self.classifier()?;
        let reconciled = reconcile(
            second.store(),
            &self.bus,
            &self.stream,
            &mut classifier,
            CheckScope::All,
        )
        .await?;
        if let Some(cause) = reconciled.failures.into_iter().next() {
            return Err(RebuildError::NotWhole { cause });
        }
        let ends = Settled {
            stream: self.stream.clone(),
            ends: replay
                .ends
                .iter()
                .map(|(partition, end)| (partition.0.unsigned_abs(), end.0.unsigned_abs()))
                .collect(),
        };
        second.compare(&self.run.id, &ends).await?;
        self.count(second.store()).await
    }

    /// Reads the changes, and counts the rebuilt facts, which are in `store`.
    async fn count(&mut self, store: &Store) -> Result<(), RebuildError> {
        let changes = self.tools.store.rebuilds().changes(&self.run.id).await?;
        let moved = changes.iter().map(|change| change.events.unsigned_abs());
        self.rebuilt.events_moved = moved.sum();
        self.rebuilt.changes = changes;
        self.rebuilt.copied = store.rebuilds().copied(self.run.started_at).await?;
        self.rebuilt.facts = store.facts().count().await?;
        Ok(())
    }

    /// Repairs what consumers stored in the replaced tables, once the blocks that they had begun are
    /// committed.
    async fn settle(&mut self) -> Result<(), RebuildError> {
        let store = self.tools.store;
        let begun = self.begun()?;
        let waited = Instant::now();
        while waited.elapsed() < PATIENCE {
            let committed = self.committed()?;
            if begun
                .iter()
                .all(|(partition, end)| committed.get(partition) >= Some(end))
            {
                break;
            }
            tokio::time::sleep(LOOK).await;
        }
        let mut classifier = (self.tools.classifier)()?;
        for pass in 1..=PASSES_MAX {
            let bus = self.tools.bus;
            let mended =
                reconcile(store, bus, &self.stream, &mut classifier, CheckScope::All).await?;
            self.rebuilt.facts_restored += mended.facts_restored;
            if mended.is_clean() || pass == PASSES_MAX || !mended.failures.is_empty() {
                self.rebuilt.failures = mended.failures;
                return Ok(());
            }
        }
        Ok(())
    }

    /// Returns the ends of the blocks that the running consumers have begun.
    fn begun(&self) -> Result<BTreeMap<Partition, NextOffset>, RebuildError> {
        let bus = self.tools.bus;
        let committed = tokio::task::block_in_place(|| self.cluster.committed(bus))?;
        let blocks = committed.into_iter().filter_map(|at| {
            let metadata = OffsetMetadata::parse(&at.metadata)?;
            let intent = metadata.intent.filter(|_| metadata.stream == self.stream)?;
            Some((at.partition, intent.end))
        });
        Ok(blocks.collect())
    }

    /// Returns the committed offsets of the running consumers' group.
    fn committed(&self) -> Result<BTreeMap<Partition, NextOffset>, RebuildError> {
        let bus = self.tools.bus;
        let committed = tokio::task::block_in_place(|| self.cluster.committed(bus))?;
        let committed = committed.into_iter();
        Ok(committed
            .map(|at| (at.partition, at.next.unwrap_or(NextOffset(0))))
            .collect())
    }
}

/// A replay that is close behind the running consumers, and the offsets up to which it may read.
struct CaughtUp {
    running: Replay,
    ends: BTreeMap<Partition, NextOffset>,
}
