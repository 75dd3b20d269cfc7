//! Differences that cannot be repaired, and that an operator accepts: a loss, a position of the
//! group, a log that was restored, facts without a record. Each acceptance is recorded with its
//! reason before anything changes. The accounts balance afterwards.

use std::ops::Range;
use std::time::{Duration, Instant};

use affluenza_kafka::{
    BusError, Cluster, Committed, Config as BusConfig, NextOffset, Partition, Sight, Watermarks,
};
use affluenza_store::accept::{Acceptance, Accepted};
use affluenza_store::accounts::LedgerGap;
use affluenza_store::{BlockOrigin, InsertToken, LedgerRow, LogRange, Store, StoreError};
use thiserror::Error;

use crate::classify::Classifier;
use crate::gaps::Gaps;
use crate::offset_metadata::OffsetMetadata;
use crate::place::{check_log, signed};
use crate::reconcile::{Work, correct, parts};
use crate::settle::{Consumers, settle};
use crate::{PipelineError, Reconciled, clock, stream};

/// First and last offsets of each partition.
type Held = Vec<(Partition, Watermarks)>;

/// Time for which a stopped consumer may still count as a member: the session timeout.
const LEAVING: Duration = Duration::from_secs(15);
const LEAVING_LOOK: Duration = Duration::from_millis(250);

/// Reason why nothing was accepted.
#[derive(Debug, Error)]
pub enum AcceptError {
    /// Error of ClickHouse.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Error of Kafka, or a position that does not fit.
    #[error(transparent)]
    Pipeline(#[from] PipelineError),
    /// The topic has no such partition.
    #[error("topic {topic} has no partition {partition}")]
    NoPartition {
        /// Name of the topic.
        topic: String,
        /// Partition as given.
        partition: Partition,
    },
    /// The range is empty or reaches beyond the log.
    #[error(
        "offsets {from} to {to}: the range is empty or ends after the log of partition {partition}: give a range that ends at {high} at most"
    )]
    NoRange {
        /// Partition of the range.
        partition: Partition,
        /// First offset of the range.
        from: u64,
        /// One past the last offset of the range.
        to: u64,
        /// End of the log, as the next offset.
        high: i64,
    },
    /// The range begins beyond the end of the ledger.
    #[error(
        "partition {partition}: the ledger ends at {ledger_end}: records from there to {from} would stay unread; begin at {ledger_end}, or at an offset that `affluenza audit` names"
    )]
    BeyondEnd {
        /// Partition of the range.
        partition: Partition,
        /// End of the ledger, as the next offset.
        ledger_end: i64,
        /// First offset of the range.
        from: u64,
    },
    /// The log holds a record of the range, and it can be read.
    #[error(
        "partition {partition}: the log holds the record {offset}, and it can be read: start `affluenza consume`, or give a range that ends at {offset}"
    )]
    Readable {
        /// Partition of the range.
        partition: Partition,
        /// Offset of the record.
        offset: i64,
    },
    /// The ledger accounts for every offset of the range.
    #[error(
        "partition {partition}, offsets {from} to {to}: the ledger accounts for all of these records; `affluenza audit` names what is lost"
    )]
    NothingLost {
        /// Partition of the range.
        partition: Partition,
        /// First offset of the range.
        from: u64,
        /// One past the last offset of the range.
        to: u64,
    },
    /// The group's offset is the end of the ledger.
    #[error(
        "partition {partition}: the group stands at {next}, where the ledger ends: nothing to accept"
    )]
    Fits {
        /// Partition of the offset.
        partition: Partition,
        /// Committed offset of the group.
        next: i64,
    },
    /// The log is still the one that was read.
    #[error("the log is the one that was read: nothing to accept")]
    SameLog,
    /// Records after the ledger's end are gone from the log.
    #[error(
        "partition {partition}: the ledger ends at {ledger_end}, but the log begins at {low}: accept the loss first, `affluenza accept loss --partition {partition} --from {ledger_end} --to {low} --reason TEXT`"
    )]
    Deleted {
        /// Partition of the log.
        partition: Partition,
        /// End of the ledger, as the next offset.
        ledger_end: i64,
        /// First offset of the log.
        low: i64,
    },
    /// The range has no facts, or only facts that the ledger covers.
    #[error(
        "stream {stream}, partition {partition}, offsets {from} to {to}: no facts there that the ledger does not cover"
    )]
    NoFacts {
        /// Stream of the facts.
        stream: String,
        /// Partition of the facts.
        partition: Partition,
        /// First offset of the range.
        from: u64,
        /// One past the last offset of the range.
        to: u64,
    },
    /// A block in the range was begun and is not finished.
    #[error(
        "partition {partition}: a block up to {end} was begun and is not finished: start `affluenza consume`, which finishes it, and run `affluenza audit` again"
    )]
    Begun {
        /// Partition of the block.
        partition: Partition,
        /// End of the block.
        end: i64,
    },
    /// The accounts could not be completed: the ledger could not be filled, or hour rows not
    /// corrected.
    #[error("{0}")]
    NotFilled(String),
}

