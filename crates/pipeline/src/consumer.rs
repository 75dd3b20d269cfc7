//! The loop that runs the steps of the consumer, on its own thread.

use std::collections::BTreeMap;
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use affluenza_http::telemetry::CancellationToken;
use affluenza_kafka::{
    BusError, Cluster, Committed, Config as BusConfig, NextOffset, Partition, Polled, Reader,
    Sight, Trouble, Writer,
};
use affluenza_store::Store;
use affluenza_store::retention::Boundary;
use backon::{BlockingRetryable as _, ExponentialBuilder};
use tokio::runtime::Handle;

use crate::classify::Classifier;
use crate::config::BlockLimits;
use crate::gaps::Gaps;
use crate::opening::{Opening, StartPosition};
use crate::partition::{BlockWaits, PartitionState, Taken, Writing};
use crate::recent::Recent;
use crate::write::{Sink, Written};
use crate::{Config, PipelineError, Progress, invariants, stream};

/// Maximum number of records that one round reads.
const RECORDS_A_ROUND: usize = 512;
/// Maximum wait of one poll for a record, while records or results of writes are waited for, and
/// otherwise.
const POLL_WAIT: Duration = Duration::from_millis(5);
const IDLE_WAIT: Duration = Duration::from_millis(100);
/// Fetching is paused once the consumer has waited this long for ClickHouse. Polling goes on, so
/// that the group keeps this member.
const STALL_MAX: Duration = Duration::from_secs(5);

/// Factor on the time that records wait in a block while there is a backlog.
const BACKLOG_WAITS: u32 = 2;
/// Time that the first record after a pause waits for others.
const GATHER: Duration = Duration::from_millis(20);
/// Partitions whose newest identities are read from ClickHouse at the same time.
const WARMED_AT_ONCE: usize = 4;
/// Backoff after a refused commit.
const COMMIT_PAUSE: Duration = Duration::from_millis(500);
/// Interval of reading the committed offsets of the other members of the group.
const GROUP_LOOK: Duration = Duration::from_millis(500);
/// Backoff after a record that could not be read.
const RETRY_PAUSE: Duration = Duration::from_secs(30);
/// Maximum time between two checks of the topic's id.
const TOPIC_LOOK: Duration = Duration::from_secs(10);
/// Backoff before the group is joined again.
const REJOIN_PAUSE: Duration = Duration::from_millis(500);
/// Backoff after the group could not be joined: doubled each time, without limit of attempts.
const REJOIN: ExponentialBuilder = ExponentialBuilder::new()
    .with_min_delay(REJOIN_PAUSE)
    .with_max_delay(Duration::from_secs(10))
    .without_max_times();

/// Condition on which the consumer ends without being stopped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Until {
    /// Runs until `stop` is cancelled.
    Stopped,
    /// Ends when each partition is committed up to its offset.
    Reached(BTreeMap<Partition, NextOffset>),
}

impl Until {
    fn is_reached_by(&self, partition: Partition, next: NextOffset) -> bool {
        match self {
            Self::Stopped => false,
            Self::Reached(ends) => ends.get(&partition).is_some_and(|end| next >= *end),
        }
    }
}

/// Result of writing a block, with the ticket of the block.
type Outcome = (u64, Result<Written, PipelineError>);

