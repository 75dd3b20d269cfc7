//! Finds out where partitions stand when the group deals them. Nothing is guessed.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use affluenza_bus::{Committed, Config as BusConfig, NextOffset, Partition, Reader, Watermarks};
use affluenza_store::accounts::LedgerGap;
use affluenza_store::place::LedgerEnd;
use affluenza_store::{BlockOrigin, Store};
use tokio::runtime::Handle;

use crate::classify::Classifier;
use crate::gaps::Gaps;
use crate::invariants::Extent;
use crate::mark::{Intent, Mark};
use crate::place::{Fit, Seen, other_records, signed, unexplained};
use crate::reconcile::{Work, parts};
use crate::{Config, PipelineError, Progress, Reconciled};

/// Looks at a ledger that is behind before it is filled: replicas may be a moment late.
const LOOKS: u32 = 3;
const LOOK_PAUSE: Duration = Duration::from_millis(500);

/// Longest that a ledger is filled before the group is joined again.
const FILL_MAX: Duration = Duration::from_secs(20);

/// Where a partition stands.
pub(crate) struct Place {
    pub(crate) partition: Partition,
    pub(crate) origin: BlockOrigin,
    /// Next offset to read.
    pub(crate) next: NextOffset,
    /// Block that was begun before a crash.
    pub(crate) intent: Option<Intent>,
    /// True until the first block of the partition is committed.
    pub(crate) is_new: bool,
}

/// Sources that a place is found from.
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
    /// Where the partitions stand. A place that does not fit is an error.
    pub(crate) fn places(&mut self, committed: &[Committed]) -> Result<Vec<Place>, PipelineError> {
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
            .block_on(self.store.ledger_end_rows(self.stream))?)
    }

    /// A group that forgot its offsets must not begin again at the start of the log.
    fn check_forgotten(&self, committed: &[Committed]) -> Result<(), PipelineError> {
        let ends = self.runtime.block_on(self.store.ledger_ends(self.stream))?;
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

    /// A group without offsets begins at the start of the log. That is right for a first run. For a
    /// log that took the place of another, an operator must say so.
    fn check_stream(&self) -> Result<(), PipelineError> {
        let known = self.runtime.block_on(self.store.streams())?;
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
    ) -> Result<Place, PipelineError> {
        let partition = committed.partition;
        let place = |next, intent, is_new| Place {
            partition,
            origin: BlockOrigin {
                stream: self.stream.to_owned(),
                kafka_partition: partition.0.unsigned_abs(),
                rules: self.classifier.rules().to_owned(),
            },
            next,
            intent,
            is_new,
        };
        let Some(next) = committed.next else {
            return Ok(place(held.low, None, true));
        };
        let intent = self.intent(committed)?;
        let place = place(next, intent, false);
        let seen = Seen {
            partition,
            next,
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
                    "the block of an intent is classified by newer rules than before the crash"
                );
            }
        }
        Ok(place)
    }

    /// The intent of the present log that was committed with an offset.
    fn intent(&self, committed: &Committed) -> Result<Option<Intent>, PipelineError> {
        let (partition, metadata) = (committed.partition, &committed.metadata);
        // Offsets that an operator set by hand carry nothing.
        if metadata.is_empty() {
            return Ok(None);
        }
        let mark = Mark::parse(metadata).ok_or_else(|| PipelineError::ForeignMetadata {
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

    /// Sees to it that the ledger reaches to the group's place, and that no facts lie beyond.
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
            // The rows that were written just now end where the group stands.
            let row = self.ledger()?;
            seen.ledger = row.get(&seen.partition.0.unsigned_abs()).copied();
            seen.judge()?;
        }
        self.check_beyond(&seen)
    }

    /// Reads what the ledger lacks from the log.
    fn fill(&mut self, seen: &Seen, from: NextOffset) -> Result<(), PipelineError> {
        let (partition, next) = (seen.partition, seen.next);
        tracing::warn!(
            partition = partition.0,
            ledger_end = from.0,
            committed = next.0,
            "the ledger ends before the group's place: it is filled from the log"
        );
        let gap = LedgerGap {
            stream: self.stream.to_owned(),
            kafka_partition: partition.0.unsigned_abs(),
            ends_at: from.0.unsigned_abs(),
            begins_at: next.0.unsigned_abs(),
        };
        let boundary = self.runtime.block_on(self.store.boundary())?;
        let mut work = Work {
            store: self.store,
            bus: self.bus,
            stream: self.stream,
            gaps: Gaps::new(self.bus),
            classifier: self.classifier,
            boundary,
        };
        let began = Instant::now();
        for part in parts(&gap) {
            // The group must hear of this member, and SIGTERM be heard.
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
            .facts_beyond(self.stream, partition.0.unsigned_abs(), from);
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
