//! Compares the group's offset with the end of the ledger, and the ledger's last block with the
//! log. A position that does not fit is an error: reading on would drop records under an old token,
//! or count them again.

use std::collections::BTreeMap;

use affluenza_kafka::{
    Cluster, Config as BusConfig, NextOffset, Partition, Watermarks, scan_ranges,
};
use affluenza_store::Ledger;
use affluenza_store::place::LedgerEnd;

use crate::PipelineError;
use crate::draft::add_to_checksum;
use crate::invariants::{Extent, LastRow, place_is_ledgers_end};

/// Position of a partition in Kafka and in ClickHouse.
pub(crate) struct Seen {
    pub(crate) partition: Partition,
    pub(crate) next: NextOffset,
    /// Block that was begun at `next`.
    pub(crate) intent: Option<Extent>,
    pub(crate) held: Watermarks,
    /// `None` if the ledger has no row of the partition.
    pub(crate) ledger: Option<LedgerEnd>,
}

/// Work to do before a partition may be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fit {
    /// No work: the position fits.
    Fits,
    /// The ledger lacks rows from this offset to the group's offset.
    LedgerBehind(NextOffset),
}

pub(crate) fn signed(offset: u64) -> NextOffset {
    NextOffset(i64::try_from(offset).unwrap_or(i64::MAX))
}

impl Seen {
    /// Returns the end of the ledger. Without a row: the start of the log, or the group's offset if
    /// lower.
    fn ledger_end(&self) -> NextOffset {
        let end = self.ledger.map(|end| signed(end.next_offset));
        end.unwrap_or(self.held.low.min(self.next))
    }

    fn last_row(&self) -> LastRow {
        let ledger = self.ledger.unwrap_or_default();
        LastRow {
            first: signed(ledger.first_offset),
            end: self.ledger_end(),
            checksum: ledger.checksum,
        }
    }

    /// Returns the work to do, or an error if reading on would be wrong.
    pub(crate) fn judge(&self) -> Result<Fit, PipelineError> {
        let (partition, next, held) = (self.partition, self.next, self.held);
        let ledger_end = self.ledger_end();
        let end = self.intent.map_or(next, |intent| intent.end);
        if ledger_end > held.high {
            return Err(PipelineError::LogShorter {
                partition,
                ledger_end: ledger_end.0,
                high: held.high.0,
            });
        }
        if end > held.high {
            return Err(PipelineError::Truncated {
                partition,
                next: end.0,
                high: held.high.0,
                ledger_end: ledger_end.0,
            });
        }
        if !place_is_ledgers_end(next, self.intent, self.last_row()) {
            if next < ledger_end {
                return Err(PipelineError::OffsetBehindLedger {
                    partition,
                    next: next.0,
                    ledger_end: ledger_end.0,
                });
            }
            if ledger_end < held.low {
                return Err(PipelineError::RangeGone {
                    partition,
                    ledger_end: ledger_end.0,
                    next: next.0,
                    low: held.low.0,
                });
            }
            return Ok(Fit::LedgerBehind(ledger_end));
        }
        if next < held.low {
            return Err(PipelineError::BelowRetention {
                partition,
                next: next.0,
                low: held.low.0,
                missing: held.low.0 - next.0,
            });
        }
        Ok(Fit::Fits)
    }
}

/// Compares the ledger of every partition with the log, and returns the differences. A log that
/// differs must not be used for repairs.
pub(crate) async fn check_log(
    ledger: &Ledger,
    bus: &BusConfig,
    stream: &str,
) -> Result<Vec<PipelineError>, PipelineError> {
    // Read the ledger first: the log may grow meanwhile, but never shrinks.
    let ledger = ledger.end_rows(stream).await?;
    let (mut found, other) = tokio::task::block_in_place(|| {
        let held = Cluster::new(bus)?.watermarks(&bus.topic)?;
        let shorter = held.iter().filter_map(|(partition, held)| {
            let end = ledger.get(&partition.0.unsigned_abs())?.next_offset;
            (signed(end) > held.high).then_some(PipelineError::LogShorter {
                partition: *partition,
                ledger_end: signed(end).0,
                high: held.high.0,
            })
        });
        let found: Vec<PipelineError> = shorter.collect();
        Ok::<_, PipelineError>((found, other_records(bus, &held, &ledger)?))
    })?;
    let other = unexplained(bus, other).await?;
    found.extend(other.into_iter().map(PipelineError::from));
    Ok(found)
}

/// Block of the ledger whose records in the log differ from those that were read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct OtherRecords {
    pub(crate) partition: Partition,
    pub(crate) first: u64,
    pub(crate) end: u64,
    /// True if the log holds fewer records than were read, as after compaction.
    has_fewer: bool,
}

/// Returns the blocks of `found` that compaction does not explain.
pub(crate) async fn unexplained(
    bus: &BusConfig,
    mut found: Vec<OtherRecords>,
) -> Result<Vec<OtherRecords>, PipelineError> {
    if found.iter().any(|other| other.has_fewer)
        && Cluster::new(bus)?.is_compacted(&bus.topic).await?
    {
        found.retain(|other| !other.has_fewer);
    }
    Ok(found)
}

