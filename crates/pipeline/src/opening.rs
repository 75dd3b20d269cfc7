//! Determines the start position of newly assigned partitions. A position that does not fit is an
//! error.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use affluenza_kafka::{Committed, Config as BusConfig, NextOffset, Partition, Reader, Watermarks};
use affluenza_store::accounts::LedgerGap;
use affluenza_store::place::LedgerEnd;
use affluenza_store::{BlockOrigin, Store};
use tokio::runtime::Handle;

use crate::classify::Classifier;
use crate::gaps::Gaps;
use crate::invariants::Extent;
use crate::offset_metadata::{Intent, OffsetMetadata};
use crate::place::{Fit, Seen, other_records, signed, unexplained};
use crate::reconcile::{Work, parts};
use crate::settle::Consumers;
use crate::{Config, PipelineError, Progress, Reconciled};

/// Attempts to read a ledger that is behind before it is filled: replicas may lag a moment.
const LOOKS: u32 = 3;
const LOOK_PAUSE: Duration = Duration::from_millis(500);

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
    /// Returns the start positions of the partitions. A position that does not fit is an error.
    pub(crate) fn places(
        &mut self,
        committed: &[Committed],
    ) -> Result<Vec<StartPosition>, PipelineError> {
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

    /// Returns an error if the group has no offset for a partition that the ledger knows. Reading
    /// from the start of the log would be wrong.
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
            intent: place.intent.as_ref().map(|intent| Extent {
                end: intent.end,
                records: intent.records,
                checksum: intent.checksum,
            }),
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
        Ok(mark.intent)
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
}
