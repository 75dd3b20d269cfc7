//! The log by the headers of its batches, which are never compressed: they show transaction
//! markers and aborted records, which the client passes over without a word.

use std::io;
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use crate::wire::{Answer, Api, Brokers, Connection, Request};
use crate::{BusError, Config, NextOffset, Partition};

/// Bytes of the log that are asked for at a time. One batch always comes whole.
const CHUNK_BYTES: i32 = 1024 * 1024;
/// Enough for the header of a batch.
const GLANCE_BYTES: i32 = 1;
/// Bytes of a batch before its length counts, and from there to its first record.
const BATCH_HEAD: usize = 12;
const BATCH_HEADER: usize = 61;
const TRANSACTIONAL: i16 = 1 << 4;
const CONTROL: i16 = 1 << 5;
const READ_UNCOMMITTED: i8 = 0;
const READ_COMMITTED: i8 = 1;
const OFFSET_OUT_OF_RANGE: i16 = 1;

/// Offsets without a record of a producer, as far as the log shows why.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Shown {
    /// Transaction markers and aborted records.
    pub control: u64,
    /// Ranges for which the log shows no reason.
    pub unexplained: Vec<Range<i64>>,
}

impl Shown {
    /// Notes what `control`, ranges in order, explains of `range`.
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

/// A transaction that holds back the records from its first one on.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct OpenTransaction {
    /// Partition in which it is open.
    pub partition: i32,
    /// Its first offset there: nothing from here on can be read yet.
    pub first_offset: i64,
    /// Offsets that it holds back, of others too.
    pub waiting: u64,
    /// Number of its producer, where the log could be looked at.
    pub producer_id: Option<i64>,
    /// Name of its producer, where a broker told.
    pub transactional_id: Option<String>,
    /// Time of its first record, in milliseconds since 1970.
    pub since_ms: Option<i64>,
}

/// A batch of the log, by its header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Batch {
    first: i64,
    last: i64,
    attributes: i16,
    began_ms: i64,
    producer: i64,
    records: i32,
}

impl Batch {
    const fn is_control(&self) -> bool {
        self.attributes & CONTROL != 0
    }

    const fn is_transactional(&self) -> bool {
        self.attributes & TRANSACTIONAL != 0
    }

    const fn offsets(&self) -> Range<i64> {
        self.first..self.last + 1
    }
}

/// An aborted transaction: its producer and its first offset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Aborted {
    producer: i64,
    first: i64,
}

/// What a broker told of a piece of the log.
#[derive(Debug, Default)]
struct Piece {
    stable: i64,
    aborted: Vec<Aborted>,
    batches: Vec<Batch>,
}

impl Piece {
    /// Ranges of transaction markers and aborted records, and of batches whose records were all
    /// compacted, in order.
    fn control(&self) -> Vec<Range<i64>> {
        let mut open = self.aborted.clone();
        let mut control = Vec::new();
        for batch in &self.batches {
            let is_aborted = batch.is_transactional()
                && open
                    .iter()
                    .any(|one| one.producer == batch.producer && one.first <= batch.first);
            if batch.is_control() || is_aborted || batch.records == 0 {
                control.push(batch.offsets());
            }
            if batch.is_control() {
                // A marker ends whatever its producer had begun before.
                open.retain(|one| one.producer != batch.producer || one.first >= batch.first);
            }
        }
        control
    }
}

/// Looks at the log of one topic. Connections are kept between two looks.
pub struct Inspector {
    topic: String,
    brokers: Mutex<Brokers>,
}

impl Inspector {
    /// Prepares looks at the topic of `config`. Nothing is sent yet.
    pub fn new(config: &Config) -> Self {
        Self {
            topic: config.topic.clone(),
            brokers: Mutex::new(Brokers::new(config)),
        }
    }

    /// How many offsets of `gaps`, ranges of `partition` in order, are transaction markers or
    /// aborted records. Reads the log from the first gap on, and not beyond the last.
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
                    let piece = self.fetch(partition, at)?;
                    // A piece without a batch shows nothing of the offset at which it begins.
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