/// Reads the log and writes facts.
pub struct Consumer {
    bus: BusConfig,
    reader: Reader,
    classifier: Classifier,
    /// Receives classifiers with newer rules.
    newer: Option<mpsc::Receiver<Classifier>>,
    store: Store,
    sink: Sink,
    /// Ids of cluster and topic, joined by a slash.
    topic: String,
    /// True if no record was received since the last check of the topic's id.
    topic_checked: bool,
    topic_asked: Instant,
    /// Name of the log: the ids of cluster and topic, followed by a number once the log was
    /// restored.
    stream: String,
    config: Config,
    progress: Progress,
    runtime: Handle,
    partitions: Vec<PartitionState>,
    results: mpsc::Receiver<Outcome>,
    results_in: mpsc::Sender<Outcome>,
    next_ticket: u64,
    stalled_since: Option<Instant>,
    /// Time of the last read of the group's committed offsets.
    group_asked: Option<Instant>,
    paused: bool,
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
        let topic = identity(bus)?;
        let stream = runtime.block_on(stream::of_topic(store.ledger(), &topic))?;
        // Fail at the start, not at the first bad record, if the dead-letter topic is missing.
        Cluster::new(bus)?.check_topics(&[&bus.dead_letter_topic])?;
        progress.limit_by(&config);
        let dead_letters = Arc::new(Writer::new(bus, &bus.dead_letter_topic)?);
        let (results_in, results) = mpsc::channel();
        Ok(Self {
            bus: bus.clone(),
            reader: Reader::join(bus)?,
            classifier,
            newer: None,
            sink: Sink {
                ledger: store.ledger().clone(),
                facts: store.facts().clone(),
                dead_letters,
                gaps: Arc::new(Gaps::new(bus)),
                progress: progress.clone(),
                partition: Partition(0),
            },
            store,
            topic,
            topic_checked: false,
            topic_asked: Instant::now(),
            stream,
            config,
            progress,
            runtime,
            partitions: Vec::new(),
            results,
            results_in,
            next_ticket: 0,
            stalled_since: None,
            group_asked: None,
            paused: false,
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

    /// Reads and writes until `until` is reached or `stop` is cancelled. Then drains: writes the records
    /// read so far and commits.
    pub fn run(mut self, until: &Until, stop: &CancellationToken) -> Result<(), PipelineError> {
        loop {
            match self.step(until, stop) {
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
    fn step(&mut self, until: &Until, stop: &CancellationToken) -> Result<bool, PipelineError> {
        self.progress.beat();
        if self.topic_asked.elapsed() > TOPIC_LOOK && !self.partitions.is_empty() {
            self.topic_checked = false;
            self.check_topic()?;
        }
        let draining = stop.is_cancelled();
        if draining && self.is_idle() {
            return Ok(true);
        }
        if *until != Until::Stopped
            && let Some(standstill) = self.progress.hopeless()
        {
            return Err(PipelineError::Standstill(standstill));
        }
        if let Until::Reached(ends) = until
            && (self.progress.reached(ends) || self.is_reached_by_group(ends)?)
        {
            return Ok(true);
        }
        if self.is_stalled() || draining {
            self.wait_for_writers()?;
        } else {
            self.read_round()?;
        }
        self.finish_writes()?;
        self.start_writes(Instant::now(), until, draining)?;
        Ok(false)
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
        for state in self.partitions.drain(..) {
            if let Some(writing) = state.writing {
                writing.task.abort();
            }
        }
        self.progress.owns(None);
        self.stalled_since = None;
        self.paused = false;
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
            self.sink.dead_letters = Arc::new(dead_letters);
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
        self.partitions.iter().all(|state| {
            state.writing.is_none() && (state.draft.is_empty() || state.is_recovering())
        })
    }

    /// Returns true if one partition is full. It then stops the reading of all partitions: they
    /// share one ClickHouse, and the client returns their records in one queue.
    fn is_stalled(&self) -> bool {
        let limits = self.limits();
        self.partitions
            .iter()
            .any(|state| !state.has_room(limits) || (state.is_sealed() && !state.draft.is_empty()))
    }

    /// Returns the limits of a block. The partitions share the memory.
    fn limits(&self) -> BlockLimits {
        self.config.block_limits(self.partitions.len())
    }

    fn read_round(&mut self) -> Result<(), PipelineError> {
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
                    self.topic_checked = false;
                    let partition = record.partition();
                    let Some(state) = self
                        .partitions
                        .iter_mut()
                        .find(|state| state.partition == partition)
                    else {
                        continue;
                    };
                    if state.retry_at.is_some() {
                        continue;
                    }
                    if state.take(&record, &mut self.classifier)? == Taken::Later {
                        // The record is read again after the recovered block.
                        let at = NextOffset(record.offset().0);
                        drop(record);
                        self.reader.seek(partition, at)?;
                        return Ok(());
                    }
                    if !state.has_room(limits) || state.is_sealed() || state.is_waiting(limits) {
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
                Polled::Ended { partition, next } => self.note_end(partition, next),
                Polled::Trouble(trouble) => return self.troubled(trouble),
                Polled::Nothing => {
                    self.is_behind = false;
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    fn note_end(&mut self, partition: Partition, next: NextOffset) {
        let mut states = self.partitions.iter_mut();
        // The position behind an unreadable record is not the end of the partition.
        if let Some(state) = states.find(|state| state.partition == partition)
            && state.retry_at.is_none()
        {
            state.ended(next);
        }
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
        let state = &mut self.partitions[index];
        let (partition, at) = (state.partition, state.draft.end);
        if state.retry_at.is_some() {
            return Ok(());
        }
        let sight = Sight::at(&self.bus, &self.bus.topic, partition, at)?;
        let mut retry_at = Instant::now();
        if matches!(sight, Sight::Blocked(_)) {
            retry_at += RETRY_PAUSE;
            self.progress.sighted(partition, sight);
        }
        state.retry_at = Some(retry_at);
        // The client may be at an arbitrary offset from which it cannot seek.
        Ok(self.reader.release(&[partition])?)
    }

    /// Resumes fetching, except for partitions that wait at an unreadable record. Retries the
    /// latter when their backoff is over.
    fn fetch_again(&mut self) -> Result<(), PipelineError> {
        let now = Instant::now();
        if self.paused {
            let states = self.partitions.iter();
            let fetched = states.filter(|state| state.retry_at.is_none());
            let fetched: Vec<Partition> = fetched.map(|state| state.partition).collect();
            self.reader.resume(&fetched)?;
            self.paused = false;
        }
        for state in &mut self.partitions {
            if state.retry_at.is_some_and(|at| now >= at) {
                state.retry_at = None;
                self.reader.assign(&[(state.partition, state.draft.end)])?;
                self.reader.resume(&[state.partition])?;
            }
        }
        Ok(())
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
    fn wait_for_writers(&mut self) -> Result<(), PipelineError> {
        let since = *self.stalled_since.get_or_insert_with(Instant::now);
        if since.elapsed() > STALL_MAX && !self.paused {
            self.reader.pause(&self.owned())?;
            self.paused = true;
        }
        if self.paused {
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
                Polled::Ended { partition, next } => self.note_end(partition, next),
                Polled::Trouble(trouble) if trouble.may_skip => self.troubled(trouble)?,
                Polled::Trouble(_) | Polled::Nothing => {}
            }
            return Ok(());
        }
        if let Ok(outcome) = self.results.recv_timeout(POLL_WAIT * 10) {
            self.finish(outcome)?;
        }
        Ok(())
    }

    fn owned(&self) -> Vec<Partition> {
        self.partitions
            .iter()
            .map(|state| state.partition)
            .collect()
    }

    fn finish_writes(&mut self) -> Result<(), PipelineError> {
        while let Ok(outcome) = self.results.try_recv() {
            self.finish(outcome)?;
        }
        let Some(abandoned) = self.partitions.iter().find(|state| state.is_abandoned()) else {
            return Ok(());
        };
        // The task may have sent its result since. A task that panicked sends none.
        let partition = abandoned.partition;
        let ticket = abandoned.ticket();
        while let Ok(outcome) = self.results.try_recv() {
            self.finish(outcome)?;
        }
        let mut states = self.partitions.iter().filter(|state| state.is_abandoned());
        if states.any(|state| state.partition == partition && state.ticket() == ticket) {
            return Err(PipelineError::WriterGone { partition });
        }
        Ok(())
    }

    /// Commits the end of a written block, together with the intent of the next block if that is
    /// ready. During a backlog this makes one commit a block.
    fn finish(&mut self, (ticket, result): Outcome) -> Result<(), PipelineError> {
        let mut states = self.partitions.iter();
        let Some(index) = states.position(|state| state.ticket() == Some(ticket)) else {
            // The partition was revoked meanwhile: its next owner writes the block again.
            return Ok(());
        };
        let partition = self.partitions[index].partition;
        let written = result.inspect_err(|error| self.progress.fails(partition, error))?;
        let (waits, limits) = (self.waits(), self.limits());
        let state = &mut self.partitions[index];
        state.writing = None;
        debug_assert_eq!(state.partition, written.partition);
        assert!(
            invariants::commits_what_was_written(written.end, state.draft.first),
            "the next block begins where the written one ends"
        );
        let next_is_ready = state.is_ready(limits, waits, Instant::now(), false);
        self.note(&written);
        if self.commit(index, written.end, next_is_ready)? && next_is_ready {
            self.write(index);
        }
        Ok(())
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
        let memory = self.partitions.iter().map(PartitionState::memory);
        let (identities, bytes) = memory.fold((0, 0), |all, one| (all.0 + one.0, all.1 + one.1));
        self.progress.note_memory(identities, bytes);
    }

    fn start_writes(
        &mut self,
        now: Instant,
        until: &Until,
        draining: bool,
    ) -> Result<(), PipelineError> {
        let (waits, limits) = (self.waits(), self.limits());
        for index in 0..self.partitions.len() {
            let state = &mut self.partitions[index];
            state.pass_gap()?;
            // While draining, a block is not delayed to grow.
            let is_last = draining || until.is_reached_by(state.partition, state.draft.end);
            let is_ready = state.is_ready(limits, waits, now, is_last);
            // After a refused commit, the end of the written block must be committed even if no
            // block follows.
            if !is_ready && !state.owes_commit() {
                continue;
            }
            if state.commit_after.is_some_and(|after| now < after) {
                continue;
            }
            let first = state.draft.first;
            if self.commit(index, first, is_ready)? && is_ready {
                self.write(index);
            }
        }
        Ok(())
    }

    /// Commits an offset and its mark. Returns false if the commit was refused or the assignment
    /// was lost: the partition belongs to another member, and a rebalance follows.
    fn commit(
        &mut self,
        index: usize,
        next: NextOffset,
        with_intent: bool,
    ) -> Result<bool, PipelineError> {
        self.check_topic()?;
        let state = &mut self.partitions[index];
        assert!(
            invariants::may_commit(false, state.writing.is_some())
                && invariants::position_advances(state.committed, next)
                && (!with_intent
                    || invariants::block_follows(next, state.draft.first, state.draft.end)),
            "a commit moves on to where a block was written, and its intent begins there"
        );
        if !invariants::may_commit(self.reader.assignment_lost(), false) {
            tracing::warn!(
                partition = state.partition.0,
                "assignment lost, nothing committed"
            );
            state.commit_after = Some(Instant::now() + COMMIT_PAUSE);
            return Ok(false);
        }
        let mark = state.mark(with_intent).encode();
        match self.reader.commit(state.partition, next, &mark) {
            Ok(()) => {
                state.committed = next;
                state.commit_after = None;
                self.progress.stands_at(state.partition, next);
                Ok(true)
            }
            Err(error @ BusError::Commit { refused: true, .. }) => {
                tracing::warn!(partition = state.partition.0, %error, "commit refused");
                state.commit_after = Some(Instant::now() + COMMIT_PAUSE);
                Ok(false)
            }
            // A commit without an answer may take effect after a later one. Only joining the group
            // again, as a new member, rules this out.
            Err(error) => Err(error.into()),
        }
    }

    fn write(&mut self, index: usize) {
        let state = &mut self.partitions[index];
        let (draft, intended_at) = state.seal();
        let sink = Sink {
            partition: state.partition,
            ..self.sink.clone()
        };
        let write = sink.write(draft, state.origin.clone(), state.partition, intended_at);
        let ticket = self.next_ticket;
        self.next_ticket += 1;
        let results = self.results_in.clone();
        let task = self.runtime.spawn(async move {
            // Sending fails only after the consumer has ended.
            let _ = results.send((ticket, write.await));
        });
        state.writing = Some(Writing { ticket, task });
    }

    fn assigned(&mut self, partitions: &[Partition]) -> Result<(), PipelineError> {
        self.progress.note_unassigned(
            "waiting for the partitions' offsets from Kafka and ClickHouse".to_owned(),
        );
        self.topic = identity(&self.bus)?;
        self.topic_checked = false;
        let stream = stream::of_topic(&self.sink.ledger, &self.topic);
        let stream = self.runtime.block_on(stream)?;
        if stream != self.stream {
            tracing::warn!(
                before = self.stream,
                now = stream,
                "the topic was created again"
            );
            self.stream = stream;
        }
        self.boundary = self.runtime.block_on(self.sink.facts.boundary())?;
        self.classifier.keep_from(self.boundary);
        let committed = self.reader.committed(partitions)?;
        let places = self.places(&committed)?;
        let memories = self.warm(&places)?;
        let mut starts = Vec::with_capacity(places.len());
        for (place, recent) in places.into_iter().zip(memories) {
            tracing::info!(
                partition = place.partition.0,
                next = place.next.0,
                recovering = place.intent.is_some(),
                "partition assigned"
            );
            self.progress.stands_at(place.partition, place.next);
            starts.push((place.partition, place.next));
            self.partitions.push(PartitionState::new(
                place.partition,
                place.origin,
                place.next,
                place.intent,
                recent,
            ));
        }
        self.progress.owns(Some(self.owned()));
        self.reader.assign(&starts)?;
        if self.paused {
            self.reader.pause(partitions)?;
        }
        Ok(())
    }

    fn places(&mut self, committed: &[Committed]) -> Result<Vec<StartPosition>, PipelineError> {
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
        opening.places(committed)
    }

    /// Compares the topic's id with the id of the log that is read, once for all records received
    /// since the last check. The client continues at the old offsets, under the old name, after the
    /// topic was created again.
    fn check_topic(&mut self) -> Result<(), PipelineError> {
        if self.topic_checked {
            return Ok(());
        }
        let id = self.reader.topic_id()?;
        self.topic_asked = Instant::now();
        // A topic id may contain a slash, a cluster id does not.
        let (cluster, known) = self.topic.split_once('/').unwrap_or(("", &self.topic));
        if known != id {
            return Err(PipelineError::TopicReplaced {
                before: self.topic.clone(),
                now: format!("{cluster}/{id}"),
            });
        }
        self.topic_checked = true;
        Ok(())
    }

    /// Returns the time of the newest event that copies in the new or the known partitions of
    /// `places` may repeat, if there are any such partitions.
    fn newest_elsewhere(
        &self,
        places: &[StartPosition],
        is_new: bool,
    ) -> Result<Option<i64>, PipelineError> {
        if places.iter().all(|place| place.is_new != is_new) {
            return Ok(None);
        }
        let except = (!is_new).then_some(self.stream.as_str());
        let newest = self.sink.facts.newest_event(except);
        Ok(self.runtime.block_on(newest)?)
    }

    /// Reads the newest identities of each partition, in the order of `places`.
    fn warm(&self, places: &[StartPosition]) -> Result<Vec<Recent>, PipelineError> {
        // Portals may send events of the old log again after the topic was re-created or the
        // cluster changed. Adding partitions moves keys, so a copy may arrive in another partition.
        let of_new = self.newest_elsewhere(places, true)?;
        let of_known = self.newest_elsewhere(places, false)?;
        let capacity = self.config.recent_identities_max;
        let mut memories = Vec::with_capacity(places.len());
        for some in places.chunks(WARMED_AT_ONCE) {
            let asked: Vec<_> = some
                .iter()
                .map(|place| {
                    let (facts, origin) = (self.sink.facts.clone(), place.origin.clone());
                    let next = place.next.0.unsigned_abs();
                    self.runtime.spawn(async move {
                        facts.newest_identities(&origin, next, capacity).await
                    })
                })
                .collect();
            for (place, newest) in some.iter().zip(asked) {
                let newest = match self.runtime.block_on(newest) {
                    Ok(newest) => newest?,
                    Err(panic) => std::panic::resume_unwind(panic.into_panic()),
                };
                let mut recent = Recent::warm(capacity, &newest, newest.len() < capacity);
                let elsewhere = if place.is_new { of_new } else { of_known };
                if let Some(newest) = elsewhere {
                    recent.distrust_before(newest.saturating_add(1));
                }
                memories.push(recent);
            }
        }
        Ok(memories)
    }

    /// Returns partitions to the group. Waits for running writes and commits them while the
    /// partition is still owned. Records that were only read are left to the next owner.
    fn revoked(&mut self, partitions: &[Partition], lost: bool) -> Result<(), PipelineError> {
        for state in &mut self.partitions {
            // The client does not fetch this partition now, but it must be assigned to be released.
            if partitions.contains(&state.partition) && state.retry_at.take().is_some() {
                self.reader.assign(&[(state.partition, state.draft.end)])?;
            }
        }
        for partition in partitions {
            let Some(index) = self
                .partitions
                .iter()
                .position(|state| state.partition == *partition)
            else {
                continue;
            };
            if lost {
                if let Some(writing) = self.partitions[index].writing.take() {
                    writing.task.abort();
                }
            } else {
                self.settle(*partition)?;
            }
            tracing::info!(partition = partition.0, lost, "partition revoked");
            self.partitions
                .retain(|state| state.partition != *partition);
        }
        if self.paused {
            // The client keeps a pause beyond the assignment: a partition that is assigned again
            // would never be read.
            self.reader.resume(partitions)?;
        }
        self.progress.owns(Some(self.owned()));
        Ok(self.reader.release(partitions)?)
    }

    /// Waits until no block of `partition` is being written. No further block is begun.
    fn settle(&mut self, partition: Partition) -> Result<(), PipelineError> {
        loop {
            self.progress.beat();
            let Some(state) = self
                .partitions
                .iter_mut()
                .find(|state| state.partition == partition && state.writing.is_some())
            else {
                return Ok(());
            };
            state.discard_draft();
            if let Ok(outcome) = self.results.recv_timeout(POLL_WAIT * 10) {
                self.finish(outcome)?;
            } else {
                self.finish_writes()?;
            }
        }
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
    partitions: &[PartitionState],
    wait: Duration,
) -> Result<Polled<'r>, PipelineError> {
    match reader.poll(wait) {
        Err(BusError::OutOfRange { .. })
            if partitions.iter().any(|state| state.retry_at.is_some()) =>
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

/// Returns the ids of cluster and topic, joined by a slash.
fn identity(bus: &BusConfig) -> Result<String, PipelineError> {
    Ok(Cluster::new(bus)?.identity(&bus.topic)?.to_string())
}
