use affluenza_kafka::{BusError, Partition};
use affluenza_store::StoreError;
use thiserror::Error;

use crate::Standstill;

/// Error that stops the consumer. Bad records never stop it.
#[derive(Debug, Error)]
pub enum PipelineError {
    /// Error of Kafka.
    #[error(transparent)]
    Bus(#[from] BusError),
    /// Error of ClickHouse.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The committed offset belongs to another stream: the topic was created again, or its log was
    /// restored.
    #[error(
        "partition {partition}: the offsets of the group belong to stream {committed}, but the topic is now {found}: the topic was created again, or its log was restored to an older copy; if this is intended, `affluenza accept log --reason TEXT`, with all consumers stopped, reads it from its beginning"
    )]
    OtherStream {
        /// Partition of the offset.
        partition: Partition,
        /// Stream in the committed offset metadata.
        committed: String,
        /// Stream of the topic.
        found: String,
    },
    /// ClickHouse holds records of other logs only.
    #[error(
        "the topic is stream {found}, but ClickHouse holds only records of {known}: the topic was created again, or this is another cluster; if this is intended, run `affluenza consume --accept-new-stream` once"
    )]
    NewStream {
        /// Stream of the topic.
        found: String,
        /// Streams in the ledger.
        known: String,
    },
    /// The committed offset metadata was written by another program.
    #[error(
        "partition {partition}: the committed offset carries metadata of another program ({metadata:?}): give this consumer another group"
    )]
    ForeignMetadata {
        /// Partition of the offset.
        partition: Partition,
        /// Metadata found.
        metadata: String,
    },
    /// The group has no offset, although ClickHouse holds records of the partition.
    #[error(
        "partition {partition}: the group has no offset, but the ledger reaches to {ledger_end}: the offsets expired or were deleted; with all consumers stopped, `affluenza accept place --partition {partition} --reason TEXT` sets the group to the ledger's end"
    )]
    OffsetsGone {
        /// Partition without an offset.
        partition: Partition,
        /// End of the ledger, as the next offset.
        ledger_end: u64,
    },
    /// The group's offset lies before the end of the ledger.
    #[error(
        "partition {partition}: the group stands at {next}, but the ledger reaches to {ledger_end}: the group's offset was set back, and reading on would count records twice; with all consumers stopped, `affluenza accept place --partition {partition} --reason TEXT` sets the group to {ledger_end}"
    )]
    OffsetBehindLedger {
        /// Partition of the offset.
        partition: Partition,
        /// Committed offset of the group.
        next: i64,
        /// End of the ledger, as the next offset.
        ledger_end: i64,
    },
    /// Records between the ledger's end and the group's offset are gone from the log.
    #[error(
        "partition {partition}: the group stands at {next}, but the ledger reaches only to {ledger_end}, and the log begins at {low}: the records between cannot be read again; restore a newer backup, or accept the loss with all consumers stopped: `affluenza accept loss --partition {partition} --from {ledger_end} --to {to} --reason TEXT`",
        to = low.min(next)
    )]
    RangeGone {
        /// Partition that lost records.
        partition: Partition,
        /// End of the ledger, as the next offset.
        ledger_end: i64,
        /// Committed offset of the group.
        next: i64,
        /// First offset of the log.
        low: i64,
    },
    /// The ledger ends before the group's offset, and filling it from the log failed.
    #[error(
        "partition {partition}: the group stands at {next}, but the ledger reaches only to {ledger_end} and could not be filled from the log: {cause}; see `affluenza audit`"
    )]
    NotFilled {
        /// Partition of the ledger rows.
        partition: Partition,
        /// End of the ledger, as the next offset.
        ledger_end: i64,
        /// Committed offset of the group.
        next: i64,
        /// Root cause.
        cause: String,
    },
    /// The ledger is being filled. Filling pauses so that the consumer can rejoin and keep its
    /// membership.
    #[error("partition {partition}: the ledger is filled from the log up to {reached} of {next}")]
    StillFilling {
        /// Partition of the ledger rows.
        partition: Partition,
        /// End of the ledger so far, as the next offset.
        reached: u64,
        /// Committed offset of the group.
        next: i64,
    },
    /// Facts lie beyond the end of the ledger, and no block is being written.
    #[error(
        "partition {partition}: {facts} facts at offsets {first} to {last} lie beyond the ledger, which reaches to {ledger_end}, and no block is in flight: reading on would count their records twice, or drop others under their token; if no consumer wrote them, remove them with all consumers stopped: `affluenza accept facts --partition {partition} --from {first} --to {end} --reason TEXT`; if the log was restored to an older copy, `affluenza accept log --reason TEXT`",
        end = last + 1
    )]
    FactsBeyond {
        /// Partition of the facts.
        partition: Partition,
        /// End of the ledger, as the next offset.
        ledger_end: i64,
        /// First offset of the facts.
        first: u64,
        /// Last offset of the facts, inclusive.
        last: u64,
        /// Number of facts.
        facts: u64,
    },
    /// The retention deleted records before they were read.
    #[error(
        "partition {partition}: the next record to read is {next}, but the log begins at {low}: {missing} records were deleted before they were read; lengthen the topic's retention, and accept the loss with all consumers stopped: `affluenza accept loss --partition {partition} --from {next} --to {low} --reason TEXT`"
    )]
    BelowRetention {
        /// Partition that lost records.
        partition: Partition,
        /// Committed offset of the group.
        next: i64,
        /// First offset of the log.
        low: i64,
        /// Number of deleted offsets: an upper bound, as an offset may hold no record.
        missing: i64,
    },
    /// The log ends before the committed offset.
    #[error(
        "partition {partition}: the group stands at {next}, but the log ends at {high}, and the ledger at {ledger_end}: the group's offset was set forward, or the log was truncated; see the broker's log, and with all consumers stopped, `affluenza accept place --partition {partition} --reason TEXT` sets the group to {ledger_end}"
    )]
    Truncated {
        /// Partition of the offset.
        partition: Partition,
        /// Committed offset of the group.
        next: i64,
        /// End of the log, as the next offset.
        high: i64,
        /// End of the ledger, as the next offset.
        ledger_end: i64,
    },
    /// The log ends before the ledger does.
    #[error(
        "partition {partition}: the ledger reaches to {ledger_end}, but the log ends at {high}: the log was truncated, or the broker's disk was restored to an older copy; new records would have the offsets of old ones; if the records are gone for good, `affluenza accept log --reason TEXT`, with all consumers stopped, reads the log as a new stream"
    )]
    LogShorter {
        /// Partition of the log.
        partition: Partition,
        /// End of the ledger, as the next offset.
        ledger_end: i64,
        /// End of the log, as the next offset.
        high: i64,
    },
    /// The log holds other records than the last block of the ledger.
    #[error(
        "partition {partition}: the log holds other records at offsets {first} to {end} than those of the ledger's last block: the log was truncated and filled again, or the broker's disk was restored to an older copy; if the old records are gone for good, `affluenza accept log --reason TEXT`, with all consumers stopped, reads the log as a new stream"
    )]
    LogDiffers {
        /// Partition of the log.
        partition: Partition,
        /// First offset of the block.
        first: u64,
        /// One past the last offset of the block.
        end: u64,
    },
    /// The topic was deleted and created again while the consumer was reading it.
    #[error(
        "the topic was stream {before} and is {now}: it was created again while it was being read; nothing of the new topic was counted; if this is intended, run `affluenza consume --accept-new-stream` once"
    )]
    TopicReplaced {
        /// Stream that was read so far.
        before: String,
        /// Stream of the topic now.
        now: String,
    },
    /// The records of an intent differ from those that were read before the crash.
    #[error(
        "partition {partition}: the records up to {next} differ from those read before the crash: the log was truncated and filled again, or the broker's disk was restored to an older copy; if the old records are gone for good, `affluenza accept log --reason TEXT`, with all consumers stopped, reads the log as a new stream"
    )]
    LogChanged {
        /// Partition of the intent.
        partition: Partition,
        /// End of the intent.
        next: i64,
    },
    /// A record in the topic of erasures is no erasure note.
    #[error(
        "topic {topic}, offset {offset}: no note of an erasure ({cause}): see kafka.erasure_topic, and who else writes there"
    )]
    ForeignNote {
        /// Name of the topic.
        topic: String,
        /// Offset of the record.
        offset: i64,
        /// Parse error of the record.
        cause: String,
    },
    /// The partition is at a standstill that no retry ends.
    #[error("{0}; see the operator's guide under \"a partition that does not move\"")]
    Standstill(Standstill),
    /// The task that wrote a block ended without a result.
    #[error("the writer of partition {partition} ended without a result; see the log above")]
    WriterGone {
        /// Partition of the block.
        partition: Partition,
    },
    /// The consumer of a rebuild ended before its last offset.
    #[error("the replaying consumer ended unexpectedly; see the log above")]
    ReplayEnded,
}

impl PipelineError {
    /// True if the consumer's position in the log does not fit, and an operator must decide how to
    /// go on.
    pub fn is_guard(&self) -> bool {
        !matches!(
            self,
            Self::Bus(_)
                | Self::Store(_)
                | Self::Standstill(_)
                | Self::WriterGone { .. }
                | Self::ReplayEnded
                | Self::ForeignNote { .. }
                | Self::StillFilling { .. }
        )
    }

    /// True if a retry may succeed.
    pub(crate) fn is_transient(&self) -> bool {
        match self {
            Self::Bus(error) => error.is_transient(),
            Self::Store(error) => error.is_transient(),
            Self::StillFilling { .. } => true,
            _ => false,
        }
    }
}
