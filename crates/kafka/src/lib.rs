#![doc = include_str!("../README.md")]

mod batches;
mod brokers;
mod cluster;
mod config;
mod courier;
mod error;
mod group;
mod inspect;
mod logging;
mod open;
mod probe;
mod reader;
mod scan;
#[cfg(feature = "tls")]
mod scram;
mod secured;
#[cfg(feature = "tls")]
mod tls;
mod topic_id;
mod wire;
mod writer;

pub use cluster::{Cluster, Replicas, StreamIdentity, Watermarks};
pub use config::Config;
pub use courier::{ConcurrentProducer, CourierLimits, Delivery, DeliveryGroup, EnqueueError};
pub use error::BusError;
pub use group::{Group, Member};
pub use inspect::{Inspector, OpenTransaction, Shown};
pub use open::OpenTransactions;
pub use probe::{Obstacle, Sight};
pub use reader::{Committed, Polled, Reader, Record, Trouble};
pub use scan::{scan, scan_range, scan_ranges, try_scan};
pub use writer::{Acknowledged, Writer};

/// Number of a partition of a topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Partition(pub i32);

impl std::fmt::Display for Partition {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// Offset of a record in its partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Offset(pub i64);

impl Offset {
    /// Returns the offset to read after this record has been processed.
    pub const fn next(self) -> NextOffset {
        NextOffset(self.0 + 1)
    }
}

/// Next offset to read: one past the last processed record. Kafka calls it the committed offset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NextOffset(pub i64);
