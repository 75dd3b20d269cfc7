//! The consumer's loop, on its own thread.
//!
//! Each round reads records into the drafts of the partitions, notes written blocks, and checks each
//! partition for a block that is due. [`step`] decides; the consumer executes its actions.

use std::collections::BTreeMap;
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use affluenza_http::telemetry::CancellationToken;
use affluenza_kafka::{
    BusError, Cluster, Config as BusConfig, NextOffset, Partition, Polled, Reader, Sight, Trouble,
    Writer,
};
use affluenza_store::Store;
use affluenza_store::retention::Boundary;
use backon::{BlockingRetryable as _, ExponentialBuilder};
use tokio::runtime::Handle;

use crate::classify::Classifier;
use crate::config::BlockLimits;
use crate::erase::erasures_ahead;
use crate::erasure_notes;
use crate::gaps::Gaps;
use crate::opening::Opening;
use crate::partition::OwnedPartition;
use crate::replay::ReplayBound;
use crate::step::{BlockPhase, BlockWaits, PartitionAction, PartitionEvent, step};
use crate::topic::TopicIdentity;
use crate::write::{Sink, Written};
use crate::writers::{WriteOutcome, Writers};
use crate::{Config, PipelineError, Progress, invariants, stream};

/// Maximum number of records that one round reads.
const RECORDS_A_ROUND: usize = 512;
/// Maximum wait of a poll while a draft is open or a block is being written.
const POLL_WAIT: Duration = Duration::from_millis(5);
/// Maximum wait of the first poll of a round while all partitions are idle.
const IDLE_WAIT: Duration = Duration::from_millis(100);
/// Fetching is paused once the consumer has waited this long for ClickHouse. Polling goes on, so
/// that the group keeps this member.
const STALL_MAX: Duration = Duration::from_secs(5);

/// Factor on the time that records wait in a block while there is a backlog.
const BACKLOG_WAITS: u32 = 2;
/// Time that the first record after a pause waits for others.
const GATHER: Duration = Duration::from_millis(20);
/// Interval of reading the committed offsets of the other members of the group.
const GROUP_LOOK: Duration = Duration::from_millis(500);
/// Pause before a replay fetches again the records beyond its bound.
const BOUND_PAUSE: Duration = Duration::from_millis(250);
/// Backoff after a record that could not be read.
const RETRY_PAUSE: Duration = Duration::from_secs(30);
/// Backoff before the group is joined again.
const REJOIN_PAUSE: Duration = Duration::from_millis(500);
/// Backoff after the group could not be joined: doubled each time, without limit of attempts.
const REJOIN: ExponentialBuilder = ExponentialBuilder::new()
    .with_min_delay(REJOIN_PAUSE)
    .with_max_delay(Duration::from_secs(10))
    .without_max_times();

/// Backoff while ClickHouse does not answer at the start, for a minute in all: `up` may be starting it
/// again.
const STARTING: ExponentialBuilder = ExponentialBuilder::new()
    .with_min_delay(Duration::from_millis(200))
    .with_max_delay(Duration::from_secs(5))
    .with_max_times(16);

/// Condition, besides `stop`, for the end of a run.
#[derive(Debug, Clone)]
pub enum Until {
    /// No condition: only `stop` ends the run.
    Stopped,
    /// Ends when each partition is committed up to its offset.
    Reached(BTreeMap<Partition, NextOffset>),
    /// Reads no record beyond a bound, which may move. Ends when each partition is committed up to
    /// its final offset.
    Replayed(ReplayBound),
}

impl Until {
    /// Returns the offsets at which the run ends, if they are known.
    fn ends(&self) -> Option<BTreeMap<Partition, NextOffset>> {
        match self {
            Self::Stopped => None,
            Self::Reached(ends) => Some(ends.clone()),
            Self::Replayed(bound) => bound.ends(),
        }
    }

    /// Returns the first offset of a partition that may not be read.
    fn bound(&self, partition: Partition) -> Option<NextOffset> {
        match self {
            Self::Stopped | Self::Reached(_) => None,
            Self::Replayed(bound) => Some(bound.of(partition)),
        }
    }
}

