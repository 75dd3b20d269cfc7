//! Kafka: the only crate that names rdkafka.
//!
//! [`Cluster`] asks and administers, [`Reader`] reads one topic as a member of a consumer
//! group, [`Writer`] writes one topic and knows what was acknowledged, [`Courier`] does so for many
//! senders at once. Offsets carry metadata,
//! which is how the pipeline keeps its intents; what is in it is not this crate's business.

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
pub use courier::{Courier, CourierLimits, Delivery, NotTaken, Parcel};
pub use error::BusError;
pub use group::{Group, Member};
pub use inspect::{Inspector, OpenTransaction, Shown};
pub use open::OpenTransactions;
pub use probe::{Obstacle, Sight};
pub use reader::{Committed, Polled, Reader, Record, Trouble};
pub use scan::{scan, scan_range, scan_ranges, try_scan};
pub use writer::{Acknowledged, Writer};

/// A partition of a topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Partition(pub i32);

impl std::fmt::Display for Partition {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// Place of a record in its partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Offset(pub i64);

impl Offset {
    /// The offset from which to read on once this record has been dealt with.
    pub const fn next(self) -> NextOffset {
        NextOffset(self.0 + 1)
    }
}

/// Where reading goes on: one past the last record that has been dealt with. This is what
/// Kafka calls a committed offset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NextOffset(pub i64);
