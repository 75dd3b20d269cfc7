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
        "partition {partition}: the offsets of the group belong to stream {committed}, but the topic is now {found}: it was created anew; if that is meant, delete the offsets of the consumer group"
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
        "partition {partition}: the group has no offset, but the ledger reaches to {ledger_end}: the offsets expired or were deleted; set them to {ledger_end} (kafka-consumer-groups --reset-offsets --to-offset {ledger_end})"
    )]
    OffsetsGone {
        /// Which partition.
        partition: Partition,
        /// Where the ledger ends.
        ledger_end: u64,
    },
    /// Records were deleted before they were read.
    #[error(
        "partition {partition}: the next record to read is {next}, but the log begins at {low}: {missing} records were deleted before they were read; lengthen the topic's retention, and set the group's offset to {low} to accept the loss"
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
        "partition {partition}: the group stands at {next}, but the log ends at {high}: the log was truncated; see the broker's log"
    )]
    Truncated {
        /// Which partition.
        partition: Partition,
        /// Where the group stands.
        next: i64,
        /// Where the log ends.
        high: i64,
    },
    /// The records of an intent are not those that were read before.
    #[error(
        "partition {partition}: the records up to {next} differ from those read before the crash: the log was changed; stop and see `affluenza audit`"
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
        )
    }

    /// Whether the trouble may be over by itself.
    pub(crate) fn is_passing(&self) -> bool {
        match self {
            Self::Bus(error) => error.is_passing(),
            Self::Store(error) => error.is_passing(),
            _ => false,
        }
    }
}
