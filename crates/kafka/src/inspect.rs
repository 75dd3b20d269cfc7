//! Inspects the log by the headers of its batches, which are never compressed. Headers show
//! transaction markers and aborted records, which the client skips silently.

use std::io;
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use crate::batches::{FetchedBatches, PartitionFetch, READ_COMMITTED, READ_UNCOMMITTED};
use crate::brokers::Brokers;
use crate::wire::{ApiKey, BrokerAnswer, BrokerConnection, Request};
use crate::{BusError, Config, NextOffset, Partition};

/// Bytes of one fetch. Kafka always returns at least one whole batch.
const CHUNK_BYTES: i32 = 1024 * 1024;
/// Bytes of a fetch that needs only one batch header.
const GLANCE_BYTES: i32 = 1;
/// Explanation of a range of offsets without records.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Shown {
    /// Number of offsets of transaction markers and aborted records.
    pub control: u64,
    /// Ranges that the batch headers do not explain.
    pub unexplained: Vec<Range<i64>>,
}

impl Shown {
    /// Counts the offsets of `range` that `control`, ranges in order, explains, and collects the
    /// others.
    fn note(&mut self, range: Range<i64>, control: &[Range<i64>]) {
        let mut at = range.start;
        for shown in control {
            let (start, end) = (shown.start.max(at), shown.end.min(range.end));
            if start >= end {
                continue;
            }
            self.control += (end - start).unsigned_abs();
            self.note_unexplained(at..start);
            at = end;
        }
        self.note_unexplained(at..range.end);
    }

    fn note_unexplained(&mut self, range: Range<i64>) {
        if range.is_empty() {
            return;
        }
        match self.unexplained.last_mut() {
            Some(last) if last.end == range.start => last.end = range.end,
            _ => self.unexplained.push(range),
        }
    }
}

/// Open transaction, which blocks all records from its first offset on.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct OpenTransaction {
    /// Partition of the transaction.
    pub partition: i32,
    /// First offset of the transaction. Records from here on cannot be read yet.
    pub first_offset: i64,
    /// Number of blocked offsets, including those of other producers.
    pub waiting: u64,
    /// Producer id, if the log could be inspected.
    pub producer_id: Option<i64>,
    /// Transactional id, if a broker returned it.
    pub transactional_id: Option<String>,
    /// Timestamp of the first record, in milliseconds since 1970.
    pub since_ms: Option<i64>,
}

/// Inspects the log of one topic. Connections are kept between calls.
pub struct Inspector {
    topic: String,
    brokers: Mutex<Brokers>,
}

impl Inspector {
    /// Creates an inspector for the topic of `config`. Sends nothing yet.
    pub fn new(config: &Config) -> Self {
        Self {
            topic: config.topic.clone(),
            brokers: Mutex::new(Brokers::new(config)),
        }
    }

    /// Counts the offsets of `gaps`, ranges of `partition` in order, that are transaction markers
    /// or aborted records. Reads the log from the first gap to the last.
    pub fn control_offsets(
        &self,
        partition: Partition,
        gaps: &[Range<i64>],
    ) -> Result<Shown, BusError> {
        let mut shown = Shown::default();
        let (mut control, mut known_to) = (Vec::new(), i64::MIN);
        for gap in gaps {
            let mut at = gap.start;
            while at < gap.end {
                if at >= known_to {
                    let piece = self.piece(partition, at)?;
                    // An empty piece explains nothing: skip one offset.
                    known_to = piece.batches.last().map_or(at, |batch| batch.last) + 1;
                    known_to = known_to.max(at + 1);
                    control = piece.control();
                }
                let until = gap.end.min(known_to);
                shown.note(at..until, &control);
                at = until;
            }
        }
        Ok(shown)
    }

    /// Returns the transaction that blocks `partition` at `stable`, its last stable offset. `high`
    /// is the end offset of the partition.
    pub(crate) fn open_transaction(
        &self,
        partition: Partition,
        stable: NextOffset,
        high: NextOffset,
    ) -> Option<OpenTransaction> {
        let mut open = OpenTransaction {
            partition: partition.0,
            first_offset: stable.0,
            waiting: high.0.saturating_sub(stable.0).unsigned_abs(),
            producer_id: None,
            transactional_id: None,
            since_ms: None,
        };
        let glance = self.ask(partition, |connection| {
            let look = PartitionFetch {
                partition,
                from: stable.0,
                bytes_max: GLANCE_BYTES,
                // Open transactions are visible only to reads of uncommitted records.
                isolation: READ_UNCOMMITTED,
            };
            look.at(connection, &self.topic)
        });
        match glance {
            Ok(piece) => {
                // No batch, or one outside a transaction: the transaction has ended meanwhile.
                let batch = piece.batches.first()?;
                let is_open = batch.is_transactional() && !batch.is_control();
                if !is_open || piece.stable > stable.0 {
                    return None;
                }
                open.producer_id = Some(batch.producer);
                open.since_ms = Some(batch.began_ms).filter(|ms| *ms >= 0);
                open.transactional_id = self.transactional_id(batch.producer);
            }
            Err(error) => tracing::debug!(%error, "cannot inspect the log"),
        }
        Some(open)
    }

