use affluenza_kafka::BusError;
use affluenza_store::StoreError;
use thiserror::Error;

use crate::PipelineError;

/// Error that stops a rebuild.
#[derive(Debug, Error)]
pub enum RebuildError {
    /// Error of Kafka.
    #[error(transparent)]
    Bus(#[from] BusError),
    /// Error of ClickHouse.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Error of reading the log or of the reconciliation.
    #[error(transparent)]
    Pipeline(#[from] PipelineError),
    /// The facts of all requested months may have expired.
    #[error(
        "facts are complete only from {kept_from} on: older aggregates stay as they are and cannot be rebuilt"
    )]
    BeyondRetention {
        /// First month whose facts are kept, as `YYYYMM`.
        kept_from: u32,
    },
    /// Another rebuild is unfinished.
    #[error("rebuild {id} is unfinished: `{command}` continues it, and --abandon cancels it first")]
    Unfinished {
        /// Id of the other rebuild.
        id: String,
        /// Command that resumes the other rebuild.
        command: String,
    },
    /// Another process is running the rebuild.
    #[error("rebuild {id} is being run by process {owner}: wait until it ends")]
    Running {
        /// Id of the rebuild.
        id: String,
        /// Host, process id and start of the process.
        owner: String,
    },
    /// The rebuild was begun on another host.
    #[error(
        "rebuild {id} was begun on another host, by process {owner}: continue it there, or, if that process has ended, cancel it with --abandon"
    )]
    Elsewhere {
        /// Id of the rebuild.
        id: String,
        /// Host, process id and start of the process.
        owner: String,
    },
    /// Register or rules have changed since the rebuild began.
    #[error(
        "rebuild {id} began with rules {begun}, but they are {now} now: continue it with that earlier register, or cancel it with --abandon"
    )]
    OtherRules {
        /// Id of the rebuild.
        id: String,
        /// Version of the rules at the start.
        begun: String,
        /// Present version of the rules.
        now: String,
    },
    /// The facts differ from the ledger.
    #[error(
        "{blocks} block(s) whose facts differ from the ledger, the first in partition {partition} at offset {offset}: repair them with `affluenza audit --repair`, and try again"
    )]
    Unbalanced {
        /// Number of places that differ.
        blocks: usize,
        /// Partition of the first place.
        partition: u32,
        /// Offset of the first place.
        offset: u64,
    },
    /// A block was begun and has not been finished by a consumer.
    #[error(
        "partition {partition}: a block up to {end} was begun and is not finished: start `affluenza consume`, and try again"
    )]
    BlockPending {
        /// Partition of the block.
        partition: i32,
        /// End of the block.
        end: i64,
    },
    /// The shadow does not become complete.
    #[error(
        "month {month}: the rebuilt rows differ from the facts after {attempts} attempts; the month was not replaced; see `affluenza audit`"
    )]
    NotWhole {
        /// Month, as `YYYYMM`.
        month: u32,
        /// Number of attempts.
        attempts: u32,
    },
    /// The rebuild was interrupted and can be resumed.
    #[error("{cause}; the same command continues rebuild {id}, and --abandon cancels it")]
    Interrupted {
        /// Id of the rebuild.
        id: String,
        /// Root cause.
        cause: Box<RebuildError>,
    },
    /// Another process abandoned the rebuild or took it over.
    #[error("rebuild {id} was cancelled by another process")]
    GivenUp {
        /// Id of the rebuild.
        id: String,
    },
}