    /// What holds `partition` back at `stable`, its last stable offset, with `high` its end.
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
            let look = Look {
                partition,
                from: stable.0,
                bytes_max: GLANCE_BYTES,
                // What is open is shown to those only who read uncommitted.
                isolation: READ_UNCOMMITTED,
            };
            fetch(connection, &self.topic, look)
        });
        match glance {
            Ok(piece) => {
                // Another batch: the transaction has ended meanwhile.
                let batch = piece.batches.first()?;
                let is_open = batch.is_transactional() && !batch.is_control();
                if !is_open || piece.stable > stable.0 {
                    return None;
                }
                open.producer_id = Some(batch.producer);
                open.since_ms = Some(batch.began_ms).filter(|ms| *ms >= 0);
                open.transactional_id = self.transactional_id(batch.producer);
            }
            Err(error) => tracing::debug!(%error, "the log was not looked at"),
        }
        Some(open)
    }

    /// The name of a producer, asked of every broker: one of them coordinates it.
    fn transactional_id(&self, producer: i64) -> Option<String> {
        let request = Request::default().i8(1).i8(2).i64(producer).i8(0);
        let mut brokers = self.brokers.lock().unwrap_or_else(PoisonError::into_inner);
        let answers = brokers.ask_all(|connection| {
            let answer = connection.ask(Api::ListTransactions, &request)?;
            named_in(&mut Answer(&answer), producer)
        });
        answers.into_iter().flatten().next()
    }

    fn fetch(&self, partition: Partition, from: i64) -> Result<Piece, BusError> {
        let look = Look {
            partition,
            from,
            bytes_max: CHUNK_BYTES,
            isolation: READ_COMMITTED,
        };
        self.ask(partition, |connection| fetch(connection, &self.topic, look))
    }

    fn ask<T>(
        &self,
        partition: Partition,
        ask: impl Fn(&mut Connection) -> io::Result<T>,
    ) -> Result<T, BusError> {
        let mut brokers = self.brokers.lock().unwrap_or_else(PoisonError::into_inner);
        brokers.ask_leader(partition.0, ask)
    }
}

/// A question for a piece of the log.
#[derive(Debug, Clone, Copy)]
struct Look {
    partition: Partition,
    from: i64,
    bytes_max: i32,
    isolation: i8,
}

fn fetch(connection: &mut Connection, topic: &str, look: Look) -> io::Result<Piece> {
    let request = Request::default()
        .i32(-1)
        // Nothing is waited for.
        .i32(0)
        .i32(1)
        .i32(look.bytes_max)
        .i8(look.isolation)
        .i32(0)
        .i32(-1)
        .i32(1)
        .text(topic)
        .i32(1)
        .i32(look.partition.0)
        .i32(-1)
        .i64(look.from)
        .i64(-1)
        .i32(look.bytes_max)
        .i32(0);
    let answer = connection.ask(Api::Fetch, &request)?;
    piece_in(&mut Answer(&answer), look.from)
}

/// The piece in an answer to [`Api::Fetch`] about one partition.
fn piece_in(answer: &mut Answer<'_>, from: i64) -> io::Result<Piece> {
    let refused = |code: i16| io::Error::other(format!("the broker refuses: error {code}"));
    answer.i32()?;
    match answer.i16()? {
        0 => {}
        code => return Err(refused(code)),
    }
    answer.i32()?;
    if answer.count()? != 1 {
        return Err(io::Error::other("an answer about no topic"));
    }
    answer.text()?;
    if answer.count()? != 1 {
        return Err(io::Error::other("an answer about no partition"));
    }
    answer.i32()?;
    let code = answer.i16()?;
    let (_, stable) = (answer.i64()?, answer.i64()?);
    let mut piece = Piece {
        stable,
        ..Piece::default()
    };
    match code {
        0 => {}
        // Retention was faster: the log shows nothing there any more.
        OFFSET_OUT_OF_RANGE => return Ok(piece),
        code => return Err(refused(code)),
    }
    answer.i64()?;
    for _ in 0..answer.count()? {
        let (producer, first) = (answer.i64()?, answer.i64()?);
        piece.aborted.push(Aborted { producer, first });
    }
    piece.batches = batches_in(answer.bytes()?);
    piece.batches.retain(|batch| batch.last >= from);
    Ok(piece)
}