/// Reads the log and writes facts.
pub struct Consumer {
    bus: BusConfig,
    reader: Reader,
    classifier: Classifier,
    /// Receives classifiers with newer rules.
    newer: Option<mpsc::Receiver<Classifier>>,
    store: Store,
    writers: Writers,
    topic: TopicIdentity,
    /// Name of the log: the ids of cluster and topic, followed by a number once the log was
    /// restored.
    stream: String,
    config: Config,
    progress: Progress,
    runtime: Handle,
    partitions: Vec<OwnedPartition>,
    /// Start of the consumer, from which the partitions count time.
    started: Instant,
    /// Time since which a full partition stops all reading.
    stalled_since: Option<Instant>,
    /// Time of the last read of the group's committed offsets.
    group_asked: Option<Instant>,
    /// True while fetching is paused. Polling goes on.
    is_paused: bool,
    /// True if the last round of reading ended with records still waiting.
    is_behind: bool,
    /// Hits and misses of the classifier's cache at the last count.
    cached: (u64, u64),
    /// Start of the retention period: older events are not kept.
    boundary: Boundary,
}

impl Consumer {
    /// Joins the group. Call from outside the async runtime that `runtime` belongs to.
    pub fn join(
        bus: &BusConfig,
        store: Store,
        classifier: Classifier,
        config: Config,
        progress: Progress,
        runtime: Handle,
    ) -> Result<Self, PipelineError> {
        let topic = TopicIdentity::read(bus)?;
        // Fail at the start, not at the first bad record, if the dead-letter topic is missing.
        let cluster = Cluster::new(bus)?;
        cluster.check_topics(&[&bus.dead_letter_topic])?;
        let name = bus.topic.clone();
        runtime.spawn(async move { cluster.warn_of_compaction(&name).await });
        progress.limit_by(&config);
        let notes = erasure_notes::read(bus).unwrap_or_else(|error| {
            tracing::warn!(%error, "notes of erasures cannot be read");
            None
        });
        let notes = notes.unwrap_or_default();
        let (stream, erasures) = (|| {
            runtime.block_on(async {
                let stream = stream::of_topic(store.ledger(), topic.id()).await?;
                let erasures = erasures_ahead(&store, notes.clone(), &stream).await?;
                Ok::<_, PipelineError>((stream, erasures))
            })
        })
        .retry(STARTING)
        .when(PipelineError::is_transient)
        .call()?;
        let sink = Sink {
            ledger: store.ledger().clone(),
            facts: store.facts().clone(),
            dead_letters: Arc::new(Writer::new(bus, &bus.dead_letter_topic)?),
            gaps: Arc::new(Gaps::new(bus)),
            progress: progress.clone(),
            is_replay: false,
            erasures: erasures.into(),
            partition: Partition(0),
        };
        Ok(Self {
            bus: bus.clone(),
            reader: Reader::join(bus)?,
            classifier,
            newer: None,
            writers: Writers::new(sink, runtime.clone()),
            store,
            topic,
            stream,
            config,
            progress,
            runtime,
            partitions: Vec::new(),
            started: Instant::now(),
            stalled_since: None,
            group_asked: None,
            is_paused: false,
            is_behind: false,
            cached: (0, 0),
            boundary: Boundary::default(),
        })
    }

    /// Adopts classifiers with other rules as they arrive, without a restart.
    #[must_use]
    pub fn following(mut self, newer: mpsc::Receiver<Classifier>) -> Self {
        self.newer = Some(newer);
        self
    }

    /// Replays a log that was read before: sends no dead letter again.
    #[must_use]
    pub fn replaying(mut self) -> Self {
        self.writers.sink.is_replay = true;
        self
    }