impl From<BusError> for AcceptError {
    fn from(error: BusError) -> Self {
        Self::Pipeline(error.into())
    }
}

/// Carries out the decisions of an operator.
pub struct Acceptor<'a> {
    /// Connection to ClickHouse.
    pub store: &'a Store,
    /// Connection settings of Kafka.
    pub bus: &'a BusConfig,
    /// Classifies records that are read again.
    pub classifier: &'a mut Classifier,
    /// Reason given by the operator.
    pub reason: &'a str,
    /// Account of the operator.
    pub by: &'a str,
}

/// Partition of a stream.
#[derive(Debug, Clone, Copy)]
struct Of<'p> {
    stream: &'p str,
    partition: u32,
}

/// State of a partition in Kafka and in the ledger.
struct Standing {
    stream: String,
    partition: Partition,
    held: Watermarks,
    committed: Committed,
    /// End of the ledger. Without rows: the start of the log, or the committed offset if lower.
    ledger_end: NextOffset,
}

impl Standing {
    fn number(&self) -> u32 {
        self.partition.0.unsigned_abs()
    }

    fn of(&self) -> Of<'_> {
        Of {
            stream: &self.stream,
            partition: self.number(),
        }
    }

    fn end(&self) -> u64 {
        self.ledger_end.0.unsigned_abs()
    }

    /// Returns the end of the block that was begun and is not committed.
    fn begun(&self) -> Option<NextOffset> {
        let mark = OffsetMetadata::parse(&self.committed.metadata)?;
        let intent = mark.intent.filter(|_| mark.stream == self.stream)?;
        Some(intent.end)
    }
}

