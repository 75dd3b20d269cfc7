use affluenza_bus::{BusError, Partition};
use affluenza_store::StoreError;
use thiserror::Error;

use crate::Standstill;

/// What stops the consumer. Bad records never do.
#[derive(Debug, Error)]
pub enum PipelineError {
    /// Kafka.
    #[error(transparent)]
    Bus(#[from] BusError),
    /// ClickHouse.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The topic was created anew under its old name.
    #[error(
        "partition {partition}: the offsets of the group belong to stream {committed}, but the topic is now {found}: the topic was created again, or its log was put back; if that is meant, `affluenza accept log --reason TEXT`, with all consumers stopped, has it read from its beginning"
    )]
    OtherStream {
        /// Which partition.
        partition: Partition,
        /// Stream in the committed metadata.
        committed: String,
        /// Stream of the topic.
        found: String,
    },
    /// ClickHouse holds the records of another log.
    #[error(
        "the topic is stream {found}, but ClickHouse holds only records of {known}: the topic was created anew, or this is another cluster; if that is meant, run `affluenza consume --accept-new-stream` once"
    )]
    NewStream {
        /// Stream of the topic.
        found: String,
        /// Streams in the ledger.
        known: String,
    },
    /// The committed metadata is not ours.
    #[error(
        "partition {partition}: the committed offset carries metadata of another program ({metadata:?}): give this consumer a group of its own"
    )]
    ForeignMetadata {
        /// Which partition.
        partition: Partition,
        /// What it says.
        metadata: String,
    },
    /// The group forgot its offset, while ClickHouse holds records of the partition.
    #[error(
        "partition {partition}: the group has no offset, but the ledger reaches to {ledger_end}: the offsets expired or were deleted; with all consumers stopped, `affluenza accept place --partition {partition} --reason TEXT` sets the group to the ledger's end"
    )]
    OffsetsGone {
        /// Which partition.
        partition: Partition,
        /// Where the ledger ends.
        ledger_end: u64,
    },
    /// The group stands before the end of the ledger.
    #[error(
        "partition {partition}: the group stands at {next}, but the ledger reaches to {ledger_end}: the group's offset was set back, and reading on would count records twice; with all consumers stopped, `affluenza accept place --partition {partition} --reason TEXT` sets the group to {ledger_end}"
    )]
    PlaceBehind {
        /// Which partition.
        partition: Partition,
        /// Where the group stands.
        next: i64,
        /// Where the ledger ends.
        ledger_end: i64,
    },
    /// Records between the ledger's end and the group's place are gone.
    #[error(
        "partition {partition}: the group stands at {next}, but the ledger reaches only to {ledger_end}, and the log begins at {low}: what lies between cannot be read again; restore a newer backup, or accept the loss with all consumers stopped: `affluenza accept loss --partition {partition} --from {ledger_end} --to {to} --reason TEXT`",
        to = low.min(next)
    )]
    RangeGone {
        /// Which partition.
        partition: Partition,
        /// Where the ledger ends.
        ledger_end: i64,
        /// Where the group stands.
        next: i64,
        /// Where the log begins.
        low: i64,
    },
    /// The ledger ends before the group's place and could not be filled.
    #[error(
        "partition {partition}: the group stands at {next}, but the ledger reaches only to {ledger_end} and could not be filled from the log: {cause}; see `affluenza audit`"
    )]
    NotFilled {
        /// Which partition.
        partition: Partition,
        /// Where the ledger ends.
        ledger_end: i64,
        /// Where the group stands.
        next: i64,
        /// Why not.
        cause: String,
    },
    /// The ledger is being filled, and the group must be told of this member meanwhile.
    #[error("partition {partition}: the ledger is filled from the log up to {reached} of {next}")]
    StillFilling {
        /// Which partition.
        partition: Partition,
        /// Where the ledger ends by now.
        reached: u64,
        /// Where the group stands.
        next: i64,
    },
    /// Facts lie beyond the ledger, and no block is on its way.
    #[error(
        "partition {partition}: {facts} facts at offsets {first} to {last} lie beyond the ledger, which reaches to {ledger_end}, and no block is on its way: reading on would count their records twice, or drop others under their token; if no consumer wrote them, remove them with all consumers stopped: `affluenza accept facts --partition {partition} --from {first} --to {end} --reason TEXT`; if the log was put back, `affluenza accept log --reason TEXT`",
        end = last + 1
    )]
    FactsBeyond {
        /// Which partition.
        partition: Partition,
        /// Where the ledger ends.
        ledger_end: i64,
        /// First of their offsets.
        first: u64,
        /// Last of their offsets.
        last: u64,
        /// How many.
        facts: u64,
    },
    /// Records were deleted before they were read.
    #[error(
        "partition {partition}: the next record to read is {next}, but the log begins at {low}: {missing} records were deleted before they were read; lengthen the topic's retention, and accept the loss with all consumers stopped: `affluenza accept loss --partition {partition} --from {next} --to {low} --reason TEXT`"
    )]
    BelowRetention {
        /// Which partition.
        partition: Partition,
        /// Where the group stands.
        next: i64,
        /// Where the log begins.
        low: i64,
        /// How many are gone, at most.
        missing: i64,
    },
    /// The log ends before the committed offset.
    #[error(
        "partition {partition}: the group stands at {next}, but the log ends at {high}, and the ledger at {ledger_end}: the group's offset was set forward, or the log was truncated; see the broker's log, and with all consumers stopped, `affluenza accept place --partition {partition} --reason TEXT` sets the group to {ledger_end}"
    )]
    Truncated {
        /// Which partition.
        partition: Partition,
        /// Where the group stands.
        next: i64,
        /// Where the log ends.
        high: i64,
        /// Where the ledger ends.
        ledger_end: i64,
    },
    /// The log ends before the ledger.
    #[error(
        "partition {partition}: the ledger reaches to {ledger_end}, but the log ends at {high}: the log was truncated, or the broker's disk was put back to an older copy; new records would have the offsets of old ones; if the records are gone for good, `affluenza accept log --reason TEXT`, with all consumers stopped, has the log read as another one"
    )]
    LogShorter {
        /// Which partition.
        partition: Partition,
        /// Where the ledger ends.
        ledger_end: i64,
        /// Where the log ends.
        high: i64,
    },
    /// The log holds other records than were read.
    #[error(
        "partition {partition}: the log holds other records at offsets {first} to {end} than those of the ledger's last block: the log was truncated and filled again, or the broker's disk was put back to an older copy; if the old records are gone for good, `affluenza accept log --reason TEXT`, with all consumers stopped, has the log read as another one"
    )]
    LogDiffers {
        /// Which partition.
        partition: Partition,
        /// First offset of the block.
        first: u64,
        /// One past its last offset.
        end: u64,
    },
    /// The topic was deleted and created again while it was being read.
    #[error(
        "the topic was stream {before} and is {now}: it was created again while it was being read; nothing of the new topic was counted; if that is meant, run `affluenza consume --accept-new-stream` once"
    )]
    TopicReplaced {
        /// Stream that was read.
        before: String,
        /// Stream of the topic now.
        now: String,
    },
    /// The records of an intent are not those that were read before.
    #[error(
        "partition {partition}: the records up to {next} differ from those read before the crash: the log was truncated and filled again, or the broker's disk was put back to an older copy; if the old records are gone for good, `affluenza accept log --reason TEXT`, with all consumers stopped, has the log read as another one"
    )]
    LogChanged {
        /// Which partition.
        partition: Partition,
        /// End of the intent.
        next: i64,
    },
    /// The topic of the erasures holds something else.
    #[error(
        "topic {topic}, offset {offset}: no note of an erasure ({cause}): see kafka.erasure_topic, and who else writes there"
    )]
    ForeignNote {
        /// Which topic.
        topic: String,
        /// Where.
        offset: i64,
        /// What is wrong with it.
        cause: String,
    },
    /// A partition that no waiting gets past.
    #[error("{0}; see the operator's guide under \"a partition that does not move\"")]
    Standstill(Standstill),
    /// A worker ended without a result.
    #[error("the writer of partition {partition} ended without a result; see the log above")]
    WriterGone {
        /// Which partition.
        partition: Partition,
    },
}

impl PipelineError {
    /// Whether it is a place in the log that does not fit: a person must decide how to go on.
    pub fn is_guard(&self) -> bool {
        !matches!(
            self,
            Self::Bus(_)
                | Self::Store(_)
                | Self::Standstill(_)
                | Self::WriterGone { .. }
                | Self::ForeignNote { .. }
                | Self::StillFilling { .. }
        )
    }

    /// Whether the trouble may be over by itself.
    pub(crate) fn is_passing(&self) -> bool {
        match self {
            Self::Bus(error) => error.is_passing(),
            Self::Store(error) => error.is_passing(),
            Self::StillFilling { .. } => true,
            _ => false,
        }
    }
}
