//! The consumer: from the log to blocks of classified facts, exactly once.
//!
//! The way of a record, each step in the file of its name:
//!
//! ```text
//! poll ──> classify ──> draft (with recent) ──> mark (intent) ──> write ──> mark (done)
//! ```
//!
//! A *draft* collects the records of one partition. Before it is written, the *intent*
//! to write it is committed to Kafka: the unchanged offset, with metadata that names the block.
//! Then it is inserted under a token made of stream, partition and range, and then its end is
//! committed. Whoever owns the partition after a crash finds the intent, reads exactly the same
//! records again and inserts them under the same token, which ClickHouse counts once.
//!
//! **Only the polling thread commits, and only for partitions it owns.**
//! **A block is one range of one partition; its token never changes.**
//! **Every record read ends in exactly one of stored, duplicate, rejected, quarantined, report.**

pub mod accept;
pub mod audit;
mod classify;
mod config;
mod consumer;
pub mod copies;
mod decode;
mod draft;
pub mod erase;
pub mod erasure_notes;
mod error;
mod gaps;
mod health;
pub mod invariants;
mod mark;
mod metrics;
mod opening;
mod partition;
mod place;
mod progress;
pub mod rebuild;
mod recent;
mod reconcile;
mod remedy;
mod sequences;
mod standstill;
pub mod stream;
mod unread;
mod watch;
mod write;

pub use affluenza_store::accounts::Scope;
pub use classify::Classifier;
pub use config::Config;
pub use consumer::{Consumer, Until};
pub use error::PipelineError;
pub use progress::{Progress, Snapshot};
pub use reconcile::{Reconciled, reconcile};
pub use standstill::{Cause, Standstill};
pub use watch::Watchman;
