//! Opens newly assigned partitions: determines their start positions and reads their newest
//! identities.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use affluenza_kafka::{Committed, Config as BusConfig, NextOffset, Partition, Reader, Watermarks};
use affluenza_store::accounts::LedgerGap;
use affluenza_store::place::LedgerEnd;
use affluenza_store::{BlockOrigin, Store};
use tokio::runtime::Handle;

use crate::classify::Classifier;
use crate::gaps::Gaps;
use crate::offset_metadata::{Intent, OffsetMetadata};
use crate::partition::OwnedPartition;
use crate::place::{Fit, Seen, other_records, signed, unexplained};
use crate::recent::Recent;
use crate::reconcile::{Work, parts};
use crate::settle::Consumers;
use crate::{Config, PipelineError, Progress, Reconciled};

/// Maximum number of reads of a ledger that seems to be behind. Replicas may lag; only then is it
/// filled.
const LOOKS: u32 = 3;
/// Pause between these reads.
const LOOK_PAUSE: Duration = Duration::from_millis(500);

/// Partitions whose newest identities are read from ClickHouse at the same time.
const WARMED_AT_ONCE: usize = 4;

/// Maximum time to fill a ledger before the group is joined again.
const FILL_MAX: Duration = Duration::from_secs(20);

/// Start position of a partition.
pub(crate) struct StartPosition {
    pub(crate) partition: Partition,
    pub(crate) origin: BlockOrigin,
    /// Next offset to read.
    pub(crate) next: NextOffset,
    /// Block that was begun before a crash.
    pub(crate) intent: Option<Intent>,
    /// True until the first block of the partition is committed.
    pub(crate) is_new: bool,
}

/// Sources for determining positions.
pub(crate) struct Opening<'o> {
    pub(crate) reader: &'o Reader,
    pub(crate) bus: &'o BusConfig,
    pub(crate) store: &'o Store,
    pub(crate) classifier: &'o mut Classifier,
    pub(crate) stream: &'o str,
    pub(crate) config: &'o Config,
    pub(crate) progress: &'o Progress,
    pub(crate) runtime: &'o Handle,
}

type Held = Vec<(Partition, Watermarks)>;