    /// Returns the transactional id of a producer. Asks every broker, because any one may be its
    /// coordinator.
    fn transactional_id(&self, producer: i64) -> Option<String> {
        let request = Request::default().i8(1).i8(2).i64(producer).i8(0);
        let mut brokers = self.brokers.lock().unwrap_or_else(PoisonError::into_inner);
        let answers = brokers.ask_all(|connection| {
            let answer = connection.ask(ApiKey::ListTransactions, &request)?;
            named_in(&mut BrokerAnswer(&answer), producer)
        });
        answers.into_iter().flatten().next()
    }

    fn piece(&self, partition: Partition, from: i64) -> Result<FetchedBatches, BusError> {
        let look = PartitionFetch {
            partition,
            from,
            bytes_max: CHUNK_BYTES,
            isolation: READ_COMMITTED,
        };
        self.ask(partition, |connection| look.at(connection, &self.topic))
    }

    fn ask<T>(
        &self,
        partition: Partition,
        ask: impl Fn(&mut BrokerConnection) -> io::Result<T>,
    ) -> Result<T, BusError> {
        let mut brokers = self.brokers.lock().unwrap_or_else(PoisonError::into_inner);
        brokers.ask_leader(partition.0, ask)
    }
}

/// Finds the transactional id of `producer` in an answer of [`ApiKey::ListTransactions`].
fn named_in(answer: &mut BrokerAnswer<'_>, producer: i64) -> io::Result<Option<String>> {
    answer.i32()?;
    answer.i16()?;
    for _ in 0..answer.compact_count()? {
        answer.compact_text()?;
    }
    for _ in 0..answer.compact_count()? {
        let (name, number) = (answer.compact_text()?, answer.i64()?);
        answer.compact_text()?;
        answer.skip_tags()?;
        if number == producer {
            return Ok(Some(name));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batches::{Aborted, BatchHeader, CONTROL, TRANSACTIONAL};

    const MARKER: i16 = CONTROL | TRANSACTIONAL;

    fn batch(offsets: Range<i64>, attributes: i16, producer: i64) -> BatchHeader {
        BatchHeader {
            first: offsets.start,
            last: offsets.end - 1,
            attributes,
            began_ms: 0,
            producer,
            records: 1,
        }
    }

    /// Producer 7 commits 0 to 2, aborts 4 to 5 and commits 8. Producer 8 aborts 3. Records 9 and
    /// 10 are outside of transactions.
    fn piece() -> FetchedBatches {
        FetchedBatches {
            stable: 12,
            aborted: vec![
                Aborted {
                    producer: 8,
                    first: 3,
                },
                Aborted {
                    producer: 7,
                    first: 4,
                },
            ],
            batches: vec![
                batch(0..2, TRANSACTIONAL, 7),
                batch(2..3, MARKER, 7),
                batch(3..4, TRANSACTIONAL, 8),
                batch(4..6, TRANSACTIONAL, 7),
                batch(6..7, MARKER, 7),
                batch(7..8, MARKER, 8),
                batch(8..9, TRANSACTIONAL, 7),
                batch(9..11, 0, -1),
                batch(11..12, MARKER, 7),
            ],
        }
    }

    #[test]
    fn markers_and_aborted_records_are_control_and_nothing_else() {
        let control: Vec<i64> = piece().control().into_iter().flatten().collect();
        assert_eq!(control, [2, 3, 4, 5, 6, 7, 11]);
    }

    #[test]
    fn offsets_without_a_header_are_named() {
        let mut shown = Shown::default();
        let control = piece().control();
        shown.note(2..8, &control);
        assert_eq!((shown.control, shown.unexplained.len()), (6, 0));
        // Records of a batch that was not read, and offsets without a batch.
        shown.note(8..14, &control);
        assert_eq!(shown.control, 7);
        assert_eq!(shown.unexplained, [8..11, 12..14]);
    }
}
