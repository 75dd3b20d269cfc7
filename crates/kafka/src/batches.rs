//! Reads parts of the log by the headers of their batches.

use std::io;
use std::ops::Range;

use crate::Partition;
use crate::wire::{ApiKey, BrokerAnswer, BrokerConnection, Request};

/// Bytes of a batch up to and including its length field. `BATCH_HEADER`: bytes up to its first
/// record.
const BATCH_HEAD: usize = 12;
const BATCH_HEADER: usize = 61;
pub(crate) const TRANSACTIONAL: i16 = 1 << 4;
pub(crate) const CONTROL: i16 = 1 << 5;
pub(crate) const READ_UNCOMMITTED: i8 = 0;
pub(crate) const READ_COMMITTED: i8 = 1;
const OFFSET_OUT_OF_RANGE: i16 = 1;

/// Header of a record batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BatchHeader {
    pub(crate) first: i64,
    pub(crate) last: i64,
    pub(crate) attributes: i16,
    pub(crate) began_ms: i64,
    pub(crate) producer: i64,
    pub(crate) records: i32,
}

impl BatchHeader {
    pub(crate) const fn is_control(&self) -> bool {
        self.attributes & CONTROL != 0
    }

    pub(crate) const fn is_transactional(&self) -> bool {
        self.attributes & TRANSACTIONAL != 0
    }

    pub(crate) const fn offsets(&self) -> Range<i64> {
        self.first..self.last + 1
    }
}

/// Aborted transaction: its producer and its first offset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Aborted {
    pub(crate) producer: i64,
    pub(crate) first: i64,
}

/// Part of the log: the batch headers and aborted transactions of one fetch answer.
#[derive(Debug, Default)]
pub(crate) struct FetchedBatches {
    pub(crate) stable: i64,
    pub(crate) aborted: Vec<Aborted>,
    pub(crate) batches: Vec<BatchHeader>,
}

impl FetchedBatches {
    /// Returns the ranges of transaction markers, of aborted records, and of batches whose records
    /// were all compacted, in order.
    pub(crate) fn control(&self) -> Vec<Range<i64>> {
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
                // A marker ends every earlier transaction of its producer.
                open.retain(|one| one.producer != batch.producer || one.first >= batch.first);
            }
        }
        control
    }
}

/// Fetch request for one partition.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PartitionFetch {
    pub(crate) partition: Partition,
    pub(crate) from: i64,
    pub(crate) bytes_max: i32,
    pub(crate) isolation: i8,
}

impl PartitionFetch {
    /// Sends the request and parses the answer.
    pub(crate) fn at(
        self,
        connection: &mut BrokerConnection,
        topic: &str,
    ) -> io::Result<FetchedBatches> {
        let request = Request::default()
            .i32(-1)
            // Wait time 0: the broker answers at once, even without records.
            .i32(0)
            .i32(1)
            .i32(self.bytes_max)
            .i8(self.isolation)
            .i32(0)
            .i32(-1)
            .i32(1)
            .text(topic)
            .i32(1)
            .i32(self.partition.0)
            .i32(-1)
            .i64(self.from)
            .i64(-1)
            .i32(self.bytes_max)
            .i32(0);
        let answer = connection.ask(ApiKey::Fetch, &request)?;
        piece_in(&mut BrokerAnswer(&answer), self.from)
    }
}

fn refused(code: i16) -> io::Error {
    io::Error::other(format!("the broker refuses: error {code}"))
}

/// Parses the answer of [`ApiKey::Fetch`] about one partition.
fn piece_in(answer: &mut BrokerAnswer<'_>, from: i64) -> io::Result<FetchedBatches> {
    answer.i32()?;
    match answer.i16()? {
        0 => {}
        code => return Err(refused(code)),
    }
    answer.i32()?;
    if answer.count()? != 1 {
        return Err(io::Error::other("the answer names no topic"));
    }
    answer.text()?;
    if answer.count()? != 1 {
        return Err(io::Error::other("the answer names no partition"));
    }
    answer.i32()?;
    let code = answer.i16()?;
    let (_, stable) = (answer.i64()?, answer.i64()?);
    let mut piece = FetchedBatches {
        stable,
        ..FetchedBatches::default()
    };
    match code {
        0 => {}
        // Retention has deleted this offset: the piece stays empty.
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

/// Parses all batches with a complete header; the last batch of an answer is often truncated.
fn batches_in(mut records: &[u8]) -> Vec<BatchHeader> {
    let mut batches = Vec::new();
    while let Some(header) = records.get(..BATCH_HEADER) {
        let Ok((batch, length)) = batch_in(&mut BrokerAnswer(header)) else {
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

/// Parses a batch header. Returns the batch and the number of bytes after its length field.
fn batch_in(header: &mut BrokerAnswer<'_>) -> io::Result<(BatchHeader, usize)> {
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
    // Batch formats before version 2 have neither transactions nor this header.
    let batch = match magic {
        2 => BatchHeader {
            first,
            last: first + i64::from(last_delta),
            attributes,
            began_ms,
            producer,
            records,
        },
        _ => BatchHeader {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_read_and_a_cut_one_is_left_out() {
        let header = |first: i64, length: i32| {
            let mut bytes = Vec::new();
            bytes.extend(first.to_be_bytes());
            bytes.extend(length.to_be_bytes());
            bytes.extend([0; 4]);
            bytes.push(2);
            bytes.extend([0; 4]);
            bytes.extend((CONTROL | TRANSACTIONAL).to_be_bytes());
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