impl Acceptor<'_> {
    /// Accepts that the unaccounted records of a range are lost. Moves the group on if the range
    /// reaches beyond the ledger's end. Returns the number of lost records.
    pub async fn loss(
        &mut self,
        partition: Partition,
        offsets: Range<u64>,
    ) -> Result<u64, AcceptError> {
        let standing = self.standing(partition).await?;
        let (from, to, high) = (offsets.start, offsets.end, standing.held.high.0);
        if from >= to || to > high.unsigned_abs() {
            return Err(AcceptError::NoRange {
                partition,
                from,
                to,
                high,
            });
        }
        let end = standing.end();
        if from > end {
            return Err(AcceptError::BeyondEnd {
                partition,
                ledger_end: standing.ledger_end.0,
                from,
            });
        }
        if to > end {
            self.check_unreadable(&standing, to)?;
            self.wait_until_nobody_reads()?;
        }
        let lost = self.write_off(standing.of(), offsets).await?;
        if to > end {
            let reached = self.settle(&standing, to).await?;
            self.stand_at(&standing, reached)?;
        }
        self.compare(&standing.stream).await?;
        Ok(lost)
    }

    /// Fails if the first record after the ledger's end that the log holds is before `to` and can be
    /// read.
    fn check_unreadable(&self, standing: &Standing, to: u64) -> Result<(), AcceptError> {
        let partition = standing.partition;
        let first = standing.ledger_end.max(standing.held.low);
        let topic = &self.bus.topic;
        let sight = tokio::task::block_in_place(|| Sight::at(self.bus, topic, partition, first));
        match sight? {
            Sight::Record { offset, .. } if offset.0.unsigned_abs() < to => {
                Err(AcceptError::Readable {
                    partition,
                    offset: offset.0,
                })
            }
            _ => Ok(()),
        }
    }

    /// Accepts a loss in a former log, which no consumer reads any more.
    pub async fn past_loss(
        &mut self,
        stream: &str,
        partition: Partition,
        offsets: Range<u64>,
    ) -> Result<u64, AcceptError> {
        let present = stream::present(self.store.ledger(), self.bus).await?;
        if stream == present {
            return self.loss(partition, offsets).await;
        }
        let number = partition.0.unsigned_abs();
        let ends = self.store.ledger().end_rows(stream).await?;
        let end = ends.get(&number).map_or(0, |end| end.next_offset);
        let of = Of {
            stream,
            partition: number,
        };
        let lost = self
            .write_off(of, offsets.start..offsets.end.min(end))
            .await?;
        self.compare(&present).await?;
        Ok(lost)
    }

    /// Compares the months in doubt: facts of a block that was begun may lack their hour rows.
    async fn compare(&self, stream: &str) -> Result<(), AcceptError> {
        settle(self.store, stream, Consumers::NotStarted).await?;
        Ok(())
    }

    /// Writes ledger rows for the unaccounted offsets. Returns the number of lost records.
    async fn write_off(&self, of: Of<'_>, offsets: Range<u64>) -> Result<u64, AcceptError> {
        let (stream, number) = (of.stream, of.partition);
        let unaccounted = self
            .store
            .ledger()
            .unaccounted(&LogRange::of(stream, number, offsets.clone()))
            .await?;
        let mut rows: Vec<LedgerRow> = Vec::with_capacity(unaccounted.len());
        for range in unaccounted {
            rows.push(
                self.store
                    .ledger()
                    .row_of_loss(stream, number, &range)
                    .await?,
            );
        }
        if rows.is_empty() {
            return Err(AcceptError::NothingLost {
                partition: Partition(i32::try_from(number).unwrap_or(i32::MAX)),
                from: offsets.start,
                to: offsets.end,
            });
        }
        let lost = rows.iter().map(|row| row.lost).sum();
        self.note(Accepted::Loss, of, offsets, lost).await?;
        for row in &rows {
            self.write_row(row).await?;
        }
        Ok(lost)
    }

    /// Sets the group to the end of the ledger. Returns the previous and the new offset.
    pub async fn place(
        &mut self,
        partition: Partition,
    ) -> Result<(Option<NextOffset>, NextOffset), AcceptError> {
        let standing = self.standing(partition).await?;
        let (before, end) = (standing.committed.next, standing.ledger_end);
        if before == Some(end) {
            return Err(AcceptError::Fits {
                partition,
                next: end.0,
            });
        }
        if end < standing.held.low {
            return Err(AcceptError::Deleted {
                partition,
                ledger_end: end.0,
                low: standing.held.low.0,
            });
        }
        self.wait_until_nobody_reads()?;
        let stood = before.map_or(0, |next| next.0.unsigned_abs());
        self.note(Accepted::Place, standing.of(), stood..standing.end(), 0)
            .await?;
        let reached = self.settle(&standing, standing.end()).await?;
        self.stand_at(&standing, reached)?;
        self.compare(&standing.stream).await?;
        Ok((before, signed(reached)))
    }

    /// Makes consumers read the log from its beginning under another name, since its offsets stand
    /// for other records than before. Stored events are still recognised by source and id. Returns
    /// the new name.
    pub async fn log(&mut self) -> Result<String, AcceptError> {
        let before = stream::present(self.store.ledger(), self.bus).await?;
        let (held, committed) = self.look()?;
        // With the offsets of another topic of the same name, the present log already has a new
        // name.
        let is_new = committed.iter().any(|committed| {
            OffsetMetadata::parse(&committed.metadata)
                .is_some_and(|mark| stream::topic(&mark.stream) != stream::topic(&before))
        });
        self.wait_until_nobody_reads()?;
        if !is_new {
            self.close(&before, &held, &committed).await?;
        }
        let now = stream::present(self.store.ledger(), self.bus).await?;
        let starts: Vec<(Partition, NextOffset)> = held
            .iter()
            .map(|(partition, held)| (*partition, held.low))
            .collect();
        self.commit(&starts, &now)?;
        self.compare(&now).await?;
        Ok(now)
    }

    /// Closes the ledger of a log whose offsets now stand for other records.
    async fn close(
        &self,
        stream: &str,
        held: &[(Partition, Watermarks)],
        committed: &[Committed],
    ) -> Result<(), AcceptError> {
        let ends = self.store.ledger().end_rows(stream).await?;
        let mut is_needed = !check_log(self.store.ledger(), self.bus, stream)
            .await?
            .is_empty();
        let mut begun = Vec::new();
        for (partition, held) in held {
            let number = partition.0.unsigned_abs();
            let end = ends.get(&number).map_or(0, |end| end.next_offset);
            if let Some(beyond) = self.store.facts().beyond(stream, number, end).await? {
                let from = end.max(held.low.0.unsigned_abs().min(beyond.first_offset));
                begun.push((number, from..beyond.last_offset + 1));
            }
        }
        is_needed |= !begun.is_empty();
        is_needed |= committed.iter().any(|committed| {
            OffsetMetadata::parse(&committed.metadata)
                .is_some_and(|mark| mark.intent.is_some() || mark.stream != stream)
        });
        if !is_needed {
            return Err(AcceptError::SameLog);
        }
        for (partition, held) in held {
            let offsets = held.low.0.unsigned_abs()..held.high.0.unsigned_abs();
            let of = Of {
                stream,
                partition: partition.0.unsigned_abs(),
            };
            self.note(Accepted::Log, of, offsets, 0).await?;
        }
        // The records of these blocks were read from the former log.
        for (partition, offsets) in begun {
            let offsets = offsets.into();
            let row = self
                .store
                .ledger()
                .row_of_loss(stream, partition, &offsets)
                .await?;
            self.write_row(&row).await?;
        }
        Ok(())
    }

    /// Removes facts that the ledger does not cover, and corrects the aggregates. Returns the
    /// number of removed facts.
    pub async fn facts(
        &mut self,
        of_stream: Option<&str>,
        partition: Partition,
        offsets: Range<u64>,
    ) -> Result<u64, AcceptError> {
        let present = stream::present(self.store.ledger(), self.bus).await?;
        let stream = of_stream.unwrap_or(&present);
        let number = partition.0.unsigned_abs();
        let range = LogRange::of(stream, number, offsets.clone());
        let found = self.store.facts().uncovered(&range).await?;
        if found.facts == 0 {
            return Err(AcceptError::NoFacts {
                stream: stream.to_owned(),
                partition,
                from: offsets.start,
                to: offsets.end,
            });
        }
        if stream == present {
            self.wait_until_nobody_reads()?;
            let standing = self.standing(partition).await?;
            if let Some(end) = standing.begun()
                && offsets.start < end.0.unsigned_abs()
            {
                return Err(AcceptError::Begun {
                    partition,
                    end: end.0,
                });
            }
        }
        let of = Of {
            stream,
            partition: number,
        };
        let mut acceptance = self.acceptance(Accepted::Facts, of, offsets);
        acceptance.records = found.facts;
        (acceptance.first_day, acceptance.last_day) = (found.first_day, found.last_day);
        self.store.ledger().note_acceptance(&acceptance).await?;
        self.store.facts().delete_uncovered(&range).await?;
        let mut done = Reconciled::default();
        correct(self.store, &present, &found.months, &mut done).await?;
        match done.failures.into_iter().next() {
            Some(failure) => Err(AcceptError::NotFilled(failure)),
            None => Ok(found.facts),
        }
    }

    /// Fills the ledger up to the last fact beyond `end`. A block was begun there, and its records
    /// would be counted again. Returns the new end of the ledger.
    async fn settle(&mut self, standing: &Standing, end: u64) -> Result<u64, AcceptError> {
        let (stream, number) = (&*standing.stream, standing.number());
        let Some(beyond) = self.store.facts().beyond(stream, number, end).await? else {
            return Ok(end);
        };
        let next = beyond.last_offset + 1;
        if signed(next) > standing.held.high {
            return Err(PipelineError::FactsBeyond {
                partition: standing.partition,
                ledger_end: signed(end).0,
                first: beyond.first_offset,
                last: beyond.last_offset,
                facts: beyond.facts,
            }
            .into());
        }
        let gap = LedgerGap {
            stream: stream.to_owned(),
            kafka_partition: number,
            ends_at: end,
            begins_at: next,
        };
        let boundary = self.store.facts().boundary().await?;
        self.classifier.keep_from(boundary);
        let mut work = Work {
            store: self.store,
            bus: self.bus,
            stream,
            gaps: Gaps::new(self.bus),
            classifier: self.classifier,
            boundary,
            consumers: Consumers::Running,
        };
        let mut done = Reconciled::default();
        for part in parts(&gap) {
            work.fill_gap(&part, &mut done).await?;
        }
        match done.failures.into_iter().next() {
            Some(failure) => Err(AcceptError::NotFilled(failure)),
            None => Ok(next),
        }
    }

    async fn standing(&self, partition: Partition) -> Result<Standing, AcceptError> {
        let stream = stream::present(self.store.ledger(), self.bus).await?;
        let differing = check_log(self.store.ledger(), self.bus, &stream).await?;
        if let Some(differs) = differing.into_iter().next() {
            return Err(differs.into());
        }
        let (held, committed) = self.look()?;
        let held = held.into_iter().find(|(found, _)| *found == partition);
        let committed = committed.into_iter().find(|at| at.partition == partition);
        let (Some((_, held)), Some(committed)) = (held, committed) else {
            return Err(AcceptError::NoPartition {
                topic: self.bus.topic.clone(),
                partition,
            });
        };
        let ends = self.store.ledger().end_rows(&stream).await?;
        let end = ends.get(&partition.0.unsigned_abs());
        let begin = committed.next.map_or(held.low, |next| held.low.min(next));
        Ok(Standing {
            ledger_end: end.map_or(begin, |end| signed(end.next_offset)),
            stream,
            partition,
            held,
            committed,
        })
    }

    fn look(&self) -> Result<(Held, Vec<Committed>), AcceptError> {
        tokio::task::block_in_place(|| {
            let cluster = Cluster::new(self.bus)?;
            Ok((
                cluster.watermarks(&self.bus.topic)?,
                cluster.committed(self.bus)?,
            ))
        })
    }

    /// Waits until the group has no members: Kafka refuses to set the offsets of an active group.
    fn wait_until_nobody_reads(&self) -> Result<(), AcceptError> {
        tokio::task::block_in_place(|| {
            let cluster = Cluster::new(self.bus)?;
            let until = Instant::now() + LEAVING;
            while !cluster.group(self.bus)?.members.is_empty() {
                if Instant::now() >= until {
                    return Err(BusError::GroupBusy {
                        group: self.bus.group.clone(),
                    }
                    .into());
                }
                std::thread::sleep(LEAVING_LOOK);
            }
            Ok(())
        })
    }

    fn stand_at(&self, standing: &Standing, next: u64) -> Result<(), AcceptError> {
        self.commit(&[(standing.partition, signed(next))], &standing.stream)
    }

    fn commit(&self, places: &[(Partition, NextOffset)], stream: &str) -> Result<(), AcceptError> {
        let mark = OffsetMetadata {
            stream: stream.to_owned(),
            intent: None,
        };
        tokio::task::block_in_place(|| {
            let cluster = Cluster::new(self.bus)?;
            Ok(cluster.set_committed(self.bus, places, &mark.encode())?)
        })
    }

    async fn write_row(&self, row: &LedgerRow) -> Result<(), AcceptError> {
        let origin = BlockOrigin {
            stream: row.stream.clone(),
            kafka_partition: row.kafka_partition,
            rules: row.rules.clone(),
        };
        // The row may end a block that was begun: its facts may lack their hour rows.
        let found = self.store.facts().uncovered(&row.range()).await?;
        let months = found.months.into_iter().collect();
        self.store.ledger().doubt_months(&months, None).await?;
        // The token differs from the block's token, which ClickHouse may remember.
        let token = InsertToken::of(&origin, row.first_offset, row.next_offset);
        self.store.ledger().insert(row, &token.of_recount()).await?;
        let mut inner = row.range();
        inner.offsets.start += 1;
        Ok(self.store.ledger().delete_rows(&inner).await?)
    }

    async fn note(
        &self,
        what: Accepted,
        of: Of<'_>,
        offsets: Range<u64>,
        records: u64,
    ) -> Result<(), AcceptError> {
        let mut acceptance = self.acceptance(what, of, offsets.clone());
        acceptance.records = records;
        if what == Accepted::Loss {
            let range = LogRange::of(of.stream, of.partition, offsets);
            (acceptance.first_day, acceptance.last_day) =
                self.store.ledger().days_around(&range).await?;
        }
        Ok(self.store.ledger().note_acceptance(&acceptance).await?)
    }

    fn acceptance(&self, what: Accepted, of: Of<'_>, offsets: Range<u64>) -> Acceptance {
        Acceptance {
            what: what.as_str().to_owned(),
            stream: of.stream.to_owned(),
            kafka_partition: of.partition,
            first_offset: offsets.start,
            next_offset: offsets.end,
            records: 0,
            first_day: 0,
            last_day: 0,
            reason: self.reason.to_owned(),
            accepted_by: self.by.to_owned(),
            accepted_at: u32::try_from(clock::seconds()).unwrap_or(u32::MAX),
        }
    }
}