/// The batches whose headers are whole: the last one of an answer is often cut.
fn batches_in(mut records: &[u8]) -> Vec<Batch> {
    let mut batches = Vec::new();
    while let Some(header) = records.get(..BATCH_HEADER) {
        let Ok((batch, length)) = batch_in(&mut Answer(header)) else {
            break;
        };
        batches.push(batch);
        match records.get(BATCH_HEAD + length..) {
            Some(rest) => records = rest,
            None => break,
        }
    }
    batches
}

/// A batch and the bytes that follow its length.
fn batch_in(header: &mut Answer<'_>) -> io::Result<(Batch, usize)> {
    let first = header.i64()?;
    let length = usize::try_from(header.i32()?).map_err(io::Error::other)?;
    header.i32()?;
    let magic = header.i8()?;
    header.i32()?;
    let (attributes, last_delta) = (header.i16()?, header.i32()?);
    let (began_ms, _, producer) = (header.i64()?, header.i64()?, header.i64()?);
    header.i16()?;
    header.i32()?;
    let records = header.i32()?;
    // Older formats have neither transactions nor this header.
    let batch = match magic {
        2 => Batch {
            first,
            last: first + i64::from(last_delta),
            attributes,
            began_ms,
            producer,
            records,
        },
        _ => Batch {
            first,
            last: first,
            attributes: 0,
            began_ms: -1,
            producer: -1,
            records: 1,
        },
    };
    Ok((batch, length))
}

/// The name of `producer` in an answer to [`Api::ListTransactions`].
fn named_in(answer: &mut Answer<'_>, producer: i64) -> io::Result<Option<String>> {
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

    const MARKER: i16 = CONTROL | TRANSACTIONAL;

    fn batch(offsets: Range<i64>, attributes: i16, producer: i64) -> Batch {
        Batch {
            first: offsets.start,
            last: offsets.end - 1,
            attributes,
            began_ms: 0,
            producer,
            records: 1,
        }
    }

    /// Producer 7 commits 0 to 2, aborts 4 to 5 and commits 8; producer 8 aborts 3, and 9 and 10
    /// are records of nobody's transaction.
    fn piece() -> Piece {
        Piece {
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
    fn what_no_header_explains_is_named() {
        let mut shown = Shown::default();
        let control = piece().control();
        shown.note(2..8, &control);
        assert_eq!((shown.control, shown.unexplained.len()), (6, 0));
        // Records of a batch that was read by nobody, and offsets of no batch.
        shown.note(8..14, &control);
        assert_eq!(shown.control, 7);
        assert_eq!(shown.unexplained, [8..11, 12..14]);
    }

    #[test]
    fn a_header_is_read_and_a_cut_one_is_left_out() {
        let header = |first: i64, length: i32| {
            let mut bytes = Vec::new();
            bytes.extend(first.to_be_bytes());
            bytes.extend(length.to_be_bytes());
            bytes.extend([0; 4]);
            bytes.push(2);
            bytes.extend([0; 4]);
            bytes.extend(MARKER.to_be_bytes());
            bytes.extend(1i32.to_be_bytes());
            bytes.extend(5i64.to_be_bytes());
            bytes.extend([0; 8]);
            bytes.extend(9i64.to_be_bytes());
            bytes.extend([0; 6]);
            bytes.extend(2i32.to_be_bytes());
            bytes
        };
        let whole = [header(10, 49), header(12, 1000)].concat();
        let batches = batches_in(&whole);
        assert_eq!(batches.len(), 2);
        assert_eq!(batches[0].offsets(), 10..12);
        assert_eq!((batches[0].producer, batches[0].began_ms), (9, 5));
        assert!(batches[0].is_control());
        assert_eq!(batches_in(&whole[..61 + 60]).len(), 1);
    }
}