    /// Reads and writes until `until` is reached or `stop` is cancelled. Then drains: writes the records
    /// read so far and commits.
    pub fn run(mut self, until: &Until, stop: &CancellationToken) -> Result<(), PipelineError> {
        loop {
            match self.round(until, stop) {
                Ok(true) => return Ok(()),
                // A block is classified by one set of rules, so reading restarts at the committed
                // offset.
                Ok(false) if self.has_newer_rules() => {
                    tracing::info!(
                        rules = self.classifier.rules(),
                        "classification rules changed: reading again from the committed offsets"
                    );
                    self.forget();
                    self.rejoin(stop)?;
                }
                Ok(false) => {}
                // Restarts from the committed offsets, as after a crash. Their intents name the
                // blocks that were being written.
                Err(error) if error.is_transient() && !stop.is_cancelled() => {
                    tracing::warn!(%error, pause_ms = REJOIN_PAUSE.as_millis() as u64, "rejoining the group after an error");
                    self.progress.note_trouble(&error);
                    self.forget();
                    std::thread::sleep(REJOIN_PAUSE);
                    self.rejoin(stop)?;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Runs one round. Returns true when the consumer has finished.
    fn round(&mut self, until: &Until, stop: &CancellationToken) -> Result<bool, PipelineError> {
        self.progress.beat();
        if !self.partitions.is_empty() {
            self.topic.check_in_time(&self.reader)?;
        }
        let draining = stop.is_cancelled();
        if draining && self.is_idle() {
            return Ok(true);
        }
        let ends = until.ends();
        if ends.is_some()
            && let Some(standstill) = self.progress.hopeless()
        {
            return Err(PipelineError::Standstill(standstill));
        }
        if let Some(ends) = &ends
            && (self.progress.reached(ends) || self.is_reached_by_group(ends)?)
        {
            return Ok(true);
        }
        if self.is_stalled() || draining {
            self.wait_for_writers(until)?;
        } else {
            self.read_round(until)?;
        }
        self.finish_writes()?;
        for index in 0..self.partitions.len() {
            let owned = &self.partitions[index];
            let end = owned.draft.end.max(owned.state.covered());
            // While draining, a block is not delayed to grow.
            let last = ends.as_ref().and_then(|ends| ends.get(&owned.partition));
            let is_last = draining || last.is_some_and(|last| end >= *last);
            self.look(index, is_last)?;
        }
        Ok(false)
    }

    /// Reports an event to a partition and executes the resulting actions. `Take` and `ReadAgain` need
    /// the record: `read_round` executes them.
    fn report(&mut self, index: usize, event: PartitionEvent) -> Result<(), PipelineError> {
        let mut event = Some(event);
        while let Some(next) = event.take() {
            let owned = &mut self.partitions[index];
            let (state, action) = step(owned.state, next);
            owned.state = state;
            match action {
                None | Some(PartitionAction::Take | PartitionAction::ReadAgain) => {}
                Some(PartitionAction::StopFetching) => self.reader.release(&[owned.partition])?,
                Some(PartitionAction::Fetch) => self.fetch(index)?,
                Some(PartitionAction::Commit { next, with_intent }) => {
                    event = Some(self.commit(index, next, with_intent)?);
                }
                Some(PartitionAction::Write) => self.writers.start(owned),
                Some(PartitionAction::RefuseLog(end)) => {
                    return Err(PipelineError::LogChanged {
                        partition: owned.partition,
                        next: end.0,
                    });
                }
                Some(PartitionAction::Release) => {
                    if let Some(writing) = owned.writing.take() {
                        writing.task.abort();
                    }
                }
            }
        }
        Ok(())
    }

    /// Checks whether a block of a partition is due.
    fn look(&mut self, index: usize, is_last: bool) -> Result<(), PipelineError> {
        let (now, limits, waits) = (self.now(), self.limits(), self.waits());
        let look = self.partitions[index].look(now, limits, waits, is_last);
        self.report(index, PartitionEvent::Look(look))
    }

    fn now(&self) -> Duration {
        self.started.elapsed()
    }

    /// Returns true if this consumer has committed its partitions up to `ends`, and the other
    /// members of the group theirs. Checked every `GROUP_LOOK` at most.
    fn is_reached_by_group(
        &mut self,
        ends: &BTreeMap<Partition, NextOffset>,
    ) -> Result<bool, PipelineError> {
        let is_early = self
            .group_asked
            .is_some_and(|asked| asked.elapsed() < GROUP_LOOK);
        if is_early || !self.progress.is_assigned() || !self.is_idle() {
            return Ok(false);
        }
        let missing = self.progress.missing(ends);
        let owned = self.owned();
        if missing.iter().any(|partition| owned.contains(partition)) {
            return Ok(false);
        }
        self.group_asked = Some(Instant::now());
        let committed = self.reader.committed(&missing)?;
        Ok(committed.iter().all(|committed| {
            let end = ends.get(&committed.partition);
            committed.next.as_ref() >= end
        }))
    }

    /// Discards everything that is not committed, and cancels the running writes.
    fn forget(&mut self) {
        for index in 0..self.partitions.len() {
            // The only action is to release, which cannot fail.
            let _ = self.report(index, PartitionEvent::Lost);
        }
        self.partitions.clear();
        self.progress.owns(None);
        self.stalled_since = None;
        self.is_paused = false;
    }

    /// Joins the group again, with backoff, until it succeeds or `stop` is cancelled.
    fn rejoin(&mut self, stop: &CancellationToken) -> Result<(), PipelineError> {
        let joined = (|| {
            if stop.is_cancelled() {
                return Ok(None);
            }
            self.progress.beat();
            let reader = Reader::join(&self.bus)?;
            let dead_letters = Writer::new(&self.bus, &self.bus.dead_letter_topic)?;
            Ok(Some((reader, dead_letters)))
        })
        .retry(REJOIN)
        .when(BusError::is_transient)
        .call()?;
        if let Some((reader, dead_letters)) = joined {
            self.reader = reader;
            self.writers.replace_writer(dead_letters);
        }
        Ok(())
    }

    /// Replaces the classifier by the newest one received. Returns true if the rules differ.
    fn has_newer_rules(&mut self) -> bool {
        let newest = self
            .newer
            .as_ref()
            .and_then(|newer| newer.try_iter().last());
        match newest {
            Some(classifier) if classifier.rules() != self.classifier.rules() => {
                self.classifier = classifier;
                self.classifier.keep_from(self.boundary);
                true
            }
            _ => false,
        }
    }

    fn is_idle(&self) -> bool {
        self.partitions.iter().all(OwnedPartition::is_idle)
    }

    /// Returns true if one partition is full. It then stops the reading of all partitions: they
    /// share one ClickHouse, and the client returns their records in one queue.
    fn is_stalled(&self) -> bool {
        let limits = self.limits();
        self.partitions
            .iter()
            .any(|owned| owned.is_full(limits) && !owned.draft.is_empty())
    }

    /// Returns the limits of a block. The partitions share the memory.
    fn limits(&self) -> BlockLimits {
        self.config.block_limits(self.partitions.len())
    }

    fn read_round(&mut self, until: &Until) -> Result<(), PipelineError> {
        let limits = self.limits();
        self.stalled_since = None;
        self.fetch_again()?;
        // A poll without a record clears the flag.
        self.is_behind = true;
        let mut wait = if self.is_idle() { IDLE_WAIT } else { POLL_WAIT };
        for _ in 0..RECORDS_A_ROUND {
            match poll(&self.reader, &self.partitions, wait)? {
                Polled::Record(record) => {
                    wait = POLL_WAIT;
                    self.topic.received();
                    let partition = record.partition();
                    if let Some(bound) = until.bound(partition)
                        && record.offset().0 >= bound.0
                    {
                        drop(record);
                        return self.wait_at(partition, bound);
                    }
                    let mut partitions = self.partitions.iter_mut();
                    let Some(owned) = partitions.find(|owned| owned.partition == partition) else {
                        continue;
                    };
                    let arrived = PartitionEvent::Arrived {
                        offset: record.offset().0,
                        draft_end: owned.draft.end,
                    };
                    let (state, action) = step(owned.state, arrived);
                    owned.state = state;
                    match action {
                        Some(PartitionAction::Take) => {
                            owned.draft.take(&record, &mut self.classifier);
                        }
                        Some(PartitionAction::ReadAgain) => {
                            let at = NextOffset(record.offset().0);
                            drop(record);
                            self.reader.seek(partition, at)?;
                            return Ok(());
                        }
                        _ => continue,
                    }
                    if owned.is_full(limits) || owned.can_write(limits) {
                        return Ok(());
                    }
                }
                Polled::Assigned(partitions) => {
                    self.assigned(&partitions)?;
                    return Ok(());
                }
                Polled::Revoked { partitions, lost } => {
                    self.revoked(&partitions, lost)?;
                    return Ok(());
                }
                Polled::Ended { partition, next } => self.ended(partition, next, until)?,
                Polled::Trouble(trouble) => return self.troubled(trouble),
                Polled::Nothing => {
                    self.is_behind = false;
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    fn ended(
        &mut self,
        partition: Partition,
        next: NextOffset,
        until: &Until,
    ) -> Result<(), PipelineError> {
        if let Some(bound) = until.bound(partition).filter(|bound| next > *bound) {
            return self.wait_at(partition, bound);
        }
        match self.index_of(partition) {
            Some(index) => self.report(index, PartitionEvent::Ended(next)),
            None => Ok(()),
        }
    }

    /// Stops fetching a partition for a moment: all records before its bound were received.
    fn wait_at(&mut self, partition: Partition, bound: NextOffset) -> Result<(), PipelineError> {
        let Some(index) = self.index_of(partition) else {
            return Ok(());
        };
        self.report(index, PartitionEvent::Ended(bound))?;
        let until = self.now() + BOUND_PAUSE;
        self.report(index, PartitionEvent::Unreadable(until))
    }

    fn index_of(&self, partition: Partition) -> Option<usize> {
        let mut partitions = self.partitions.iter();
        partitions.position(|owned| owned.partition == partition)
    }

    /// Handles an error that the client reports. After a record that cannot be decoded, the client
    /// continues at an offset that may be wrong and does not name the partition. So every partition
    /// is examined.
    fn troubled(&mut self, trouble: Trouble) -> Result<(), PipelineError> {
        tracing::info!(
            cause = trouble.cause,
            "Kafka client error, the client retries"
        );
        self.is_behind = false;
        self.progress.note_unassigned(trouble.cause);
        match trouble.may_skip {
            true => (0..self.partitions.len()).try_for_each(|index| self.examine(index)),
            false => Ok(()),
        }
    }

    /// Checks whether the next record of a partition is readable, and fetches it again: at once, or
    /// after a pause if it is not. Reading on would lose the record.
    fn examine(&mut self, index: usize) -> Result<(), PipelineError> {
        let owned = &self.partitions[index];
        if owned.state.is_blocked() {
            return Ok(());
        }
        let (partition, at) = (owned.partition, owned.draft.end);
        let sight = Sight::at(&self.bus, &self.bus.topic, partition, at)?;
        let mut until = self.now();
        if matches!(sight, Sight::Blocked(_)) {
            until += RETRY_PAUSE;
            self.progress.sighted(partition, sight);
        }
        // The client may be at an arbitrary offset from which it cannot seek.
        self.report(index, PartitionEvent::Unreadable(until))
    }

    /// Resumes fetching, except for partitions that wait at an unreadable record. Retries the
    /// latter when their backoff is over.
    fn fetch_again(&mut self) -> Result<(), PipelineError> {
        if self.is_paused {
            let partitions = self.partitions.iter();
            let fetched = partitions.filter(|owned| !owned.state.is_blocked());
            let fetched: Vec<Partition> = fetched.map(|owned| owned.partition).collect();
            self.reader.resume(&fetched)?;
            self.is_paused = false;
        }
        let retry = PartitionEvent::Retry(self.now());
        (0..self.partitions.len()).try_for_each(|index| self.report(index, retry))
    }

    fn fetch(&mut self, index: usize) -> Result<(), PipelineError> {
        let owned = &self.partitions[index];
        self.reader.assign(&[(owned.partition, owned.draft.end)])?;
        Ok(self.reader.resume(&[owned.partition])?)
    }

    /// Returns how long records wait in a block. During a backlog latency does not matter, and
    /// larger blocks cost ClickHouse much less.
    fn waits(&self) -> BlockWaits {
        let between = Duration::from_millis(self.config.block_wait_ms_max);
        if self.is_behind {
            let between = between * BACKLOG_WAITS;
            return BlockWaits {
                after_pause: between,
                between,
            };
        }
        BlockWaits {
            after_pause: between.min(GATHER),
            between,
        }
    }

    /// Waits for a running write, as nothing can be read now. A long wait polls with fetching
    /// paused, which keeps the membership and returns only changes of assignment.
    fn wait_for_writers(&mut self, until: &Until) -> Result<(), PipelineError> {
        let since = *self.stalled_since.get_or_insert_with(Instant::now);
        if since.elapsed() > STALL_MAX && !self.is_paused {
            self.reader.pause(&self.owned())?;
            self.is_paused = true;
        }
        if self.is_paused {
            match poll(&self.reader, &self.partitions, POLL_WAIT)? {
                Polled::Assigned(partitions) => self.assigned(&partitions)?,
                Polled::Revoked { partitions, lost } => self.revoked(&partitions, lost)?,
                // The record was fetched before the pause, and the draft has no room: it is read
                // again later.
                Polled::Record(record) => {
                    let (partition, offset) = (record.partition(), record.offset());
                    drop(record);
                    self.reader.seek(partition, NextOffset(offset.0))?;
                }
                Polled::Ended { partition, next } => self.ended(partition, next, until)?,
                Polled::Trouble(trouble) if trouble.may_skip => self.troubled(trouble)?,
                Polled::Trouble(_) | Polled::Nothing => {}
            }
            return Ok(());
        }
        if let Some(outcome) = self.writers.wait(POLL_WAIT * 10) {
            self.finish(outcome)?;
        }
        Ok(())
    }

    fn owned(&self) -> Vec<Partition> {
        let partitions = self.partitions.iter();
        partitions.map(|owned| owned.partition).collect()
    }

    fn finish_writes(&mut self) -> Result<(), PipelineError> {
        // A task sends its result before it ends. A task that had ended, and whose result is not
        // received below, has panicked.
        let partitions = self.partitions.iter();
        let ended: Vec<u64> = partitions.filter_map(OwnedPartition::ended).collect();
        while let Some(outcome) = self.writers.next() {
            self.finish(outcome)?;
        }
        let mut owned = self.partitions.iter();
        match owned.find(|owned| owned.ended().is_some_and(|at| ended.contains(&at))) {
            Some(OwnedPartition { partition, .. }) => Err(PipelineError::WriterGone {
                partition: *partition,
            }),
            None => Ok(()),
        }
    }

    /// Commits the end of a written block, together with the intent of the next block if that is
    /// ready. During a backlog this makes one commit a block.
    fn finish(
        &mut self,
        WriteOutcome { ticket, result }: WriteOutcome,
    ) -> Result<(), PipelineError> {
        let mut partitions = self.partitions.iter();
        let Some(index) = partitions.position(|owned| owned.ticket() == Some(ticket)) else {
            // The partition was revoked meanwhile: its next owner writes the block again.
            return Ok(());
        };
        let owned = &mut self.partitions[index];
        let partition = owned.partition;
        let written = result.inspect_err(|error| self.progress.fails(partition, error))?;
        owned.writing = None;
        debug_assert_eq!(partition, written.partition);
        self.note(&written);
        self.report(index, PartitionEvent::Written(written.end))?;
        self.look(index, false)
    }

    fn note(&mut self, written: &Written) {
        self.progress.add(written);
        // A new classifier counts from 0.
        let (hits, misses) = self.classifier.cached();
        let before = std::mem::replace(&mut self.cached, (hits, misses));
        self.progress.note_cached(
            hits.checked_sub(before.0).unwrap_or(hits),
            misses.checked_sub(before.1).unwrap_or(misses),
        );
        let memory = self.partitions.iter().map(OwnedPartition::memory);
        let (identities, bytes) = memory.fold((0, 0), |all, one| (all.0 + one.0, all.1 + one.1));
        self.progress.note_memory(identities, bytes);
    }

    /// Commits an offset and its metadata. The commit is refused if the partition belongs to another
    /// member; a rebalance follows.
    fn commit(
        &mut self,
        index: usize,
        next: NextOffset,
        with_intent: bool,
    ) -> Result<PartitionEvent, PipelineError> {
        self.topic.check(&self.reader)?;
        let owned = &self.partitions[index];
        let partition = owned.partition;
        assert!(
            invariants::may_commit(false, owned.writing.is_some()),
            "nothing is committed while a block is being written"
        );
        if !invariants::may_commit(self.reader.assignment_lost(), false) {
            tracing::warn!(
                partition = partition.0,
                "assignment lost, nothing committed"
            );
            return Ok(PartitionEvent::Refused(self.now()));
        }
        let metadata = owned.metadata(with_intent).encode();
        match self.reader.commit(partition, next, &metadata) {
            Ok(()) => {
                self.progress.stands_at(partition, next);
                Ok(PartitionEvent::Accepted(self.now()))
            }
            Err(error @ BusError::Commit { refused: true, .. }) => {
                tracing::warn!(partition = partition.0, %error, "commit refused");
                Ok(PartitionEvent::Refused(self.now()))
            }
            // A commit without an answer may take effect after a later one. Only joining the group
            // again, as a new member, rules this out.
            Err(error) => Err(error.into()),
        }
    }

    fn assigned(&mut self, partitions: &[Partition]) -> Result<(), PipelineError> {
        self.progress.note_unassigned(
            "waiting for the partitions' offsets from Kafka and ClickHouse".to_owned(),
        );
        self.topic = TopicIdentity::read(&self.bus)?;
        let stream = stream::of_topic(self.store.ledger(), self.topic.id());
        let stream = self.runtime.block_on(stream)?;
        if stream != self.stream {
            tracing::warn!(
                before = self.stream,
                now = stream,
                "the topic was created again"
            );
            self.stream = stream;
        }
        self.boundary = self.runtime.block_on(self.store.facts().boundary())?;
        self.classifier.keep_from(self.boundary);
        let committed = self.reader.committed(partitions)?;
        let mut opening = Opening {
            reader: &self.reader,
            bus: &self.bus,
            store: &self.store,
            classifier: &mut self.classifier,
            stream: &self.stream,
            config: &self.config,
            progress: &self.progress,
            runtime: &self.runtime,
        };
        let opened = opening.open(&committed)?;
        let mut starts = Vec::with_capacity(opened.len());
        for owned in opened {
            let (partition, next) = (owned.partition, owned.state.first());
            tracing::info!(
                partition = partition.0,
                next = next.0,
                recovering = owned.state.is_repeating(),
                "partition assigned"
            );
            self.progress.stands_at(partition, next);
            starts.push((partition, next));
            self.partitions.push(owned);
        }
        self.progress.owns(Some(self.owned()));
        self.reader.assign(&starts)?;
        if self.is_paused {
            self.reader.pause(partitions)?;
        }
        Ok(())
    }

    /// Returns partitions to the group. Waits for running writes and commits their ends while the
    /// partitions are still owned; if they are lost, cancels the writes. Records that were only read
    /// are left to the next owner.
    fn revoked(&mut self, partitions: &[Partition], lost: bool) -> Result<(), PipelineError> {
        let event = match lost {
            true => PartitionEvent::Lost,
            false => PartitionEvent::Revoked,
        };
        for partition in partitions {
            let Some(index) = self.index_of(*partition) else {
                continue;
            };
            let owned = &mut self.partitions[index];
            // The client does not fetch this partition now, but it must be assigned to be released.
            if owned.state.is_blocked() {
                self.reader.assign(&[(*partition, owned.draft.end)])?;
            }
            owned.discard_draft();
            self.report(index, event)?;
            tracing::info!(partition = partition.0, lost, "partition revoked");
        }
        while self.is_releasing(partitions) {
            self.progress.beat();
            match self.writers.wait(POLL_WAIT * 10) {
                Some(outcome) => self.finish(outcome)?,
                None => self.finish_writes()?,
            }
        }
        self.partitions
            .retain(|owned| owned.state.phase() != BlockPhase::Released);
        if self.is_paused {
            // The client keeps a pause beyond the assignment: a partition that is assigned again
            // would never be read.
            self.reader.resume(partitions)?;
        }
        self.progress.owns(Some(self.owned()));
        Ok(self.reader.release(partitions)?)
    }

    /// True while a block of a revoked partition is being written.
    fn is_releasing(&self, partitions: &[Partition]) -> bool {
        self.partitions.iter().any(|owned| {
            partitions.contains(&owned.partition) && owned.state.phase() != BlockPhase::Released
        })
    }
}

impl Drop for Consumer {
    fn drop(&mut self) {
        self.forget();
    }
}

/// Polls the client once. The client may report a damaged batch as "offset out of range". This is
/// ignored while a partition waits at an unreadable record. Otherwise every partition is examined,
/// which finds the deleted or the damaged records.
fn poll<'r>(
    reader: &'r Reader,
    partitions: &[OwnedPartition],
    wait: Duration,
) -> Result<Polled<'r>, PipelineError> {
    match reader.poll(wait) {
        Err(BusError::OutOfRange { .. })
            if partitions.iter().any(|owned| owned.state.is_blocked()) =>
        {
            Ok(Polled::Nothing)
        }
        Err(error @ BusError::OutOfRange { .. }) => Ok(Polled::Trouble(Trouble {
            cause: error.to_string(),
            may_skip: true,
        })),
        polled => Ok(polled?),
    }
}