impl From<OtherRecords> for PipelineError {
    fn from(other: OtherRecords) -> Self {
        Self::LogDiffers {
            partition: other.partition,
            first: other.first,
            end: other.end,
        }
    }
}

/// Reads the last block of each partition's ledger again and returns the blocks that differ. A
/// block that the log no longer holds completely is skipped.
pub(crate) fn other_records(
    bus: &BusConfig,
    held: &[(Partition, Watermarks)],
    ledger: &BTreeMap<u32, LedgerEnd>,
) -> Result<Vec<OtherRecords>, PipelineError> {
    let mut ranges = Vec::new();
    let mut expected = BTreeMap::new();
    for (partition, held) in held {
        let Some(end) = ledger.get(&partition.0.unsigned_abs()) else {
            continue;
        };
        let range = Watermarks {
            low: signed(end.read_from),
            high: signed(end.read_to),
        };
        if end.records > 0 && held.low <= range.low && range.high <= held.high {
            ranges.push((*partition, range));
            expected.insert(*partition, *end);
        }
    }
    if ranges.is_empty() {
        return Ok(Vec::new());
    }
    let mut read: BTreeMap<Partition, (u64, u64)> = BTreeMap::new();
    scan_ranges(bus, &bus.topic, &ranges, |record| {
        let (records, checksum) = read.entry(record.partition()).or_default();
        *records += 1;
        *checksum = add_to_checksum(record, *checksum);
    })?;
    let mut other = Vec::new();
    for (partition, end) in expected {
        let (records, checksum) = read.get(&partition).copied().unwrap_or_default();
        if (records, checksum) != (end.records, end.records_checksum) {
            other.push(OtherRecords {
                partition,
                first: end.read_from,
                end: end.read_to,
                has_fewer: records < end.records,
            });
        }
    }
    Ok(other)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The log holds offsets 0 to 30. The ledger has blocks up to 20; the last begins at 10.
    fn seen(next: i64) -> Seen {
        Seen {
            partition: Partition(0),
            next: NextOffset(next),
            intent: None,
            held: Watermarks {
                low: NextOffset(0),
                high: NextOffset(30),
            },
            ledger: Some(LedgerEnd {
                next_offset: 20,
                first_offset: 10,
                checksum: 7,
                ..LedgerEnd::default()
            }),
        }
    }

    fn begun(next: i64, end: i64, checksum: u64) -> Seen {
        Seen {
            intent: Some(Extent {
                end: NextOffset(end),
                records: 10,
                checksum,
            }),
            ..seen(next)
        }
    }

    #[test]
    fn a_place_is_the_ledgers_end_or_the_begin_of_its_last_block() {
        assert_eq!(seen(20).judge().unwrap(), Fit::Fits);
        assert_eq!(begun(20, 25, 1).judge().unwrap(), Fit::Fits);
        assert_eq!(begun(10, 20, 7).judge().unwrap(), Fit::Fits);
    }

    #[test]
    fn each_other_place_has_a_different_alarm() {
        use PipelineError as E;
        assert!(matches!(
            seen(19).judge(),
            Err(E::OffsetBehindLedger { next: 19, .. })
        ));
        assert!(matches!(
            begun(10, 20, 8).judge(),
            Err(E::OffsetBehindLedger { .. })
        ));
        assert!(matches!(
            begun(5, 20, 7).judge(),
            Err(E::OffsetBehindLedger { .. })
        ));
        assert!(matches!(
            seen(31).judge(),
            Err(E::Truncated { high: 30, .. })
        ));
        let held = |low, high| Watermarks {
            low: NextOffset(low),
            high: NextOffset(high),
        };
        let shorter = Seen {
            held: held(0, 15),
            ..seen(10)
        };
        assert!(matches!(
            shorter.judge(),
            Err(E::LogShorter {
                ledger_end: 20,
                high: 15,
                ..
            })
        ));
        let deleted = Seen {
            held: held(22, 30),
            ..seen(20)
        };
        assert!(matches!(
            deleted.judge(),
            Err(E::BelowRetention { missing: 2, .. })
        ));
        let gone = Seen {
            held: held(22, 30),
            ..seen(25)
        };
        assert!(matches!(
            gone.judge(),
            Err(E::RangeGone { ledger_end: 20, .. })
        ));
    }

    #[test]
    fn a_ledger_that_is_behind_is_filled_first() {
        let behind = Fit::LedgerBehind(NextOffset(20));
        assert_eq!(seen(25).judge().unwrap(), behind);
        assert_eq!(begun(25, 28, 1).judge().unwrap(), behind);
        let without = Seen {
            ledger: None,
            ..seen(5)
        };
        assert_eq!(without.judge().unwrap(), Fit::LedgerBehind(NextOffset(0)));
    }
}
