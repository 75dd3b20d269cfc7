//! Inconsistencies that an audit finds. A reconciliation repairs those that need no operator.

use affluenza_store::SchemaFault;
use affluenza_store::accounts::{
    BlockDifference, DayDifference, LedgerGap, StrayFacts, UnexplainedOffsets,
};
use affluenza_store::copies::Copy;
use affluenza_store::doubts::DoubtfulMonth;
use affluenza_store::hour_rows::AggregateDifference;
use affluenza_store::hours::HoursDifference;
use jiff::Timestamp;
use serde::Serialize;
use thiserror::Error;

use crate::unread::UnreadRecords;

/// Inconsistency found by an audit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Error)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum Finding {
    /// The sum of a partition's fates differs from the number of records read.
    #[error("partition {partition}: {records_read} records were read, but {fates} have a fate")]
    FatesDoNotAddUp {
        /// Partition number.
        partition: u32,
        /// Records read.
        records_read: u64,
        /// Sum of the fates.
        fates: u64,
    },
    /// Records have been unread for longer than the limit.
    #[error("partition {}, offsets {} to {}: records wait and are not read{}: {}", .0.partition, .0.offset, .0.log_next_offset, waiting(.0), .0.detail)]
    UnreadRecords(UnreadRecords),
    /// A view is missing or altered.
    #[error("{0}")]
    SchemaDiffers(SchemaFault),
    /// A topic is missing.
    #[error(
        "topic {topic} does not exist, so the next bad record stops its partition: create it, or run `affluenza migrate`"
    )]
    TopicMissing {
        /// Name of the topic.
        topic: String,
    },
    /// The ledger has no block for a range of offsets.
    #[error("partition {}: the ledger has no block for offsets {} to {}", .0.kafka_partition, .0.ends_at, .0.begins_at)]
    LedgerGap(LedgerGap),
    /// Two blocks of the ledger share offsets.
    #[error("partition {}: two blocks of the ledger share offsets {} to {}", .0.kafka_partition, .0.begins_at, .0.ends_at)]
    LedgerOverlap(LedgerGap),
    /// The group's offset lies beyond the end of the ledger.
    #[error(
        "partition {partition}: the group reads on at {committed_offset}, but the ledger ends at {ledger_next_offset}"
    )]
    CommittedBeyondLedger {
        /// Partition number.
        partition: u32,
        /// Committed offset of the group.
        committed_offset: i64,
        /// End of the ledger, as the next offset.
        ledger_next_offset: i64,
    },
    /// A block has offsets without a record, and the log does not explain them.
    #[error("partition {}, offsets {} to {}: {} offsets held no record, and there is no evidence that they are transaction markers, aborted records or compaction", .0.kafka_partition, .0.first_offset, .0.next_offset, .0.offsets())]
    OffsetsWithoutRecord(UnexplainedOffsets),
    /// The group's offset lies before the end of the ledger, and no block is being written.
    #[error(
        "partition {partition}: the group stands at {committed_offset}, but the ledger reaches to {ledger_next_offset}: reading on would count records twice"
    )]
    PlaceBehindLedger {
        /// Partition number.
        partition: u32,
        /// Committed offset of the group.
        committed_offset: i64,
        /// End of the ledger, as the next offset.
        ledger_next_offset: i64,
    },
    /// The group has no offset, although the ledger has rows.
    #[error(
        "partition {partition}: the group has no offset, but the ledger reaches to {ledger_next_offset}"
    )]
    OffsetForgotten {
        /// Partition number.
        partition: u32,
        /// End of the ledger, as the next offset.
        ledger_next_offset: i64,
    },
    /// Records were deleted before the group read them.
    #[error(
        "partition {partition}: the next record to read is {committed_offset}, but the log begins at {log_first_offset}"
    )]
    DeletedUnread {
        /// Partition number.
        partition: u32,
        /// Committed offset of the group.
        committed_offset: i64,
        /// First offset of the log.
        log_first_offset: i64,
    },
    /// The log ends before the ledger does.
    #[error(
        "partition {partition}: the ledger reaches to {ledger_next_offset}, but the log ends at {log_next_offset}: it was truncated or restored to an older copy"
    )]
    LogShorter {
        /// Partition number.
        partition: u32,
        /// End of the log, as the next offset.
        log_next_offset: i64,
        /// End of the ledger, as the next offset.
        ledger_next_offset: i64,
    },
    /// The log holds other records than the last block of the ledger.
    #[error(
        "partition {partition}: the log holds other records at offsets {first_offset} to {next_offset} than were read: it was restored to an older copy"
    )]
    LogDiffers {
        /// Partition number.
        partition: u32,
        /// First offset of the block.
        first_offset: u64,
        /// One past the last offset of the block.
        next_offset: u64,
    },
    /// A block has fewer facts than its ledger row counts.
    #[error("partition {}, offsets {} to {}: {} of {} facts are missing", .0.kafka_partition, .0.first_offset, .0.next_offset, .0.stored - .0.facts, .0.stored)]
    FactsMissing(BlockDifference),
    /// A block has more facts than its ledger row counts, or two facts of one offset.
    #[error("partition {}, offsets {} to {}: {} facts of {} offsets instead of {}", .0.kafka_partition, .0.first_offset, .0.next_offset, .0.facts, .0.offsets, .0.stored)]
    FactsTooMany(BlockDifference),
    /// Facts that no block of the ledger covers.
    #[error("partition {}, offsets {} to {}: {} facts that no block of the ledger covers", .0.kafka_partition, .0.first_offset, .0.last_offset, .0.facts)]
    FactsOutsideLedger(StrayFacts),
    /// A fact that is a copy of another fact's event.
    #[error("partition {} offset {}, {}, day {}: the same event as partition {} offset {}", .0.kafka_partition, .0.kafka_offset, .0.ente, .0.day, .0.first_partition, .0.first_offset)]
    EventStoredTwice(Copy),
    /// An hour of the aggregate differs from the facts.
    #[error("hour {}, {}: the aggregate lacks {} events, {} accesses, {} service uses and {} users of the facts", hour(.0), .0.ente, .0.events_missing, .0.accesses_missing, .0.service_uses_missing, .0.users_missing)]
    AggregateDiffers(AggregateDifference),
    /// A month whose hour rows may be incomplete or doubled, until it is compared.
    #[error(
        "month {0}: its hour rows may lack events or have some twice; a consumer or `affluenza audit --repair` compares them with the facts"
    )]
    MonthInDoubt(DoubtfulMonth),
    /// Precomputed hours of a month that count as current differ from the aggregate.
    #[error("month {:.7}, {}: its precalculated hours have {} users, or other accesses or uses; the aggregate has {} users", .0.month, .0.ente, .0.users_kept, .0.users)]
    HoursDiffer(HoursDifference),
    /// The facts of an ente's day differ in number from the ledger.
    #[error("day {}, {}: {} events were stored according to the ledger, {} are facts", .0.day, .0.ente, .0.stored, .0.facts)]
    DayDiffers(DayDifference),
    /// An erasure is recorded outside the database, but not carried out in it, as after a restore.
    #[error(
        "{ente}: erasure {id} is noted but was not applied to this database: erased events may be back"
    )]
    ErasureOpen {
        /// Id of the erasure.
        id: String,
        /// Public body whose events are to be erased.
        ente: String,
        /// First local day of the order, in days since 1970.
        first_day: u16,
        /// Last local day of the order, inclusive.
        last_day: u16,
    },
}

/// Formats the waiting time of unread records.
fn waiting(unread: &UnreadRecords) -> String {
    let seconds = unread.waiting_seconds;
    seconds.map_or(String::new(), |seconds| {
        format!(", the first for {seconds} s")
    })
}

/// Formats the hour of a difference.
fn hour(cell: &AggregateDifference) -> String {
    Timestamp::from_second(i64::from(cell.hour_start))
        .map_or_else(|_| cell.hour_start.to_string(), |hour| hour.to_string())
}

impl Finding {
    /// Returns the gap, if the finding is a gap in the ledger. `stream` is the present log.
    pub(crate) fn gap(&self, stream: &str) -> Option<LedgerGap> {
        match self {
            Self::LedgerGap(gap) => Some(gap.clone()),
            Self::CommittedBeyondLedger {
                partition,
                committed_offset,
                ledger_next_offset,
            } => Some(LedgerGap {
                stream: stream.to_owned(),
                kafka_partition: *partition,
                ends_at: ledger_next_offset.unsigned_abs(),
                begins_at: committed_offset.unsigned_abs(),
            }),
            _ => None,
        }
    }
}