impl Opening<'_> {
    /// Opens the partitions at the group's committed offsets. A position that does not fit is an
    /// error.
    pub(crate) fn open(
        &mut self,
        committed: &[Committed],
    ) -> Result<Vec<OwnedPartition>, PipelineError> {
        let places = self.places(committed)?;
        let memories = self.warm(&places)?;
        let opened = places.into_iter().zip(memories);
        Ok(opened
            .map(|(place, recent)| OwnedPartition::new(place, recent))
            .collect())
    }

    fn places(&mut self, committed: &[Committed]) -> Result<Vec<StartPosition>, PipelineError> {
        if committed.iter().any(|committed| committed.next.is_none()) {
            self.check_forgotten(committed)?;
            self.check_stream()?;
        }
        let mut held: Held = Vec::with_capacity(committed.len());
        for Committed { partition, .. } in committed {
            held.push((*partition, self.reader.watermarks(*partition)?));
        }
        let ledger = self.ledger()?;
        let other = unexplained(self.bus, other_records(self.bus, &held, &ledger)?);
        if let Some(other) = self.runtime.block_on(other)?.into_iter().next() {
            return Err(other.into());
        }
        let mut places = Vec::with_capacity(committed.len());
        for (committed, (_, held)) in committed.iter().zip(&held) {
            let row = ledger.get(&committed.partition.0.unsigned_abs());
            places.push(self.place(committed, *held, row.copied())?);
        }
        Ok(places)
    }

    fn ledger(&self) -> Result<BTreeMap<u32, LedgerEnd>, PipelineError> {
        Ok(self
            .runtime
            .block_on(self.store.ledger().end_rows(self.stream))?)
    }

    /// Returns an error if the group has no offset for a partition that has ledger rows or facts.
    /// Reading from the start of the log would count its records again.
    fn check_forgotten(&self, committed: &[Committed]) -> Result<(), PipelineError> {
        let ends = self
            .runtime
            .block_on(self.store.ledger().ends(self.stream))?;
        for Committed {
            partition, next, ..
        } in committed
        {
            if next.is_none()
                && let Some(ledger_end) = ends.get(&partition.0.unsigned_abs())
            {
                return Err(PipelineError::OffsetsGone {
                    partition: *partition,
                    ledger_end: *ledger_end,
                });
            }
        }
        Ok(())
    }

    /// Checks that a group without offsets may begin at the start of the log: on a first run, or on
    /// a known log. An operator must accept a log that replaces another one.
    fn check_stream(&self) -> Result<(), PipelineError> {
        let known = self.runtime.block_on(self.store.ledger().streams())?;
        let is_known = known.iter().any(|known| known == self.stream);
        if known.is_empty() || is_known || self.config.accept_new_stream {
            return Ok(());
        }
        Err(PipelineError::NewStream {
            found: self.stream.to_owned(),
            known: known.join(", "),
        })
    }

    fn place(
        &mut self,
        committed: &Committed,
        held: Watermarks,
        ledger: Option<LedgerEnd>,
    ) -> Result<StartPosition, PipelineError> {
        let partition = committed.partition;
        let mut place = StartPosition {
            partition,
            origin: BlockOrigin {
                stream: self.stream.to_owned(),
                kafka_partition: partition.0.unsigned_abs(),
                rules: self.classifier.rules().to_owned(),
            },
            next: committed.next.unwrap_or(held.low),
            intent: None,
            is_new: committed.next.is_none(),
        };
        if place.is_new {
            return Ok(place);
        }
        place.intent = self.intent(committed)?;
        let seen = Seen {
            partition,
            next: place.next,
            intent: place.intent.as_ref().map(Intent::extent),
            held,
            ledger,
        };
        self.fit(seen)?;
        if let Some(intent) = &place.intent {
            self.progress.note_recovery();
            if intent.rules != place.origin.rules {
                tracing::warn!(
                    partition = partition.0,
                    before = intent.rules,
                    now = place.origin.rules,
                    "the repeated block is classified by newer rules than before the crash"
                );
            }
        }
        Ok(place)
    }

    /// Returns the intent in the offset metadata, which must belong to the present log.
    fn intent(&self, committed: &Committed) -> Result<Option<Intent>, PipelineError> {
        let (partition, metadata) = (committed.partition, &committed.metadata);
        // Offsets that were set with another tool have no metadata.
        if metadata.is_empty() {
            return Ok(None);
        }
        let mark =
            OffsetMetadata::parse(metadata).ok_or_else(|| PipelineError::ForeignMetadata {
                partition,
                metadata: metadata.chars().take(200).collect(),
            })?;
        if mark.stream != self.stream {
            return Err(PipelineError::OtherStream {
                partition,
                committed: mark.stream,
                found: self.stream.to_owned(),
            });
        }
        let next = committed.next.unwrap_or(NextOffset(0));
        match mark.intent {
            Some(intent) if intent.end <= next => Err(PipelineError::ForeignMetadata {
                partition,
                metadata: metadata.chars().take(200).collect(),
            }),
            intent => Ok(intent),
        }
    }

    /// Ensures that the ledger reaches the group's offset, and that no facts lie beyond.
    fn fit(&mut self, mut seen: Seen) -> Result<(), PipelineError> {
        for _ in 0..LOOKS {
            if seen.judge()? == Fit::Fits {
                return self.check_beyond(&seen);
            }
            std::thread::sleep(LOOK_PAUSE);
            let row = self.ledger()?;
            seen.ledger = row.get(&seen.partition.0.unsigned_abs()).copied();
        }
        if let Fit::LedgerBehind(from) = seen.judge()? {
            self.fill(&seen, from)?;
            // The ledger, filled just now, must end at the group's offset.
            let row = self.ledger()?;
            seen.ledger = row.get(&seen.partition.0.unsigned_abs()).copied();
            seen.judge()?;
        }
        self.check_beyond(&seen)
    }

    /// Fills the missing part of the ledger from the log.
    fn fill(&mut self, seen: &Seen, from: NextOffset) -> Result<(), PipelineError> {
        let (partition, next) = (seen.partition, seen.next);
        tracing::warn!(
            partition = partition.0,
            ledger_end = from.0,
            committed = next.0,
            "the ledger ends before the committed offset: filling it from the log"
        );
        let gap = LedgerGap {
            stream: self.stream.to_owned(),
            kafka_partition: partition.0.unsigned_abs(),
            ends_at: from.0.unsigned_abs(),
            begins_at: next.0.unsigned_abs(),
        };
        let boundary = self.runtime.block_on(self.store.facts().boundary())?;
        let mut work = Work {
            store: self.store,
            bus: self.bus,
            stream: self.stream,
            gaps: Gaps::new(self.bus),
            classifier: self.classifier,
            boundary,
            consumers: Consumers::Running,
        };
        let began = Instant::now();
        for part in parts(&gap) {
            // Returning lets the loop poll, which keeps the membership, and react to SIGTERM.
            if began.elapsed() > FILL_MAX {
                return Err(PipelineError::StillFilling {
                    partition,
                    reached: part.ends_at,
                    next: next.0,
                });
            }
            self.progress.beat();
            let mut done = Reconciled::default();
            self.runtime.block_on(work.fill_gap(&part, &mut done))?;
            if let Some(cause) = done.failures.into_iter().next() {
                return Err(PipelineError::NotFilled {
                    partition,
                    ledger_end: from.0,
                    next: next.0,
                    cause,
                });
            }
        }
        Ok(())
    }

    fn check_beyond(&self, seen: &Seen) -> Result<(), PipelineError> {
        let from = seen.intent.map_or(seen.next, |intent| intent.end);
        let (partition, from) = (seen.partition, from.0.unsigned_abs());
        let beyond = self
            .store
            .facts()
            .beyond(self.stream, partition.0.unsigned_abs(), from);
        match self.runtime.block_on(beyond)? {
            None => Ok(()),
            Some(found) => Err(PipelineError::FactsBeyond {
                partition,
                ledger_end: signed(from).0,
                first: found.first_offset,
                last: found.last_offset,
                facts: found.facts,
            }),
        }
    }

    /// Returns the time of the newest fact that a record of a new (`is_new`) or known partition may
    /// copy, in milliseconds since 1970. For known partitions, only facts of other logs count. `None`
    /// without such partitions or facts.
    fn newest_elsewhere(
        &self,
        places: &[StartPosition],
        is_new: bool,
    ) -> Result<Option<i64>, PipelineError> {
        if places.iter().all(|place| place.is_new != is_new) {
            return Ok(None);
        }
        let except = (!is_new).then_some(self.stream);
        let newest = self.store.facts().newest_event(except);
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
                    let (facts, origin) = (self.store.facts().clone(), place.origin.clone());
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
}
