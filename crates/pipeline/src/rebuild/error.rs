use affluenza_bus::BusError;
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
        "facts are sure to be there from {kept_from} on only: what is older stays in the aggregates as it is, and cannot be made anew"
    )]
    BeyondRetention {
        /// First month whose facts are kept, as `YYYYMM`.
        kept_from: u32,
    },
    /// Another rebuild is unfinished.
    #[error(
        "rebuild {id} is unfinished: `{command}` goes on with it, and --abandon gives it up first"
    )]
    Unfinished {
        /// Id of the other rebuild.
        id: String,
        /// Command that resumes the other rebuild.
        command: String,
    },
    /// Another process is running the rebuild.
    #[error("rebuild {id} is being done by process {owner}: wait until it ends")]
    Running {
        /// Id of the rebuild.
        id: String,
        /// Host, process id and start of the process.
        owner: String,
    },
    /// The rebuild was begun on another host.
    #[error(
        "rebuild {id} was begun on another host, by process {owner}: go on there, or, if that one has ended, give it up with --abandon"
    )]
    Elsewhere {
        /// Id of the rebuild.
        id: String,
        /// Host, process id and start of the process.
        owner: String,
    },
    /// Register or rules have changed since the rebuild began.
    #[error(
        "rebuild {id} began with rules {begun}, but they are {now} now: go on with the register of then, or give it up with --abandon"
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
        "{blocks} place(s) where the facts are not what the ledger says, the first in partition {partition} at offset {offset}: mend them with `affluenza audit --repair`, and try again"
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
        "month {month}: what was made anew is not what the facts give, at {attempts} attempts; nothing of it was put in place, see `affluenza audit`"
    )]
    NotWhole {
        /// Month, as `YYYYMM`.
        month: u32,
        /// Number of attempts.
        attempts: u32,
    },
    /// The rebuild was interrupted and can be resumed.
    #[error("{cause}; the same command goes on with rebuild {id}, and --abandon gives it up")]
    Interrupted {
        /// Id of the rebuild.
        id: String,
        /// Root cause.
        cause: Box<RebuildError>,
    },
    /// Another process abandoned the rebuild or took it over.
    #[error("rebuild {id} was given up by another process")]
    GivenUp {
        /// Id of the rebuild.
        id: String,
    },
}
