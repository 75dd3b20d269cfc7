//! The consumer: reads the log and writes blocks of classified facts, exactly once.
//!
//! The steps of a record, each in the file of its name:
//!
//! ```text
//! poll ──> classify ──> draft (with recent) ──> mark (intent) ──> write ──> mark (done)
//! ```
//!
//! A *draft* collects the records of one partition. Before a draft is written, the *intent* to
//! write it is committed to Kafka: the unchanged offset, with offset metadata that names the block.
//! Then the block is inserted under a token made of stream, partition and offset range. Then the
//! end of the block is committed. After a crash, the next owner of the partition finds the intent
//! and reads exactly the same records again. It inserts them under the same token, which
//! ClickHouse counts once.
//!
//! **Only the polling thread commits, and only for partitions it owns.**
//! **A block is one range of one partition; its token never changes.**
//! **Every record read ends in exactly one of stored, duplicate, rejected, quarantined, report,
//! or erased by order.**

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
mod settle;
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
pub use settle::{Settled, settle_doubts};
pub use standstill::{Cause, Standstill};
pub use watch::Watchman;
